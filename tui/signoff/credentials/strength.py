"""How many guesses a value takes, in bits: length times alphabet, and what a dictionary takes off that."""

from __future__ import annotations

import base64
import binascii
import math
import re
import string
from collections.abc import Sequence
from typing import Final

from signoff.credentials.secret import Secret

_ALPHABETS: Final = (string.digits, "0123456789abcdef", "0123456789ABCDEF")
_CLASSES: Final = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
_SYMBOLS: Final = 32

_ZXCVBN_LONGEST: Final = 72
_UUID: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE
)
_UUID_BITS: Final = {"4": 122.0, "7": 74.0}
"""By version (RFC 9562, 5.4, 5.7); the others are made of the time, of addresses and of names."""
_NO_RANDOM_UUID: Final = 14.0
_SHORTEST_TEXT: Final = 12
"""A shorter random value may decode to printable characters by chance."""

_SHORTEST_WORD: Final = 4
"""Shorter words stand in random values by chance."""


def alphabet_size(value: Secret) -> int:
    """Return from how many characters the value's seem to be drawn: an upper bound of what was in use."""
    used = set(value.reveal())
    for alphabet in _ALPHABETS:
        if used <= set(alphabet):
            return len(alphabet)
    size = sum(len(group) for group in _CLASSES if used.intersection(group))
    symbols = used.difference(*_CLASSES)
    if symbols <= set("+/=") or symbols <= set("-_="):  # base64, base64url
        return size + len(symbols - {"="})
    return size + _SYMBOLS


def _per_character(value: Secret) -> float:
    # "aaaa" and "abababab" are long and hold next to nothing: few different characters bound every place.
    different = len(set(value.reveal()))
    return min(math.log2(alphabet_size(value)), 2 * math.log2(different)) if different else 0.0


def bits(value: Secret) -> float:
    """Return length times alphabet: right for a random value, too much for one that a person chose."""
    return len(value) * _per_character(value)


def spelled_out(value: Secret) -> Secret | None:
    """Return the text of which a value is the base64 or the hexadecimal; None where it is of no text.

    What stands behind it is what an attacker guesses: ``cGFzc3dvcmQ...`` is no better than its password.
    """
    text = value.reveal().strip().removeprefix("base64:")
    for inner in (_from_hex(text), _from_base64(text)):
        plain = inner.rstrip(b"\r\n").decode("latin-1")
        if len(plain) >= _SHORTEST_TEXT and plain.isascii() and plain.isprintable():
            return Secret(plain)
    return None


def _from_hex(text: str) -> bytes:
    try:
        return binascii.unhexlify(text)
    except ValueError:
        return b""


def _from_base64(text: str) -> bytes:
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except ValueError:
        return b""


def guessing_bits(value: Secret, hints: Sequence[str] = ()) -> float:
    """Return the bits of a value that a person may have chosen.

    Where words, names (``hints``), dates, sequences and keyboard walks make up more than half of it, what
    zxcvbn counts for its first 72 characters; else ``bits``: most random values hold some such match. Of a
    text in another writing it is the text that is guessed, and of a UUID what its version makes by chance.
    """
    from zxcvbn import zxcvbn  # its dictionaries take a quarter of a second to load

    if not value:
        return 0.0
    if inner := spelled_out(value):
        return min(bits(value), guessing_bits(inner, hints))
    uuid = _UUID.fullmatch(value.reveal())
    most = _UUID_BITS.get(uuid[1], _NO_RANDOM_UUID) if uuid else math.inf
    head = value.reveal()[:_ZXCVBN_LONGEST]
    judged = zxcvbn(head, user_inputs=list(hints))
    lengths = [
        match["j"] - match["i"] + 1 for match in judged["sequence"] if match["pattern"] != "bruteforce"
    ]
    if 2 * sum(length for length in lengths if length >= _SHORTEST_WORD) <= len(head):
        return min(bits(value), most)
    rest = (len(value) - len(head)) * _per_character(value)
    return min(bits(value), most, float(judged["guesses_log10"]) * math.log2(10) + rest)

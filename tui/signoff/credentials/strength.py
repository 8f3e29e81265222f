"""How many guesses a value takes, in bits: length times alphabet, and what a dictionary takes off that."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Final

from signoff.credentials.secret import Secret

_ALPHABETS: Final = (string.digits, "0123456789abcdef", "0123456789ABCDEF")
_CLASSES: Final = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
_SYMBOLS: Final = 32

_ZXCVBN_LONGEST: Final = 72
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


def guessing_bits(value: Secret, hints: Sequence[str] = ()) -> float:
    """Return the bits of a value that a person may have chosen.

    Where words, names (``hints``), dates, sequences and keyboard walks make up more than half of it, what
    zxcvbn counts for its first 72 characters; else ``bits``: most random values hold some such match.
    """
    from zxcvbn import zxcvbn  # its dictionaries take a quarter of a second to load

    if not value:
        return 0.0
    head = value.reveal()[:_ZXCVBN_LONGEST]
    judged = zxcvbn(head, user_inputs=list(hints))
    lengths = [
        match["j"] - match["i"] + 1 for match in judged["sequence"] if match["pattern"] != "bruteforce"
    ]
    if 2 * sum(length for length in lengths if length >= _SHORTEST_WORD) <= len(head):
        return bits(value)
    rest = (len(value) - len(head)) * _per_character(value)
    return min(bits(value), float(judged["guesses_log10"]) * math.log2(10) + rest)

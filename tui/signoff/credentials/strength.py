"""How many guesses a value takes: length times alphabet, and what a dictionary takes off that."""

from __future__ import annotations

import math
import string
from typing import Final

from signoff.credentials.secret import Secret

_HEX: Final = (frozenset("0123456789abcdef"), frozenset("0123456789ABCDEF"))
_CLASSES: Final = (string.ascii_lowercase, string.ascii_uppercase, string.digits)


def alphabet_size(value: Secret) -> int:
    """Return from how many characters the value's seem to be drawn; an upper bound for a person's choice."""
    used = set(value.reveal())
    for alphabet in (frozenset(string.digits), *_HEX):
        if used <= alphabet:
            return len(alphabet)
    size = sum(len(group) for group in _CLASSES if used.intersection(group))
    symbols = used.difference(*_CLASSES)
    if symbols <= set("+/=") or symbols <= set("-_="):  # base64, base64url
        return size + min(len(symbols - {"="}), 2)
    return size + 32


def bits(value: Secret) -> float:
    """Return length times alphabet in bits, at most what that many different characters can bear."""
    text = value.reveal()
    if not text:
        return 0.0
    different = len(set(text))
    # "aaaaaaaaaaaaaaaa" is long and holds nothing: few different characters bound what a place can hold.
    per_character = min(math.log2(alphabet_size(value)), math.log2(different) * 2)
    return len(text) * per_character

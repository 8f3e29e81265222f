"""Keyed digests of secrets: whether two values are the same can be told with the key, and nothing else.

A plain hash would not do: of a weak secret it is an oracle to guess at, offline and at leisure.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Final

from signoff.credentials.secret import Secret
from signoff.message import say

KEY_BYTES: Final = 32
_SHOWN_BYTES: Final = 16  # 128 bits


class Fingerprints:
    """Makes the digests of one key, which stays on the operator's machine."""

    __slots__ = ("__key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError(say("the key of the fingerprints is too short"))
        self.__key = key

    @classmethod
    def of_this_run(cls) -> Fingerprints:
        """Return digests under a key that is forgotten with the program."""
        return cls(secrets.token_bytes(KEY_BYTES))

    def of(self, value: Secret | bytes) -> str:
        """Return the HMAC-SHA-256 (RFC 2104) of a value, cut to 128 bits, in hexadecimal digits."""
        raw = value if isinstance(value, bytes) else value.reveal().encode("utf-8", "surrogateescape")
        return hmac.digest(self.__key, raw, "sha256")[:_SHOWN_BYTES].hex()

"""SSH's wire format (RFC 4251, section 5), as far as keys and signatures need it."""

from __future__ import annotations

import base64
import binascii
import struct

from signoff.message import say


class SignatureError(ValueError):
    """A key or a signature is malformed or does not hold; the text says why, for people."""


def string(value: bytes) -> bytes:
    """Return a ``string``: its length as uint32, then its bytes."""
    return struct.pack(">I", len(value)) + value


def mpint(value: int) -> bytes:
    """Return an ``mpint``: a positive number in as few bytes as show that it is positive."""
    return string(value.to_bytes(value.bit_length() // 8 + 1, "big"))


class Reader:
    """Takes a blob apart, front to back. Raises SignatureError where it is cut short."""

    def __init__(self, blob: bytes) -> None:
        self._blob = blob
        self._at = 0

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes."""
        taken = self._blob[self._at : self._at + size]
        if len(taken) != size:
            raise SignatureError(say("the key or signature is cut short"))
        self._at += size
        return taken

    def uint32(self) -> int:
        """Return the next ``uint32``."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """Return the next ``string``."""
        return self.take(self.uint32())

    def mpint(self) -> int:
        """Return the next ``mpint``, which must be positive and without needless leading zeros."""
        raw = self.string()
        if not raw or raw[0] & 0x80 or (raw[0] == 0 and not (len(raw) > 1 and raw[1] & 0x80)):
            raise SignatureError(
                say("the key or signature holds a number that is not in its one proper form")
            )
        return int.from_bytes(raw, "big")

    def end(self) -> None:
        """Raise SignatureError unless all has been taken."""
        if self._at != len(self._blob):
            raise SignatureError(say("the key or signature has bytes after its end"))


def from_base64(text: bytes) -> bytes:
    """Return what standard base64 says; raise SignatureError unless it is in its one canonical form."""
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SignatureError(say("the base64 is malformed")) from None
    if base64.b64encode(decoded) != text:
        raise SignatureError(say("the base64 is not in its canonical form"))
    return decoded

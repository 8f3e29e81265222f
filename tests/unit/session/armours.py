"""Signatures that still look like signatures, and on which verifiers differ: ours is the strict one.

What ssh-keygen 9.2 and 10.5 do with each was tried; ``laxer`` tells where one of them accepts it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

from signoff.session.sshsig import armour
from signoff.session.wire import Reader, string

L = 2**252 + 27742317777372353535851937790883648493
"""The order of Ed25519's group (RFC 8032)."""


@dataclass(frozen=True)
class OddSignature:
    """A row of the list of disagreements: what is changed, and how."""

    row: str
    what: str
    change: Callable[[str], str]
    laxer: str = ""


def blob_of(text: str) -> bytes:
    return base64.b64decode("".join(text.splitlines()[1:-1]))


def parts_of(text: str) -> list[bytes]:
    """Return key, namespace, reserved, hash and signature."""
    reader = Reader(blob_of(text))
    reader.take(10)
    return [reader.string() for _ in range(5)]


def put_together(parts: list[bytes]) -> str:
    return armour(b"SSHSIG" + (1).to_bytes(4, "big") + b"".join(string(part) for part in parts))


def with_part(at: int, value: bytes) -> Callable[[str], str]:
    return lambda text: put_together([*parts_of(text)[:at], value, *parts_of(text)[at + 1 :]])


def malleable(text: str) -> str:
    """Return the other signature over the same bytes that anybody can make from one."""
    parts = parts_of(text)
    reader = Reader(parts[4])
    kind, raw = reader.string(), reader.string()
    shifted = (int.from_bytes(raw[32:], "little") + L).to_bytes(32, "little")
    return put_together([*parts[:4], string(kind) + string(raw[:32] + shifted)])


_OUTSIDE = "junk before BEGIN, trailing blob bytes"
_HASH = "inner hash md5 or sha1"
ODD_SIGNATURES: tuple[OddSignature, ...] = (
    OddSignature("Ed25519 S + L", "the group's order added to S", malleable, "9.2 accepts it, 10.5 does not"),
    OddSignature(
        "reserved set after signing",
        "a byte in it",
        with_part(2, b"x"),
        "9.2 and 10.5 accept it: the field is not signed",
    ),
    OddSignature("junk after END", "a line", lambda text: text + "junk\n", "9.2 and 10.5 accept it"),
    OddSignature("junk after END", "another signature", lambda text: text + text, "9.2 and 10.5 accept it"),
    OddSignature(_OUTSIDE, "a line before BEGIN", lambda text: "junk\n" + text),
    OddSignature(_OUTSIDE, "an empty line before BEGIN", lambda text: "\n" + text),
    OddSignature(_OUTSIDE, "a NUL after the blob", lambda text: armour(blob_of(text) + b"\0")),
    OddSignature(_HASH, "md5", with_part(3, b"md5")),
    OddSignature(_HASH, "sha1", with_part(3, b"sha1")),
    OddSignature(
        "CRLF armour", "every line", lambda text: text.replace("\n", "\r\n"), "10.5 accepts it, 9.2 does not"
    ),
)

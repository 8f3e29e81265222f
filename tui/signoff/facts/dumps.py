"""What a backup file is, by its first bytes and never by its name.

Sources: pg_backup_archiver.c of PostgreSQL (ReadHead), RFC 1952 (gzip), RFC 9580 (OpenPGP),
the age specification (age-encryption.org/v1), openssl-enc(1), APPNOTE.TXT of PKWARE (zip).
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal

Form = Literal["custom", "directory", "tar", "sql", "sealed", "empty", "unread"]
"""``sealed`` needs a key; ``empty`` holds nothing, whatever its packing says; ``unread`` we may not read."""

_PACKINGS = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ": "xz",
    b"BZh": "bzip2",
}
_STARTED = re.compile(rb"^-- Started on (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", re.MULTILINE)
_SQL = b"PostgreSQL database"
# Packets that are only packed, signed, or literal (RFC 9580, 5): compressed data, one-pass signature.
_OPENPGP_OPEN = frozenset({4, 8})
_LOOKED_AT = 200
"""How many unpacked bytes decide whether a text is a dump; the same number as in check.sh."""


@dataclass(frozen=True)
class Kind:
    """What a file is.

    ``encryption`` names what it is encrypted with, and is empty for a file that everybody can read.
    ``weak`` is an encryption that protects nothing. ``made`` are the moments that its own clock may mean:
    it says no zone, so that there are two where the host's zone is not UTC. ``unique`` tells that no two
    runs give the same bytes, so that two equal files are copies. ``database`` is the one it is of.
    ``roles`` tells that it holds a cluster's roles and no database.
    """

    form: Form
    packing: str = ""
    encryption: str = ""
    weak: bool = False
    made: tuple[datetime, ...] = ()
    unique: bool = False
    database: str = ""
    roles: bool = False


def recognise(head: bytes, inner: bytes, zone: tzinfo = UTC) -> Kind | None:
    """Return what a file with these first bytes is; None where it is no dump of PostgreSQL's.

    ``inner`` are the first bytes after unpacking, where it is packed. ``zone`` is the host's own.
    """
    if not head:
        return Kind("empty")
    if encryption := encrypted_with(head):
        return Kind("sealed", encryption=encryption, unique=True)
    if _openpgp_packet(_openpgp(head))[0] in _OPENPGP_OPEN:
        return Kind("sealed", "OpenPGP without encryption")
    if head.startswith(b"PK\x03\x04"):
        return _zip(head)
    packing = next((name for magic, name in _PACKINGS.items() if head.startswith(magic)), "")
    if packing and not inner:
        return Kind("empty", packing)
    return _plain(inner if packing else head, packing, _gzip_time(head), zone)


def _plain(content: bytes, packing: str, packed: tuple[datetime, ...], zone: tzinfo) -> Kind | None:
    if content.startswith(b"PGDMP"):
        made, database = _archive(content, zone)
        return Kind("custom", packing, made=made, unique=True, database=database)
    if content.startswith(b"toc.dat\x00"):
        made, database = _archive(content[512:], zone)
        return Kind("tar", packing, made=made, unique=True, database=database)
    if _SQL not in content[:_LOOKED_AT]:
        return None
    started = _STARTED.search(content)
    made = _moments(datetime.fromisoformat(started[1].decode()), zone) if started else packed
    # Since 15.14, 16.10 and 17.6 a dump begins with \restrict and a random word.
    return Kind("sql", packing, made=made, unique=bool(started) or b"\\restrict " in content)


def encrypted_with(head: bytes) -> str:
    """Return what a file is encrypted with, by its magic bytes; empty where nothing of the kind is seen."""
    if head.startswith((b"age-encryption.org/v1", b"-----BEGIN AGE ENCRYPTED FILE-----")):
        return "age"
    if head.startswith(b"Salted__"):
        return "openssl"
    return "OpenPGP" if _openpgp_encrypted(_openpgp(head)) else ""


def is_private_key(head: bytes) -> bool:
    """Tell whether a binary OpenPGP secret key begins like this; textual keys are found by grep."""
    tag, version = _openpgp_packet(head)
    return tag == 5 and version in {3, 4, 5, 6}


def _openpgp_encrypted(content: bytes) -> bool:
    """Whether the first packet holds a session key (RFC 9580, 5.1, 5.3): signing and packing hide nothing."""
    tag, version = _openpgp_packet(content)
    return (tag == 1 and version in {2, 3, 6}) or (tag == 3 and version in {4, 5, 6})


def _openpgp_packet(content: bytes) -> tuple[int, int]:
    """Return the type and the version of the first packet; zeros where there is none (RFC 9580, 4.2)."""
    if len(content) < 8 or not content[0] & 0x80:
        return 0, 0
    if content[0] & 0x40:
        tag, first = content[0] & 0x3F, content[1]
        start = 2 if first < 192 else 3 if first < 224 else 6 if first == 255 else 2
    else:
        tag, start = (content[0] & 0x3C) >> 2, 1 + (1, 2, 4, 0)[content[0] & 3]
    return tag, content[start] if start < len(content) else 0


def _openpgp(head: bytes) -> bytes:
    return _armoured(head) if head.startswith(b"-----BEGIN PGP MESSAGE-----") else head


def _armoured(head: bytes) -> bytes:
    """Return the first bytes inside ASCII armour (RFC 9580, 6.2): the text after the first empty line."""
    _, _, body = head.replace(b"\r", b"").partition(b"\n\n")
    line = body.partition(b"\n")[0].strip()
    try:
        return base64.b64decode(line[: len(line) // 4 * 4])
    except binascii.Error:
        return b""


def _zip(head: bytes) -> Kind:
    """A zip archive: bit 0 says that it is encrypted, method 99 that this is AES and not ZipCrypto."""
    flags, method = struct.unpack_from("<HH", head, 6) if len(head) >= 10 else (0, 0)
    if not flags & 1:
        return Kind("sealed", "zip")
    return Kind("sealed", "zip", encryption="zip AES" if method == 99 else "ZipCrypto", weak=method != 99)


def _gzip_time(head: bytes) -> tuple[datetime, ...]:
    """The time of the file that was packed, where gzip was given a file and not a pipe."""
    if not head.startswith(b"\x1f\x8b") or len(head) < 8:
        return ()
    (seconds,) = struct.unpack_from("<I", head, 4)
    return (datetime.fromtimestamp(seconds, UTC),) if seconds else ()


def _archive(content: bytes, zone: tzinfo) -> tuple[tuple[datetime, ...], str]:
    """Return when an archive of pg_dump was made, by its maker's clock, and of which database."""
    reader = _Reader(content)
    try:
        major, minor, _, reader.width, _, _ = content[5:11]
        reader.at = 11
        version = (major, minor)
        if version >= (1, 15):
            reader.at += 1
        elif version >= (1, 4):
            reader.integer()
        else:
            return (), ""
        second, minute, hour, day, month, year, _ = (reader.integer() for _ in range(7))
        database = reader.text()
        made = datetime(1900 + year, 1 + month, day, hour, minute, min(second, 59))  # noqa: DTZ001 - it has none
    except (IndexError, ValueError, OverflowError):
        return (), ""
    return _moments(made, zone), database


class _Reader:
    """Integers and texts as pg_dump writes them (WriteInt, WriteStr): a sign, then bytes, lowest first."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.width = 4
        self.at = 0

    def integer(self) -> int:
        end = self.at + 1 + self.width
        if end > len(self.content):
            raise IndexError
        sign, number = self.content[self.at], int.from_bytes(self.content[self.at + 1 : end], "little")
        self.at = end
        return -number if sign else number

    def text(self) -> str:
        length = max(self.integer(), 0)
        if self.at + length > len(self.content):
            raise IndexError
        found = self.content[self.at : self.at + length]
        self.at += length
        return found.decode("utf-8", "replace")


def _moments(local: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """The moments that a time without a zone may mean: in the host's zone, or in UTC as in containers."""
    return tuple(sorted({local.replace(tzinfo=zone).astimezone(UTC), local.replace(tzinfo=UTC)}))

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

Form = Literal["custom", "directory", "tar", "sql", "sealed", "empty", "unread", "key"]
"""``sealed`` needs a key; ``empty`` holds nothing, whatever its packing says; ``unread`` we may not read;
``key`` is a private key of OpenPGP's.
"""

_PACKINGS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ": "xz", b"BZh": "bzip2"}
# When, whether in summer, and how long the database's name is: each a sign and four bytes (WriteInt).
_MADE, _WIDTH = struct.Struct("<" + "xi" * 8), 4
_STARTED = re.compile(rb"^-- Started on (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", re.MULTILINE)
_SQL = b"PostgreSQL database"
# Type and version of a first packet (RFC 9580, 5) that holds a session key; packing and signing hide nothing.
_OPENPGP_ENCRYPTED = frozenset({(1, 2), (1, 3), (1, 6), (3, 4), (3, 5), (3, 6)})
_OPENPGP_KEYS = frozenset({(5, 3), (5, 4), (5, 5), (5, 6)})
_OPENPGP_PACKED, _OPENPGP_SIGNED = 8, 4
_LOOKED_AT = 200
"""How many unpacked bytes decide whether a text is a dump."""


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

    def __str__(self) -> str:
        if self.form == "sealed":
            return self.encryption or self.packing
        return " ".join(filter(None, ("plain", self.packing, self.form)))


def recognise(head: bytes, inner: bytes, zone: tzinfo = UTC) -> Kind | None:
    """Return what a file with these first bytes is; None where it is neither a dump of
    PostgreSQL's nor a key.

    ``inner`` are the first bytes after unpacking, where it is packed. ``zone`` is the host's own.
    """
    if not head:
        return Kind("empty")
    if encryption := encrypted_with(head):
        return Kind("sealed", encryption=encryption, unique=True)
    if _openpgp(head) in _OPENPGP_KEYS:
        return Kind("key")
    if _openpgp(head)[0] in {_OPENPGP_PACKED, _OPENPGP_SIGNED}:
        return Kind("sealed", "OpenPGP without encryption")
    if head.startswith(b"PK\x03\x04"):
        return _zip(head)
    packing = next((name for magic, name in _PACKINGS.items() if head.startswith(magic)), "")
    if packing and not inner:
        return Kind("empty", packing)
    content = inner if packing else head
    if content.startswith((b"PGDMP", b"toc.dat\x00")):
        form: Form = "custom" if content.startswith(b"PGDMP") else "tar"
        made, database = _archive(content if form == "custom" else content[512:], zone)
        return Kind(form, packing, made=made, unique=True, database=database)
    if _SQL not in content[:_LOOKED_AT]:
        return None
    started = _STARTED.search(content)
    made = _moments(datetime.fromisoformat(started[1].decode()), zone) if started else _gzip_time(head)
    # Since 15.14, 16.10 and 17.6 a dump begins with \restrict and a random word.
    return Kind("sql", packing, made=made, unique=bool(started) or b"\\restrict " in content)


def encrypted_with(head: bytes) -> str:
    """Return what a file is encrypted with, by its magic bytes; empty where nothing of the kind is seen."""
    if head.startswith((b"age-encryption.org/v1", b"-----BEGIN AGE ENCRYPTED FILE-----")):
        return "age"
    if head.startswith(b"Salted__"):
        return "openssl"
    return "OpenPGP" if _openpgp(head) in _OPENPGP_ENCRYPTED else ""


def _openpgp(head: bytes) -> tuple[int, int]:
    """Return the type and the version of the first packet; zeros where there is none (RFC 9580, 4.2, 6.2)."""
    if head.startswith(b"-----BEGIN PGP MESSAGE-----"):
        _, _, body = head.replace(b"\r", b"").partition(b"\n\n")
        line = body.partition(b"\n")[0].strip()
        try:
            head = base64.b64decode(line[: len(line) // 4 * 4])
        except binascii.Error:
            return 0, 0
    if len(head) < 8 or not head[0] & 0x80:
        return 0, 0
    if head[0] & 0x40:
        tag, first = head[0] & 0x3F, head[1]
        start = 2 if first < 192 else 3 if first < 224 else 6 if first == 255 else 2
    else:
        tag, start = (head[0] & 0x3C) >> 2, 1 + (1, 2, 4, 0)[head[0] & 3]
    return tag, head[start]


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
    # Since 1.15 the compression is a byte, and no integer.
    start = 12 if content[5:7] >= b"\1\17" else 16
    try:
        second, minute, hour, day, month, year, _, length = _MADE.unpack_from(content, start)
        made = datetime(1900 + year, 1 + month, day, hour, minute, min(second, 59))  # noqa: DTZ001 - it has none
    except (struct.error, ValueError, OverflowError):
        return (), ""
    database = content[start + _MADE.size :][:length]
    if content[8] != _WIDTH or len(database) < length:
        return (), ""
    return _moments(made, zone), database.decode("utf-8", "replace")


def _moments(local: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """The moments that a time without a zone may mean: in the host's zone, or in UTC as in containers."""
    return tuple(sorted({local.replace(tzinfo=zone).astimezone(UTC), local.replace(tzinfo=UTC)}))

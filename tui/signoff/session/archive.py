"""A record in one file, to be handed over: written always alike, and read without trusting it."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Self

from signoff.errors import RecordError
from signoff.message import say
from signoff.session.files import open_regular, record_error
from signoff.session.line import is_session_id

MAX_SIZE: Final = 1 << 26
"""The most bytes that an archive may unpack to."""
MAX_FILES: Final = 256

_LONGEST_HEADER: Final = 4096
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}", re.ASCII)


def pack(folder: str, files: Mapping[str, bytes], moment: int) -> bytes:
    """Return a .tar.gz with ``files`` in a folder: the same bytes for the same files.

    ``moment`` (seconds since 1970) is every file's time; only their owner may read them.
    """
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in sorted(files):
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mode, member.mtime = len(files[name]), 0o600, moment
            archive.addfile(member, io.BytesIO(files[name]))
    packed = io.BytesIO()
    # Not gzip.compress: what its header says of the system depends on the version of Python.
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as file:
        file.write(plain.getvalue())
    return packed.getvalue()


class _Member(tarfile.TarInfo):
    """A member whose header is small: some Pythons take the square of its size to read a long one."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if member.type not in {tarfile.REGTYPE, tarfile.AREGTYPE} and member.size > _LONGEST_HEADER:
            raise ValueError(say("a header is far too long"))
        return member


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Give the folder of an archived record, unpacked where nobody else can look, for the time of a ``with``.

    Raises RecordError unless the archive holds plain files with plain names in one folder, and nothing else.
    """
    import tempfile

    files = _read(path)
    with tempfile.TemporaryDirectory(prefix="signoff-") as place:
        (folder,) = {name.partition("/")[0] for name in files}
        directory = Path(place) / folder
        directory.mkdir(mode=0o700)
        for name, content in files.items():
            (directory / name.partition("/")[2]).write_bytes(content)
        yield directory


def _read(path: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    try:
        with open_regular(path) as packed, gzip.open(packed) as plain:
            bounded = io.BytesIO(plain.read(MAX_SIZE + 1))
        if len(bounded.getbuffer()) > MAX_SIZE:
            raise _refused(path, say("it unpacks to more than {max_size} MiB", max_size=MAX_SIZE >> 20))
        with tarfile.open(fileobj=bounded, mode="r:", tarinfo=_Member) as archive:
            for member in archive:
                if member.isdir() and is_session_id(member.name):
                    continue
                name = _name(path, member, files)
                files[name] = _content(archive.extractfile(member))
    except (tarfile.TarError, EOFError, ValueError, RecursionError, zlib.error) as problem:
        raise _refused(
            path, say("it is not a .tar.gz archive ({name})", name=type(problem).__name__)
        ) from None
    except OSError as problem:
        if problem.errno is None:  # gzip's own
            raise _refused(path, say("it is not a .tar.gz archive")) from None
        raise record_error(problem, say("The archive could not be read"), path) from None
    if len({name.partition("/")[0] for name in files}) != 1:
        raise _refused(path, say("it does not hold the one folder of a record"))
    return files


def _name(path: Path, member: tarfile.TarInfo, files: Mapping[str, bytes]) -> str:
    folder, _, name = member.name.partition("/")
    if not member.isreg() or member.issparse():
        raise _refused(path, say("{name} in it is no plain file", name=ascii(member.name)))
    if not (is_session_id(folder) and _NAME.fullmatch(name)):
        raise _refused(path, say("{name} in it is not a file of a record's folder", name=ascii(member.name)))
    if member.name in files:
        raise _refused(path, say("{name} is in it twice", name=ascii(member.name)))
    if len(files) >= MAX_FILES:
        raise _refused(path, say("it holds more than {max_files} files", max_files=MAX_FILES))
    return member.name


def _content(file: IO[bytes] | None) -> bytes:
    return file.read() if file else b""


def _refused(path: Path, reason: str) -> RecordError:
    return RecordError(
        say("{path} cannot be taken as a record: {reason}.", path=path, reason=reason),
        say("Ask for it anew: signoff sessions export ID"),
    )

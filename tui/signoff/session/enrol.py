"""Writing in the ledger, one process at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from signoff import own_files
from signoff.durable import sync_folder, write_all
from signoff.message import say
from signoff.session.clock import read_clock
from signoff.session.files import make_folder, record_error
from signoff.session.ledger import LedgerEntry, Reading, read
from signoff.session.line import canonical, digest, timestamp
from signoff.session.lock import Lock

_WHAT = say("The ledger could not be written")
_WAIT = 10.0


class OpenLedger:
    """The ledger while this process alone may add to it."""

    def __init__(self, path: Path, descriptor: int, reading: Reading) -> None:
        self._path = path
        self._descriptor = descriptor
        self.reading = reading

    @property
    def head(self) -> str:
        """The SHA-256 of the last line."""
        return self.reading.head

    def append(self, kind: Literal["genesis", "seal", "recovered"], session: str, of: str) -> None:
        """Add a line, and return when it is on disk. Raises RecordError, the ledger being as it was."""
        reading = self.reading
        entry = LedgerEntry(
            seq=reading.lines + 1,
            prev=reading.head,
            time=timestamp(read_clock().time),
            kind=kind,
            session=session,
            digest=of,
        )
        line = canonical(msgspec.to_builtins(entry))
        try:
            try:
                write_all(self._descriptor, line, reading.size)
                os.fsync(self._descriptor)
            except OSError:
                os.ftruncate(self._descriptor, reading.size)
                raise
        except OSError as problem:
            raise record_error(problem, _WHAT, self._path) from None
        reading.entries.append(entry)
        reading.size += len(line)
        reading.digests.append(digest(line))


@contextmanager
def locked(path: Path) -> Iterator[OpenLedger]:
    """Open the ledger to add to it, alone; cut a torn last line, and say so in it. Raises RecordError."""
    make_folder(path.parent)
    with Lock(path.with_suffix(".lock"), say("The ledger"), wait=_WAIT):
        descriptor = _open(path)
        try:
            reading = read(path)
            ledger = OpenLedger(path, descriptor, reading)
            if reading.torn:
                os.ftruncate(descriptor, reading.size)
                ledger.append("recovered", "", digest(reading.torn))
            yield ledger
        except OSError as problem:
            raise record_error(problem, _WHAT, path) from None
        finally:
            os.close(descriptor)


def _open(path: Path) -> int:
    own_files.check(path)
    try:
        new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if new:
            sync_folder(path.parent)
    except OSError as problem:
        raise record_error(problem, _WHAT, path) from None
    return descriptor

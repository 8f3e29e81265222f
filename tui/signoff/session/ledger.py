"""The ledger: the chained list of all sessions on this machine, so that a missing one shows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from signoff.errors import RecordError
from signoff.session.clock import read_clock
from signoff.session.files import make_folder, open_regular, record_error, sync_folder, write_all
from signoff.session.line import LineError, canonical, digest, from_timestamp, is_session_id, timestamp
from signoff.session.lock import Lock

_WHAT = "The ledger could not be written"
_MAX_LINE = 4096
_WAIT = 10.0


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the ledger.

    genesis    a session was begun; ``digest`` is the SHA-256 of its first line
    seal       it was sealed; ``digest`` is the SHA-256 of its whole file
    recovered  a torn last line of the ledger was cut off; ``digest`` is its SHA-256, ``session`` is empty
    """

    seq: int
    prev: str
    time: str
    kind: Literal["genesis", "seal", "recovered"]
    session: str
    digest: str

    @property
    def at(self) -> datetime:
        """When the line was written, by the operator's machine's clock."""
        return from_timestamp(self.time)


@dataclass(frozen=True, slots=True)
class Damage:
    """A line that does not hold, and why, for people."""

    line: int
    reason: str


@dataclass(slots=True)
class Reading:
    """What a ledger says: the entries that can be read, and what does not hold."""

    entries: list[LedgerEntry] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    head: str = ""
    lines: int = 0
    size: int = 0
    torn: bytes = b""

    def of(self, session: str, kind: str) -> LedgerEntry | None:
        """Return the first entry of a kind for a session."""
        return next((entry for entry in self.entries if (entry.session, entry.kind) == (session, kind)), None)

    def missing(self, sessions: Path) -> list[LedgerEntry]:
        """Return the sessions that were begun and whose folder is gone."""
        begun = (entry for entry in self.entries if entry.kind == "genesis")
        return [entry for entry in begun if not (sessions / entry.session).is_dir()]


def read(path: Path) -> Reading:
    """Read a ledger; an absent one is empty. Damage is reported. Raises RecordError if it may not be read."""
    reading = Reading()
    try:
        with open_regular(path) as file:
            _read(file, reading)
    except FileNotFoundError:
        pass
    except OSError as problem:
        raise record_error(problem, "The ledger could not be read", path) from None
    return reading


def head(path: Path) -> str:
    """Return the SHA-256 of the ledger's last line, empty where there is none. Raises RecordError."""
    return read(path).head


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
        reading.lines += 1
        reading.size += len(line)
        reading.head = digest(line)


@contextmanager
def locked(path: Path) -> Iterator[OpenLedger]:
    """Open the ledger to add to it, alone; cut a torn last line, and say so in it. Raises RecordError."""
    make_folder(path.parent)
    with Lock(path.with_suffix(".lock"), "The ledger", wait=_WAIT):
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
    try:
        new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if new:
            sync_folder(path.parent)
    except OSError as problem:
        raise record_error(problem, _WHAT, path) from None
    return descriptor


def _read(file: BinaryIO, reading: Reading) -> None:
    while raw := file.readline():
        if not raw.endswith(b"\n"):
            reading.torn = raw
            reading.damage.append(Damage(reading.lines + 1, "it was not written to its end"))
            return
        number = reading.lines + 1
        try:
            entry = _decode(raw)
            reading.entries.append(entry)
            _check_place(entry, number, reading.head)
        except (LineError, RecordError) as problem:
            reading.damage.append(Damage(number, str(problem)))
        reading.lines = number
        reading.size += len(raw)
        reading.head = digest(raw)


def _decode(raw: bytes) -> LedgerEntry:
    if len(raw) > _MAX_LINE:
        raise LineError(f"it is longer than {_MAX_LINE} bytes")
    try:
        entry = msgspec.json.decode(raw, type=LedgerEntry)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise LineError("it is not a line of a ledger") from None
    from_timestamp(entry.time)
    if entry.kind != "recovered" and not is_session_id(entry.session):
        raise LineError("session is not a session's id")
    if canonical(msgspec.to_builtins(entry)) != raw:
        raise LineError("it is not written in its one canonical form")
    return entry


def _check_place(entry: LedgerEntry, number: int, before: str) -> None:
    if entry.prev != before:
        raise LineError("the line before it is not the one that it followed when it was written")
    if entry.seq != number:
        raise LineError(f"it says that it is line {entry.seq}")

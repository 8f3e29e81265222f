"""The ledger: the chained list of all sessions on this machine, so that a missing one shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from signoff.errors import RecordError
from signoff.message import reason, say
from signoff.session.files import open_regular, record_error
from signoff.session.line import LineError, canonical, digest, from_timestamp, is_session_id

_MAX_LINE = 4096


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
    digests: list[str] = field(default_factory=list)
    """The SHA-256 of each whole line, in order."""
    size: int = 0
    torn: bytes = b""

    @property
    def first(self) -> str:
        """The SHA-256 of the first line, by which a machine's ledger is known; empty where there is none."""
        return self.digests[0] if self.digests else ""

    @property
    def head(self) -> str:
        """The SHA-256 of the last line; empty where there is none."""
        return self.digests[-1] if self.digests else ""

    @property
    def lines(self) -> int:
        """How many whole lines there are."""
        return len(self.digests)

    def shared(self, other: Reading) -> int:
        """Return how many lines two ledgers have in common, from the first on."""
        pairs = zip(self.digests, other.digests, strict=False)
        return next((number for number, (a, b) in enumerate(pairs) if a != b), min(self.lines, other.lines))

    def holds(self, other: Reading) -> bool:
        """Tell whether the other ledger is this one, or this one as it was before."""
        return self.shared(other) == other.lines

    def of(self, session: str, kind: str) -> LedgerEntry | None:
        """Return the first entry of a kind for a session."""
        return next((entry for entry in self.entries if (entry.session, entry.kind) == (session, kind)), None)


def read(path: Path) -> Reading:
    """Read a ledger; an absent one is empty. Damage is reported. Raises RecordError if it may not be read."""
    reading = Reading()
    try:
        with open_regular(path) as file:
            parse(file, reading)
    except FileNotFoundError:
        pass
    except OSError as problem:
        raise record_error(problem, say("The ledger could not be read"), path) from None
    return reading


def head(path: Path) -> str:
    """Return the SHA-256 of the ledger's last line, empty where there is none. Raises RecordError."""
    return read(path).head


def parse(file: BinaryIO, reading: Reading) -> None:
    """Read a ledger's lines into ``reading``; what does not hold is its damage. Raises OSError."""
    while raw := file.readline():
        if not raw.endswith(b"\n"):
            reading.torn = raw
            reading.damage.append(Damage(reading.lines + 1, say("it was not written to its end")))
            return
        number = reading.lines + 1
        try:
            entry = _decode(raw)
            reading.entries.append(entry)
            _check_place(entry, number, reading.head)
        except (LineError, RecordError) as problem:
            reading.damage.append(Damage(number, reason(problem)))
        reading.size += len(raw)
        reading.digests.append(digest(raw))


def _decode(raw: bytes) -> LedgerEntry:
    if len(raw) > _MAX_LINE:
        raise LineError(say("it is longer than {max_line} bytes", max_line=_MAX_LINE))
    try:
        entry = msgspec.json.decode(raw, type=LedgerEntry)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise LineError(say("it is not a line of a ledger")) from None
    from_timestamp(entry.time)
    if entry.kind != "recovered" and not is_session_id(entry.session):
        raise LineError(say("session is not a session's id"))
    if canonical(msgspec.to_builtins(entry)) != raw:
        raise LineError(say("it is not written in its one canonical form"))
    return entry


def _check_place(entry: LedgerEntry, number: int, before: str) -> None:
    if entry.prev != before:
        raise LineError(say("the line before it is not the one that it followed when it was written"))
    if entry.seq != number:
        raise LineError(say("it says that it is line {seq}", seq=entry.seq))

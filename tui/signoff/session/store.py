"""The sessions on this machine: listed, found, and read without being opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from signoff import own_files, paths
from signoff.errors import RecordError
from signoff.message import say
from signoff.session.bundle import DRAFT, JOURNAL, SEAL_SIGNATURE
from signoff.session.files import open_regular, record_error
from signoff.session.line import Entry
from signoff.session.scan import BrokenError, Scan
from signoff.session.state import SessionState

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Summary:
    """A session in a list. ``damage`` says why it could not be read to its end; empty where it could.

    ``position`` is the checklist and the step it was last at; ``counts`` the steps by result.
    """

    id: str
    directory: Path
    target: str = ""
    address: str = ""
    checklists: tuple[str, ...] = ()
    mode: str = ""
    started: datetime | None = None
    last: datetime | None = None
    sealed: bool = False
    position: tuple[str, str] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    events: int = 0
    damage: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A session as it was read: its state, its entries in order, and what does not hold, if anything.

    Reading is not verifying: the chain has been checked, the signatures have not.
    """

    directory: Path
    state: SessionState
    entries: tuple[Entry, ...]
    sealed: bool
    damage: str = ""


def summaries(sessions: Path | None = None) -> list[Summary]:
    """Return all sessions, the newest first; a damaged one says why, and harms no other."""
    sessions = sessions or paths.sessions_directory()
    return [summary(directory) for directory in sorted(_directories(sessions), reverse=True)]


def summary(directory: Path) -> Summary:
    """Return one session's summary; never raises for what is in it."""
    try:
        record = read(directory)
    except RecordError as problem:
        return Summary(directory.name, directory, damage=problem.message)
    state = record.state
    genesis = state.genesis
    return Summary(
        id=directory.name,
        directory=directory,
        target=genesis.target.name if genesis else "",
        address=genesis.target.address if genesis else "",
        checklists=tuple(checklist.id for checklist in genesis.checklists) if genesis else (),
        mode=genesis.mode if genesis else "",
        started=state.started,
        last=state.last,
        sealed=record.sealed,
        position=state.position,
        counts=state.counts(),
        events=state.events,
        damage=record.damage,
    )


def find(key: str, sessions: Path | None = None) -> Path:
    """Return a session's folder by its id, a beginning that only one id has, ``latest``, or its path.

    Raises RecordError where there is none, or more than one.
    """
    sessions = sessions or paths.sessions_directory()
    names = sorted(directory.name for directory in _directories(sessions))
    if key in names:
        return sessions / key
    if key == LATEST and names:
        return sessions / names[-1]
    if key and _is_record(Path(key)):
        return Path(key)
    found = [name for name in names if key and name.startswith(key)]
    if len(found) == 1:
        return sessions / found[0]
    if found:
        raise RecordError(
            say(
                "{count} sessions begin with {key}: {found}.",
                count=len(found),
                key=ascii(key),
                found=", ".join(found[:5]),
            ),
            say("Give more of the id."),
        )
    raise RecordError(
        say("There is no session {key}.", key=ascii(key)), say("signoff sessions list shows those there are.")
    )


def read(directory: Path) -> Record:
    """Read a session up to the first line that does not hold. Raises RecordError where there is none."""
    path = directory / JOURNAL
    state, entries, damage = SessionState(), [], ""
    try:
        with open_regular(path) as file:
            try:
                for entry in Scan(strict=False).read(file):
                    state.apply(entry.event, session=entry.session, time=entry.time)
                    entries.append(entry)
            except BrokenError as broken:
                damage = say("line {line}: {reason}", line=broken.line, reason=broken.reason)
    except OSError as problem:
        raise record_error(problem, say("The record could not be read"), path) from None
    if not entries and not damage:
        damage = say("line 1: it is torn, or there is none")
    sealed = state.sealed is not None and (directory / SEAL_SIGNATURE).exists()
    return Record(directory, state, tuple(entries), sealed, damage)


def _directories(sessions: Path) -> list[Path]:
    own_files.check(sessions)
    if not sessions.is_dir():
        return []
    return [
        path
        for path in sessions.iterdir()
        if path.is_dir() and path.name.isprintable() and not path.name.startswith(DRAFT)
    ]


def _is_record(path: Path) -> bool:
    try:
        return (path / JOURNAL).exists()
    except (OSError, ValueError):  # a name that no file can have
        return False

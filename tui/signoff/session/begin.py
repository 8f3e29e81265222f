"""Beginning a session: its folder appears whole, and in the ledger, or not at all."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from signoff.durable import sync_folder, write_new
from signoff.message import say
from signoff.session.bundle import (
    DRAFT,
    GENESIS_SIGNATURE,
    JOURNAL,
    LOCK,
    RESERVE,
    SESSION_KEY,
    ledger_beside,
)
from signoff.session.enrol import OpenLedger, locked
from signoff.session.events import Genesis
from signoff.session.files import make_folder, record_error
from signoff.session.housekeeping import tidy
from signoff.session.journal import Journal, reserve
from signoff.session.key_file import save_key
from signoff.session.line import Entry, digest
from signoff.session.lock import Lock
from signoff.session.order import Order
from signoff.session.signer import KeySigner, Signer, sign
from signoff.session.sshsig import GENESIS
from signoff.session.tip import Tip

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no letter looks like a digit
_WHAT = say("The session could not be begun")


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that has just been begun: what is open, and its first entry."""

    directory: Path
    lock: Lock
    journal: Journal
    key: KeySigner
    tip: Tip
    entry: Entry


@dataclass(frozen=True, slots=True)
class _Draft:
    """A first line, signed, for the place in the ledger after ``head``."""

    head: str
    key: KeySigner
    tip: Tip
    entry: Entry
    line: bytes
    signature: str


def new_id() -> str:
    """Return a new session's id: the time, so that ids sort by it, and 40 random bits."""
    random = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{random}"


def begin(
    sessions: Path,
    signer: Signer,
    genesis: Callable[[str, str], Genesis],
    guard: Callable[[bytes], None],
    copies: Mapping[str, bytes],
) -> Begun:
    """Make a session's folder. ``genesis`` makes the event from the session's key and the ledger's head.

    It is made under another name, and put in its place once the ledger knows it. Raises RecordError, and
    leaves nothing behind; LineError where the genesis cannot be written.
    """
    make_folder(sessions.parent)
    make_folder(sessions)
    draft: _Draft | None = None
    while True:
        with locked(ledger_beside(sessions)) as book:
            if draft is not None and draft.head == book.head:
                return _place(sessions, draft, book, copies)
            tidy(sessions, book)
            head = book.head
        # The ledger is not held meanwhile: a person may be waited for, and others begin sessions too.
        draft = _draft(signer, genesis, guard, head)


def _draft(
    signer: Signer, genesis: Callable[[str, str], Genesis], guard: Callable[[bytes], None], head: str
) -> _Draft:
    session = new_id()
    key, tip = KeySigner.generate(session), Tip(session)
    entry, line = tip.add(genesis(key.key.line, head))
    Order().check(entry.event)
    guard(line)
    return _Draft(head, key, tip, entry, line, sign(signer, GENESIS, line))


def _place(sessions: Path, made: _Draft, book: OpenLedger, copies: Mapping[str, bytes]) -> Begun:
    session = made.entry.session
    draft, directory = sessions / f"{DRAFT}{session}", sessions / session
    files = {GENESIS_SIGNATURE: made.signature.encode("ascii"), JOURNAL: made.line, **copies}
    try:
        with ExitStack() as undo:
            draft.mkdir(mode=0o700)
            undo.callback(shutil.rmtree, draft, ignore_errors=True)
            lock = Lock(draft / LOCK, say("The session"))
            undo.callback(lock.close)
            _fill(draft, made.key, files)
            book.append("genesis", session, digest(made.line))
            undo.pop_all()
        draft.rename(directory)
        sync_folder(sessions)
    except OSError as problem:
        raise record_error(problem, _WHAT, directory) from None
    journal = Journal.open(directory / JOURNAL, len(made.line))
    return Begun(directory, lock, journal, made.key, made.tip, made.entry)


def _fill(draft: Path, key: KeySigner, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        write_new(draft / name, data)
    save_key(key, draft / SESSION_KEY)
    reserve(draft / RESERVE)
    sync_folder(draft)

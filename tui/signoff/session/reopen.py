"""Before a session is gone on with: does everything in its folder hold?"""

from __future__ import annotations

from pathlib import Path

from signoff.errors import RecordError
from signoff.message import listed, reason, say
from signoff.session.bundle import (
    GENESIS_SIGNATURE,
    JOURNAL,
    SESSION_KEY,
    changed_copies,
    check_genesis,
    read_signature,
)
from signoff.session.files import open_regular, record_error
from signoff.session.key_file import load_key
from signoff.session.scan import BrokenError, Scan
from signoff.session.signer import KeySigner
from signoff.session.state import SessionState
from signoff.session.wire import SignatureError


def verified(directory: Path, state: SessionState) -> Scan:
    """Verify an unsealed record to its last whole line, and fold it into ``state``. Raises RecordError."""
    path = directory / JOURNAL
    scan = Scan()
    try:
        signature = read_signature(directory / GENESIS_SIGNATURE)
        with open_regular(path) as file:
            for entry in scan.read(file):
                state.apply(entry.event, session=entry.session, time=entry.time)
        if scan.last is None:
            raise BrokenError(1, say("it is torn, or there is none"))
        check_genesis(scan, signature)
        if scan.last.session != directory.name:
            raise BrokenError(1, say("it belongs to another session"))
        changed = changed_copies(directory, scan.genesis) if scan.genesis else []
    except OSError as problem:
        raise record_error(problem, say("The session could not be opened"), path) from None
    except SignatureError as problem:
        raise _anomaly(directory, listed((GENESIS_SIGNATURE, reason(problem)), ": ")) from None
    except BrokenError as broken:
        raise _anomaly(
            directory, say("line {line}: {reason}", line=broken.line, reason=broken.reason)
        ) from None
    if changed:
        raise _anomaly(directory, say("{changed} is not the checklist that line 1 names", changed=changed[0]))
    return scan


def session_key(directory: Path, state: SessionState) -> KeySigner:
    """Return the session's own key. Raises RecordError where it is not the one that line 1 names."""
    key = load_key(directory / SESSION_KEY, directory.name)
    if state.genesis is None or key.key.line != state.genesis.session_key:
        raise _anomaly(
            directory, say("{session_key} is not the key that line 1 names", session_key=SESSION_KEY)
        )
    return key


def _anomaly(directory: Path, reason: str) -> RecordError:
    return RecordError(
        say("The record of session {name} does not hold: {reason}.", name=directory.name, reason=reason),
        say(
            "Nothing was changed. To read it: signoff sessions show {name}. Then begin a new one.",
            name=directory.name,
        ),
    )

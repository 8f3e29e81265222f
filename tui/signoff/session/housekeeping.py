"""Finishing what an interruption left half done: a beginning, or a seal."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from pathlib import Path

from signoff.durable import sync_folder
from signoff.errors import RecordError
from signoff.message import say
from signoff.session.bundle import DRAFT, JOURNAL, LOCK, RESERVE, SEAL_SIGNATURE, SESSION_KEY
from signoff.session.enrol import OpenLedger
from signoff.session.files import open_regular
from signoff.session.line import MAX_LINE, digest
from signoff.session.lock import Lock
from signoff.session.verify import verify


def tidy(sessions: Path, ledger: OpenLedger) -> None:
    """Finish or clear away what is half done in a folder of sessions. The ledger being held, no other does.

    A draft that stands in the ledger is put in its place; one that does not was never begun. A seal whose
    ledger line is missing gets it.
    """
    for draft in sessions.glob(f"{DRAFT}*"):
        _finish_draft(draft, ledger)
    for key in sessions.glob(f"*/{SESSION_KEY}"):
        directory = key.parent
        if (directory / SEAL_SIGNATURE).exists():
            with contextlib.suppress(RecordError, OSError), Lock(directory / LOCK, say("The session")):
                if verify(directory).sealed:
                    finish_seal(directory, ledger)


def finish_seal(directory: Path, ledger: OpenLedger) -> None:
    """Put a sealed session into the ledger, and remove what only an open one needs.

    Raises RecordError and OSError.
    """
    if ledger.reading.of(directory.name, "seal") is None:
        with open_regular(directory / JOURNAL) as file:
            ledger.append("seal", directory.name, hashlib.file_digest(file, "sha256").hexdigest())
    for name in (SESSION_KEY, RESERVE):
        (directory / name).unlink(missing_ok=True)
    sync_folder(directory)


def _finish_draft(draft: Path, ledger: OpenLedger) -> None:
    session = draft.name.removeprefix(DRAFT)
    begun = ledger.reading.of(session, "genesis")
    with contextlib.suppress(OSError):
        if begun is not None:
            with open_regular(draft / JOURNAL) as file:
                first = file.readline(MAX_LINE)
            if digest(first) == begun.digest:
                draft.rename(draft.with_name(session))
                sync_folder(draft.parent)
                return
    shutil.rmtree(draft, ignore_errors=True)

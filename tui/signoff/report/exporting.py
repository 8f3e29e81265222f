"""A sealed record as one archive, ready to be handed over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from signoff.checklist.model import Checklist, Language
from signoff.checklists_used import checklists_of
from signoff.durable import write_new
from signoff.errors import RecordError, UsageError
from signoff.message import say
from signoff.report.attestation import ATTESTATION
from signoff.report.handover import check_exportable, handover
from signoff.report.judging import usual_authority
from signoff.session.archive import pack
from signoff.session.bundle import LEDGER, ledger_beside
from signoff.session.files import open_regular, record_error
from signoff.session.ledger import read as read_ledger
from signoff.session.state import SessionState
from signoff.session.store import read
from signoff.session.verify import verify

Attest = Callable[[SessionState, Sequence[Checklist]], bytes]


@dataclass(frozen=True, slots=True)
class Exported:
    """An archive that was written. ``remark`` says what is not as it could be; empty where nothing."""

    path: Path
    files: int
    key: str
    remark: str = ""


def export(
    directory: Path,
    path: Path | None,
    language: Language,
    *,
    attest: Attest | None = None,
    with_ledger: bool = False,
    force: bool = False,
) -> Exported:
    """Write a sealed record into an archive; ``signoff-<id>.tar.gz``, here, where no path is given.

    Raises RecordError, and UsageError where there is a file already.
    """
    verdict = verify(directory, tsa_ca=usual_authority(directory))
    check_exportable(verdict)
    path = path or Path(f"signoff-{verdict.session}.tar.gz")
    if path.exists() and not force:
        raise UsageError(
            say("{path} is there already.", path=path),
            say("Name another file with --output, or give --force."),
        )
    state, remark = read(directory).state, ""
    try:
        checklists = [loaded.checklist for loaded in checklists_of(directory)]
    except RecordError as problem:
        if attest:
            raise
        checklists = []  # the record holds without them
        remark = say("The report has ids for titles. {message}", message=problem.message)
    more = {ATTESTATION: attest(state, checklists)} if attest else {}
    if with_ledger:
        more[LEDGER] = _ledger(ledger_beside(directory.parent), verdict.session)
    files = handover(directory, verdict, state, checklists, language, more=more)
    sealed = int(verdict.finished.timestamp()) if verdict.finished else 0
    try:
        write_new(path, pack(verdict.session, files, sealed))
    except OSError as problem:
        raise record_error(problem, say("The archive could not be written"), path) from None
    return Exported(path, len(files), verdict.key, remark)


def _ledger(path: Path, session: str) -> bytes:
    """Return the ledger up to the line that lists the session's seal: the same bytes however it goes on."""
    reading = read_ledger(path)
    seal = reading.of(session, "seal")
    if seal is None or reading.damage:
        raise RecordError(
            say("The ledger does not list the seal of {session}, or is damaged.", session=session),
            say("signoff sessions list says why."),
        )
    with open_regular(path) as file:
        return b"".join(file.readline() for _ in range(seal.seq))

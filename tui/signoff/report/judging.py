"""A verdict with everything that lies with a record: what the command line and the app show alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from signoff.checklists_used import checklists_of
from signoff.errors import RecordError
from signoff.message import say, tr
from signoff.report.attestation import ATTESTATION, judged
from signoff.report.summary import SCHEMA
from signoff.report.text import verdict_lines
from signoff.report.timeline import verdict_data
from signoff.session.bundle import TIMESTAMP
from signoff.session.stock import commands_for
from signoff.session.store import read
from signoff.session.verdict import Bearing, Status, Verdict, Witness
from signoff.session.verify import verify
from signoff.settings import load_settings


def judge(
    directory: Path,
    allowed_signers: Path | None = None,
    *,
    at: datetime | None = None,
    nonce: str | None = None,
    tsa_ca: Path | None = None,
    revoked_keys: Path | None = None,
) -> Verdict:
    """Verify a record, its time-stamp by the verifier's usual authority, and its attestation.

    Raises RecordError where there is no record, or it cannot be read, and UsageError for an odd ``at``.
    """
    verdict = verify(
        directory,
        allowed_signers,
        at=at,
        nonce=nonce,
        tsa_ca=tsa_ca or usual_authority(directory),
        revoked_keys=revoked_keys,
    )
    if verdict.sealed and (directory / ATTESTATION).exists():
        return replace(verdict, witnesses=(*verdict.witnesses, _attestation(directory)))
    return verdict


def verified_lines(directory: Path, verdict: Verdict) -> Iterator[str]:
    """Yield a verdict, and the stock commands that come to the same."""
    yield from verdict_lines(verdict)
    commands = _commands(directory, verdict)
    if commands:
        yield tr("Anyone can verify it without signoff, with your line of allowed_signers:")
    yield from (f"  {command}" for command in commands)


def verified(directory: Path, verdict: Verdict) -> dict[str, Any]:
    """Return the same as plain data (schema 1)."""
    record = {"schema": SCHEMA, "session": verdict.session, "record": str(directory)}
    return record | {"verdict": verdict_data(verdict), "commands": _commands(directory, verdict)}


def _commands(directory: Path, verdict: Verdict) -> list[str]:
    return [] if verdict.status in {Status.INVALID, Status.NEWER} else list(commands_for(directory, verdict))


def usual_authority(directory: Path) -> Path | None:
    """Return the certificates that this verifier usually trusts, where there is a time-stamp to judge."""
    return load_settings().timestamp.ca_file if (directory / TIMESTAMP).exists() else None


def _attestation(directory: Path) -> Witness:
    """Judge the attestation: it has to say what the record says."""
    try:
        checklists = [loaded.checklist for loaded in checklists_of(directory)]
        return judged(directory, read(directory).state, checklists)
    except RecordError:
        reason = say("the checklists are not here as the session used them, so that it cannot be compared")
        return Witness("attestation", ATTESTATION, Bearing.UNTRUSTED, reason=reason)

"""A verdict with everything that lies with a record: what the command line and the app show alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from signoff.checklists_used import checklists_of
from signoff.errors import RecordError
from signoff.report.attestation import ATTESTATION, judged
from signoff.session.bundle import TIMESTAMP
from signoff.session.store import read
from signoff.session.verdict import Bearing, Verdict, Witness
from signoff.session.verify import commands, verify
from signoff.session.witness import command
from signoff.settings import load_settings


def judge(
    directory: Path,
    allowed_signers: Path | None = None,
    *,
    nonce: str | None = None,
    tsa_ca: Path | None = None,
) -> Verdict:
    """Verify a record, its time-stamp by the verifier's usual authority, and its attestation.

    Raises RecordError where there is no record, or it cannot be read.
    """
    verdict = verify(directory, allowed_signers, nonce=nonce, tsa_ca=tsa_ca or usual_authority(directory))
    if verdict.sealed and (directory / ATTESTATION).exists():
        return replace(verdict, witnesses=(*verdict.witnesses, _attestation(directory)))
    return verdict


def verify_commands(shown: Path, verdict: Verdict) -> Iterator[str]:
    """Yield the commands that verify a record, and its witnesses that hold, without signoff."""
    yield from commands(shown, verdict.operator, sealed=verdict.sealed)
    held = (command(shown, one) for one in verdict.witnesses if one.bearing is Bearing.HOLDS)
    yield from filter(None, held)


def usual_authority(directory: Path) -> Path | None:
    """Return the certificates that this verifier usually trusts, where there is a time-stamp to judge."""
    return load_settings().timestamp.ca_file if (directory / TIMESTAMP).exists() else None


def _attestation(directory: Path) -> Witness:
    """Judge the attestation: it has to say what the record says."""
    try:
        checklists = [loaded.checklist for loaded in checklists_of(directory)]
        return judged(directory, read(directory).state, checklists)
    except RecordError:
        reason = "the checklists are not here as the session used them, so that it cannot be compared"
        return Witness("attestation", ATTESTATION, Bearing.UNTRUSTED, reason=reason)

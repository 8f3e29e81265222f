"""A second person signs a sealed record: they had it before them, whole, and as it is."""

from __future__ import annotations

import os
from pathlib import Path

from signoff.durable import write_new
from signoff.errors import RecordError
from signoff.message import say
from signoff.session.bundle import JOURNAL
from signoff.session.events import is_name
from signoff.session.files import open_regular, record_error
from signoff.session.signer import Signer, sign
from signoff.session.sshsig import COUNTERSIGN
from signoff.session.verdict import Bearing, Status, Verdict
from signoff.session.verify import verify
from signoff.session.witness import countersign_name
from signoff.text import one_line


def refusal(verdict: Verdict) -> str:
    """Return why a record with this verdict is not to be counter-signed; empty where it may be."""
    if verdict.status is not Status.VALID:
        return say("it is {status}", status=verdict.status.value)
    return say("{broken} does not hold", broken=verdict.broken[0]) if verdict.broken else ""


def check_second(directory: Path, verdict: Verdict, signer: Signer, name: str) -> Path:
    """Return the file for a counter-signature. Raises RecordError where this signer may not make it.

    ``name`` is what verifiers are to list the key under: a signature has none in it.
    """
    if signer.fingerprint == verdict.key:
        raise RecordError(
            say(
                "{operator} ({key}) made this record, and cannot be the second person as well.",
                operator=verdict.operator,
                key=verdict.key,
            ),
            say("Hand it to somebody else: signoff sessions export ID"),
        )
    if name == verdict.operator or not is_name(name):
        raise RecordError(
            say(
                "Under the name {name} nobody could tell you for the second person.",
                name=ascii(one_line(name)),
            ),
            say("Give one of your own, unlike the operator's, of letters, digits and . _ + @ -: --as NAME"),
        )
    path = directory / countersign_name(signer.key)
    if os.path.lexists(path):
        raise RecordError(
            say("Your key has counter-signed this record already: {name}.", name=path.name),
            say("signoff verify shows it."),
        )
    return path


def countersign(
    directory: Path,
    signer: Signer,
    allowed_signers: Path | None = None,
    *,
    name: str = "",
    tsa_ca: Path | None = None,
) -> Path:
    """Sign the exact bytes of a sealed record that the signer's own list of signers makes VALID.

    It has to be so now, or with ``tsa_ca`` as of its time-stamp (signoff.session.when). Raises RecordError,
    and leaves nothing, where it does not hold, or is the signer's own.
    """
    verdict = verify(directory, allowed_signers, tsa_ca=tsa_ca)
    if reason := refusal(verdict):
        raise RecordError(
            say("The record is not counter-signed: {reason}.", reason=reason),
            say("signoff verify shows why."),
        )
    path = check_second(directory, verdict, signer, name or signer.name)
    signer.ready()
    try:
        with open_regular(directory / JOURNAL) as file:
            armour = sign(signer, COUNTERSIGN, file.read())
        write_new(path, armour.encode("ascii"))
    except OSError as problem:
        raise record_error(problem, say("The counter-signature could not be written"), path) from None
    # Judged once more, with the signature: so it is over the very bytes that hold, whoever wrote meanwhile.
    after = verify(directory, allowed_signers, tsa_ca=tsa_ca)
    made = [one.bearing for one in after.witnesses if one.file == path.name]
    if refusal(after) or made in ([], [Bearing.BROKEN]):
        path.unlink(missing_ok=True)
        raise RecordError(say("The record changed while it was signed."), say("Verify it, then begin again."))
    return path


def allowed_line(signer: Signer, name: str = "") -> str:
    """Return the line by which a verifier trusts this person's counter-signatures, and nothing else."""
    return f'{name or signer.name} namespaces="{COUNTERSIGN}" {signer.key.line}'

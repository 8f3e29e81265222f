"""The shell commands by which anybody verifies a record without signoff: ssh-keygen and openssl, as they are.

``allowed_signers``, ``revoked_keys`` and ``tsa-ca.pem`` in them are the verifier's own files.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from shlex import quote

from signoff.session.bundle import GENESIS_SIGNATURE, JOURNAL, SEAL_SIGNATURE
from signoff.session.sshsig import COUNTERSIGN, GENESIS, RECORD
from signoff.session.verdict import Bearing, Verdict, Witness
from signoff.session.when import Judged, stamp


def commands(directory: Path, operator: str, *, sealed: bool = True, options: str = "") -> tuple[str, ...]:
    """Return the commands that verify the operator's signatures, with ``options`` for ssh-keygen."""
    name, folder = quote(operator), quote(str(directory))
    base = f"ssh-keygen -Y verify -f allowed_signers -I {name}"
    first = f"{base} -n {GENESIS}{options} -s {folder}/{GENESIS_SIGNATURE}"
    whole = f"{base} -n {RECORD}{options} -s {folder}/{SEAL_SIGNATURE} < {folder}/{JOURNAL}"
    begun = f"head -n 1 {folder}/{JOURNAL} | {first}"
    return (begun, whole) if sealed else (begun,)


def command(directory: Path, witness: Witness, options: str = "") -> str:
    """Return the command that verifies a witness; empty for an attestation, which neither tool reads.

    A time-stamp's certificates are judged as of its own time.
    """
    folder = quote(str(directory))
    signed, record = f"{folder}/{witness.file}", f"{folder}/{JOURNAL}"
    if witness.kind == "time-stamp":
        sealed = f"cat {record} {folder}/{SEAL_SIGNATURE}"
        at = f" -attime {seconds(witness.time)}" if witness.time else ""
        return f"{sealed} | openssl ts -verify -in {signed} -data /dev/stdin -CAfile tsa-ca.pem{at}"
    if witness.kind == "counter-signature":
        who = f"-f allowed_signers -I {quote(witness.who)} -n {COUNTERSIGN}{options}"
        return f"ssh-keygen -Y verify {who} -s {signed} < {record}"
    return ""


def commands_for(directory: Path, verdict: Verdict) -> Iterator[str]:
    """Yield the commands that judge as a verdict did: the signatures, and the witnesses that hold."""
    revoked = " -r revoked_keys" if verdict.revocations else ""
    at = verify_time(verdict.when.at)
    options = revoked + ("" if verdict.when.by is Judged.NOW else at)
    yield from commands(directory, verdict.operator, sealed=verdict.sealed, options=options)
    options = revoked + (at if verdict.when.by is Judged.GIVEN else "")
    held = (command(directory, one, options) for one in verdict.witnesses if one.bearing is Bearing.HOLDS)
    yield from filter(None, held)


def verify_time(at: datetime) -> str:
    """Return the option by which ssh-keygen judges a key as of a time, with a space before it."""
    return f" -Overify-time={stamp(at)}"


def seconds(at: datetime) -> int:
    """Return a time as openssl takes it."""
    return int(at.timestamp())

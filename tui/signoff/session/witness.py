"""The witnesses that lie with a sealed record: a time-stamp, and other people's counter-signatures.

A witness adds to a record that holds, and takes nothing from it. But one that is there and does not hold is
said to be so, and one that the verifier does not know is none.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from signoff.message import reason, say
from signoff.session import when as moments
from signoff.session.allowed_signers import AllowedSigners, matches
from signoff.session.bundle import SEAL_SIGNATURE, TIMESTAMP, read_signature
from signoff.session.events import OperatorRef
from signoff.session.files import open_regular
from signoff.session.keys import PublicKey
from signoff.session.line import Entry, timestamp
from signoff.session.scan import Scan
from signoff.session.sshsig import COUNTERSIGN, MAX_ARMOUR
from signoff.session.verdict import Bearing, Witness
from signoff.session.wire import SignatureError
from signoff.text import one_line, tidy

_FILE: Final = re.compile(r"countersign-[0-9a-f]{16}\.sig", re.ASCII)
_MOST: Final = 64
_CLOCKS_DIFFER: Final = timedelta(seconds=10)


def countersign_name(key: PublicKey) -> str:
    """Return the name of the file with a key's counter-signature: one a key."""
    return f"countersign-{hashlib.sha256(key.blob).hexdigest()[:16]}.sig"


def witness_files(directory: Path) -> tuple[str, ...]:
    """Return the names of the files that witness a record, the time-stamp first. Raises OSError."""
    names = sorted(path.name for path in directory.iterdir())
    return tuple(name for name in (TIMESTAMP,) if name in names) + tuple(
        name for name in names if _FILE.fullmatch(name)
    )


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges the witnesses of one sealed record that has been scanned to its end.

    Counter-signatures are judged as of the time ``at``. ``authorities`` is a file of certificates (PEM), None
    where the verifier has none.
    """

    directory: Path
    scan: Scan
    operator: OperatorRef
    trusted: AllowedSigners
    at: datetime
    authorities: Path | None

    def witnesses(self) -> Iterator[Witness]:
        """Yield what each is worth. Raises RecordError where the authorities' certificates cannot be read."""
        names = witness_files(self.directory)
        if TIMESTAMP in names or self.authorities is not None:
            yield self._time_stamp()
        for count, name in enumerate(name for name in names if name != TIMESTAMP):
            if count == _MOST:
                why = say(
                    "there are more than {most} counter-signatures: this and what follows is not read",
                    most=_MOST,
                )
                yield Witness("counter-signature", name, Bearing.BROKEN, reason=why)
                return
            yield self._counter_signature(name)

    def _time_stamp(self) -> Witness:
        from signoff.session.timestamp import MAX_TOKEN, StampError, certificates, check, check_unvouched

        authorities = certificates(self.authorities) if self.authorities else []
        try:
            digest = self._stamped()
            with open_regular(self.directory / TIMESTAMP) as file:
                answer = file.read(MAX_TOKEN + 1)
            if not authorities:
                check_unvouched(answer, digest)
                why = say("nobody vouches for it: give its authority's root certificate with --tsa-ca FILE")
                return Witness("time-stamp", TIMESTAMP, Bearing.UNTRUSTED, reason=why)
            stamp = check(answer, digest, authorities)
        except (OSError, StampError) as problem:
            return Witness("time-stamp", TIMESTAMP, Bearing.BROKEN, reason=_reason(problem))
        return Witness("time-stamp", TIMESTAMP, Bearing.HOLDS, stamp.authority, stamp.time)

    def _stamped(self) -> bytes:
        """Return the SHA-256 of what a time-stamp is over: the record, and its seal behind it."""
        digest = self.scan.sha256.copy()
        with open_regular(self.directory / SEAL_SIGNATURE) as file:
            digest.update(file.read(MAX_ARMOUR))
        return digest.digest()

    def _counter_signature(self, name: str) -> Witness:
        try:
            signature = read_signature(self.directory / name)
            if name != countersign_name(signature.key):
                raise SignatureError(say("the file is called after another key than the one that signed"))
            if signature.key.fingerprint == self.operator.key:
                raise SignatureError(say("the operator's own key made it, and that is no second person's"))
            signature.verify(COUNTERSIGN, self.scan.digest(signature.algorithm))
        except (OSError, SignatureError) as problem:
            return Witness("counter-signature", name, Bearing.BROKEN, reason=_reason(problem))
        who, refusal = second_person(self.trusted, signature.key, self.operator.name, self.at)
        bearing = Bearing.UNTRUSTED if refusal else Bearing.HOLDS
        return Witness("counter-signature", name, bearing, who or signature.key.fingerprint, reason=refusal)


def clock_remarks(witnesses: Iterable[Witness], last: Entry | None) -> Iterator[str]:
    """Yield what a time-stamp tells of the clocks: was the record stamped before it was over, or after now?

    A few seconds are no news: authorities leave out the fractions, and clocks differ.
    """
    for one in witnesses:
        if one.time and one.time - moments.present() > _CLOCKS_DIFFER:
            yield say(
                "the authority's clock is ahead of this machine's: it says {time}", time=timestamp(one.time)
            )
        if one.time and last and last.time - one.time > _CLOCKS_DIFFER:
            yield (
                say(
                    "the operator's clock was ahead: the last line says {last}, and the authority had "
                    "stamped it by {stamped}",
                    last=timestamp(last.time),
                    stamped=timestamp(one.time),
                )
            )


def second_person(trusted: AllowedSigners, key: PublicKey, operator: str, at: datetime) -> tuple[str, str]:
    """Return under which name a list knows a key, and why it is nobody's that may counter-sign, if so.

    Whoever the list also knows under the operator's name is no second person, whichever their key.
    """
    known = [entry for entry in trusted.entries if entry.key == key]
    if any(matches(entry.principals, operator) for entry in known):
        return (
            "",
            say(
                "the list of allowed signers gives its key to {operator} as well: that is no second person",
                operator=operator,
            ),
        )
    names = [name for entry in known for name in entry.principals.split(",") if not name.startswith("!")]
    refusals = {name: trusted.refusal(name, key, COUNTERSIGN, at) for name in names}
    for name, refusal in refusals.items():
        if not refusal:
            return one_line(name), ""
    unknown = say("the key {fingerprint} is not among the allowed signers", fingerprint=key.fingerprint)
    return "", tidy(next(iter(refusals.values()), unknown))


def _reason(problem: Exception) -> str:
    if isinstance(problem, FileNotFoundError):
        return say("it is not there")
    if isinstance(problem, OSError):
        return say("it cannot be read as a file: {strerror}", strerror=problem.strerror)
    return tidy(reason(problem))

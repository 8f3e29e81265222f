"""Does a record hold? Judged from nothing but the record and the verifier's own list of signers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from signoff import paths
from signoff.errors import RecordError
from signoff.message import listed, reason, say
from signoff.session import allowed_signers as signers
from signoff.session import revoked
from signoff.session.bundle import (
    GENESIS_SIGNATURE,
    JOURNAL,
    SEAL_SIGNATURE,
    changed_copies,
    check_genesis,
    has_values,
    read_signature,
)
from signoff.session.events import Kept
from signoff.session.files import open_regular, record_error
from signoff.session.ledgers import Known, to_ask
from signoff.session.line import digest
from signoff.session.scan import BrokenError, NewerError, Scan
from signoff.session.sshsig import GENESIS, RECORD, Signature
from signoff.session.standing import Claims, ask
from signoff.session.values import VALUES
from signoff.session.verdict import Standing, Status, Verdict, Witness
from signoff.session.when import When, check_not_before, claim, when
from signoff.session.wire import SignatureError
from signoff.session.witness import Judge, clock_remarks, witness_files
from signoff.text import one_line, tidy

__all__ = ["Standing", "Status", "Verdict", "verify"]


def verify(
    directory: Path,
    allowed_signers: Path | None = None,
    *,
    ledger_file: Path | None = None,
    at: datetime | None = None,
    nonce: str | None = None,
    tsa_ca: Path | None = None,
    revoked_keys: Path | None = None,
) -> Verdict:
    """Judge the record in ``directory``. Whatever it holds, the answer is a verdict and never an exception.

    Trust comes from ``allowed_signers`` alone (this machine's own list where None), less the
    ``revoked_keys``. It is judged as of the time ``at``; where None, as of the time-stamp if there is one
    that holds, or else now (signoff.session.when says why).
    With a ``ledger_file`` no other ledger is asked; without, the one beside the sessions, and all that were
    merged into this machine's state.
    ``nonce`` is the one that the record has to be bound to, None where any will do. With ``tsa_ca``, the
    certificates of the time-stamping authorities that the verifier trusts, there has to be a time-stamp.
    Raises RecordError only where there is no record, or the record or a list cannot be read, and UsageError
    only where ``at`` is still to come, or lies before the record.
    """
    if not directory.is_dir():
        raise RecordError(
            say("There is no record at {directory}.", directory=directory),
            say("signoff sessions list shows those there are."),
        )
    directory = directory.resolve()
    trusted = _trusted(allowed_signers, revoked_keys)
    examination = _Examination(directory, when(at), revocations=revoked_keys is not None)
    try:
        try:
            held = examination.hold()
        except NewerError as newer:
            return examination.verdict(
                Status.NEWER, say("{reason}; this one cannot judge it", reason=newer.reason), newer.line
            )
        check_not_before(examination.when, held.claimed)
        ledgers, at_home = to_ask(directory, ledger_file)
        examination.ask_ledgers(ledgers, at_home=at_home)
        examination.check_nonce(nonce)
        examination.ask_witnesses(trusted, tsa_ca)
    except _Invalid as invalid:
        return examination.verdict(Status.INVALID, invalid.reason, invalid.line)
    refusal = examination.refusal(trusted, held)
    if refusal:
        return examination.verdict(Status.UNTRUSTED, refusal)
    if held.seal is None:
        return examination.verdict(
            Status.UNSEALED, say("there is no seal: the session was interrupted, or its end was cut off")
        )
    return examination.verdict(Status.VALID)


def _trusted(path: Path | None, revoked_keys: Path | None) -> signers.AllowedSigners:
    own = paths.allowed_signers_file()
    if path is None and not own.exists():
        return signers.AllowedSigners((), say("this machine has no list of allowed signers yet"))
    listed = signers.read(path or own)
    return replace(listed, revoked=revoked.read(revoked_keys)) if revoked_keys else listed


class _Invalid(Exception):  # noqa: N818 - a verdict, not a failure of the program
    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


class _Held(NamedTuple):
    """The signatures of a record that holds, and when they were made by its own times.

    That is its beginning; with a seal its end, for no seal is older than the last line under it.
    """

    genesis: Signature
    seal: Signature | None
    claimed: datetime


class _Examination:
    """One look at one record: what has been found of it so far."""

    def __init__(self, directory: Path, judged: When, *, revocations: bool) -> None:
        self.when = judged
        self._directory = directory
        self._revocations = revocations
        self._scan = Scan()
        self._started: datetime | None = None
        self._key = ""
        self._covered = 0
        self._kept: set[str] = set()
        self._sealed = False
        self._standing = Standing.UNKNOWN
        self._witnesses: list[Witness] = []
        self._remarks: list[str] = []

    def verdict(self, status: Status, reason: str = "", line: int | None = None) -> Verdict:
        """Return the verdict, with all that has been found."""
        scan, last = self._scan, self._scan.last
        return Verdict(
            status=status,
            when=self.when,
            reason=reason,
            line=line,
            session=last.session if last else "",
            operator=one_line(scan.genesis.operator.name) if scan.genesis else "",
            key=self._key,
            started=self._started,
            finished=last.time if last else None,
            lines=scan.lines,
            covered=self._covered,
            sealed=self._sealed,
            ledger=self._standing,
            nonce=one_line(scan.genesis.nonce) if scan.genesis else "",
            witnesses=tuple(self._witnesses),
            remarks=tuple(self._remarks),
            revocations=self._revocations,
        )

    def hold(self) -> _Held:
        """Check everything that the record itself can prove."""
        genesis = self._signature(GENESIS_SIGNATURE)
        if genesis is None:
            raise _Invalid(
                say(
                    "{genesis_signature} is missing: nobody has signed the beginning",
                    genesis_signature=GENESIS_SIGNATURE,
                )
            )
        seal = self._signature(SEAL_SIGNATURE)
        first, last = self._walk(genesis)
        self._check_copies()
        if seal is not None:
            self._check_seal(genesis, seal)
        elif self._scan.torn:
            self._remarks.append(
                say("the last line is torn ({count} bytes): it does not count", count=len(self._scan.torn))
            )
        return _Held(genesis, seal, last if self._sealed else first)

    def ask_ledgers(self, ledgers: Sequence[Known], *, at_home: bool) -> None:
        """Find the record's standing in the ledgers. A sealed record that one contradicts is not valid."""
        scan = self._scan
        if scan.last is None or scan.genesis is None:
            return
        for one in ledgers:
            self._remarks += [
                say(
                    "{whose} is damaged at line {line}: {reason}",
                    whose=one.whose,
                    line=damage.line,
                    reason=damage.reason,
                )
                for damage in one.reading.damage[:3]
            ]
        whole = scan.sha256.hexdigest() if self._sealed else ""
        claims = Claims(scan.last.session, digest(scan.first_line), scan.genesis.ledger, whole)
        answer = ask(ledgers, claims, at_home=at_home)
        self._standing = answer.standing
        if at_home and not answer.contradiction and ledgers[0] not in answer.by:
            self._remarks.append(say("the ledger of this machine does not know the session"))
        if answer.by and not any(one.own for one in answer.by):
            self._remarks.append(say("it stands in {whose}", whose=answer.by[0].whose))
        if answer.by and self._sealed and not answer.sealed:
            self._remarks.append(say("the ledger does not know the seal yet, or its end was cut off"))
        if answer.contradiction:
            if self._sealed:
                raise _Invalid(answer.contradiction)
            self._remarks.append(answer.contradiction)

    def check_nonce(self, wanted: str | None) -> None:
        """A verifier who gave a nonce takes no record that is bound to another, or to none."""
        bound = self._scan.genesis.nonce if self._scan.genesis else ""
        if wanted is not None and bound != wanted:
            to = (
                say("the nonce {bound}, not to", bound=ascii(one_line(bound)))
                if bound
                else say("no nonce, and not to")
            )
            raise _Invalid(say("line 1 is bound to {to} {wanted}", to=to, wanted=ascii(one_line(wanted))), 1)

    def ask_witnesses(self, trusted: signers.AllowedSigners, tsa_ca: Path | None) -> None:
        """Judge the witnesses. Without a seal there is nothing whole that they could have seen."""
        genesis, now = self._scan.genesis, self.when.at
        try:
            if self._sealed and genesis:
                judge = Judge(self._directory, self._scan, genesis.operator, trusted, now, tsa_ca)
                self._witnesses = list(judge.witnesses())
                self._remarks += clock_remarks(self._witnesses, self._scan.last)
                self.when = self.when.with_stamp(
                    next((one.time for one in self._witnesses if one.time), None)
                )
            elif witness_files(self._directory):
                self._remarks.append(say("what witnesses lie with it count for nothing: there is no seal"))
        except OSError as problem:
            raise self._unreadable(problem, self._directory) from None

    def refusal(self, trusted: signers.AllowedSigners, held: _Held) -> str:
        """Return why the verifier does not trust the signatures; empty where it does."""
        now, then = (self._refusal(trusted, held, at) for at in (self.when.at, held.claimed))
        if remark := claim(now, then, held.claimed, self.when, sealed=self._sealed):
            self._remarks.append(remark)
        return now

    def _refusal(self, trusted: signers.AllowedSigners, held: _Held, at: datetime) -> str:
        name = self._scan.genesis.operator.name if self._scan.genesis else ""
        refusal = trusted.refusal(name, held.genesis.key, GENESIS, at)
        if not refusal and held.seal is not None:
            refusal = trusted.refusal(name, held.seal.key, RECORD, at)
        return tidy(refusal)

    def _walk(self, genesis: Signature) -> tuple[datetime, datetime]:
        """Read all lines, and return the times of the first and the last."""
        path, scan = self._directory / JOURNAL, self._scan
        try:
            with open_regular(path) as file:
                for entry in scan.read(file):
                    if entry.seq == 1:
                        self._begin(entry.time, genesis)
                    self._covered = max(self._covered, scan.covered)
                    if isinstance(entry.event, Kept):
                        self._kept.update(entry.event.values.values())
        except NewerError as newer:
            self._check_beginning(newer.first_line, genesis)
            raise
        except BrokenError as broken:
            raise _Invalid(broken.reason, broken.line) from None
        except OSError as problem:
            raise self._unreadable(problem, path) from None
        if scan.last is None or self._started is None:
            raise _Invalid(say("{journal} is empty, or its first line is torn", journal=JOURNAL), 1)
        self._remarks += [
            say("the clock had been set back at line {line}", line=line) for line in scan.set_back
        ]
        self._remarks += [
            say("the machine slept, or the clock was set forward, at line {n}", n=n) for n in scan.ahead
        ]
        if scan.last.session != self._directory.name:
            self._remarks.append(
                say("the folder is called {name}, unlike the session", name=one_line(self._directory.name))
            )
        return self._started, scan.last.time

    def _check_beginning(self, first_line: bytes, signature: Signature) -> None:
        """See that whoever signed it says so: else a changed number would excuse everything."""
        try:
            signature.verify_message(GENESIS, first_line)
        except SignatureError as problem:
            raise _Invalid(listed((GENESIS_SIGNATURE, reason(problem)), ": "), 1) from None
        self._key = signature.key.fingerprint

    def _begin(self, time: datetime, signature: Signature) -> None:
        self._started = time
        try:
            check_genesis(self._scan, signature)
        except SignatureError as problem:
            raise _Invalid(listed((GENESIS_SIGNATURE, reason(problem)), ": "), 1) from None
        self._key = signature.key.fingerprint
        self._covered = 1

    def _check_copies(self) -> None:
        if self._scan.genesis is None:
            return
        try:
            changed = changed_copies(self._directory, self._scan.genesis)
            whole = has_values(self._directory, self._kept)
        except OSError as problem:
            raise self._unreadable(problem, Path(problem.filename or JOURNAL)) from None
        if changed:
            raise _Invalid(say("{changed} is not the checklist that line 1 names", changed=changed[0]))
        if not whole:
            raise _Invalid(say("{values} does not hold the values that were kept", values=VALUES))

    def _check_seal(self, genesis: Signature, seal: Signature) -> None:
        scan = self._scan
        if seal.key != genesis.key:
            raise _Invalid(
                say(
                    "{seal_signature} is made by another key than {genesis_signature}",
                    seal_signature=SEAL_SIGNATURE,
                    genesis_signature=GENESIS_SIGNATURE,
                )
            )
        try:
            seal.verify(RECORD, scan.digest(seal.algorithm))
        except SignatureError as problem:
            raise _Invalid(
                say(
                    "{seal_signature}: {problem}; the record was changed after it, or cut",
                    seal_signature=SEAL_SIGNATURE,
                    problem=problem,
                )
            ) from None
        if scan.torn or not scan.order.sealed:
            raise _Invalid(
                say(
                    "there is a {seal_signature}, but the record does not say it is over",
                    seal_signature=SEAL_SIGNATURE,
                ),
                scan.lines,
            )
        if scan.order.owes_checkpoint:
            raise _Invalid(say("the checkpoint after the last decision is missing"), scan.lines)
        self._sealed = True
        self._covered = scan.lines

    def _signature(self, name: str) -> Signature | None:
        path = self._directory / name
        try:
            return read_signature(path)
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise self._unreadable(problem, path) from None
        except SignatureError as problem:
            raise _Invalid(listed((name, reason(problem)), ": ")) from None

    def _unreadable(self, problem: OSError, path: Path) -> Exception:
        """A file that we may not read proves nothing against the record; one that is missing does."""
        if isinstance(problem, FileNotFoundError):
            return _Invalid(say("{name} is missing", name=path.name))
        if isinstance(problem, PermissionError):
            return record_error(problem, say("The record could not be read"), path)
        return _Invalid(
            say(
                "{name} cannot be read as a file: {strerror}",
                name=one_line(path.name),
                strerror=problem.strerror,
            )
        )

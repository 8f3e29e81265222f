"""Does a record hold? The verdict, from nothing but the record and the verifier's own list of signers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from signoff import paths
from signoff.errors import RecordError
from signoff.session import allowed_signers as signers
from signoff.session import ledger
from signoff.session.bundle import (
    GENESIS_SIGNATURE,
    JOURNAL,
    SEAL_SIGNATURE,
    check_genesis,
    ledger_beside,
    read_signature,
)
from signoff.session.files import open_regular, record_error
from signoff.session.line import digest
from signoff.session.scan import BrokenError, Scan
from signoff.session.sshsig import GENESIS, RECORD, Signature
from signoff.session.wire import SignatureError
from signoff.text import one_line


class Status(StrEnum):
    """The verdict's word."""

    VALID = "VALID"
    """Sealed, unchanged, and signed by somebody whom the verifier trusts."""
    UNSEALED = "UNSEALED"
    """The chain and the checkpoints hold, but there is no seal: interrupted, or cut."""
    UNTRUSTED = "UNTRUSTED"
    """The signatures hold, but the verifier's list does not allow their key."""
    INVALID = "INVALID"
    """Something does not hold."""


class Standing(StrEnum):
    """What the ledger beside the sessions says of a record."""

    LISTED = "listed"
    ABSENT = "absent"
    """There is a ledger, and it does not know the session."""
    CONTRADICTS = "contradicts"
    UNKNOWN = "unknown"
    """There is no ledger beside the record: it lies on another machine, or has been exported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a record holds, and what that rests on.

    ``reason`` says why it is not valid, ``line`` the first line that does not hold (None where it is not a
    line's matter). ``covered`` lines are covered by a signature that holds; ``remarks`` are things seen that
    do not change the verdict. Text that came from the record is inert.
    """

    status: Status
    reason: str = ""
    line: int | None = None
    session: str = ""
    operator: str = ""
    key: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    lines: int = 0
    covered: int = 0
    sealed: bool = False
    ledger: Standing = Standing.UNKNOWN
    remarks: tuple[str, ...] = ()


class _Invalid(Exception):  # noqa: N818 - a verdict, not a failure of the program
    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def verify(
    directory: Path,
    allowed_signers: Path | None = None,
    *,
    ledger_file: Path | None = None,
    at: datetime | None = None,
) -> Verdict:
    """Judge the record in ``directory``. Whatever it holds, the answer is a verdict and never an exception.

    Trust comes from ``allowed_signers`` alone (this machine's own list where None), judged at the time
    ``at`` (now), as ssh-keygen does. ``ledger_file`` is the ledger beside the sessions where None.
    Raises RecordError only where there is no record, or the record or the list cannot be read.
    """
    if not directory.is_dir():
        raise RecordError(
            f"There is no record at {directory}.", "signoff sessions list shows those there are."
        )
    trusted = _trusted(allowed_signers)
    examined = _Examination(directory)
    return examined.verdict(trusted, ledger_file or ledger_beside(directory.resolve().parent), at)


def _trusted(path: Path | None) -> signers.AllowedSigners:
    own = paths.allowed_signers_file()
    if path is None and not own.exists():
        return signers.AllowedSigners((), "this machine has no list of allowed signers yet")
    return signers.read(path or own)


class _Examination:
    """One look at one record."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.remarks: list[str] = []
        self.covered = 0
        self.sealed = False
        self.started: datetime | None = None
        self.key = ""
        self.scan: Scan | None = None
        self.standing = Standing.UNKNOWN

    def verdict(self, trusted: signers.AllowedSigners, ledger_file: Path, at: datetime | None) -> Verdict:
        try:
            genesis, seal = self._hold()
            contradiction = self._ask_ledger(ledger_file)
        except _Invalid as invalid:
            return self._result(Status.INVALID, invalid.reason, invalid.line)
        if contradiction and self.sealed:
            return self._result(Status.INVALID, contradiction)
        if contradiction:
            self.remarks.append(contradiction)
        refusal = self._refusal(trusted, genesis, seal, at or datetime.now(UTC))
        if refusal:
            return self._result(Status.UNTRUSTED, refusal)
        if not self.sealed:
            return self._result(
                Status.UNSEALED, "there is no seal: the session was interrupted, or its end was cut off"
            )
        return self._result(Status.VALID)

    def _result(self, status: Status, reason: str = "", line: int | None = None) -> Verdict:
        scan = self.scan
        genesis = scan.genesis if scan else None
        last = scan.last if scan else None
        return Verdict(
            status=status,
            reason=reason,
            line=line,
            session=last.session if last else "",
            operator=one_line(genesis.operator.name) if genesis else "",
            key=self.key,
            started=self.started,
            finished=last.time if last else None,
            lines=scan.lines if scan else 0,
            covered=self.covered,
            sealed=self.sealed,
            ledger=self.standing,
            remarks=tuple(self.remarks),
        )

    def _hold(self) -> tuple[Signature, Signature | None]:
        """Check everything that the record itself can prove; return its signatures."""
        genesis = self._signature(GENESIS_SIGNATURE)
        if genesis is None:
            raise _Invalid(f"{GENESIS_SIGNATURE} is missing: nobody has signed the beginning")
        seal = self._signature(SEAL_SIGNATURE)
        self._walk(genesis)
        self._check_seal(genesis, seal)
        return genesis, seal

    def _walk(self, genesis: Signature) -> None:
        path = self.directory / JOURNAL
        try:
            with open_regular(path) as file:
                self.scan = scan = Scan(file)
                for entry in scan:
                    if entry.seq == 1:
                        self.started = entry.time
                        self._check_genesis(scan, genesis)
                        self.covered = 1
                    self.covered = max(self.covered, scan.covered)
        except BrokenError as broken:
            raise _Invalid(broken.reason, broken.line) from None
        except OSError as problem:
            raise self._unreadable(problem, path) from None
        if scan.lines == 0:
            raise _Invalid(f"{JOURNAL} is empty, or its first line is torn", 1)
        self.remarks += [f"the clock had been set back at line {line}" for line in scan.set_back]
        if scan.last and scan.last.session != self.directory.resolve().name:
            self.remarks.append(
                f"the folder is called {one_line(self.directory.resolve().name)!r}, not as the session"
            )

    def _check_genesis(self, scan: Scan, signature: Signature) -> None:
        try:
            check_genesis(scan, signature)
        except SignatureError as problem:
            raise _Invalid(f"{GENESIS_SIGNATURE}: {problem}", 1) from None
        self.key = signature.key.fingerprint

    def _check_seal(self, genesis: Signature, seal: Signature | None) -> None:
        scan = self.scan
        if scan is None:
            raise _Invalid(f"{JOURNAL} was not read")
        if seal is None:
            if scan.torn:
                self.remarks.append(f"the last line is torn ({len(scan.torn)} bytes); it does not count")
            return
        if seal.key != genesis.key:
            raise _Invalid(f"{SEAL_SIGNATURE} is made by another key than {GENESIS_SIGNATURE}")
        try:
            seal.verify(RECORD, getattr(scan, seal.algorithm).digest())
        except SignatureError as problem:
            raise _Invalid(
                f"{SEAL_SIGNATURE}: {problem}; the record was changed after the seal, or cut"
            ) from None
        if scan.torn or not scan.order.sealed:
            raise _Invalid(
                f"there is a {SEAL_SIGNATURE}, but the record itself does not say that it is over", scan.lines
            )
        self.sealed = True
        self.covered = scan.lines

    def _signature(self, name: str) -> Signature | None:
        path = self.directory / name
        try:
            return read_signature(path)
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise self._unreadable(problem, path) from None
        except SignatureError as problem:
            raise _Invalid(f"{name}: {problem}") from None

    def _unreadable(self, problem: OSError, path: Path) -> Exception:
        """A file that we may not read proves nothing; one that is missing or no file does."""
        if isinstance(problem, FileNotFoundError):
            return _Invalid(f"{path.name} is missing")
        if isinstance(problem, PermissionError):
            return record_error(problem, "The record could not be read", path)
        return _Invalid(f"{path.name} cannot be read as a file: {problem.strerror}")

    def _ask_ledger(self, path: Path) -> str:
        """Find the record's standing in the ledger; return what contradicts it."""
        scan = self.scan
        if scan is None or scan.last is None or not path.is_file():
            return ""
        reading = ledger.read(path)
        self.remarks += [
            f"the ledger is damaged at line {each.line}: {each.reason}" for each in reading.damage[:3]
        ]
        begun = reading.of(scan.last.session, "genesis")
        ended = reading.of(scan.last.session, "seal")
        self.standing = Standing.ABSENT
        if begun is None:
            self.remarks.append("the ledger of this machine does not know the session")
            return ""
        self.standing = Standing.CONTRADICTS
        slot = scan.genesis.ledger if scan.genesis else ""
        if begun.digest != digest(scan.first_line) or begun.prev != slot:
            return "the ledger knows another session under this id"
        if ended is not None and not self.sealed:
            return "the ledger knows a seal of this session: it, or the record's end, has been taken away"
        if ended is not None and ended.digest != scan.sha256.hexdigest():
            return "the ledger knows another seal of this session"
        self.standing = Standing.LISTED
        return ""

    def _refusal(
        self, trusted: signers.AllowedSigners, genesis: Signature, seal: Signature | None, at: datetime
    ) -> str:
        name = self.scan.genesis.operator.name if self.scan and self.scan.genesis else ""
        refusal = trusted.refusal(name, genesis.key, GENESIS, at)
        if not refusal and seal is not None:
            refusal = trusted.refusal(name, seal.key, RECORD, at)
        return one_line(refusal, 400)


def commands(directory: Path, operator: str, *, sealed: bool = True) -> tuple[str, ...]:
    """Return the shell commands by which anybody verifies a record with stock ssh-keygen, without signoff.

    ``allowed_signers`` in them is the verifier's own list, with the operator's line got from the operator.
    """
    from shlex import quote

    name, folder = quote(operator), quote(str(directory))
    base = f"ssh-keygen -Y verify -f allowed_signers -I {name}"
    first = f"head -n 1 {folder}/{JOURNAL} | {base} -n {GENESIS} -s {folder}/{GENESIS_SIGNATURE}"
    whole = f"{base} -n {RECORD} -s {folder}/{SEAL_SIGNATURE} < {folder}/{JOURNAL}"
    return (first, whole) if sealed else (first,)

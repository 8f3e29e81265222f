"""Walking through a record from its first line, holding each line to everything that the file can prove."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from typing import BinaryIO, Final

import msgspec

from signoff.errors import RecordError
from signoff.message import reason, say
from signoff.session.events import VERSION, Checkpoint, Genesis
from signoff.session.keys import ED25519, PublicKey
from signoff.session.line import MAX_LINE, Entry, LineError, decode, digest
from signoff.session.order import Order
from signoff.session.sshsig import CHECKPOINT, parse
from signoff.session.wire import SignatureError
from signoff.text import one_line

_NOTED: Final = 10
_SET_BACK: Final = 2.0
"""How many seconds a clock that is kept in step with others may be put back unnoticed."""
_AHEAD: Final = 60.0
"""As many forward; a machine that sleeps for longer is noticed as well: the two cannot be told apart."""


class BrokenError(Exception):
    """The record does not hold from ``line`` on; ``reason`` says why, for people."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(say("line {line}: {reason}", line=line, reason=reason))
        self.line = line
        self.reason = reason


class NewerError(BrokenError):
    """The record was made by a newer signoff: it can hold what this one does not know.

    ``first_line`` is line 1 as it is written, ``version`` the record's, ``signoff`` the program's.
    """

    def __init__(self, first_line: bytes, version: int, signoff: str) -> None:
        super().__init__(
            1,
            say(
                "it was made by a newer version, signoff {signoff} (records of version {version})",
                signoff=signoff,
                version=version,
            ),
        )
        self.first_line = first_line


class _Beginning(msgspec.Struct, tag_field="type", tag="genesis"):
    """What line 1 of a record of any version says of that."""

    version: int
    signoff: str


def _refuse_newer(raw: bytes) -> None:
    with contextlib.suppress(msgspec.DecodeError):
        found = msgspec.json.decode(raw, type=_Beginning)
        if found.version > VERSION:
            raise NewerError(raw, found.version, one_line(found.signoff, 40))


def checkpoint_text(session: str, lines: int, size: int, prefix_digest: str) -> bytes:
    """Return what a checkpoint's signature is over."""
    return f"{session} {lines} {size} {prefix_digest}\n".encode("ascii")


class Scan:
    """What one walk through a record has found. Its memory does not grow with the record.

    ``read`` raises BrokenError at the first line that does not hold: its form, its place in the chain, the
    order of events, the clock within a boot, the checkpoints' digests and their signatures. Where it is not
    ``strict`` the one form and the signatures are not looked at. Bytes after the last line feed are no line:
    they end the walk, kept as ``torn``.

    lines     the number of whole lines read, all of which hold
    size      their bytes
    head      the SHA-256 of the last one
    last      its entry
    genesis, first_line   line 1, as an event and as it is written
    covered   how many of them the last checkpoint's signature covers
    whole     the SHA-256 over the whole lines
    sha256, sha512   the hashes over everything read, the torn bytes included
    set_back  the lines at which the clock had been set back, the first few of them
    ahead     the lines at which it had gone on by more than the machine was awake, the first few
    """

    def __init__(self, *, strict: bool = True) -> None:
        self._strict = strict
        self.last: Entry | None = None
        self.genesis: Genesis | None = None
        self.first_line = b""
        self.order = Order()
        self.lines = 0
        self.size = 0
        self.head = ""
        self.torn = b""
        self.covered = 0
        self.set_back: list[int] = []
        self.ahead: list[int] = []
        self.whole = self.sha256 = hashlib.sha256()
        self.sha512 = hashlib.sha512()

    def read(self, file: BinaryIO) -> Iterator[Entry]:
        """Yield the entries of a record's file, each known to hold. Raises BrokenError, OSError."""
        while raw := file.readline(MAX_LINE + 1):
            if len(raw) > MAX_LINE:
                raise BrokenError(
                    self.lines + 1, say("it is longer than {max_line} bytes", max_line=MAX_LINE)
                )
            if not raw.endswith(b"\n"):
                self.torn = raw
                self.sha256 = self.whole.copy()
                self._hash(raw)
                return
            yield self._take(raw)

    def digest(self, algorithm: str) -> bytes:
        """Return the hash over everything read, by ``sha256`` or ``sha512``."""
        return (self.sha512 if algorithm == "sha512" else self.sha256).digest()

    def _hash(self, raw: bytes) -> None:
        self.sha256.update(raw)
        self.sha512.update(raw)

    def _take(self, raw: bytes) -> Entry:
        number = self.lines + 1
        if number == 1:
            _refuse_newer(raw)
        try:
            entry = decode(raw, strict=self._strict)
            self._check_place(entry, number)
            self.order.admit(entry.event)
            if isinstance(entry.event, Genesis):
                self._check_session_key(entry.event)
            if isinstance(entry.event, Checkpoint):
                self._check_checkpoint(entry.event, entry.session)
        except (LineError, SignatureError) as problem:
            raise BrokenError(number, reason(problem)) from None
        except RecordError as problem:
            raise BrokenError(number, problem.message) from None
        self._hash(raw)
        self.last = entry
        self.lines = number
        self.size += len(raw)
        self.head = digest(raw)
        if number == 1:
            self.first_line = raw
        return entry

    def _check_place(self, entry: Entry, number: int) -> None:
        if entry.seq != number:
            raise LineError(say("it says that it is line {seq}", seq=entry.seq))
        if entry.prev != self.head:
            raise LineError(say("the line before it is not the one that it followed when it was written"))
        before = self.last
        if before is None:
            return
        if entry.session != before.session:
            raise LineError(say("it belongs to another session"))
        if entry.boot == before.boot and entry.monotonic < before.monotonic:
            raise LineError(say("by the monotonic clock it was written before the line before it"))
        self._compare_clocks(entry, before)

    def _compare_clocks(self, entry: Entry, before: Entry) -> None:
        """Note where the clock was moved: against the monotonic one, too, which nobody can set."""
        passed = (entry.time - before.time).total_seconds()
        awake = (entry.monotonic - before.monotonic) / 1e9 if entry.boot == before.boot else passed
        if (passed < 0 or passed < awake - _SET_BACK) and len(self.set_back) < _NOTED:
            self.set_back.append(entry.seq)
        if passed > awake + _AHEAD and len(self.ahead) < _NOTED:
            self.ahead.append(entry.seq)

    def _check_session_key(self, genesis: Genesis) -> None:
        self._session_key = PublicKey.from_line(genesis.session_key)
        if self._session_key.kind != ED25519 or self._session_key.line != genesis.session_key:
            raise LineError(say("the session's key is not an Ed25519 key in its one-line form"))
        self.genesis = genesis

    def _check_checkpoint(self, checkpoint: Checkpoint, session: str) -> None:
        if (checkpoint.lines, checkpoint.size, checkpoint.digest) != (
            self.lines,
            self.size,
            self.sha256.hexdigest(),
        ):
            raise LineError(say("the checkpoint was not made over the lines before it"))
        if self._strict:
            signature = parse(checkpoint.signature)
            if signature.key != self._session_key:
                raise SignatureError(say("the checkpoint is signed by another key than the session's"))
            text = checkpoint_text(session, checkpoint.lines, checkpoint.size, checkpoint.digest)
            signature.verify_message(CHECKPOINT, text)
        self.covered = self.lines

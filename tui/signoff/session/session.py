"""A session being walked: it takes events in, and each is on disk before anybody moves on."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal

import signoff
from signoff import own_files, paths
from signoff.durable import write_new
from signoff.errors import RecordError
from signoff.message import listed, say
from signoff.session.begin import begin
from signoff.session.bundle import JOURNAL, LOCK, RESERVE, SEAL_SIGNATURE, is_copy_name, ledger_beside
from signoff.session.enrol import locked
from signoff.session.events import (
    DECISIONS,
    VERSION,
    AnyEvent,
    ChecklistRef,
    Checkpoint,
    Genesis,
    Kept,
    OperatorRef,
    Recovered,
    Sealed,
    TargetRef,
    is_name,
    of_version,
)
from signoff.session.files import record_error
from signoff.session.guard import Guard, RefusedError, checked
from signoff.session.housekeeping import finish_seal
from signoff.session.journal import Journal, release, reserve
from signoff.session.line import Entry, LineError, digest
from signoff.session.lock import Lock
from signoff.session.reopen import session_key, verified
from signoff.session.signer import KeySigner, Signer, sign
from signoff.session.sshsig import RECORD
from signoff.session.state import SessionState
from signoff.session.tip import Tip
from signoff.session.values import LONGEST, add_values, digest_of

Listener = Callable[[Entry], None]
"""Told of each entry once it is on disk, in order. It must not block: it posts a message and returns."""

_log = logging.getLogger(__name__)


class Session:
    """An open session. ``start`` begins one, ``resume`` goes on with one; thread-safe.

    Every method raises RecordError where the record cannot take what it is given; it is then as it was.
    """

    def __init__(
        self,
        directory: Path,
        lock: Lock,
        journal: Journal,
        key: KeySigner,
        tip: Tip,
        state: SessionState,
        guard: Guard,
    ) -> None:
        self.directory = directory
        self.id = directory.name
        self.state = state
        """The fold of all events so far. To be read only."""
        self._file_lock = lock
        self._journal = journal
        self._key = key
        self._tip = tip
        self._guard = guard
        self._lock = threading.RLock()
        self._listening = threading.Lock()  # one of its own: the other is held while a person is waited for
        self._listeners: list[Listener] = []
        self._closed = False

    @classmethod
    def start(
        cls,
        *,
        signer: Signer,
        target: TargetRef,
        checklists: Sequence[ChecklistRef],
        mode: Literal["walk", "audit"] = "walk",
        nonce: str = "",
        code: str = "",
        copies: Mapping[str, bytes] | None = None,
        guard: Guard | None = None,
        sessions: Path | None = None,
    ) -> Session:
        """Begin a session: line 1, signed by the operator; a key of its own; a place in the ledger.

        ``sessions`` is the folder of sessions, ``paths.sessions_directory()`` where None; the ledger lies
        beside it. ``copies`` are files to keep with the record, by name: the checklists as they were used,
        ``<id>.yaml``. ``guard`` is asked before each line is written. Raises RecordError.
        """
        if not is_name(signer.name):
            raise RecordError(
                say("{name} cannot be an operator's name.", name=ascii(signer.name)),
                say("Use letters, digits, and . _ + @ -"),
            )

        copies = copies or {}
        if wrong := [name for name in copies if not is_copy_name(name)]:
            raise RecordError(
                say("A record keeps no file called {wrong}.", wrong=ascii(wrong[0])),
                say("Call it <id>.yaml."),
            )

        def genesis(session_key: str, ledger_head: str) -> Genesis:
            return Genesis(
                version=VERSION,
                signoff=signoff.__version__,
                session_key=session_key,
                ledger=ledger_head,
                target=target,
                checklists=tuple(checklists),
                operator=OperatorRef(signer.name, signer.fingerprint),
                mode=mode,
                nonce=nonce,
                code=code,
            )

        guard = checked(guard)
        try:
            begun = begin(sessions or paths.sessions_directory(), signer, genesis, guard, copies)
        except LineError as problem:
            raise RecordError(say("The session could not be begun: {problem}.", problem=problem)) from None
        state = SessionState()
        _fold(state, begun.entry)
        return cls(begun.directory, begun.lock, begun.journal, begun.key, begun.tip, state, guard)

    @classmethod
    def resume(cls, directory: Path, *, guard: Guard | None = None) -> Session:
        """Go on with a session that was interrupted, at whichever step it was.

        Everything is verified first. A torn last line is cut off, and that is recorded; with any other
        anomaly nothing is opened or changed. Raises RecordError.
        """
        if not directory.is_dir():
            raise RecordError(
                say("There is no session at {directory}.", directory=directory),
                say("signoff sessions list shows those there are."),
            )
        directory = directory.resolve()
        own_files.check(directory / JOURNAL)
        lock = Lock(directory / LOCK, say("The session {name}", name=directory.name))
        try:
            if (directory / SEAL_SIGNATURE).exists():
                raise RecordError(
                    say("The session {name} is sealed.", name=directory.name),
                    say("Begin a new one: signoff run"),
                )
            state = SessionState()
            scan = verified(directory, state)
            key = session_key(directory, state)
            journal = Journal.open(directory / JOURNAL, scan.size)
            session = cls(directory, lock, journal, key, Tip.of(scan), state, checked(guard))
        except BaseException:
            lock.close()
            raise
        try:
            session._mend(scan.torn)
        except BaseException:
            session.close()
            raise
        return session

    def append(self, event: AnyEvent) -> Entry:
        """Record an event, and return its entry when it is on disk; a checkpoint follows each decision.

        Raises RecordError where the event is refused or cannot be written: then nothing is recorded.
        """
        if isinstance(event, (Genesis, Checkpoint, Recovered, Sealed)):
            raise RecordError(say("A session makes these events itself."))
        with self._lock:
            self._check_open()
            written = of_version(event, self._version)
            if written is None:
                raise RecordError(
                    say("An older signoff began this session: it cannot record this."),
                    say("Finish it, and begin a new one: signoff run"),
                )
            return self._write(written)

    def keep(self, values: Mapping[int, bytes]) -> None:
        """Keep typed values beside the journal, by the ``seq`` of the event that says how each was looked up.

        What holds a secret is passed over, and so is all where it cannot be written: a record holds without.
        """
        with self._lock:
            self._check_open()
            kept = {
                seq: line for seq, line in values.items() if len(line) <= LONGEST and self._may_keep(line)
            }
            if not kept or self._version < VERSION:
                return
            try:
                add_values(self.directory, tuple(kept.values()))
            except OSError as problem:
                _log.warning("values were not kept: %s", problem.strerror)
                return
            self._write(Kept(values={str(seq): digest_of(line) for seq, line in kept.items()}))

    @property
    def _version(self) -> int:
        return self.state.genesis.version if self.state.genesis else VERSION

    def _may_keep(self, line: bytes) -> bool:
        try:
            self._guard(line)
        except RefusedError:
            return False
        return len(line) <= LONGEST

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Tell ``listener`` of every further entry, in the thread that appends it; return how to stop."""
        with self._listening:
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._listening, contextlib.suppress(ValueError):
                self._listeners.remove(listener)

        return unsubscribe

    def seal(self, signer: Signer, *, open_steps: Sequence[str] = ()) -> None:
        """End the session: the operator signs the whole record, and the session is closed.

        ``open_steps`` are those left open, as ``checklist/step``. Raises RecordError; where no signature
        could be had the session goes on as it was.
        """
        with self._lock:
            self._check_open()
            genesis = self.state.genesis
            if genesis is None or signer.fingerprint != genesis.operator.key:
                raise RecordError(
                    say(
                        "This session was begun with another key than {fingerprint}.",
                        fingerprint=signer.fingerprint,
                    ),
                    say("Seal it with {key}.", key=genesis.operator.key if genesis else say("that one")),
                )
            release(self.directory / RESERVE)
            try:
                self._seal(signer, tuple(open_steps))
            except BaseException:
                reserve(self.directory / RESERVE)
                raise
            self._list_seal()

    def close(self) -> None:
        """Let go of the session's files. It can be resumed."""
        with self._lock:
            self._closed = True
            self._journal.close()
            self._file_lock.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise RecordError(
                say("The session {id} is closed.", id=self.id), say("Resume it: signoff run --resume")
            )

    def _write(self, event: AnyEvent) -> Entry:
        tip, entries, data = self._prepare(event)
        self._journal.append(data)
        self._took(tip, entries)
        return entries[0]

    def _prepare(self, event: AnyEvent) -> tuple[Tip, list[Entry], bytes]:
        """Make the lines for an event and its checkpoint; nothing is changed yet."""
        self.state.order.check(event)
        tip = self._tip.copy()
        try:
            entry, line = tip.add(event)
        except LineError as problem:
            raise RecordError(
                say("This cannot be recorded: {problem}.", problem=problem),
                say("Shorten it, then try again."),
            ) from None
        self._guard(line)
        entries, lines = [entry], [line]
        if isinstance(event, DECISIONS):
            entry, line = tip.add_checkpoint(self._key)
            entries.append(entry)
            lines.append(line)
        return tip, entries, b"".join(lines)

    def _took(self, tip: Tip, entries: Sequence[Entry]) -> None:
        self._tip = tip
        for entry in entries:
            _fold(self.state, entry)
        for entry in entries:
            for listener in tuple(self._listeners):
                try:
                    listener(entry)
                except Exception as defect:  # noqa: BLE001 - what is on disk is recorded, whoever cannot show it
                    _log.error("a listener failed: %s", type(defect).__name__)

    def _mend(self, torn: bytes) -> None:
        """After an interruption: record the torn bytes, or make the checkpoint that is owed."""
        if torn:
            tip, entries, data = self._prepare(Recovered(size=len(torn), digest=digest(torn)))
            self._journal.replace_tail(torn, data)
            self._took(tip, entries)
        elif self.state.order.owes_checkpoint:
            tip = self._tip.copy()
            entry, line = tip.add_checkpoint(self._key)
            self._journal.append(line)
            self._took(tip, [entry])
        reserve(self.directory / RESERVE)

    def _seal(self, signer: Signer, open_steps: tuple[str, ...]) -> None:
        written = self._journal.content()
        if len(written) != self._tip.size or digest(written) != self._tip.sha256.hexdigest():
            raise RecordError(
                say(
                    "Another program has changed {path} while the session was open.", path=self._journal.path
                ),
                say("It cannot be sealed; signoff verify shows what still holds."),
            )
        tip, data = self._tip, b""
        entries: list[Entry] = []
        if self.state.sealed is None:
            tip, entries, data = self._prepare(Sealed(counts=self.state.counts(), open=open_steps))
        armour = self._signed(signer, written + data)
        if data:
            self._journal.append(data)
            self._took(tip, entries)
        path = self.directory / SEAL_SIGNATURE
        try:
            write_new(path, armour.encode("ascii"))
        except OSError as problem:
            raise record_error(problem, say("The seal could not be written"), path) from None

    def _signed(self, signer: Signer, record: bytes) -> str:
        try:
            signer.ready()
            return sign(signer, RECORD, record)
        except RecordError as problem:
            again = say(
                "The session stays open. Seal it again, or later: signoff run --resume {id}", id=self.id
            )
            raise RecordError(problem.message, listed(filter(None, (problem.hint, again)), "\n")) from None

    def _list_seal(self) -> None:
        try:
            with locked(ledger_beside(self.directory.parent)) as book:
                finish_seal(self.directory, book)
        except (RecordError, OSError) as problem:
            raise RecordError(
                say("The session is sealed, but the ledger does not have it yet. {problem}", problem=problem),
                say("It gets it when the next session begins."),
            ) from None
        finally:
            self.close()


def _fold(state: SessionState, entry: Entry) -> None:
    state.apply(entry.event, session=entry.session, time=entry.time)

"""A walk: one target, one session, and what an operator can do with a step.

The app and the plain walk are two faces of this. Every method that says something writes an event, and
returns only when it is on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from threading import Event
from typing import Any, Literal

import msgspec

from signoff import __version__, checklists_used, saying
from signoff.actions.base import StepRecord, kept_fingerprints
from signoff.checklist.load import Loaded
from signoff.checklist.model import Language, Step
from signoff.credentials.redact import Redactor, find_secrets
from signoff.credentials.secret import Secret
from signoff.engine import Engine, Key, Progress, record_look
from signoff.errors import RecordError, TargetError, UsageError
from signoff.facts.base import Fact, Facts
from signoff.facts.collect import Collected, collect
from signoff.message import say
from signoff.probes import active_probes, all_probes, code_digest, named
from signoff.probes.base import Probe
from signoff.reaching import Reached, fill, reach, reach_again
from signoff.saved_profile import SavedProfile
from signoff.session.events import Attested, Consented, Entered, Resumed
from signoff.session.identity import way_back
from signoff.session.session import Session
from signoff.session.signer import Signer
from signoff.session.state import StepState
from signoff.session.store import LATEST, find, summaries
from signoff.target.base import Prompter, Target
from signoff.target.profile import Profile

Mode = Literal["walk", "audit"]


class Walk:
    """One session under way. Made by ``begin`` or ``resume``, ended by ``finish`` or ``close``."""

    def __init__(
        self,
        session: Session,
        checklists: Sequence[Loaded],
        profile: Profile,
        signer: Signer,
        redactor: Redactor,
    ) -> None:
        self.session = session
        self.checklists = tuple(checklists)
        self.profile = profile
        self._signer = signer
        self._redactor = redactor
        self._steps: dict[Key, Step] = {
            (loaded.checklist.id, step.id): step for loaded in checklists for step in loaded.checklist.steps
        }
        self._active: dict[Key, tuple[Probe, ...]] = {}
        self._target: Target | None = None
        self._engine: Engine | None = None
        self._saved = SavedProfile(profile)

    @classmethod
    def begin(
        cls,
        profile: Profile,
        checklists: Sequence[Loaded],
        signer: Signer,
        prompter: Prompter,
        *,
        mode: Mode = "walk",
        nonce: str = "",
    ) -> Walk:
        """Get the key ready, reach the target, fill in what the profile leaves open, and start a session.

        Raises TargetError where the target cannot be reached, RecordError where no record can be kept.
        """
        return cls.start(approach(profile, signer, prompter), checklists, signer, mode=mode, nonce=nonce)

    @classmethod
    def start(
        cls,
        reached: Reached,
        checklists: Sequence[Loaded],
        signer: Signer,
        *,
        mode: Mode = "walk",
        nonce: str = "",
    ) -> Walk:
        """Start a session on a target that was reached; what was looked up there is written down.

        Raises RecordError where no record can be kept; the target is let go then.
        """
        try:
            session = Session.start(
                target=reached.reference,
                checklists=[checklists_used.reference(loaded) for loaded in checklists],
                copies=checklists_used.copies(checklists),
                signer=signer,
                mode=mode,
                nonce=nonce,
                code=code_digest(),
                guard=reached.redactor.refuse,
            )
        except BaseException:
            reached.close()
            raise
        reached.redactor.know(reached.secrets)
        walk = cls(session, checklists, reached.profile, signer, reached.redactor)
        looked = {record_look(session, one): one for one in reached.seen}
        walk._use(reached.target, reached.known, looked)
        walk._saved.take()
        return walk

    @classmethod
    def resume(cls, reference: str, signer: Signer) -> Walk:
        """Go on with an unfinished session, without reaching its target yet.

        ``reference`` is the session's id, a unique beginning of it, or ``latest``: the newest that is
        unfinished. Raises RecordError.
        """
        redactor = Redactor()
        signer.tell(redactor.know)
        directory = _unfinished() if reference == LATEST else find(reference)
        session = Session.resume(directory, guard=redactor.refuse)
        try:
            genesis = session.state.genesis
            assert genesis is not None  # noqa: S101 - a session without a first line is never resumed
            began = genesis.operator
            if began.key != signer.fingerprint:
                raise RecordError(
                    say(
                        "Session {id} was begun with another key than {fingerprint}: {key} ({name}).",
                        id=session.id,
                        fingerprint=signer.fingerprint,
                        key=began.key,
                        name=began.name,
                    ),
                    say(
                        "If that is yours: {way_back}. Otherwise start a new session.",
                        way_back=way_back(began.key),
                    ),
                )
            if session.state.sealed is not None:
                # The last line was written, and the power went before the signature was.
                session.seal(signer)
                raise RecordError(
                    say("Session {id} was over already; it is sealed now.", id=session.id),
                    say("Verify it with: signoff verify {id}", id=session.id),
                )
            profile = msgspec.convert(session.state.profile, Profile)
            return cls(session, checklists_used.checklists_of(directory), profile, signer, redactor)
        except BaseException:
            session.close()
            raise

    def connect(self, prompter: Prompter) -> None:
        """Reach the target of a resumed session. Raises TargetError, also where it is another machine."""
        genesis = self.session.state.genesis
        assert genesis is not None  # noqa: S101 - a session without a first line is never resumed
        target, machine = reach_again(genesis.target, self.profile, prompter, self._redactor)
        self.session.append(Resumed(signoff=__version__, host_key=target.host_key, machine_id=machine.id))
        self._use(target)
        self._reread(Event())

    def _use(
        self,
        target: Target,
        known: Mapping[str, Any] | None = None,
        looked: Mapping[int, Collected] | None = None,
    ) -> None:
        if self._target is not None:
            self._target.close()
        self._target = target
        self._engine = Engine(
            self.checklists, all_probes(), target, self.profile, self.session, self._redactor, known, looked
        )

    @property
    def connected(self) -> bool:
        """Whether the target can be probed."""
        return self._engine is not None

    @property
    def notes(self) -> tuple[str, ...]:
        """What the operator should know of the way to the target, and of its profile."""
        return (*(self._target.notes if self._target else ()), *self._saved.notes)

    @property
    def keys(self) -> tuple[Key, ...]:
        """The steps, in order."""
        return tuple(self._steps)

    def step(self, key: Key) -> Step:
        """Return what the checklist says of a step."""
        return self._steps[key]

    def state(self, key: Key) -> StepState:
        """Return what the machine saw of a step, and what a person said of it."""
        return self.session.state.steps[key]

    def is_open(self, key: Key) -> bool:
        """Tell whether a step still waits for something."""
        return self.state(key).is_open(wants_confirmation=self._steps[key].confirm is not None)

    def position(self) -> Key:
        """Return the step to show: where the operator last was, the first one at the start."""
        position = self.session.state.position
        return position if position in self._steps else self.keys[0]

    def probe(
        self,
        keys: Iterable[Key] | None = None,
        cancel: Event | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> bool:
        """Look (again) at some steps, or at all; blocks. False where it was cancelled.

        The target's profile is read again if it was changed since. Raises TargetError where the target is
        not connected.
        """
        if self._engine is None:
            raise TargetError(say("The target is not connected."), say("Connect to it first."))
        cancel = cancel or Event()
        self._reread(cancel)
        return self._engine.probe(keys, cancel, progress)

    def _reread(self, cancel: Event) -> None:
        """Where the saved profile was changed, judge by it from here on: filled in as at the beginning."""
        with self._saved.lock:
            saved = self._saved.changed()
            if saved is None or self._engine is None:
                return
            try:
                profile, seen = fill(self.target, saved, self._redactor, cancel)
            except TargetError:
                if not cancel.is_set():
                    raise
            if cancel.is_set():
                return
            for one in seen:
                record_look(self.session, one)
            if profile != self.profile:
                self._engine.judge_by(profile)
                self.profile = profile
            self._saved.take(saved)

    def look(self, wanted: Iterable[Fact[Any]], cancel: Event | None = None) -> Facts:
        """Look facts up for an action: written down, and their secrets kept out, like those of the probes.

        Raises TargetError.
        """
        values = {}
        for one in collect(wanted, self.target, self.profile, cancel or Event()):
            self.know(find_secrets(one.value))
            record_look(self.session, one)
            values[one.fact.id] = one.value
        return Facts(values)

    @property
    def target(self) -> Target:
        """The target, for an action. Raises TargetError where it is not connected."""
        if self._target is None:
            raise TargetError(say("The target is not connected."), say("Connect to it first."))
        return self._target

    def step_record(self, key: Key) -> StepRecord:
        """Return where the actions on a step are written down."""
        return StepRecord(self.session, *key, self._redactor, kept_fingerprints())

    def know(self, secrets: Iterable[tuple[str, Secret]]) -> None:
        """Keep more secrets out of the record: those made or typed during the walk, each with its name."""
        self._redactor.know(secrets)

    def enter(self, key: Key) -> None:
        """Turn to a step."""
        if self.session.state.position != key:
            self.session.append(Entered(checklist=key[0], step=key[1]))

    def confirm(self, key: Key, value: str, language: Language = "en") -> None:
        """Say that the step's statement is true, with the value that was seen. Raises UsageError."""
        self.session.append(saying.confirmed(key, self._steps[key].confirm, value, language))

    def skip(self, key: Key, reason: str) -> None:
        """Leave a step out. Raises UsageError without a reason."""
        self.session.append(saying.skipped(key, reason))

    def not_applicable(self, key: Key, reason: str) -> None:
        """Say that a step does not apply here. Raises UsageError without a reason."""
        self.session.append(saying.not_applicable(key, reason))

    def accept_risk(self, key: Key, reason: str, until: date) -> None:
        """Accept a risk until a day that is still to come. Raises UsageError."""
        self.session.append(saying.accepted(key, reason, until))

    def attest(self, attested: Attested) -> None:
        """Say what was looked over before; see `signoff.saying`."""
        self.session.append(attested)

    def withdraw(self, key: Key, reason: str) -> None:
        """Take an answer back; both stay in the record. Raises UsageError."""
        if self.state(key).answer is None:
            raise UsageError(say("There is no answer to take back."))
        self.session.append(saying.withdrawn(key, reason))

    def note(self, key: Key, text: str) -> None:
        """Put down a remark on a step. Raises UsageError where it is empty."""
        self.session.append(saying.noted(key, text))

    def active(self, key: Key) -> tuple[Probe, ...]:
        """Return what of a step's probes does more than look, and so needs consent."""
        if key not in self._active:
            self._active[key] = active_probes(self._steps[key], all_probes())
        return self._active[key]

    def permitted(self, key: Key, one: Probe) -> bool:
        """Tell whether the operator has consented to a probe of a step."""
        return (one.id, one.use) in self.state(key).consents

    def consent(self, key: Key, use: str, *, given: bool = True) -> None:
        """Permit a step's active probes to do more than look, or withdraw that, from the next look on.

        ``use`` is a probe's id, or one use of it. Raises UsageError where the step has no such active probe.
        """
        for one in named(self.active(key), use):
            if self.permitted(key, one) is not given:
                self.session.append(
                    Consented(checklist=key[0], step=key[1], probe=one.id, use=one.use, given=given)
                )

    def finish(self) -> None:
        """Seal the record with the operator's key; nothing can be added after."""
        self.session.seal(self._signer, open_steps=["/".join(key) for key in self.keys if self.is_open(key)])

    def close(self) -> None:
        """Let go of the target and of the session, which can be resumed unless it was finished."""
        if self._target is not None:
            self._target.close()
        self._target = self._engine = None
        self.session.close()


def approach(profile: Profile, signer: Signer, prompter: Prompter) -> Reached:
    """Get the key ready, and reach the target: all that comes before a session, and leaves no trace.

    Raises TargetError where the target cannot be reached.
    """
    redactor = Redactor()
    signer.tell(redactor.know)
    signer.ready()
    return reach(profile, prompter, redactor)


def _unfinished() -> Path:
    for session in summaries():
        if session.mode == "walk" and not session.sealed and not session.damage:
            return session.directory
    raise RecordError(say("There is no unfinished session."), say("Begin one: signoff run"))

"""A walk: one target, one session, and what an operator can do with a step.

The app and the plain walk are two faces of this. Every method that says something writes an event, and
returns only when it is on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Event
from typing import Any, Literal

import msgspec

from signoff import __version__
from signoff.actions.base import StepRecord, kept_fingerprints
from signoff.checklist.load import Loaded, available, load
from signoff.checklist.model import Language, Step
from signoff.credentials.redact import Redactor, find_secrets
from signoff.credentials.secret import Secret
from signoff.engine import Engine, Key, Progress, record_look
from signoff.errors import RecordError, TargetError, UsageError
from signoff.facts.base import Fact, Facts, HostFact, Malformed, Unavailable, text_for
from signoff.facts.collect import Collected, collect
from signoff.facts.discovery import DISCOVERY_FACTS, propose
from signoff.facts.identity import MACHINE, Machine
from signoff.probes import all_probes
from signoff.session.events import Attested, ChecklistRef, Entered, Noted, Resumed, TargetRef
from signoff.session.identity import way_back
from signoff.session.session import Session
from signoff.session.signer import Signer
from signoff.session.state import StepState
from signoff.session.store import LATEST, find, read, summaries
from signoff.target.base import Prompter, Target
from signoff.target.learning import LearningPrompter
from signoff.target.opening import open_target
from signoff.target.profile import Profile
from signoff.text import inert

Mode = Literal["walk", "audit"]
LONGEST_ANSWER = 2000
"""Characters; an answer is a remark, not a document."""


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
        self._target: Target | None = None
        self._engine: Engine | None = None

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
        redactor = Redactor()
        signer.tell(redactor.know)
        signer.ready()
        target = open_target(profile, LearningPrompter(prompter, redactor.know))
        try:
            seen = _discover(target, profile)
            redactor.know(find_secrets([one.value for one in seen]))
            facts = Facts({one.fact.id: one.value for one in seen})
            machine = _machine(facts)
            given, profile = profile, propose(facts, profile).profile
            profile = msgspec.structs.replace(profile, name=profile.name or machine.name)
            session = Session.start(
                target=_reference(target, profile, machine),
                checklists=[_checklist_reference(loaded) for loaded in checklists],
                copies={f"{loaded.checklist.id}.yaml": loaded.raw for loaded in checklists},
                signer=signer,
                mode=mode,
                nonce=nonce,
                guard=redactor.refuse,
            )
        except BaseException:
            target.close()
            raise
        walk = cls(session, checklists, profile, signer, redactor)
        for one in seen:
            record_look(session, one)
        walk._use(target, {one.fact.id: one.value for one in seen if _still_holds(one, given, profile)})
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
                    f"Session {session.id} was begun with another key than {signer.fingerprint}: "
                    f"{began.key} ({began.name}).",
                    f"If that is yours: {way_back(began.key)}. Otherwise start a new session.",
                )
            if session.state.sealed is not None:
                # The last line was written, and the power went before the signature was.
                session.seal(signer)
                raise RecordError(
                    f"Session {session.id} was over already; it is sealed now.",
                    f"Verify it with: signoff verify {session.id}",
                )
            profile = msgspec.convert(genesis.target.profile, Profile)
            return cls(session, checklists_of(directory), profile, signer, redactor)
        except BaseException:
            session.close()
            raise

    def connect(self, prompter: Prompter) -> None:
        """Reach the target of a resumed session. Raises TargetError, also where it is another machine."""
        genesis = self.session.state.genesis
        assert genesis is not None  # noqa: S101 - a session without a first line is never resumed
        target = open_target(self.profile, LearningPrompter(prompter, self._redactor.know))
        try:
            seen = collect([MACHINE], target, self.profile, Event())
            machine = _machine(Facts({one.fact.id: one.value for one in seen}))
            was = genesis.target
            if (was.host_key, was.machine_id) != (target.host_key, machine.id):
                raise TargetError(
                    f"{self.profile.address} is not the machine that this session began on.",
                    "Start a new session for it; this one can still be read, answered and finished.",
                )
        except BaseException:
            target.close()
            raise
        self.session.append(Resumed(signoff=__version__, host_key=target.host_key, machine_id=machine.id))
        self._use(target)

    def _use(self, target: Target, known: Mapping[str, Any] | None = None) -> None:
        if self._target is not None:
            self._target.close()
        self._target = target
        self._engine = Engine(
            self.checklists, all_probes(), target, self.profile, self.session, self._redactor, known
        )

    @property
    def connected(self) -> bool:
        """Whether the target can be probed."""
        return self._engine is not None

    @property
    def notes(self) -> tuple[str, ...]:
        """What the operator should know of the way to the target."""
        return self._target.notes if self._target else ()

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

        Raises TargetError where the target is not connected.
        """
        if self._engine is None:
            raise TargetError("The target is not connected.", "Connect to it first.")
        return self._engine.probe(keys, cancel, progress)

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
            raise TargetError("The target is not connected.", "Connect to it first.")
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
        confirmation = self._steps[key].confirm
        if confirmation is None:
            raise UsageError("This step has nothing to confirm: the machine sees all of it.")
        self._attest(
            key,
            "confirmed",
            statement=confirmation.statement.to(language),
            value=_said(value, f"Say what you saw: {confirmation.value.to(language)}"),
        )

    def skip(self, key: Key, reason: str) -> None:
        """Leave a step out. Raises UsageError without a reason."""
        self._attest(key, "skipped", reason=_said(reason, "Say why the step is skipped."))

    def not_applicable(self, key: Key, reason: str) -> None:
        """Say that a step does not apply here. Raises UsageError without a reason."""
        self._attest(key, "notapplicable", reason=_said(reason, "Say why the step does not apply."))

    def accept_risk(self, key: Key, reason: str, until: date) -> None:
        """Accept a risk until a day that is still to come. Raises UsageError."""
        if until <= datetime.now(UTC).date():
            raise UsageError(f"{until} is not in the future.", "A risk is accepted until a day to come.")
        self._attest(
            key, "accepted", reason=_said(reason, "Say why the risk is accepted."), until=until.isoformat()
        )

    def withdraw(self, key: Key, reason: str) -> None:
        """Take an answer back; both stay in the record. Raises UsageError."""
        if self.state(key).answer is None:
            raise UsageError("There is no answer to take back.")
        self._attest(key, "withdrawn", reason=_said(reason, "Say why the answer is taken back."))

    def note(self, key: Key, text: str) -> None:
        """Put down a remark on a step. Raises UsageError where it is empty."""
        self.session.append(Noted(checklist=key[0], step=key[1], text=_said(text, "Write something.")))

    def _attest(
        self,
        key: Key,
        kind: Literal["confirmed", "skipped", "notapplicable", "accepted", "withdrawn"],
        *,
        statement: str = "",
        value: str = "",
        reason: str = "",
        until: str = "",
    ) -> None:
        self.session.append(
            Attested(
                checklist=key[0],
                step=key[1],
                kind=kind,
                statement=statement,
                value=value,
                reason=reason,
                until=until,
            )
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


def _unfinished() -> Path:
    for session in summaries():
        if session.mode == "walk" and not session.sealed and not session.damage:
            return session.directory
    raise RecordError("There is no unfinished session.", "Begin one: signoff run")


def checklists_of(directory: Path) -> tuple[Loaded, ...]:
    """Return the checklists as a session used them. Raises RecordError where one cannot be had any more.

    Copies lie in the session's directory; genesis has their digests: no other text can be slipped in.
    """
    genesis = read(directory).state.genesis
    return tuple(_as_used(reference, directory) for reference in genesis.checklists) if genesis else ()


def _as_used(reference: ChecklistRef, directory: Path) -> Loaded:
    for path in (directory / f"{reference.id}.yaml", available().get(reference.id)):
        if path and path.is_file():
            loaded = load(path)
            if loaded.digest == reference.digest:
                return loaded
    raise RecordError(
        f"{directory}: the checklist {reference.id} is not there as the session used it.",
        "The record itself is not touched by this; see: signoff verify",
    )


def _said(text: str, hint: str) -> str:
    said = inert(text).strip()
    if not said:
        raise UsageError("Nothing was said.", hint)
    if len(said) > LONGEST_ANSWER:
        raise UsageError(f"That is longer than {LONGEST_ANSWER} characters.", "Say it in fewer words.")
    return said


def _discover(target: Target, profile: Profile) -> list[Collected]:
    seen = list(collect((MACHINE, *DISCOVERY_FACTS), target, profile, Event()))
    if all(isinstance(one.value, Unavailable) for one in seen):
        raise TargetError(
            f"{profile.address}: {seen[0].problem}", "Check that the login shell runs commands."
        )
    return seen


def _still_holds(seen: Collected, given: Profile, profile: Profile) -> bool:
    """Tell whether a fact would be asked in the same words now that the profile is filled in."""
    fact = seen.fact
    return isinstance(fact, HostFact) and text_for(fact.script, given) == text_for(fact.script, profile)


def _machine(facts: Facts) -> Machine:
    try:
        return facts[MACHINE]
    except (Unavailable, Malformed):
        return Machine(name="", id="", system="")


def _reference(target: Target, profile: Profile, machine: Machine) -> TargetRef:
    return TargetRef(
        name=profile.name,
        address=target.address,
        host_key=target.host_key,
        machine_id=machine.id,
        profile=msgspec.to_builtins(profile),
    )


def _checklist_reference(loaded: Loaded) -> ChecklistRef:
    steps = tuple(step.id for step in loaded.checklist.steps)
    return ChecklistRef(id=loaded.checklist.id, digest=loaded.digest, steps=steps)

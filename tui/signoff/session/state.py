"""A session's state: the fold of its events, and nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from signoff.model import Finding, Result, worst
from signoff.session.events import (
    AnyEvent,
    Attested,
    Consented,
    Done,
    Enrolled,
    Entered,
    Found,
    Genesis,
    Intended,
    Looked,
    Noted,
    Probed,
    Sealed,
)
from signoff.session.order import Order
from signoff.session.reprofiled import profile_of

# A step is settled by the machine alone when every finding is one of these.
_GOOD = frozenset({Result.PASS, Result.FIXED, Result.INFORMATIONAL, Result.NOTAPPLICABLE})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the operator said of a step, and when."""

    attested: Attested
    time: datetime


@dataclass(slots=True)
class StepState:
    """What is known of one step: what the machine saw, what a person said, and what was done."""

    checklist: str
    step: str
    by_probe: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    answer: Answer | None = None
    notes: list[tuple[datetime, str]] = field(default_factory=list)
    enrolled: list[tuple[datetime, Enrolled]] = field(default_factory=list)
    probed: bool = False
    consents: set[tuple[str, str]] = field(default_factory=set)
    """Which probes may do more than look, with what parameters."""

    def apply(self, event: Found | Probed | Consented | Attested | Noted | Enrolled, time: datetime) -> None:
        """Take in one more event of this step."""
        match event:
            case Found():
                self.by_probe[f"{event.probe} ({event.use})" if event.use else event.probe] = event.findings
            case Probed():
                self.probed = event.complete
            case Consented():
                change = self.consents.add if event.given else self.consents.discard
                change((event.probe, event.use))
            case Attested():
                self.answer = None if event.kind == "withdrawn" else Answer(event, time)
            case Noted():
                self.notes.append((time, event.text))
            case Enrolled():
                self.enrolled.append((time, event))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The latest findings, probe by probe; last what is only told, and is no part of the result."""
        # A copy: what probes in the background may add one more at any moment.
        found = [finding for findings in tuple(self.by_probe.values()) for finding in findings]
        return tuple(sorted(found, key=lambda finding: finding.result is Result.INFORMATIONAL))

    @property
    def result(self) -> Result:
        """The machine's result: the gravest finding. A person's word never changes it.

        Until every probe of the step has been judged, it is at best `notchecked`.
        """
        results = [finding.result for finding in self.findings]
        return worst(results if self.probed else [*results, Result.NOTCHECKED])

    def is_open(self, *, wants_confirmation: bool) -> bool:
        """Tell whether the step still waits for something.

        A person settles it by skipping, by accepting the risk, or by saying that it does not apply.
        A confirmation settles it unless the machine saw a failure: then there is something to put right.
        """
        kind = self.answer.attested.kind if self.answer else ""
        if kind in {"skipped", "accepted", "notapplicable"}:
            return False
        if kind == "confirmed":
            return self.result is Result.FAIL
        return wants_confirmation or self.result not in _GOOD


@dataclass(slots=True)
class SessionState:
    """The fold of a session's events."""

    session: str = ""
    genesis: Genesis | None = None
    profile: dict[str, Any] = field(default_factory=dict)
    """What the target's findings are judged by now: line 1's profile, or one that was read later."""
    started: datetime | None = None
    last: datetime | None = None
    steps: dict[tuple[str, str], StepState] = field(default_factory=dict)
    position: tuple[str, str] | None = None
    sealed: Sealed | None = None
    pending: dict[int, Intended] = field(default_factory=dict)
    """Actions begun and not known to have ended, by the ``seq`` of their Intended event."""
    events: int = 0
    order: Order = field(default_factory=Order)

    def apply(self, event: AnyEvent, *, session: str, time: datetime) -> None:
        """Take in one more event. Raise RecordError, and change nothing, where it cannot come here."""
        self.order.admit(event)
        self.session = session
        self.events += 1
        self.started = self.started or time
        self.last = time
        match event:
            case Genesis():
                self._begin(event)
            case Looked():
                self.profile = profile_of(event) or self.profile
            case Entered():
                self.position = (event.checklist, event.step)
            case Found() | Probed() | Consented() | Attested() | Noted() | Enrolled():
                self.steps[event.checklist, event.step].apply(event, time)
                if isinstance(event, (Attested, Noted)):
                    self.position = (event.checklist, event.step)
            case Intended():
                self.pending[self.events] = event
            case Done():
                self.pending.pop(event.intent, None)
            case Sealed():
                self.sealed = event

    def _begin(self, genesis: Genesis) -> None:
        self.genesis = genesis
        self.profile = genesis.target.profile
        for checklist in genesis.checklists:
            for step in checklist.steps:
                self.steps[checklist.id, step] = StepState(checklist.id, step)

    def counts(self) -> dict[str, int]:
        """Return how many steps have each result, the four of the contract always among them."""
        counted = Counter({"pass": 0, "fail": 0, "unknown": 0, "notchecked": 0})
        counted.update(step.result.value for step in self.steps.values())
        return dict(counted)

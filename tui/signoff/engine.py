"""The walk: steps -> facts -> findings -> events. It knows no screen.

Everything that happens is an event of the session; whoever shows something reads the session's state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event, Lock
from typing import Any

import msgspec

from signoff.checklist.load import Loaded
from signoff.checklist.model import Use
from signoff.credentials.redact import Redactor, find_secrets
from signoff.facts.base import Facts, Unavailable, closure
from signoff.facts.collect import Collected, collect
from signoff.facts.packing import pack
from signoff.message import NOTHING, Message, listed, say
from signoff.misfit import MisfitError
from signoff.model import Finding, Result, Vantage
from signoff.probes.base import Judgement, Probe
from signoff.session import reprofiled
from signoff.session.events import Found, Looked, Probed
from signoff.session.guard import RefusedError
from signoff.session.session import Session
from signoff.target.base import Target
from signoff.target.profile import Profile

Key = tuple[str, str]
"""A step: the id of its checklist, and its own."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a round of probing is: facts looked up, facts in all, and the one that came last."""

    done: int
    total: int
    title: str


class Engine:
    """Probes a target for the steps of some checklists, and writes down what it finds.

    One round of probing at a time; everything here may be called from a worker thread. ``known`` are facts
    looked up a moment ago, by id; the first round does not look them up again. ``looked`` are those that the
    session has written down, by the ``seq`` of their events, and whose values it has not kept yet.
    """

    def __init__(
        self,
        checklists: Sequence[Loaded],
        probes: Mapping[str, Probe],
        target: Target,
        profile: Profile,
        session: Session,
        redactor: Redactor,
        known: Mapping[str, Any] | None = None,
        looked: Mapping[int, Collected] | None = None,
    ) -> None:
        self._steps = {
            (loaded.checklist.id, step.id): step for loaded in checklists for step in loaded.checklist.steps
        }
        self._probes = probes
        self._target = target
        self._profile = profile
        self._session = session
        self._redactor = redactor
        self._known = dict(known or {})
        self._unkept: dict[int, Collected] = dict(looked or {})
        self._one_at_a_time = Lock()

    def probe(
        self,
        keys: Iterable[Key] | None = None,
        cancel: Event | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> bool:
        """Look again at some steps, or at all of them; return False where it was cancelled.

        Every fact is looked up once, however many probes need it. A probe is judged, and its findings are
        on disk, as soon as its last fact is there.
        """
        cancel = cancel or Event()
        chosen = tuple(self._steps) if keys is None else tuple(keys)
        with self._one_at_a_time:
            return self._round(chosen, cancel, progress)

    def judge_by(self, profile: Profile) -> None:
        """From the next round on look and judge by another profile, and write it down.

        A round that is under way is judged to its end by the one that it began with.
        """
        with self._one_at_a_time:
            record(self._session, reprofiled.looked(msgspec.to_builtins(profile)))
            self._profile = profile
            self._known = {}

    def _round(self, keys: Sequence[Key], cancel: Event, progress: Callable[[Progress], None]) -> bool:
        waiting: dict[Key, list[Probe]] = {
            key: [self._used(use) for use in self._steps[key].uses] for key in keys
        }
        for key, probes in waiting.items():
            permitted = self._session.state.steps[key].consents
            for one in [one for one in probes if one.active and (one.id, one.use) not in permitted]:
                probes.remove(one)
                self._write_down(*key, one, (one.unpermitted(),))
        needed = closure(fact for probes in waiting.values() for one in probes for fact in one.needs)
        known, self._known = self._known, {}
        values = {fact.id: known[fact.id] for fact in needed if fact.id in known}
        self._judge_ready(waiting, values)
        for collected in collect(needed, self._target, self._profile, cancel, dict(values), self._session.id):
            self._redactor.know(find_secrets(collected.value))
            values[collected.fact.id] = collected.value
            self._unkept[record_look(self._session, collected)] = collected
            progress(Progress(len(values), len(needed), collected.fact.title))
            self._judge_ready(waiting, values)
        self._keep()
        for checklist, step in waiting:
            self._session.append(Probed(checklist=checklist, step=step, complete=False))
        return not waiting

    def _keep(self) -> None:
        """Keep the values, now that every secret of the round is known that none of them may hold."""
        packed = {seq: pack(one.fact, one.value) for seq, one in self._unkept.items()}
        self._unkept = {}
        self._session.keep(packed)

    def _used(self, use: Use) -> Probe:
        known = self._probes.get(use.use)
        if known is None:
            return _missing(use, say("this version of signoff has no such probe"))
        try:
            return known.used(use)
        except MisfitError:
            return _missing(use, say("this version of signoff takes other parameters for it"))

    def _judge_ready(self, waiting: dict[Key, list[Probe]], values: Mapping[str, Any]) -> None:
        facts = Facts(values)
        for (checklist, step), probes in list(waiting.items()):
            for one in [one for one in probes if all(fact.id in values for fact in one.needs)]:
                probes.remove(one)
                self._write_down(checklist, step, one, one.findings(facts, self._profile))
            if not probes:
                del waiting[checklist, step]
                self._session.append(Probed(checklist=checklist, step=step, complete=True))

    def _write_down(self, checklist: str, step: str, one: Probe, findings: tuple[Finding, ...]) -> None:
        try:
            self._session.append(_found(checklist, step, one, findings))
        except RefusedError as refused:
            # Better no finding than a secret in the record.
            withheld = Judgement(
                result=Result.ERROR, observed=say("withheld: {refused}", refused=refused.message)
            )
            found = (one.finding(withheld),)
            self._session.append(_found(checklist, step, one, found))


def _found(checklist: str, step: str, one: Probe, findings: tuple[Finding, ...]) -> Found:
    return Found(checklist=checklist, step=step, probe=one.id, use=one.use, findings=findings)


def record_look(session: Session, collected: Collected) -> int:
    """Write down how a fact was looked up, never what came back; return the event's ``seq``."""
    event = Looked(
        fact=collected.fact.id,
        vantage=collected.vantage.value,
        command=collected.command,
        status=collected.status,
        size=collected.size,
        digest=collected.digest,
        as_root=collected.as_root,
        problem=str(collected.problem),
    )
    return record(session, event)


def record(session: Session, event: Looked) -> int:
    """Write down that something was looked up; where it holds a secret, without its words."""
    try:
        return session.append(event).seq
    except RefusedError:
        # A secret that is also a path or a name may stand in the command itself.
        return session.append(msgspec.structs.replace(event, command="", problem="")).seq


def _missing(use: Use, reason: Message) -> Probe:
    """Return a stand-in for a probe that a resumed session's checklist uses and this signoff cannot."""

    def judge(facts: Facts, profile: Profile) -> Judgement:
        raise Unavailable(reason)

    return Probe(
        id=use.use,
        title=listed((str(use),)),
        expected=NOTHING,
        items=use.items,
        vantage=Vantage.HOST,
        needs=(),
        judge=judge,
        use=use.parameters,
    )

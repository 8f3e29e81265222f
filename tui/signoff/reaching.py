"""Reaching a walk's target: for the first time, when all that can be is discovered; or again, on resuming."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import msgspec

from signoff.credentials.redact import Redactor, find_secrets
from signoff.credentials.secret import Secret
from signoff.errors import TargetError
from signoff.facts.base import Fact, Facts, HostFact, Malformed, Unavailable, closure, text_for
from signoff.facts.collect import Collected, collect
from signoff.facts.discovery import DISCOVERY_FACTS, propose
from signoff.facts.identity import MACHINE, Machine
from signoff.message import say
from signoff.session.events import TargetRef
from signoff.target.base import Prompter, Target
from signoff.target.learning import LearningPrompter
from signoff.target.opening import open_target
from signoff.target.profile import Profile


@dataclass(slots=True)
class Reached:
    """A target before any session: its ``profile`` with what was discovered, and what was ``seen`` so far.

    ``known`` are the facts among them that need no second look, by id. ``secrets`` came up after the
    discovery: a session learns them once it has begun, because its first line names what they may be equal
    to. A password can be the database's name.
    """

    target: Target
    machine: Machine
    profile: Profile
    redactor: Redactor
    seen: list[Collected]
    known: dict[str, Any]
    secrets: list[tuple[str, Secret]] = field(default_factory=list)

    @property
    def reference(self) -> TargetRef:
        """How a session's first line names the target."""
        return TargetRef(
            name=self.profile.name,
            address=self.target.address,
            host_key=self.target.host_key,
            machine_id=self.machine.id,
            profile=msgspec.to_builtins(self.profile),
        )

    def look(self, wanted: Iterable[Fact[Any]], cancel: Event | None = None) -> Facts:
        """Look facts up: a session that begins takes them over, with their secrets. Raises TargetError."""
        for one in collect(wanted, self.target, self.profile, cancel or Event(), self.known):
            self.know(find_secrets(one.value))
            self.seen.append(one)
            self.known[one.fact.id] = one.value
        return Facts(self.known)

    def know(self, secrets: Iterable[tuple[str, Secret]]) -> None:
        """Remember secrets, each with its name, that no record may hold."""
        self.secrets += secrets

    def close(self) -> None:
        """Let go of the target."""
        self.target.close()


def reach(profile: Profile, prompter: Prompter, redactor: Redactor) -> Reached:
    """Reach a target for the first time, and fill in what its profile leaves open. Raises TargetError.

    The ``redactor`` learns what is typed on the way, and the secrets that are seen.
    """
    target = _opened(profile, prompter, redactor)
    try:
        seen, facts = _discover(target, profile, redactor, Event())
        machine = _machine(facts)
        filled = propose(facts, profile).profile
        filled = msgspec.structs.replace(filled, name=filled.name or machine.name)
        known = {one.fact.id: one.value for one in seen if _still_holds(one, profile, filled)}
    except BaseException:
        target.close()
        raise
    return Reached(target, machine, filled, redactor, seen, known)


def reach_again(
    was: TargetRef, profile: Profile, prompter: Prompter, redactor: Redactor
) -> tuple[Target, Machine]:
    """Reach the target of a resumed session. Raises TargetError, also where it is another machine."""
    target = _opened(profile, prompter, redactor)
    try:
        seen = collect([MACHINE], target, profile, Event())
        machine = _machine(Facts({one.fact.id: one.value for one in seen}))
        if (was.host_key, was.machine_id) != (target.host_key, machine.id):
            raise TargetError(
                say("{address} is not the machine that this session began on.", address=profile.address),
                say("Start a new session for it; this one can still be read, answered and finished."),
            )
    except BaseException:
        target.close()
        raise
    return target, machine


def _opened(profile: Profile, prompter: Prompter, redactor: Redactor) -> Target:
    return open_target(profile, LearningPrompter(prompter, redactor.know))


def fill(
    target: Target, profile: Profile, redactor: Redactor, cancel: Event
) -> tuple[Profile, Sequence[Collected]]:
    """Fill in what another profile of a reached target leaves open, and return what was seen for that.

    Raises TargetError.
    """
    seen, facts = _discover(target, profile, redactor, cancel)
    return propose(facts, profile).profile, seen


def _discover(
    target: Target, profile: Profile, redactor: Redactor, cancel: Event
) -> tuple[list[Collected], Facts]:
    seen = list(collect((MACHINE, *DISCOVERY_FACTS), target, profile, cancel))
    if all(isinstance(one.value, Unavailable) for one in seen):
        raise TargetError(
            say("{address}: {problem}", address=profile.address, problem=seen[0].problem),
            say("Check that the login shell runs commands."),
        )
    redactor.know(find_secrets([one.value for one in seen]))
    return seen, Facts({one.fact.id: one.value for one in seen})


def _machine(facts: Facts) -> Machine:
    try:
        return facts[MACHINE]
    except (Unavailable, Malformed):
        return Machine(name="", id="", system="")


def _still_holds(seen: Collected, given: Profile, filled: Profile) -> bool:
    """Tell whether a fact would be asked in the same words now that the profile is filled in."""
    return all(
        isinstance(fact, HostFact) and text_for(fact.script, given) == text_for(fact.script, filled)
        for fact in closure([seen.fact])
    )

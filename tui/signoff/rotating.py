"""A rotation: what the command line and the app share. It asks and shows nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any, Protocol

from signoff.actions import rotation
from signoff.actions.base import Ending, Outcome, Tell
from signoff.actions.rotation import RotationPlan
from signoff.actions.variables import Entry
from signoff.credentials.secret import Secret
from signoff.engine import Key
from signoff.facts.base import Fact, Facts, Malformed, Unavailable
from signoff.message import listed, say
from signoff.probes.rated import rated_secrets
from signoff.rating import Rated, around, cannot_rate
from signoff.target.profile import Profile
from signoff.walk import Walk


class Ground(Protocol):
    """Where a rotation is planned: on a walk, or on a target that was reached and has no session yet."""

    @property
    def profile(self) -> Profile:
        """What is known of the target."""

    def look(self, wanted: Iterable[Fact[Any]], cancel: Event | None = None) -> Facts:
        """Look facts up."""

    def know(self, secrets: Iterable[tuple[str, Secret]]) -> None:
        """Keep secrets out of the record."""


@dataclass(frozen=True)
class Rotation:
    """What may be rotated. ``facts`` were looked up just before."""

    ground: Ground
    facts: Facts

    @classmethod
    def on(cls, ground: Ground, cancel: Event | None = None, *more: Fact[Any]) -> Rotation:
        """Look up what a plan needs, and ``more``."""
        return cls(ground, ground.look((*rotation.FACTS, *more), cancel))

    def rated(self) -> Rated:
        """Return every secret with its rating, by git too. Raises UsageError where a file cannot be read."""
        profile = self.ground.profile
        try:
            secrets = rated_secrets(self.facts, profile)
        except (Unavailable, Malformed) as reason:
            raise cannot_rate(reason) from None
        return Rated(secrets, around(self.facts, profile))

    def to_paste(self, names: Sequence[str], path: str) -> tuple[Entry, ...]:
        """Return the variables whose new values others issue. Raises UsageError."""
        return rotation.to_paste(self.facts, self.ground.profile, names, path)

    def plan(self, names: Sequence[str], path: str, given: Mapping[str, Secret]) -> RotationPlan:
        """Return the plan, and keep its secrets out of the record from now on. Raises UsageError."""
        self.ground.know(given.items())
        made = rotation.plan(self.facts, self.ground.profile, names, given=given, path=path)
        self.ground.know(made.secrets())
        return made


def carry_out(walk: Walk, key: Key, plan: RotationPlan, tell: Tell, stop: Event) -> Outcome:
    """Carry out, on a step of a walk, a plan to which the operator has said yes. Blocks."""
    return rotation.carry_out(plan, walk.target, walk.step_record(key), tell, stop)


def told(outcome: Outcome) -> tuple[str, ...]:
    """Return in words how it ended, and what is left to do by hand."""
    ending = outcome.ending.words
    if outcome.ending is Ending.DONE:
        return (ending,)
    return (
        listed((ending, outcome.reason), " "),
        *(say("See to it by hand: {line}", line=line) for line in outcome.left),
    )

"""A rotation on a step of a walk: what the command line and the app share. It asks and shows nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Event

from signoff.actions import rotation
from signoff.actions.base import Ending, Outcome, Say
from signoff.actions.rotation import RotationPlan
from signoff.actions.variables import Entry
from signoff.credentials.secret import Secret
from signoff.engine import Key
from signoff.facts.base import Facts, Malformed, Unavailable
from signoff.probes.rated import rated_secrets
from signoff.rating import Rated, around, cannot_rate
from signoff.walk import Walk


@dataclass(frozen=True)
class Rotation:
    """What may be rotated, as it was looked up just before: ``rotation.FACTS``, and git for the ratings."""

    walk: Walk
    key: Key
    facts: Facts

    def rated(self) -> Rated:
        """Return every secret with its rating. Raises UsageError where the files cannot all be read."""
        profile = self.walk.profile
        try:
            secrets = rated_secrets(self.facts, profile)
        except (Unavailable, Malformed) as reason:
            raise cannot_rate(reason) from None
        return Rated(secrets, around(self.facts, profile))

    def to_paste(self, names: Sequence[str], path: str) -> tuple[Entry, ...]:
        """Return the variables whose new values others issue. Raises UsageError."""
        return rotation.to_paste(self.facts, self.walk.profile, names, path)

    def plan(self, names: Sequence[str], path: str, given: Mapping[str, Secret]) -> RotationPlan:
        """Return the plan, and keep its secrets out of the record from now on. Raises UsageError."""
        self.walk.know(given.items())
        made = rotation.plan(self.facts, self.walk.profile, names, given=given, path=path)
        self.walk.know(made.secrets())
        return made

    def carry_out(self, plan: RotationPlan, say: Say, stop: Event) -> Outcome:
        """Carry out a plan to which the operator has said yes. Blocks."""
        return rotation.carry_out(plan, self.walk.target, self.walk.step_record(self.key), say, stop)


def told(outcome: Outcome) -> tuple[str, ...]:
    """Return in words how it ended, and what is left to do by hand."""
    ending = f"{outcome.ending.value.capitalize()}."
    if outcome.ending is Ending.DONE:
        return (ending,)
    return (f"{ending} {outcome.reason}", *(f"See to it by hand: {line}" for line in outcome.left))

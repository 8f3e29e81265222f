"""Rotating secrets: new values for some variables of a project's files, and everything that follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Event

from signoff.actions.base import Outcome, Say, StepRecord
from signoff.credentials.policy import Policy
from signoff.credentials.rating import Rating
from signoff.credentials.secret import Secret
from signoff.facts.base import Facts
from signoff.facts.containers import CONTAINERS
from signoff.facts.environment import ENVIRONMENT
from signoff.facts.units import UNITS
from signoff.target.base import Target
from signoff.target.profile import Profile

FACTS = (ENVIRONMENT, UNITS, CONTAINERS)
"""What a plan is made of; to be looked up just before."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A variable that holds a secret, and the policy by which it would get a new value."""

    name: str
    path: str
    line: int
    policy: Policy
    rating: Rating


@dataclass(frozen=True, slots=True)
class Change:
    """A variable's new value. ``along`` names the variable with which it changes: a URL with its password."""

    name: str
    path: str
    policy: Policy
    old: Secret
    new: Secret
    along: str = ""


@dataclass(frozen=True)
class RotationPlan:
    """What a rotation would do. ``orphaning`` are the variables whose change loses data."""

    changes: tuple[Change, ...]
    entails: tuple[str, ...]
    orphaning: tuple[str, ...]

    @property
    def preview(self) -> tuple[str, ...]:
        """Return what will happen, line by line, in its order; no secret is in it."""
        raise NotImplementedError

    def secrets(self) -> Iterator[tuple[str, Secret]]:
        """Yield every value, old and new, for the redactor: ``redactor.know(plan.secrets())``."""
        raise NotImplementedError


def candidates(facts: Facts, profile: Profile, path: str = "") -> tuple[Candidate, ...]:
    """Return the variables that can be chosen; of one file where ``path`` names it. Raises UsageError."""
    raise NotImplementedError


def plan(
    facts: Facts,
    profile: Profile,
    names: Sequence[str],
    *,
    given: Mapping[str, Secret] | None = None,
    path: str = "",
) -> RotationPlan:
    """Return the plan of a rotation; pure. ``given`` are the values that a provider has issued, by name.

    Raises UsageError where a name is not there, where a provider's value is missing or is a test key, and
    where it cannot be told what else has to change.
    """
    raise NotImplementedError


def carry_out(plan: RotationPlan, target: Target, record: StepRecord, say: Say, cancel: Event) -> Outcome:
    """Carry a plan out that the operator has read and said yes to; see `signoff.actions.base.perform`."""
    raise NotImplementedError

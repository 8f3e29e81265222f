"""The secrets of a target's files, rated, outside of a session too: no value is told, nothing recorded."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event
from typing import Final

from signoff.credentials.redact import Redactor
from signoff.errors import StoppedError, UsageError
from signoff.facts.base import Facts, Malformed, Unavailable
from signoff.facts.environment import ENVIRONMENT
from signoff.facts.git import GIT
from signoff.facts.units import UNITS
from signoff.message import NOTHING, listed, say
from signoff.model import Finding, Result
from signoff.probes.env import mode, present
from signoff.probes.env_git import git
from signoff.probes.rated import RatedSecret, rated
from signoff.probes.secretfiles import distinct, no_files, used_files
from signoff.reaching import reach
from signoff.target.base import Prompter
from signoff.target.profile import Profile

FACTS: Final = (ENVIRONMENT, UNITS, GIT)
"""What a rating is made of."""


@dataclass(frozen=True, slots=True)
class Rated:
    """Every secret with its rating, file by file, and what was found around the files."""

    secrets: tuple[RatedSecret, ...]
    around: tuple[Finding, ...]

    @property
    def amiss(self) -> tuple[Finding, ...]:
        """What of the files themselves does not pass, the gravest first."""
        gravity = tuple(Result)
        found = (one for one in self.around if one.result is not Result.PASS)
        return tuple(sorted(found, key=lambda one: gravity.index(one.result)))


def around(facts: Facts, profile: Profile) -> tuple[Finding, ...]:
    """Judge the files: are they there, who else may read them and their copies, are they known to git."""
    return (*present.findings(facts, profile), *mode.findings(facts, profile), *git.findings(facts, profile))


def rated_files(facts: Facts, profile: Profile) -> Rated:
    """Rate what can be read; the findings tell of the rest. Raises UsageError where there is no file."""
    try:
        files = distinct(used_files(facts, profile))
        if not files:
            raise no_files(facts)
    except (Unavailable, Malformed) as reason:
        raise cannot_rate(reason) from None
    secrets = (secret for file in files for secret in rated(file, facts, profile))
    return Rated(tuple(secrets), around(facts, profile))


def cannot_rate(reason: Unavailable | Malformed) -> UsageError:
    """Say why nothing can be rated, and what to run by hand."""
    by_hand = listed((reason.by_hand,)) if isinstance(reason, Unavailable) else NOTHING
    return UsageError(say("The secrets cannot be rated: {reason}.", reason=reason.reason), by_hand)


def rate_target(profile: Profile, prompter: Prompter, cancel: Event) -> Rated:
    """Reach a target, rate its secrets, and let go of it. Raises TargetError, UsageError, StoppedError."""
    reached = reach(profile, prompter, Redactor())
    try:
        facts = reached.look(FACTS, cancel)
    finally:
        reached.close()
    if cancel.is_set():
        raise StoppedError(say("Stopped."))
    return rated_files(facts, reached.profile)

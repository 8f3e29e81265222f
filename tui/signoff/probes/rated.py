"""Each secret of the files in use with its rating, and all that is wrong with it. Never a value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from signoff.credentials.policy import Policy, policy_for
from signoff.credentials.rating import Rating, Verdict, provider_test_keys, rate, reused
from signoff.facts.base import Facts
from signoff.facts.environment import SecretFile
from signoff.facts.git import GIT
from signoff.message import NOTHING, Message, listed, say
from signoff.model import Result
from signoff.probes.secretfiles import (
    distinct,
    listing,
    readable_files,
    secrets_of,
    surroundings,
    variables_of,
)
from signoff.target.profile import Profile


@dataclass(frozen=True, slots=True)
class RatedSecret:
    """One secret: where it stands, its rating, how it is renewed, and all that is wrong with it."""

    path: str
    line: int
    rating: Rating
    policy: Policy
    result: Result
    problems: tuple[str, ...]

    @property
    def name(self) -> str:
        """The variable's name."""
        return self.rating.name


def rated_secrets(facts: Facts, profile: Profile) -> tuple[RatedSecret, ...]:
    """Return those of all files in use, file by file. Raises Unavailable, Malformed."""
    files = distinct(readable_files(facts, profile))
    return tuple(secret for file in files for secret in rated(file, facts, profile))


def rated(file: SecretFile, facts: Facts, profile: Profile) -> Iterator[RatedSecret]:
    """Yield the secrets of one file; none where it could not be read."""
    variables = {one.name: one.value for _, one in variables_of([file])}
    context = surroundings(facts, profile)
    shared = {name: group for group in reused(variables) for name in group}
    tests = provider_test_keys(variables)
    exposed = {} if facts.missing(GIT) else facts[GIT].search.found
    for _, one in secrets_of([file]):
        rating = rate(one.name, one.value, context)
        found = [weakness(rating)] if weakness(rating) else []
        if one.name in tests:
            found.append(say("a provider's test key, or its sandbox"))
        if others := listing(other for other in shared.get(one.name, ()) if other != one.name):
            found.append(say("the same as {names}", names=others))
        if one.name in exposed and rating.verdict is not Verdict.DEFAULT:
            found.append(say("in the git history since commit {commit}", commit=exposed[one.name][-1][:12]))
        result = Result.FAIL if found else Result.PASS
        if rating.verdict is Verdict.EMPTY and not rating.own:
            found, result = [say("empty: whether something needs it cannot be seen")], Result.UNKNOWN
        yield RatedSecret(file.path, one.line, rating, policy_for(one.name, one.value), result, tuple(found))


def weakness(rating: Rating) -> Message:
    """Say what a secret lacks by itself; nothing where it is strong."""
    if rating.verdict is Verdict.STRONG:
        return NOTHING
    reasons = () if rating.verdict in {Verdict.EMPTY, Verdict.DEFAULT} else rating.reasons
    return listed([rating.verdict.value, *reasons], ": ")

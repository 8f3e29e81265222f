"""Each secret of the files in use with its rating, and all that is wrong with it. Never a value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from signoff.credentials.dotenv import EnvFile
from signoff.credentials.policy import Policy, policy_for
from signoff.credentials.rating import Rating, Verdict, provider_test_keys, rate, reused
from signoff.credentials.recognise import secret_like
from signoff.facts.base import Facts
from signoff.facts.git import GIT
from signoff.model import Result
from signoff.probes.secretfiles import distinct, readable_files, surroundings
from signoff.target.profile import Profile
from signoff.text import one_line


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
    return tuple(
        secret
        for file in distinct(readable_files(facts, profile))
        if file.content
        for secret in rated(file.path, file.content, facts, profile)
    )


def rated(path: str, content: EnvFile, facts: Facts, profile: Profile) -> Iterator[RatedSecret]:
    """Yield the secrets of one file's content."""
    variables = {one.name: one.value for one in content.variables.values()}
    context = surroundings(facts, profile)
    shared = {name: group for group in reused(variables) for name in group}
    tests = frozenset(provider_test_keys(variables))
    exposed = {} if facts.missing(GIT) else facts[GIT].search.found
    for one in content.variables.values():
        if not secret_like(one.name, one.value):
            continue
        rating = rate(one.name, one.value, context)
        found = list(_weakness(rating))
        if one.name in tests:
            found.append("a provider's test key, or its sandbox")
        if one.name in shared:
            others = ", ".join(one_line(other, 60) for other in shared[one.name] if other != one.name)
            found.append(f"the same as {others}")
        if one.name in exposed and rating.verdict is not Verdict.DEFAULT:
            found.append(f"in the git history since commit {exposed[one.name][-1][:12]}")
        result = Result.FAIL if found else Result.PASS
        if rating.verdict is Verdict.EMPTY and not rating.own:
            found, result = ["empty: whether something needs it cannot be seen"], Result.UNKNOWN
        yield RatedSecret(path, one.line, rating, policy_for(one.name, one.value), result, tuple(found))


def _weakness(rating: Rating) -> Iterator[str]:
    if rating.verdict in {Verdict.EMPTY, Verdict.DEFAULT}:
        yield rating.verdict.value
    elif rating.verdict is not Verdict.STRONG:
        yield f"{rating.verdict.value}: {', '.join(rating.reasons)}"

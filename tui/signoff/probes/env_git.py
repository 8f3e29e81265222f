"""Secrets and git: what was committed once stays in every clone, whatever .gitignore says today."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from shlex import quote

from signoff.credentials.placeholders import is_placeholder
from signoff.credentials.recognise import named_secret
from signoff.credentials.secret import Secret
from signoff.facts.base import Facts
from signoff.facts.environment import ENVIRONMENT, Kind, kind_of
from signoff.facts.git import GIT, Git
from signoff.facts.units import UNITS
from signoff.model import Result, Vantage
from signoff.probes.base import Judgement, probe
from signoff.probes.remedies import command
from signoff.probes.secretfiles import listing, secrets_of, used_files
from signoff.target.profile import Profile
from signoff.text import one_line

_ROTATE = "What was committed is known to everybody with a clone: make new secrets, and revoke the old ones."


@probe(
    "env.git",
    title="Secrets in git",
    expected="no file with secrets is tracked or in the history of any ref, nor are today's values",
    items=("A5", "B4", "X1"),
    needs=(GIT, ENVIRONMENT, UNITS),
    vantage=Vantage.PROJECT,
)
def git(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge the index, the history of all refs, and the values in it."""
    known = facts[GIT]
    if not known.top:
        project = one_line(profile.project)
        yield Judgement(
            result=Result.NOTAPPLICABLE,
            observed=f"neither {project} nor a directory above it is a git repository; the one that it was"
            " deployed from was not looked at",
        )
        return
    faults = [
        *_tracked(known),
        *_history(known),
        *_values(facts, profile),
        *_examples(facts, profile),
        *_remotes(known),
    ]
    yield from faults
    doubts = [*_doubts(facts, profile)]
    yield from doubts
    yield from _not_ignored(known)
    if not faults and not doubts:
        yield Judgement(
            result=Result.PASS,
            observed=f"{one_line(known.top)}: no file with secrets is tracked or in the history of any ref,"
            " and none of today's secrets stands there",
        )


def _secret_paths(known: Git, paths: list[str]) -> list[str]:
    return [path for path in paths if kind_of(path) in {Kind.LIVE, Kind.COPY} and path not in known.sealed]


def _tracked(known: Git) -> Iterator[Judgement]:
    paths = _secret_paths(known, list(known.tracked))
    if paths:
        # By their very names: a star in one would take others out of the index too.
        untrack = command(f"git -C {quote(known.top)} --literal-pathspecs rm --cached --", paths)
        yield Judgement(
            result=Result.FAIL,
            subject="tracked",
            observed=f"git tracks {listing(paths)}; .gitignore has no say over files that are tracked",
            remedy=f"{untrack}\nThe files themselves stay; then commit it. {_ROTATE}",
        )


def _history(known: Git) -> Iterator[Judgement]:
    paths = _secret_paths(known, [path for path in known.history if path not in known.tracked])
    if paths:
        yield Judgement(
            result=Result.FAIL,
            subject="history",
            observed=f"no longer tracked, but in the history: {listing(paths)}",
            evidence=tuple(_commits(path, known.history[path]) for path in paths[:8]),
            remedy=f"{_ROTATE} To rewrite the history does not reach the clones.",
        )


def _commits(name: str, commits: tuple[str, ...]) -> str:
    return f"{one_line(name)}: commit {listing((commit[:12] for commit in commits), 3)}"


def _values(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge today's values in the history. A placeholder there is no leak: it is a weak secret."""
    search = facts[GIT].search
    names = [name for name in search.found if _is_secret(name, facts, profile)]
    if names:
        yield Judgement(
            result=Result.FAIL,
            subject="values",
            observed=f"today's {listing(names)} stands in the history",
            evidence=tuple(_commits(name, search.found[name]) for name in names[:8]),
            remedy=f"{_ROTATE} signoff generate makes them.",
        )


def _is_secret(name: str, facts: Facts, profile: Profile) -> bool:
    if facts.missing(ENVIRONMENT):
        return named_secret(name)
    files = used_files(facts, profile)
    values = [variable.value for _, variable in secrets_of(files) if variable.name == name]
    if not values and any(file.content is None for file in files):
        return named_secret(name)
    return any(not is_placeholder(value.reveal()) for value in values)


def _examples(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge example files, which are meant to be committed: they must not hold what is in use."""
    if facts.missing(ENVIRONMENT):
        return
    live: dict[Secret, str] = {
        variable.value: variable.name
        for _, variable in secrets_of(used_files(facts, profile))
        if variable.value and not is_placeholder(variable.value.reveal())
    }
    for file in facts[ENVIRONMENT].files:
        if file.kind is Kind.EXAMPLE and file.content:
            values = (variable.value for variable in file.content.variables.values())
            names = [live[value] for value in values if value in live]
            if names:
                yield Judgement(
                    result=Result.FAIL,
                    subject=PurePosixPath(file.path).name,
                    observed=f"{one_line(file.path)} is an example, and holds the {listing(names)} in use",
                    remedy=f"Empty the values in {one_line(file.path)}. {_ROTATE}",
                )


def _remotes(known: Git) -> Iterator[Judgement]:
    for remote in known.open_remotes:
        yield Judgement(
            result=Result.FAIL,
            subject=f"remote {remote}",
            observed=f"the URL of the remote {one_line(remote)} holds a password or token, in .git/config",
            remedy=f"Revoke it, then: {command(f'git -C {quote(known.top)} remote set-url', [remote])}"
            " git@HOST:PATH",
        )


def _doubts(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    known = facts[GIT]
    top = quote(known.top)
    if not known.whole:
        yield Judgement(
            result=Result.UNKNOWN,
            subject="clone",
            observed="this clone is shallow or partial: its history is not all here",
            remedy=f"git -C {top} fetch --unshallow, or in a full clone:"
            " git log --all --full-history --oneline -- '*.env*'",
        )
    if known.inside:
        yield Judgement(
            result=Result.UNKNOWN,
            subject="inside",
            observed=f"repositories within it were not looked at: {listing(known.inside)}",
            remedy=f"{command('git -C', known.inside[:1])} log --all --full-history --oneline -- '*.env*'",
        )
    if not known.search.complete:
        yield Judgement(
            result=Result.UNKNOWN,
            subject="search",
            observed="the history was too long to search all of it for today's secrets",
            remedy=f"On a machine with time: gitleaks git {top}",
        )
    unsearched = _unsearched(facts, profile)
    if unsearched:
        yield Judgement(
            result=Result.UNKNOWN,
            subject="values",
            observed=f"the history was not searched for the secrets of {unsearched}",
            remedy="Run signoff with a user who may use sudo, and name the file in targets.toml (env_files).",
        )


def _unsearched(facts: Facts, profile: Profile) -> str:
    if facts.missing(ENVIRONMENT):
        return one_line(profile.project)
    searched = set(facts[GIT].search.files)
    files = used_files(facts, profile)
    return listing(file.path for file in files if not {file.path, file.target} & searched)


def _not_ignored(known: Git) -> Iterator[Judgement]:
    for path, ignored in known.ignored.items():
        relative = PurePosixPath(path)
        inside = relative.is_relative_to(known.top)
        if not ignored and inside and str(relative.relative_to(known.top)) not in known.tracked:
            name = relative.relative_to(known.top)
            yield Judgement(
                result=Result.INFORMATIONAL,
                subject=f"{name}: ignored",
                observed=f"no .gitignore names {one_line(str(name))}: the next git add -A takes it in",
                remedy=f"In {one_line(known.top)}/.gitignore, add the line /{one_line(str(name))}",
            )

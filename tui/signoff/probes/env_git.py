"""Secrets and git: what was committed once stays in every clone, whatever .gitignore says today."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from shlex import quote

from signoff.credentials.placeholders import is_placeholder
from signoff.credentials.recognise import named_secret
from signoff.facts.base import Facts
from signoff.facts.environment import ENVIRONMENT, Kind, SecretFile, kind_of
from signoff.facts.git import GIT, LOG, Git
from signoff.facts.units import UNITS
from signoff.model import Result, Vantage
from signoff.probes.base import Judgement, probe
from signoff.probes.remedies import command
from signoff.probes.secretfiles import listing, secrets_of, used_files, variables_of
from signoff.target.profile import Profile
from signoff.text import one_line

_ROTATE = "What was committed is known to everybody with a clone: make new secrets, and revoke the old ones."

Files = tuple[SecretFile, ...] | None
"""The files in use; None where they could not be looked at."""


@probe(
    "env.git",
    title="Secrets in git",
    expected="no file with secrets is tracked or in the history of any ref, nor are today's values",
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
    files = None if facts.missing(ENVIRONMENT) else used_files(facts, profile)
    examples = [] if files is None else [one for one in facts[ENVIRONMENT].files if one.kind is Kind.EXAMPLE]
    found = [
        *_paths(known),
        *_values(known, files),
        *_examples(examples, files or ()),
        *_remotes(known),
        *_doubts(known, files, profile),
    ]
    yield from found
    yield from _not_ignored(known)
    if not found:
        yield Judgement(
            result=Result.PASS,
            observed=f"{one_line(known.top)}: no file with secrets is tracked or in the history of any ref,"
            " and none of today's secrets stands there",
        )


def _paths(known: Git) -> Iterator[Judgement]:
    """Judge the files by their names: those in the index, and those that were there."""
    paths = [
        path
        for path in dict.fromkeys((*known.tracked, *known.history))
        if kind_of(path) in {Kind.LIVE, Kind.COPY} and path not in known.sealed
    ]
    if tracked := [path for path in paths if path in known.tracked]:
        # By their very names: a star in one would take others out of the index too.
        untrack = command(f"git -C {quote(known.top)} --literal-pathspecs rm --cached --", tracked)
        yield Judgement(
            result=Result.FAIL,
            subject="tracked",
            observed=f"git tracks {listing(tracked)}; .gitignore has no say over files that are tracked",
            remedy=f"{untrack}\nThe files themselves stay; then commit it. {_ROTATE}",
        )
    if gone := [path for path in paths if path not in known.tracked]:
        yield Judgement(
            result=Result.FAIL,
            subject="history",
            observed=f"no longer tracked, but in the history: {listing(gone)}",
            evidence=tuple(_commits(path, known.history[path]) for path in gone[:8]),
            remedy=f"{_ROTATE} To rewrite the history does not reach the clones.",
        )


def _commits(name: str, commits: tuple[str, ...]) -> str:
    return f"{one_line(name)}: commit {listing((commit[:12] for commit in commits), 3)}"


def _values(known: Git, files: Files) -> Iterator[Judgement]:
    """Judge today's values in the history. A placeholder there is no leak: it is a weak secret."""
    commits = known.search.found
    if names := [name for name in commits if _is_secret(name, files)]:
        yield Judgement(
            result=Result.FAIL,
            subject="values",
            observed=f"today's {listing(names)} stands in the history",
            evidence=tuple(_commits(name, commits[name]) for name in names[:8]),
            remedy=f"{_ROTATE} signoff generate makes them.",
        )


def _is_secret(name: str, files: Files) -> bool:
    values = [variable.value for _, variable in secrets_of(files or ()) if variable.name == name]
    if not values and (files is None or any(file.content is None for file in files)):
        return named_secret(name)
    return any(not is_placeholder(value.reveal()) for value in values)


def _examples(examples: Iterable[SecretFile], files: Iterable[SecretFile]) -> Iterator[Judgement]:
    """Judge example files, which are meant to be committed: they must not hold what is in use."""
    live = {one.value: one.name for _, one in secrets_of(files) if not is_placeholder(one.value.reveal())}
    for file in examples:
        if names := [live[one.value] for _, one in variables_of([file]) if one.value and one.value in live]:
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


def _doubts(known: Git, files: Files, profile: Profile) -> Iterator[Judgement]:
    """Say what was not looked at."""
    top = quote(known.top)
    if not known.whole:
        yield Judgement(
            result=Result.UNKNOWN,
            subject="clone",
            observed="this clone is shallow or partial: its history is not all here",
            remedy=f"git -C {top} fetch --unshallow, or in a full clone: {LOG}",
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
    searched = set(known.search.files)
    unsearched = (
        [profile.project]
        if files is None
        else [file.path for file in files if not {file.path, file.target} & searched]
    )
    if unsearched:
        yield Judgement(
            result=Result.UNKNOWN,
            subject="values",
            observed=f"the history was not searched for the secrets of {listing(unsearched)}",
            remedy="Run signoff with a user who may use sudo, and name the file in targets.toml (env_files).",
        )


def _not_ignored(known: Git) -> Iterator[Judgement]:
    for path, ignored in known.ignored.items():
        name = path.removeprefix(f"{known.top}/")
        if not ignored and name != path and name not in known.tracked:
            yield Judgement(
                result=Result.INFORMATIONAL,
                subject=f"{name}: ignored",
                observed=f"no .gitignore names {one_line(name)}: the next git add -A takes it in",
                remedy=f"In {one_line(known.top)}/.gitignore, add the line /{one_line(name)}",
            )

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
from signoff.message import say
from signoff.model import Result, Vantage
from signoff.probes.base import Judgement, probe
from signoff.probes.kit import decision
from signoff.probes.remedies import command
from signoff.probes.secretfiles import listing, secrets_of, used_files
from signoff.target.profile import Profile
from signoff.text import one_line

_ROTATE = "What was committed is known to everybody with a clone: make new secrets, and revoke the old ones."


@probe(
    "env.git",
    title=say("Secrets in git"),
    expected=say("no file with secrets is tracked or in the history of any ref, nor are today's values"),
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
            observed=say(
                "neither {project} nor a directory above it is a git repository; the one that it was "
                "deployed from was not looked at",
                project=project,
            ),
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
            observed=say(
                "{top}: no file with secrets is tracked or in the history of any ref, and none of "
                "today's secrets stands there",
                top=one_line(known.top),
            ),
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
            observed=say(
                "git tracks {listing}; .gitignore has no say over files that are tracked",
                listing=listing(paths),
            ),
            remedy=decision(
                say(
                    "{untrack}\nThe files themselves stay; then commit it. {rotate}",
                    untrack=untrack,
                    rotate=_ROTATE,
                )
            ),
        )


def _history(known: Git) -> Iterator[Judgement]:
    paths = _secret_paths(known, [path for path in known.history if path not in known.tracked])
    if paths:
        yield Judgement(
            result=Result.FAIL,
            subject="history",
            observed=say("no longer tracked, but in the history: {listing}", listing=listing(paths)),
            evidence=tuple(_commits(path, known.history[path]) for path in paths[:8]),
            remedy=decision(
                say("{rotate} To rewrite the history does not reach the clones.", rotate=_ROTATE)
            ),
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
            observed=say("today's {listing} stands in the history", listing=listing(names)),
            evidence=tuple(_commits(name, search.found[name]) for name in names[:8]),
            remedy=decision(say("{rotate} signoff generate makes them.", rotate=_ROTATE)),
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
                    observed=say(
                        "{path} is an example, and holds the {listing} in use",
                        path=one_line(file.path),
                        listing=listing(names),
                    ),
                    remedy=decision(
                        say("Empty the values in {path}. {rotate}", path=one_line(file.path), rotate=_ROTATE)
                    ),
                )


def _remotes(known: Git) -> Iterator[Judgement]:
    for remote in known.open_remotes:
        yield Judgement(
            result=Result.FAIL,
            subject=f"remote {remote}",
            observed=say(
                "the URL of the remote {remote} holds a password or token, in .git/config",
                remote=one_line(remote),
            ),
            remedy=decision(
                say(
                    "Revoke it, then: {command} git@HOST:PATH",
                    command=command(f"git -C {quote(known.top)} remote set-url", [remote]),
                )
            ),
        )


def _doubts(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    known = facts[GIT]
    top = quote(known.top)
    if not known.whole:
        yield Judgement(
            result=Result.UNKNOWN,
            subject="clone",
            observed=say("this clone is shallow or partial: its history is not all here"),
            remedy=decision(
                say(
                    "git -C {top} fetch --unshallow, or in a full clone: git log --all --full-history "
                    "--oneline -- '*.env*'",
                    top=top,
                )
            ),
        )
    if known.inside:
        yield Judgement(
            result=Result.UNKNOWN,
            subject="inside",
            observed=say(
                "repositories within it were not looked at: {listing}", listing=listing(known.inside)
            ),
            remedy=decision(
                say(
                    "{command} log --all --full-history --oneline -- '*.env*'",
                    command=command("git -C", known.inside[:1]),
                )
            ),
        )
    if not known.search.complete:
        yield Judgement(
            result=Result.UNKNOWN,
            subject="search",
            observed=say("the history was too long to search all of it for today's secrets"),
            remedy=decision(say("On a machine with time: gitleaks git {top}", top=top)),
        )
    unsearched = _unsearched(facts, profile)
    if unsearched:
        yield Judgement(
            result=Result.UNKNOWN,
            subject="values",
            observed=say(
                "the history was not searched for the secrets of {unsearched}", unsearched=unsearched
            ),
            remedy=decision(
                say(
                    "Run signoff with a user who may use sudo, and name the file in targets.toml (env_files)."
                )
            ),
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
                observed=say(
                    "no .gitignore names {name}: the next git add -A takes it in", name=one_line(str(name))
                ),
                remedy=decision(
                    say(
                        "In {top}/.gitignore, add the line /{name}",
                        top=one_line(known.top),
                        name=one_line(str(name)),
                    )
                ),
            )

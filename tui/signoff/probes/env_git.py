"""Secrets and git: what was committed once stays in every clone, whatever .gitignore says today."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from shlex import quote

from signoff.credentials.placeholders import is_placeholder
from signoff.credentials.recognise import named_secret
from signoff.facts.base import Facts
from signoff.facts.environment import ENVIRONMENT, Kind, SecretFile, kind_of
from signoff.facts.git import GIT, LOG, Git
from signoff.facts.units import UNITS
from signoff.message import Message, say
from signoff.probes.base import Judgement
from signoff.probes.kit import (
    Proves,
    command,
    decision,
    edit,
    fail,
    informational,
    notapplicable,
    passed,
    unknown,
)
from signoff.probes.remedies import on_paths
from signoff.probes.secretfiles import listing, on_secrets, secrets_of, used_files, variables_of
from signoff.target.profile import Profile
from signoff.text import one_line

_ROTATE = say(
    "What was committed is known to everybody with a clone: make new secrets, and revoke the old ones."
)
Files = tuple[SecretFile, ...] | None
"""The files in use; None where they could not be looked at."""


@on_secrets(
    "env.git",
    title=say("Secrets in git"),
    expected=say("no file with secrets is tracked or in the history of any ref, nor are today's values"),
    needs=(GIT, ENVIRONMENT, UNITS),
)
def git(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge the index, the history of all refs, and the values in it."""
    known, top = facts[GIT], one_line(facts[GIT].top)
    if not top:
        observed = say(
            "neither {project} nor a directory above it is a git repository; the one that it was deployed"
            " from was not looked at",
            project=one_line(profile.project),
        )
        yield notapplicable(observed)
        return
    files = None if facts.missing(ENVIRONMENT) else used_files(facts, profile)
    examples = [] if files is None else [one for one in facts[ENVIRONMENT].files if one.kind is Kind.EXAMPLE]
    found = [
        *_paths(known),
        *_values(known, files),
        *_examples(examples, files or ()),
        *(_remote(top, remote) for remote in known.open_remotes),
        *_doubts(known, files, profile),
    ]
    yield from found
    yield from _not_ignored(known)
    if not found:
        observed = say(
            "{top}: no file with secrets is tracked or in the history of any ref, and none of today's secrets"
            " stands there",
            top=top,
        )
        yield passed(observed, proves=Proves.CONFIGURED, evidence=(top, *map(one_line, known.search.files)))


def _paths(known: Git) -> Iterator[Judgement]:
    """Judge the files by their names: those in the index, and those that were there."""
    paths = [
        path
        for path in dict.fromkeys((*known.tracked, *known.history))
        if kind_of(path) in {Kind.LIVE, Kind.COPY} and path not in known.sealed
    ]
    if tracked := [path for path in paths if path in known.tracked]:
        # By their very names: a star in one would take others out of the index too.
        untrack = f"git -C {quote(known.top)} --literal-pathspecs rm --cached --"
        stay = say("The files themselves stay; then commit it. {rotate}", rotate=_ROTATE)
        names = listing(tracked)
        observed = say("git tracks {names}; .gitignore has no say over files that are tracked", names=names)
        yield fail(observed, remedy=on_paths(untrack, tracked, stay), subject="tracked")
    if gone := [path for path in paths if path not in known.tracked]:
        observed = say("no longer tracked, but in the history: {paths}", paths=listing(gone))
        anew = say("{rotate} To rewrite the history does not reach the clones.", rotate=_ROTATE)
        evidence = _commits(gone, known.history)
        yield fail(observed, evidence=evidence, remedy=decision(anew), subject="history")


def _commits(names: list[str], commits: Mapping[str, tuple[str, ...]]) -> Iterator[Message]:
    for name in names[:8]:
        ids = listing((commit[:12] for commit in commits[name]), 3)
        yield say("{name}: commit {commits}", name=one_line(name), commits=ids)


def _values(known: Git, files: Files) -> Iterator[Judgement]:
    """Judge today's values in the history. A placeholder there is no leak: it is a weak secret."""
    commits = known.search.found
    if names := [name for name in commits if _is_secret(name, files)]:
        observed = say("today's {names} stands in the history", names=listing(names))
        evidence = _commits(names, commits)
        yield fail(observed, evidence=evidence, remedy=decision(_ROTATE), subject="values")


def _is_secret(name: str, files: Files) -> bool:
    values = [variable.value for _, variable in secrets_of(files or ()) if variable.name == name]
    if not values and (files is None or any(file.content is None for file in files)):
        return named_secret(name)
    return any(not is_placeholder(value.reveal()) for value in values)


def _examples(examples: Iterable[SecretFile], files: Iterable[SecretFile]) -> Iterator[Judgement]:
    """Judge example files, which are meant to be committed: they must not hold what is in use."""
    live = {one.value: one.name for _, one in secrets_of(files) if not is_placeholder(one.value.reveal())}
    for file in examples:
        path = one_line(file.path)
        if names := [live[one.value] for _, one in variables_of([file]) if one.value and one.value in live]:
            holds = say("holds the {names} in use", names=listing(names))
            observed = say("{path} is an example, and {holds}", path=path, holds=holds)
            empty = say("Empty the values in {path}. {rotate}", path=path, rotate=_ROTATE)
            yield fail(observed, remedy=decision(empty), subject=PurePosixPath(file.path).name)


def _remote(top: str, remote: str) -> Judgement:
    name = one_line(remote)
    anew = say("Revoke it, then: git -C {top} remote set-url {name} git@HOST:PATH", top=top, name=name)
    observed = say("the URL of the remote {name} holds a password or token, in .git/config", name=name)
    return fail(observed, remedy=decision(anew), subject=f"remote {remote}")


def _doubts(known: Git, files: Files, profile: Profile) -> Iterator[Judgement]:
    """Say what was not looked at."""
    top = quote(known.top)
    if not known.whole:
        fetch = say("Fetch the rest, or look in a full clone: {log}", log=LOG)
        observed = say("this clone is shallow or partial: its history is not all here")
        yield unknown(observed, remedy=command(f"git -C {top} fetch --unshallow", fetch), subject="clone")
    if known.inside:
        look = say("Look into each: git -C {path} {log}", path=quote(one_line(known.inside[0])), log=LOG[4:])
        observed = say("repositories within it were not looked at: {paths}", paths=listing(known.inside))
        yield unknown(observed, remedy=decision(look), subject="inside")
    if not known.search.complete:
        observed = say("the history was too long to search all of it for today's secrets")
        search = say("On a machine with time: gitleaks git {top}", top=top)
        yield unknown(observed, remedy=decision(search), subject="search")
    searched = set(known.search.files)
    unsearched = [file.path for file in files or () if not {file.path, file.target} & searched]
    if unsearched or files is None:
        paths = listing(unsearched or [profile.project])
        observed = say("the history was not searched for the secrets of {paths}", paths=paths)
        name = say("Run signoff with a user who may use sudo, and name the file in targets.toml (env_files).")
        yield unknown(observed, remedy=decision(name), subject="values")


def _not_ignored(known: Git) -> Iterator[Judgement]:
    for path in known.unignored:
        name = path.removeprefix(f"{known.top}/")
        if name != path and name not in known.tracked:
            observed = say("no .gitignore names {name}: the next git add -A takes it in", name=one_line(name))
            ignore = edit(f"{known.top}/.gitignore", "", f"/{name}", say("Have git ignore it."))
            yield informational(observed, remedy=ignore, subject=f"{name}: ignored")

"""What git knows of a project's files with secrets. Commits and names only: no content comes back."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from posixpath import normpath
from shlex import quote
from urllib.parse import urlsplit

from signoff.credentials.dotenv import Variable
from signoff.facts.base import Facts, HostFact, Malformed, Unavailable
from signoff.facts.environment import ENVIRONMENT, Kind
from signoff.facts.sections import assigned, read_script, sections
from signoff.message import say
from signoff.target.command import Output, Root
from signoff.target.profile import Profile
from signoff.text import one_line


@dataclass(frozen=True, slots=True)
class Search:
    """The search for today's values in all of the history.

    ``found`` are the commits in which each variable's value stands; ``complete`` tells whether all of the
    history was searched, and ``files`` whose values were searched for.
    """

    found: Mapping[str, tuple[str, ...]]
    complete: bool
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Git:
    """A project's repository, or the proof that there is none: then ``top`` is empty.

    ``tracked`` and ``history`` (path to commits, newest first) hold the paths of files named like ``.env``,
    from the repository's top; of those that are ``sealed`` every version is encrypted. ``whole`` tells
    whether all of the history is here: not where the clone is shallow or partial. ``unignored`` are the files
    with secrets that no .gitignore names, ``open_remotes`` the remotes whose URL holds a password or token.
    The repositories ``inside`` it were not looked at.
    """

    top: str = ""
    whole: bool = True
    tracked: tuple[str, ...] = ()
    history: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unignored: tuple[str, ...] = ()
    open_remotes: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    sealed: frozenset[str] = frozenset()
    search: Search = Search({}, complete=True, files=())


LOG = "git log --all --full-history --oneline -- '*.env*'"
_REFUSALS = {
    "within": say("the project directory holds a repository of its own, which was not looked at"),
    "deployed": say("it is deployed from another repository, which was not looked at"),
    "hidden": say("a directory above may not be looked into, and may hold a repository"),
    "nogit": say("a git repository, and there is no git here to ask"),
    "foreign": say("others than its owner can write to the git repository: what it says is theirs to say"),
    "refused": say("git could not be asked"),
}
"""Why git was not asked, by what the script says of a path."""


def parse_git(output: Output) -> Git:
    """Return what git knows; raise Unavailable where it could not be asked."""
    found = {section.name: section for section in sections(output)}
    for name in found.keys() & _REFUSALS:
        why = say("{reason}: {path}", reason=_REFUSALS[name], path=one_line(found[name].field(0)))
        raise Unavailable(why, f"in a full clone, on another machine: {LOG}")
    if "norepository" in found:
        return Git()
    lines = {name: tuple(filter(None, section.lines)) for name, section in found.items()}
    if not {"repository", "tracked", "history", "values", "remotes"} <= found.keys():
        raise Malformed(say("the look at the repository did not run to its end"))
    history, sealed = _commits(lines["history"]), _commits(lines.get("sealed", ()))
    top, shallow, partial = (found["repository"].field(index) for index in range(3))
    return Git(
        top=top,
        whole=shallow == "false" and partial != "yes",
        tracked=lines["tracked"],
        history=history,
        unignored=lines.get("unignored", ()),
        open_remotes=tuple(_open_remotes(lines["remotes"])),
        inside=lines.get("inside", ()),
        sealed=frozenset(path for path, commits in history.items() if sealed.get(path) == commits),
        search=Search(_commits(lines["values"]), "complete" in lines["values"], lines.get("searched", ())),
    )


def _commits(lines: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the commits in which something stands, by its name."""
    found = defaultdict[str, dict[str, None]](dict)
    for commit, colon, name in (line.partition(":") for line in lines):
        if colon:
            found[name][commit] = None
    return {name: tuple(commits) for name, commits in found.items()}


def _open_remotes(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        key, _, url = line.partition(" ")
        parts = urlsplit(url)
        # git@host is an account; https://TOKEN@host is a secret, with a name before it or not.
        if parts.password or (parts.scheme in {"http", "https"} and parts.username):
            yield key.removeprefix("remote.").removesuffix(".url")


def _given(facts: Facts, profile: Profile) -> dict[str, Iterable[str]]:
    """Return where the project is, which files have secrets, and what to look for in the history."""
    environment = facts[ENVIRONMENT]
    named = {normpath(PurePosixPath(environment.project, name)) for name in profile.env_files}
    beside = {Kind.EXAMPLE, Kind.COPY}
    files = [one for one in environment.files if one.path in named or one.kind not in beside]
    variables = [variable for file in files if file.content for variable in file.content.variables.values()]
    return {
        "project": [environment.project],
        "mounted": [file.path for file in environment.mounted],
        "file": [file.path for file in files],
        "searched": [file.path for file in files if file.content],
        "value": [f"{variable.name}\t{text}" for variable in variables for text in _texts(variable)],
    }


def _texts(variable: Variable) -> set[str]:
    """Return by which texts a value would be known in a line, whoever reads it.

    Of several lines the last of the longest: a key's first ones are the same for all. Of a URL the password
    as well, as it is written there.
    """
    found = set()
    for value in (variable.value, *filter(None, variable.readings.values())):
        longest = max(reversed(re.split(r"[\r\n\0]", value.reveal())), key=len)
        password = re.search(r"://[^/@:]*:([^/@]+)@", longest)
        found |= {longest, password[1] if password else ""}
    return {text for text in found if len(text) >= 8}


_SCRIPT = read_script("trust.sh", "git.sh")

GIT: HostFact[Git] = HostFact(
    id="git",
    title=say("the project's git repository"),
    needs=(ENVIRONMENT,),
    given=_given,
    script=lambda profile: assigned(project=profile.project) + _SCRIPT,
    parse=parse_git,
    root=Root.PREFER,
    timeout=45.0,
    cap=4 << 20,
    sensitive=True,
    kept=Git,
    by_hand=lambda profile: f"cd {quote(profile.project or '.')} && {LOG}",
)

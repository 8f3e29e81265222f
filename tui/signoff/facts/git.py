"""What git knows of a project's files with secrets. Commits and names only: no content comes back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from shlex import quote
from urllib.parse import urlsplit

from signoff.facts.base import HostFact, Malformed, Unavailable
from signoff.facts.environment import no_project, script_for
from signoff.facts.sections import sections
from signoff.target.command import Output, Root
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
    whether all of the history is here: not where the clone is shallow or partial. ``ignored`` says of the
    files with secrets whether .gitignore names them; ``open_remotes`` are the remotes whose URL holds a
    password or token. The repositories ``inside`` it were not looked at.
    """

    top: str = ""
    whole: bool = True
    tracked: tuple[str, ...] = ()
    history: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ignored: Mapping[str, bool] = field(default_factory=dict)
    open_remotes: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    sealed: frozenset[str] = frozenset()
    search: Search = Search({}, complete=True, files=())


LOG = "git log --all --full-history --oneline -- '*.env*'"
_REFUSALS = {
    "within": "the project directory holds a repository of its own, which was not looked at: {}",
    "deployed": "it is deployed from the repository {}, which was not looked at",
    "nogit": "{} is a git repository, and there is no git here to ask",
    "foreign": "others than its owner can write to the git repository ({}): what it says is theirs to say",
    "refused": "git could not be asked: {}",
    "hidden": "a directory above {} may not be looked into, and may hold a repository",
}
"""Why git was not asked, by what the script says."""


def parse_git(output: Output) -> Git:
    """Return what git knows; raise Unavailable where it could not be asked."""
    all_sections = sections(output)
    found = {section.name: section for section in all_sections}
    if "nowhere" in found:
        raise no_project(found["nowhere"].field(0), one_line(found["nowhere"].field(1)))
    if refusals := found.keys() & _REFUSALS:
        name = refusals.pop()
        about = one_line(found[name].field(0))
        raise Unavailable(_REFUSALS[name].format(about), f"in a full clone, on another machine: {LOG}")
    if "norepository" in found:
        return Git()
    if not {"repository", "tracked", "history", "values", "remotes"} <= found.keys():
        raise Malformed("the look at the repository did not run to its end")
    lines = {name: tuple(filter(None, section.lines)) for name, section in found.items()}
    history = _history(lines["history"])
    sealed = Counter(version.partition(":")[2] for version in set(lines.get("sealed", ())))
    return Git(
        top=found["repository"].field(0),
        whole=found["repository"].field(1) == "false" and found["repository"].field(2) != "yes",
        tracked=lines["tracked"],
        history=history,
        ignored={one.field(0): one.field(1) == "0" for one in all_sections if one.name == "ignored"},
        inside=lines.get("inside", ()),
        sealed=frozenset(path for path, commits in history.items() if sealed[path] == len(commits)),
        open_remotes=tuple(_open_remotes(lines["remotes"])),
        search=_search(lines["values"]),
    )


def _history(lines: Iterable[str]) -> dict[str, tuple[str, ...]]:
    commits = defaultdict[str, dict[str, None]](dict)
    commit = ""
    for line in lines:
        if line.startswith("commit "):
            commit = line.split(" ")[1]
        else:
            commits[line][commit] = None
    return {path: tuple(found) for path, found in commits.items()}


def _open_remotes(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        key, _, url = line.partition(" ")
        parts = urlsplit(url)
        # git@host is an account; https://TOKEN@host is a secret, with a name before it or not.
        if parts.password or (parts.scheme in {"http", "https"} and parts.username):
            yield key.removeprefix("remote.").removesuffix(".url")


def _search(lines: Iterable[str]) -> Search:
    found = defaultdict[str, tuple[str, ...]](tuple)
    files, complete = [], False
    for line in lines:
        match line.split("\t"):
            case ["commit", commit, name]:
                found[name] += (commit,)
            case ["read", path]:
                files.append(path)
            case ["complete", *_]:
                complete = True
    return Search(dict(found), complete, tuple(files))


GIT: HostFact[Git] = HostFact(
    id="git",
    title="the project's git repository",
    script=script_for("git.sh"),
    parse=parse_git,
    root=Root.PREFER,
    timeout=45.0,
    cap=4 << 20,
    sensitive=True,
    by_hand=lambda profile: f"cd {quote(profile.project or '.')} && {LOG}",
)

"""What git knows of a project's files with secrets. Commits and names only: no content comes back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from shlex import quote
from urllib.parse import urlsplit

from signoff.facts.base import HostFact, Malformed, Unavailable
from signoff.facts.environment import no_project, script_for
from signoff.facts.sections import Section, sections
from signoff.message import say
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
    from the repository's top. ``whole`` tells whether all of the history is here: not where the clone is
    shallow or partial. ``ignored`` says of the files with secrets whether .gitignore names them;
    ``open_remotes`` are the remotes whose URL holds a password or token.
    """

    top: str = ""
    whole: bool = True
    tracked: tuple[str, ...] = ()
    history: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ignored: Mapping[str, bool] = field(default_factory=dict)
    open_remotes: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    """Repositories within it, which were not looked at."""
    sealed: frozenset[str] = frozenset()
    """The paths of which every version is encrypted."""
    search: Search = Search({}, complete=True, files=())


def parse_git(output: Output) -> Git:
    """Return what git knows; raise Unavailable where it could not be asked."""
    found = {section.name: section for section in sections(output)}
    _refusals(found)
    if "norepository" in found:
        return Git()
    if not {"repository", "tracked", "history", "values", "remotes"} <= found.keys():
        raise Malformed(say("the look at the repository did not run to its end"))
    repository = found["repository"]
    ignored = (section for section in sections(output) if section.name == "ignored")
    return Git(
        top=repository.field(0),
        whole=repository.field(1) == "false" and repository.field(2) != "yes",
        tracked=tuple(line for line in found["tracked"].lines if line),
        history=_history(found["history"]),
        ignored={section.field(0): section.field(1) == "0" for section in ignored},
        inside=tuple(line for line in found["inside"].lines if line) if "inside" in found else (),
        sealed=frozenset(line for line in found["sealed"].lines if line)
        if "sealed" in found
        else frozenset(),
        open_remotes=_open_remotes(found["remotes"]),
        search=_search(found["values"]),
    )


def _refusals(found: Mapping[str, Section]) -> None:
    if "nowhere" in found:
        raise no_project(found["nowhere"].field(0), one_line(found["nowhere"].field(1)))
    if "norepository" in found and found["norepository"].field(1) != "sure":
        directory = one_line(found["norepository"].field(0))
        raise Unavailable(
            say(
                "a directory above {directory} may not be looked into, and may hold a repository",
                directory=directory,
            )
        )
    if "within" in found:
        paths = one_line(found["within"].field(0).replace("?", ", "))
        raise Unavailable(
            say(
                "the project directory holds a repository of its own, which was not looked at: {paths}",
                paths=paths,
            ),
            "in it: git log --all --full-history --oneline -- '*.env*'",
        )
    if "deployed" in found:
        path = found["deployed"].field(0)
        raise Unavailable(
            say("it is deployed from the repository {path}, which was not looked at", path=one_line(path)),
            f"git --git-dir={quote(one_line(path))} log --all --full-history --oneline -- '*.env*'",
        )
    if "nogit" in found:
        top = found["nogit"].field(0)
        raise Unavailable(
            say("{top} is a git repository, and there is no git here to ask", top=one_line(top)),
            "apt-get install git, or look into a full clone on another machine",
        )
    if "foreign" in found:
        path = one_line(found["foreign"].field(0))
        raise Unavailable(
            say(
                "others than its owner can write to the git repository ({path}): what it says is "
                "theirs to say",
                path=path,
            ),
            f"ls -la {quote(path)}",
        )
    for name in ("refused", "noowner"):
        if name in found:
            said = one_line(found[name].field(0)) if name == "refused" else "setpriv is missing"
            raise Unavailable(
                say("git could not be asked: {said}", said=said),
                "git -c safe.directory='*' log --all --full-history --oneline -- '*.env*'",
            )


def _history(section: Section) -> dict[str, tuple[str, ...]]:
    commits = defaultdict[str, dict[str, None]](dict)
    commit = ""
    for line in section.lines:
        if line.startswith("commit "):
            commit = line.split(" ")[1]
        elif line:
            commits[line][commit] = None
    return {path: tuple(found) for path, found in commits.items()}


def _open_remotes(section: Section) -> tuple[str, ...]:
    found = []
    for line in section.lines:
        key, _, url = line.partition(" ")
        parts = urlsplit(url)
        # git@host is an account; https://TOKEN@host is a secret, with a name before it or not.
        if parts.password or (parts.scheme in {"http", "https"} and parts.username):
            found.append(key.removeprefix("remote.").removesuffix(".url"))
    return tuple(found)


def _search(section: Section) -> Search:
    found = defaultdict[str, list[str]](list)
    files = []
    complete = False
    for line in section.lines:
        word, *fields = line.split("\t")
        if word == "commit" and len(fields) == 2:
            found[fields[1]].append(fields[0])
        elif word == "read" and fields:
            files.append(fields[0])
        complete = complete or word == "complete"
    return Search({name: tuple(commits) for name, commits in found.items()}, complete, tuple(files))


GIT: HostFact[Git] = HostFact(
    id="git",
    title=say("the project's git repository"),
    script=script_for("git.sh"),
    parse=parse_git,
    root=Root.PREFER,
    timeout=45.0,
    cap=4 << 20,
    sensitive=True,
    by_hand=lambda profile: (
        f"git -C {quote(profile.project or '.')} log --all --full-history --oneline -- '*.env*'"
    ),
)

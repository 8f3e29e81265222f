"""What can be learnt of a target by looking: where the product lies, its name, and where its dumps are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from posixpath import dirname, relpath
from typing import Any

import msgspec

from signoff.facts.backups import BACKUPS
from signoff.facts.base import Fact, Facts, HostFact
from signoff.facts.containers import CONTAINERS
from signoff.facts.sections import by_name, read_script, sections
from signoff.facts.web import WEB_SERVERS, WebServers
from signoff.message import Message, say
from signoff.target.address import parse_address
from signoff.target.command import Output, Root
from signoff.target.profile import Profile
from signoff.text import one_line

_WHY = {
    "here": say("the current directory"),
    "compose": say("the working directory of its containers"),
    "unit": say("the directory of its service"),
    "usual": say("a usual place"),
}


@dataclass(frozen=True)
class Project:
    """A folder that looks like a product's. ``found`` says how; ``env_files`` are absolute paths."""

    path: str
    found: str
    env_files: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unit:
    """A systemd service of the administrator's own, with its directory and its environment file."""

    name: str
    directory: str
    env_file: str


@dataclass(frozen=True)
class Surroundings:
    """The projects, likeliest first, and the services."""

    projects: tuple[Project, ...]
    units: tuple[Unit, ...]


@dataclass(frozen=True)
class Proposal:
    """A profile with what could be filled in.

    ``candidates`` are the values of each field, likeliest first: where there are several, the field is left
    to the operator. ``why`` says where a field's value comes from.
    """

    profile: Profile
    candidates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)


def parse_surroundings(output: Output) -> Surroundings:
    """Return the projects and services; raise Malformed where the script did not run to its end."""
    found = by_name(sections(output))
    reasons: dict[str, str] = {}
    for one in found["project"]:
        # Found twice, it keeps the likelier reason.
        reasons.setdefault(one.field(0), one.field(1))
    projects = []
    for path, reason in reasons.items():
        files = [one for one in found["env"] if dirname(one.field(0)) == path]
        databases = _once(name for one in files for name in one.lines)
        projects.append(Project(path, reason, _once(one.field(0) for one in files), databases))
    units = tuple(Unit(*one.fields[:3]) for one in found["unit"])
    return Surroundings(tuple(sorted(projects, key=_likelihood)), units)


def _once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _likelihood(project: Project) -> int:
    """Where the operator stands, then what runs and has a .env, what runs, and what merely lies there."""
    return {"here": 0, "usual": 3}.get(project.found, 1 if project.env_files else 2)


SURROUNDINGS: HostFact[Surroundings] = HostFact(
    id="surroundings",
    title=say("where the product lies"),
    script=read_script("trust.sh", "discovery.sh"),
    parse=parse_surroundings,
    root=Root.PREFER,
    timeout=20.0,
    kept=Surroundings,
)

DISCOVERY_FACTS: tuple[Fact[Any], ...] = (SURROUNDINGS, WEB_SERVERS, BACKUPS, CONTAINERS)
"""What ``propose`` reads; each may be missing."""


def propose(facts: Facts, profile: Profile) -> Proposal:
    """Return the profile with what the operator left empty filled in, where only one value fits. Pure."""
    candidates: dict[str, tuple[str, ...]] = {}
    why: dict[str, Message] = {}
    for name, values, reason in _offers(facts, profile):
        shown = _once(one_line(value) for value in values if value)
        if shown and getattr(profile, name) == getattr(Profile(), name):
            candidates[name], why[name] = shown, reason
    chosen: dict[str, Any] = {
        name: values if name in _SEVERAL else values[0]
        for name, values in candidates.items()
        if name in _SEVERAL or len(values) == 1
    }
    return Proposal(msgspec.structs.replace(profile, **chosen), candidates, why)


_SEVERAL = frozenset({"services", "env_files", "admin_paths"})
"""The fields that hold more than one value."""

_PUBLIC_NAME = re.compile(r"(?!_)([\w-]+\.)+(?!local(host)?$)[^\W\d][\w-]*")
"""A server's name that people type: no wildcard, no pattern, no address, not localhost."""

_Offer = tuple[str, Iterable[str], Message]
"""A field, its values, and where they come from."""


def _offers(facts: Facts, profile: Profile) -> Iterator[_Offer]:
    around = Surroundings((), ()) if facts.missing(SURROUNDINGS) else facts[SURROUNDINGS]
    address = parse_address(profile.address)
    if given := profile.project or (address.project if address else ""):
        projects = [one for one in around.projects if one.path == given] or [Project(given, "usual")]
    else:
        projects = [one for one in around.projects if _likelihood(one) == _likelihood(around.projects[0])]
    if projects:
        why = say("the target's address") if given else _WHY[projects[0].found]
        yield "project", (one.path for one in projects), why
    databases: tuple[str, ...] = ()
    if len(projects) == 1:
        databases = projects[0].databases
        yield from _of_project(facts, around, projects[0])
    if not facts.missing(BACKUPS):
        backups = facts[BACKUPS]
        names = [dump.kind.database for dump in backups.dumps]
        yield "database", databases or names, say("the project's .env") if databases else say("its dumps")
        places = [dump.place.path for dump in backups.dumps]
        why = say("where the dumps lie") if places else say("the backup job's folder")
        yield "backup_directory", places or backups.closed, why
    if not facts.missing(WEB_SERVERS):
        yield from _of_web(facts[WEB_SERVERS])


def _of_project(facts: Facts, around: Surroundings, project: Project) -> Iterator[_Offer]:
    units = [
        unit.name
        for unit in around.units
        if unit.directory == project.path or unit.env_file in project.env_files
    ]
    made = () if facts.missing(CONTAINERS) else (one.composed for one in facts[CONTAINERS])
    composed = sorted({one.service for one in made if one and one.directory == project.path})
    yield "services", (*units, *composed), say("what runs from the project's directory")
    names = [relpath(path, project.path) for path in project.env_files]
    # Where there is a .env, the default stands.
    yield "env_files", names if ".env" not in names else (), say("the project's directory")


def _of_web(servers: WebServers) -> Iterator[_Offer]:
    names = [*filter(_PUBLIC_NAME.fullmatch, (name.lower().rstrip(".") for name in servers.names()))]
    own = [name for name in names if not name.startswith("www.") or name.removeprefix("www.") not in names]
    yield "url", (f"https://{name}" for name in own), say("the web server's sites")
    paths = servers.admin_paths()
    spelt = [path for path in paths if path.endswith("/") or f"{path}/" not in paths]
    yield "admin_paths", spelt, say("the web server's rules")

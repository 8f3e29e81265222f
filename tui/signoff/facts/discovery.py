"""What can be learnt of a target by looking: where the product lies, its name, and where its dumps are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from posixpath import relpath
from typing import Any

import msgspec

from signoff.errors import UsageError
from signoff.facts.backups import BACKUPS
from signoff.facts.base import Fact, Facts, HostFact
from signoff.facts.containers import CONTAINERS
from signoff.facts.sections import read_script, sections
from signoff.facts.web import WEB_SERVERS
from signoff.message import say
from signoff.target.address import parse_address
from signoff.target.command import Output, Root
from signoff.target.profile import Profile
from signoff.text import one_line

_WHY = {
    "here": "the current directory",
    "compose": "the working directory of its containers",
    "unit": "the directory of its service",
    "usual": "a usual place",
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
    why: dict[str, str] = field(default_factory=dict)


def parse_surroundings(output: Output) -> Surroundings:
    """Return the projects and services; raise Malformed where the script did not run to its end."""
    projects: dict[str, Project] = {}
    units: list[Unit] = []
    current = ""
    for section in sections(output):
        match section.name:
            case "project":
                current = section.field(0)
                # Found twice, it keeps the likelier reason.
                projects.setdefault(current, Project(current, section.field(1)))
            case "env" if current:
                known = projects[current]
                if section.field(0) not in known.env_files:
                    projects[current] = Project(
                        known.path,
                        known.found,
                        (*known.env_files, section.field(0)),
                        tuple(dict.fromkeys((*known.databases, *section.lines))),
                    )
            case "unit":
                units.append(Unit(section.field(0), section.field(1), section.field(2)))
    return Surroundings(tuple(sorted(projects.values(), key=_likelihood)), tuple(units))


def _likelihood(project: Project) -> int:
    """Where the operator stands, then what runs and has a .env, what runs, and what merely lies there."""
    if project.found == "here":
        return 0
    if project.found == "usual":
        return 3
    return 1 if project.env_files else 2


SURROUNDINGS: HostFact[Surroundings] = HostFact(
    id="surroundings",
    title=say("where the product lies"),
    script=read_script("trust.sh", "discovery.sh"),
    parse=parse_surroundings,
    root=Root.PREFER,
    timeout=20.0,
)

DISCOVERY_FACTS: tuple[Fact[Any], ...] = (SURROUNDINGS, WEB_SERVERS, BACKUPS, CONTAINERS)
"""What ``propose`` reads; each may be missing."""


def propose(facts: Facts, profile: Profile) -> Proposal:
    """Return the profile with what the operator left empty filled in, where only one value fits. Pure."""
    found = _Found()
    project = _project(facts, profile, found)
    if project and not profile.services:
        _services(facts, project, found)
    if project and profile.env_files == Profile().env_files:
        _env_files(project, found)
    if not profile.database and not facts.missing(BACKUPS):
        names = [dump.kind.database for dump in facts[BACKUPS].dumps if dump.kind.database]
        env = project.databases if project else ()
        found.offer("database", env or names, "the project's .env" if env else "its dumps")
    if not profile.backup_directory and not facts.missing(BACKUPS):
        backups = facts[BACKUPS]
        dumps = [dump.place.path for dump in backups.dumps]
        closed = [place for place in backups.closed if place not in dumps]
        found.offer(
            "backup_directory",
            dumps or closed,
            "the backup job's folder" if closed else "where the dumps lie",
        )
    if not facts.missing(WEB_SERVERS):
        _web(facts, profile, found)
    return Proposal(found.filled(profile), found.candidates, found.why)


class _Found:
    """The candidates, field by field."""

    def __init__(self) -> None:
        self.candidates: dict[str, tuple[str, ...]] = {}
        self.why: dict[str, str] = {}
        self.several: dict[str, tuple[str, ...]] = {}

    def offer(self, name: str, values: Iterable[str], why: str) -> None:
        """Take in the values of a field of which one is to be chosen."""
        shown = tuple(dict.fromkeys(one_line(value) for value in values if value))
        if shown:
            self.candidates[name], self.why[name] = shown, why

    def offer_all(self, name: str, values: Iterable[str], why: str) -> None:
        """Take in the values of a field that holds several."""
        self.offer(name, values, why)
        if name in self.candidates:
            self.several[name] = self.candidates[name]

    def filled(self, profile: Profile) -> Profile:
        """Return the profile with the fields for which there is no choice to make."""
        chosen: dict[str, Any] = {
            name: values[0]
            for name, values in self.candidates.items()
            if name not in self.several and len(values) == 1
        }
        return msgspec.structs.replace(profile, **chosen, **self.several)


def _project(facts: Facts, profile: Profile, found: _Found) -> Project | None:
    """Offer the project's directory, and return what is known of the one that is chosen."""
    projects = () if facts.missing(SURROUNDINGS) else facts[SURROUNDINGS].projects
    chosen = profile.project or _in_address(profile.address)
    if chosen:
        if not profile.project:
            found.offer("project", [chosen], "the target's address")
        return next((project for project in projects if project.path == chosen), Project(chosen, "usual"))
    if not projects:
        return None
    likeliest = [project for project in projects if _likelihood(project) == _likelihood(projects[0])]
    found.offer("project", (project.path for project in likeliest), _WHY[projects[0].found])
    return likeliest[0] if len(likeliest) == 1 else None


def _in_address(address: str) -> str:
    try:
        parsed = parse_address(address)
    except UsageError:
        return ""
    return parsed.project if parsed else ""


def _services(facts: Facts, project: Project, found: _Found) -> None:
    units = () if facts.missing(SURROUNDINGS) else facts[SURROUNDINGS].units
    own = [
        unit.name for unit in units if unit.directory == project.path or unit.env_file in project.env_files
    ]
    containers = () if facts.missing(CONTAINERS) else facts[CONTAINERS]
    composed = sorted(
        {
            container.labels.get("com.docker.compose.service", "")
            for container in containers
            if container.labels.get("com.docker.compose.project.working_dir") == project.path
        }
    )
    found.offer_all("services", (*own, *composed), "what runs from the project's directory")


def _env_files(project: Project, found: _Found) -> None:
    names = [relpath(path, project.path) for path in project.env_files]
    # Where there is a .env, the default stands.
    if names and ".env" not in names:
        found.offer_all("env_files", names, "the project's directory")


def _web(facts: Facts, profile: Profile, found: _Found) -> None:
    servers = facts[WEB_SERVERS]
    if not profile.url:
        names = [name.lower().rstrip(".") for name in servers.names() if _is_public_name(name)]
        own = [
            name for name in names if name.removeprefix("www.") not in names or not name.startswith("www.")
        ]
        found.offer("url", (f"https://{name}" for name in own), "the web server's sites")
    if not profile.admin_paths:
        paths = servers.admin_paths()
        spelt = [path for path in paths if path.endswith("/") or f"{path}/" not in paths]
        found.offer_all("admin_paths", spelt, "the web server's rules")


def _is_public_name(name: str) -> bool:
    """Whether a server's name is one that people type: no wildcard, no pattern, no address, not localhost."""
    if not name or name[0] in "_~*.$" or "." not in name or name.endswith((".local", ".localhost", ".*")):
        return False
    try:
        ip_address(name)
    except ValueError:
        return ":" not in name and "/" not in name
    return False

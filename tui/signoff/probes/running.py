"""What runs of the project, and with which secrets: containers, units, and processes of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import PurePosixPath
from posixpath import normpath
from shlex import quote

from signoff.credentials.secret import Secret
from signoff.facts.base import Facts
from signoff.facts.compose import ComposeService
from signoff.facts.containers import CONTAINERS, Container
from signoff.facts.environment import ENVIRONMENT, Environment, SecretFile
from signoff.facts.units import UNITS, Process, Unit
from signoff.message import say
from signoff.probes.base import Remedy
from signoff.probes.kit import command, decision
from signoff.target.profile import Profile
from signoff.text import one_line

_PROJECT = "com.docker.compose.project.working_dir"
_FILES = "com.docker.compose.project.config_files"
_SERVICE = "com.docker.compose.service"

_Services = tuple[tuple[str, ComposeService], ...]


@dataclass(frozen=True)
class Running:
    """One service of the project. ``remedy`` starts it anew so that it takes the files' values.

    ``environments`` are its processes', as far as they may be read (``seen`` says whether all may);
    ``whole`` tells whether a variable that is not there was not given. ``reads`` are the files that are
    given to it as a whole. ``apart`` means that it cannot have the secrets but by its
    environment. A ``container`` keeps the environment that it was made with, however often it is started.
    ``what`` is the container, unit or process itself. ``interpolates`` are the variables that compose fills
    in: of the others it may give the container values of their own, under the same names.
    """

    name: str
    started: datetime | None
    environments: tuple[Mapping[str, Secret], ...] = field(repr=False)
    seen: bool
    whole: bool
    reads: frozenset[str]
    apart: bool
    container: bool
    remedy: Remedy
    what: Container | Unit | Process = field(repr=False)
    interpolates: frozenset[str] | None = None
    """None where it is not known, or not compose's."""


def running(facts: Facts, profile: Profile, names: frozenset[str]) -> tuple[Running, ...]:
    """Return the services of the project that run. ``names`` are the variables that hold its secrets.

    What cannot be seen at all is left out: ``blind`` says so.
    """
    found: list[Running] = []
    if not facts.missing(CONTAINERS):
        found += _containers(facts, profile, names)
    if not facts.missing(UNITS):
        found += _units(facts, names)
    return tuple(found)


def blind(facts: Facts) -> tuple[str, ...]:
    """Return why services may run that are not seen."""
    return tuple(reason for reason in (facts.missing(CONTAINERS), facts.missing(UNITS)) if reason)


def _containers(facts: Facts, profile: Profile, names: frozenset[str]) -> Iterator[Running]:
    environment = facts[ENVIRONMENT]
    for one in facts[CONTAINERS]:
        if one.running and _belongs(one, environment.project, profile, names):
            services, whole = _services(one, environment)
            yield Running(
                name=f"container {one_line(one.name)}",
                started=one.started,
                environments=(one.env,),
                seen=True,
                whole=True,
                reads=frozenset().union(*(_env_files(path, service) for path, service in services)),
                apart=whole and all(_apart(path, service, environment.live) for path, service in services),
                container=True,
                remedy=_recreate(one, environment.project),
                what=one,
                interpolates=(
                    frozenset().union(*(service.interpolates for _, service in services))
                    if services
                    else None
                ),
            )


def _services(container: Container, environment: Environment) -> tuple[_Services, bool]:
    """Return what the compose files that a container was made by say of its service, each by its path.

    Also whether that is all of it: a file that lies elsewhere was not read.
    """
    made = container.composed
    if made is None:
        return (), False
    named = tuple(one for one in environment.compose if one.path in made.files)
    found = tuple(
        (compose.path, service)
        for compose in named or environment.compose
        for service in compose.services
        if service.name == made.service
    )
    return found, bool(found) and len(named) in {0, len(made.files)}


def _belongs(one: Container, project: str, profile: Profile, names: frozenset[str]) -> bool:
    if {one.name, one.labels.get(_SERVICE)} & set(profile.services):
        return True
    if _PROJECT in one.labels or _FILES in one.labels:
        places = [one.labels.get(_PROJECT, ""), *one.labels.get(_FILES, "").split(",")]
        return any(place and PurePosixPath(normpath(place)).is_relative_to(project) for place in places)
    return bool(names & one.env.keys())


def _env_files(path: str, service: ComposeService) -> frozenset[str]:
    directory = PurePosixPath(path).parent
    return frozenset(normpath(str(directory / one.path)) for one in service.env_files)


def _apart(path: str, service: ComposeService, files: tuple[SecretFile, ...]) -> bool:
    """Tell whether a service neither sees the files nor was built where they may have been copied in."""
    directory = PurePosixPath(path).parent
    mounts = [PurePosixPath(normpath(str(directory / mount))) for mount in service.mounts]
    sees = any(PurePosixPath(file.target).is_relative_to(mount) for mount in mounts for file in files)
    variable = any(mount.startswith(("$", "~")) for mount in service.mounts)
    return not (service.env_files or service.builds or sees or variable)


def _recreate(one: Container, project: str) -> Remedy:
    made = one.composed
    if made is None:
        return decision(
            say(
                "docker stop {name} && docker rename {name} {aside}, and docker run it again: a container"
                " keeps its environment",
                name=quote(one.name),
                aside=quote(f"{one.name}-before"),
            )
        )
    made = replace(made, directory=made.directory or project)
    return command(made.up("--force-recreate"), say("Make the container anew: it keeps its environment."))


def _units(facts: Facts, names: frozenset[str]) -> Iterator[Running]:
    known = facts[UNITS]
    for unit in known.units:
        if unit.active and unit.processes:
            yield Running(
                name=one_line(unit.name),
                started=unit.started,
                environments=_environments(unit.processes),
                seen=all(process.environment is not None for process in unit.processes),
                whole=all(process.whole for process in unit.processes),
                reads=frozenset(normpath(one.path) for one in unit.env_files),
                apart=False,
                container=False,
                remedy=command(f"sudo systemctl restart {quote(unit.name)}", say("Start it anew.")),
                what=unit,
            )
    for process in known.strays:
        if process.environment is not None and names & process.environment.keys():
            yield Running(
                name=f"process {process.pid} ({process.name})",
                started=process.started,
                environments=(process.environment,),
                seen=True,
                whole=process.whole,
                reads=frozenset(),
                apart=False,
                container=False,
                remedy=decision(
                    say(
                        "Start process {pid} ({name}) anew, with today's environment",
                        pid=process.pid,
                        name=process.name,
                    )
                ),
                what=process,
            )


def _environments(processes: tuple[Process, ...]) -> tuple[Mapping[str, Secret], ...]:
    return tuple(process.environment for process in processes if process.environment is not None)

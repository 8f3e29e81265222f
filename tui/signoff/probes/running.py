"""What runs of the project, and with which secrets: containers, units, and processes of their own."""

from __future__ import annotations

from collections.abc import Mapping
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
from signoff.facts.units import UNITS, Process, Unit, Units
from signoff.message import say
from signoff.probes.base import Remedy
from signoff.probes.kit import command, decision
from signoff.target.profile import Profile
from signoff.text import one_line


@dataclass(frozen=True)
class Running:
    """One service of the project. ``remedy`` starts it anew so that it takes the files' values.

    ``environments`` are its processes', as far as they may be read (``seen`` says whether all may);
    ``whole`` tells whether a variable that is not there was not given. ``reads`` are the files that are
    given to it as a whole. ``apart`` means that it cannot have the secrets but by its environment.
    ``what`` is the container, unit or process itself. ``interpolates`` are the variables that compose fills
    in: of the others it may give the container values of their own, under the same names.
    """

    name: str
    started: datetime | None
    environments: tuple[Mapping[str, Secret], ...] = field(repr=False)
    remedy: Remedy
    what: Container | Unit | Process = field(repr=False)
    seen: bool = True
    whole: bool = True
    reads: frozenset[str] = frozenset()
    apart: bool = False
    interpolates: frozenset[str] | None = None
    """None where it is not known, or not compose's."""

    @property
    def container(self) -> bool:
        """Whether it keeps the environment that it was made with, however often it is started."""
        return isinstance(self.what, Container)


def running(facts: Facts, profile: Profile, names: frozenset[str]) -> tuple[Running, ...]:
    """Return the services of the project that run. ``names`` are the variables that hold its secrets.

    What cannot be seen at all is left out: ``blind`` says so.
    """
    environment = facts[ENVIRONMENT]
    containers = () if facts.missing(CONTAINERS) else facts[CONTAINERS]
    units = Units(()) if facts.missing(UNITS) else facts[UNITS]
    own = [one for one in containers if one.running and _belongs(one, environment.project, profile, names)]
    return (
        *(_container(one, environment) for one in own),
        *(_unit(one) for one in units.units if one.active and one.processes),
        *(_stray(one) for one in units.strays if one.environment and names & one.environment.keys()),
    )


def blind(facts: Facts) -> tuple[str, ...]:
    """Return why services may run that are not seen."""
    return tuple(filter(None, (facts.missing(CONTAINERS), facts.missing(UNITS))))


def _belongs(one: Container, project: str, profile: Profile, names: frozenset[str]) -> bool:
    """By its names, by where compose found its files, or where nobody composed it by its variables."""
    made = one.composed
    if {one.name, made and made.service} & set(profile.services):
        return True
    if made is None:
        return bool(names & one.env.keys())
    places = filter(None, (made.directory, *made.files))
    return any(PurePosixPath(normpath(place)).is_relative_to(project) for place in places)


def _container(one: Container, environment: Environment) -> Running:
    """Tell of a container by what the compose files that it was made by say of its service."""
    made = one.composed
    named = [file for file in environment.compose if made and file.path in made.files]
    services = [
        (PurePosixPath(file.path).parent, service)
        for file in named or environment.compose
        for service in file.services
        if made and service.name == made.service
    ]
    # A file that lies elsewhere was not read.
    whole = made is not None and len(named) in {0, len(made.files)}
    return Running(
        name=f"container {one_line(one.name)}",
        started=one.started,
        environments=(one.env,),
        remedy=_recreate(one, environment.project),
        what=one,
        reads=frozenset(
            normpath(directory / file.path) for directory, service in services for file in service.env_files
        ),
        apart=bool(services) and whole and all(_apart(*service, environment.live) for service in services),
        interpolates=frozenset().union(*(one.interpolates for _, one in services)) if services else None,
    )


def _apart(directory: PurePosixPath, service: ComposeService, files: tuple[SecretFile, ...]) -> bool:
    """Tell whether a service neither sees the files nor was built where they may have been copied in."""
    mounts = [normpath(directory / mount) for mount in service.mounts]
    sees = any(PurePosixPath(file.target).is_relative_to(mount) for mount in mounts for file in files)
    variable = any(mount.startswith(("$", "~")) for mount in service.mounts)
    return not (service.env_files or service.builds or sees or variable)


def _recreate(one: Container, project: str) -> Remedy:
    if made := one.composed:
        up = replace(made, directory=made.directory or project).up("--force-recreate")
        return command(up, say("Recreate the container: it keeps its environment."))
    return decision(
        say(
            "docker stop {name} && docker rename {name} {aside}, and docker run it again: a container keeps"
            " its environment",
            name=quote(one.name),
            aside=quote(f"{one.name}-before"),
        )
    )


def _unit(unit: Unit) -> Running:
    environments = [process.environment for process in unit.processes]
    return Running(
        name=one_line(unit.name),
        started=unit.started,
        environments=tuple(one for one in environments if one is not None),
        remedy=command(f"sudo systemctl restart {quote(unit.name)}", say("Restart it.")),
        what=unit,
        seen=None not in environments,
        whole=all(process.whole for process in unit.processes),
        reads=frozenset(normpath(one.path) for one in unit.env_files),
    )


def _stray(process: Process) -> Running:
    name = f"process {process.pid} ({process.name})"
    remedy = decision(say("Start {process} anew, with today's environment", process=name))
    environments = (process.environment or {},)
    return Running(name, process.started, environments, remedy, process, whole=process.whole)

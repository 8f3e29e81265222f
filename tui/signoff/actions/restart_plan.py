"""Which services have to be started anew for new secrets, and by which commands.

A container keeps the environment that it was made with, so it is made anew: a restart would not do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from shlex import join, quote
from typing import Final

from signoff.facts.base import Facts
from signoff.facts.compose import ComposeService
from signoff.facts.containers import Container
from signoff.facts.environment import ENVIRONMENT
from signoff.facts.units import Unit
from signoff.probes.running import Running, running
from signoff.target.profile import Profile
from signoff.text import one_line

LABEL: Final = "com.docker.compose."
"""How the labels begin by which compose knows its containers."""


@dataclass(frozen=True, slots=True)
class ComposeServices:
    """Services of one compose project that are to be made anew, as compose was told when it made them."""

    directory: str
    program: tuple[str, ...]
    project: str
    files: tuple[str, ...]
    env_files: tuple[str, ...]
    services: tuple[str, ...]

    @property
    def command(self) -> str:
        """The command, for a shell in the project's directory."""
        options = [option for path in self.files for option in ("-f", path)]
        options += [option for path in self.env_files for option in ("--env-file", path)]
        up = ("up", "-d", "--no-deps", "--force-recreate")
        return join([*self.program, "-p", self.project, *options, *up, *self.services])


@dataclass(frozen=True, slots=True)
class RestartPlan:
    """What is to be started anew. ``by_hand`` is what has the secrets and cannot be started from here."""

    units: tuple[str, ...] = ()
    compose: tuple[ComposeServices, ...] = ()
    containers: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.units or self.compose)

    @property
    def subject(self) -> str:
        """What is started anew."""
        return ", ".join((*self.units, *(f"container {name}" for name in self.containers)))

    @property
    def preview(self) -> tuple[str, ...]:
        """The commands."""
        commands = [f"cd {quote(one.directory)} && {one.command}" for one in self.compose]
        if self.units:
            commands.append(join(["systemctl", "restart", *self.units]))
        return (*map(one_line, commands), "then wait until they are healthy") if commands else ()


def restart_plan(facts: Facts, profile: Profile, paths: frozenset[str], names: frozenset[str]) -> RestartPlan:
    """Return what uses variables of these names, or the files at these paths. Pure."""
    using = [one for one in running(facts, profile, names) if _uses(one, facts, paths, names)]
    containers = [one.what for one in using if isinstance(one.what, Container)]
    composed = [one for one in containers if f"{LABEL}service" in one.labels]
    return RestartPlan(
        units=tuple(one.what.name for one in using if isinstance(one.what, Unit)),
        compose=tuple(_composed(composed)),
        containers=tuple(one.name for one in composed),
        by_hand=tuple(
            one.name for one in using if not isinstance(one.what, Unit) and one.what not in composed
        ),
    )


def _uses(one: Running, facts: Facts, paths: frozenset[str], names: frozenset[str]) -> bool:
    if one.reads & paths:
        return True
    service = _service(one.what, facts) if isinstance(one.what, Container) else None
    if service is not None:
        # What the compose file says counts: of the same name it may give the container another value.
        return bool(service.interpolates & names) or not (one.apart or one.reads)
    # What is given no file may read it itself.
    return not one.reads or any(names & environment.keys() for environment in one.environments)


def _service(container: Container, facts: Facts) -> ComposeService | None:
    name = container.labels.get(f"{LABEL}service", "")
    services = (service for compose in facts[ENVIRONMENT].compose for service in compose.services)
    return next((service for service in services if service.name == name), None)


def _composed(containers: Iterable[Container]) -> Iterator[ComposeServices]:
    groups: dict[tuple[str, ...], dict[str, None]] = {}
    for one in containers:
        about = tuple(
            one.labels.get(f"{LABEL}{name}", "")
            for name in (
                *("project.working_dir", "project", "project.config_files"),
                *("project.environment_file", "version"),
            )
        )
        groups.setdefault(about, {})[one.labels[f"{LABEL}service"]] = None
    for (directory, project, files, env_files, version), services in groups.items():
        yield ComposeServices(
            directory=directory,
            program=("docker-compose",) if version.startswith("1.") else ("docker", "compose"),
            project=project,
            files=tuple(filter(None, files.split(","))),
            env_files=tuple(filter(None, env_files.split(","))),
            services=tuple(services),
        )

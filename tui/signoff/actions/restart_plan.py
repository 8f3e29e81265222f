"""Which services have to be started anew for new secrets, and by which commands.

A container keeps the environment that it was made with, so it is made anew: a restart would not do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from shlex import join, quote

import yaml

from signoff.actions.base import ActionError
from signoff.facts.base import Facts
from signoff.facts.composed import LABEL, Composed
from signoff.facts.containers import Container
from signoff.facts.units import Unit
from signoff.message import listed, say
from signoff.probes.running import Running, running
from signoff.target.profile import Profile
from signoff.text import one_line


@dataclass(frozen=True, slots=True)
class ComposeServices:
    """Services of one compose project that are to be made anew, as compose was told when it made them."""

    made: Composed
    containers: tuple[Container, ...]

    @property
    def services(self) -> tuple[str, ...]:
        """The services' names."""
        return tuple(dict.fromkeys(one.labels[f"{LABEL}service"] for one in self.containers))

    @property
    def command(self) -> str:
        """The command, for a shell in the project's directory. As many containers as there are remain."""
        scale = [option for service in self.services for option in self._scale(service)]
        up = ("up", "-d", "--no-deps", "--force-recreate", *scale)
        return join([*self.made.whole, *up, *self.services])

    @property
    def question(self) -> str:
        """The command that tells what compose would make of it, changing nothing."""
        # By its name a service counts also where its profile does not; version 1 takes no names.
        names = self.services if self.made.second else ()
        return join([*self.made.whole, "config", *names])

    def lost(self, told: bytes) -> tuple[str, ...]:
        """Return the variables that are empty in compose's answer to the question, and not in containers."""
        try:
            services = yaml.safe_load(told)["services"]
            given = {name: services[name].get("environment") or {} for name in self.services}
            return tuple(
                dict.fromkeys(
                    say("{name} of {service}", name=name, service=service)
                    for one in self.containers
                    for service in [one.labels[f"{LABEL}service"]]
                    for name, value in given[service].items()
                    if value in (None, "") and one.env.get(name)
                )
            )
        except (yaml.YAMLError, LookupError, TypeError, AttributeError):
            raise ActionError(say("What compose says of its services cannot be read.")) from None

    def _scale(self, service: str) -> tuple[str, ...]:
        count = sum(one.labels[f"{LABEL}service"] == service for one in self.containers)
        return ("--scale", f"{service}={count}") if count > 1 else ()


@dataclass(frozen=True, slots=True)
class RestartPlan:
    """What is to be started anew. ``by_hand`` is what has the secrets and cannot be started from here.

    ``project`` is the project's directory, whose owner may say what compose starts.
    """

    units: tuple[str, ...] = ()
    compose: tuple[ComposeServices, ...] = ()
    containers: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    project: str = ""

    def __bool__(self) -> bool:
        return bool(self.units or self.compose)

    @property
    def subject(self) -> str:
        """What is started anew."""
        return listed((*self.units, *(say("container {name}", name=name) for name in self.containers)), ", ")

    @property
    def preview(self) -> tuple[str, ...]:
        """The commands."""
        commands = [f"cd {quote(one.made.directory)} && {one.command}" for one in self.compose]
        if self.units:
            commands.append(join(["systemctl", "restart", *self.units]))
        return (*map(one_line, commands), say("then wait until they are healthy")) if commands else ()


def restart_plan(facts: Facts, profile: Profile, paths: frozenset[str], names: frozenset[str]) -> RestartPlan:
    """Return what uses variables of these names, or the files at these paths. Pure."""
    using = [one for one in running(facts, profile, names) if _uses(one, paths, names)]
    containers = [one.what for one in using if isinstance(one.what, Container)]
    composed = [one for one in containers if one.composed]
    return RestartPlan(
        units=tuple(one.what.name for one in using if isinstance(one.what, Unit)),
        compose=tuple(_composed(composed)),
        containers=tuple(one.name for one in composed),
        by_hand=tuple(
            one.name for one in using if not isinstance(one.what, Unit) and one.what not in composed
        ),
        project=profile.project,
    )


def _uses(one: Running, paths: frozenset[str], names: frozenset[str]) -> bool:
    if one.reads & paths:
        return True
    if one.interpolates is not None:
        # What the compose files say counts: of the same name they may give the container another value.
        return bool(one.interpolates & names) or not (one.apart or one.reads)
    # What is given no file may read it itself.
    return not one.reads or any(names & environment.keys() for environment in one.environments)


def _composed(containers: Iterable[Container]) -> Iterator[ComposeServices]:
    """Yield the containers by how they are made; all of one service together."""
    homes: dict[tuple[str, str], Composed] = {}
    groups: dict[Composed, list[Container]] = {}
    for one in containers:
        if made := one.composed:
            home = homes.setdefault((made.project, made.service), made)
            groups.setdefault(home, []).append(one)
    yield from (ComposeServices(made, tuple(those)) for made, those in groups.items())

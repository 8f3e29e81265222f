"""The Docker Engine: its version, and what a swarm publishes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from signoff.facts.base import HostFact, Malformed
from signoff.facts.containers import EVERYWHERE, PublishedPort
from signoff.facts.sections import read_script, sections
from signoff.message import say
from signoff.target.command import Output, Root
from signoff.text import one_line


@dataclass(frozen=True)
class Engine:
    """``version`` is empty without Docker. ``swarm`` are the ports that the services of a swarm publish on
    every node (address ``0.0.0.0``), by the service's name.
    """

    version: str = ""
    swarm: tuple[tuple[str, PublishedPort], ...] = ()

    @property
    def major(self) -> int:
        """The version's first number; 0 where there is none."""
        first = self.version.partition(".")[0]
        return int(first) if first.isdecimal() else 0


def parse_engine(output: Output) -> Engine:
    """Read the server's version and ``docker service inspect``."""
    found = {section.name: section.text for section in sections(output)}
    if "absent" in found:
        return Engine()
    try:
        swarm = tuple(
            (one_line(service["Spec"]["Name"]), _published(port))
            for service in json.loads(found["services"] or "[]")
            for port in service["Endpoint"].get("Ports") or ()
        )
        return Engine(one_line(found["version"], 40), swarm)
    except (ValueError, KeyError, TypeError, AttributeError):
        # No excerpt: a service's environment may hold secrets.
        raise Malformed(say("docker service inspect: not the JSON that it prints")) from None


def _published(port: Mapping[str, Any]) -> PublishedPort:
    return PublishedPort(EVERYWHERE[0], port["PublishedPort"], port["TargetPort"], port["Protocol"])


DOCKER_ENGINE = HostFact(
    "docker-engine",
    say("The Docker Engine"),
    read_script("docker-engine.sh"),
    parse_engine,
    Root.PREFER,
    timeout=40.0,
    sensitive=True,
    by_hand="sudo docker info; sudo docker service ls",
    kept=Engine,
)

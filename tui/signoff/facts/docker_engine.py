"""The Docker Engine: its version, and what a swarm publishes."""

from __future__ import annotations

import json
from dataclasses import dataclass

from signoff.facts.base import HostFact, Malformed, Unavailable
from signoff.facts.containers import PublishedPort
from signoff.facts.sections import read_script, sections
from signoff.message import say
from signoff.target.command import Output, Root
from signoff.text import one_line

BY_HAND = "sudo docker info; sudo docker service ls"


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
    """Read ``docker info`` and ``docker service inspect``; raise Unavailable where a worker cannot tell."""
    found = {section.name: section for section in sections(output)}
    if "absent" in found:
        return Engine()
    if "refused" in found:
        raise Unavailable(
            say("the Docker daemon does not answer: {found}", found=one_line(found["refused"].text)), BY_HAND
        )
    version = one_line(found["version"].field(0), 40)
    state, manager = [*found["swarm"].text.split(), "", ""][:2]
    if state == "inactive":
        return Engine(version)
    if manager != "true" or found["services"].field(0) != "0":
        raise Unavailable(
            say("this node of a swarm is no manager: it cannot tell what the swarm publishes"), BY_HAND
        )
    try:
        services = json.loads(found["services"].text or "[]")
        return Engine(
            version,
            tuple(
                (
                    one_line(service["Spec"]["Name"]),
                    PublishedPort("0.0.0.0", port["PublishedPort"], port["TargetPort"], port["Protocol"]),  # noqa: S104
                )
                for service in services
                for port in service.get("Endpoint", {}).get("Ports") or ()
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        # No excerpt: a service's environment may hold secrets.
        raise Malformed(say("docker service inspect: not the JSON that it prints")) from None


DOCKER_ENGINE: HostFact[Engine] = HostFact(
    id="docker-engine",
    title=say("The Docker Engine"),
    script=read_script("docker-engine.sh"),
    parse=parse_engine,
    root=Root.PREFER,
    timeout=15.0,
    sensitive=True,
    by_hand=BY_HAND,
)

"""The containers on the target, as the Docker daemon describes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from signoff.credentials.secret import Secret
from signoff.facts.base import HostFact, Malformed, Unavailable
from signoff.facts.composed import LABEL, NONE, Composed, Programs, composed
from signoff.facts.sections import assigned, read_script, sections
from signoff.message import say
from signoff.target.command import Output, Root
from signoff.text import one_line

BY_HAND = "sudo docker ps -a --format 'table {{.Names}}\\t{{.Status}}\\t{{.Ports}}'"
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - what Docker means by no address; nothing is bound here


@dataclass(frozen=True)
class PublishedPort:
    """A port of the host that leads into a container. ``address`` is ``0.0.0.0`` or ``::`` for all."""

    address: str
    port: int
    container_port: int
    protocol: str


@dataclass(frozen=True)
class Container:
    """One container, running or not.

    ``published`` are the ports bound now, or those that will be once it is started. ``health`` is
    ``healthy``, ``unhealthy``, ``starting``, or empty where there is no health check. ``addresses`` are its
    own IP addresses on its ``networks``, ``labels`` those of compose alone. ``programs`` are the target's
    compose, of either kind.
    """

    id: str
    name: str
    image: str
    running: bool
    started: datetime | None
    env: Mapping[str, Secret] = field(repr=False)
    published: tuple[PublishedPort, ...]
    network_mode: str
    networks: tuple[str, ...]
    labels: Mapping[str, str]
    health: str
    addresses: tuple[str, ...] = ()
    programs: Programs = NONE

    @property
    def composed(self) -> Composed | None:
        """How compose made it; None where it did not."""
        return composed(self.name, self.labels, self.programs)


def parse_containers(output: Output) -> tuple[Container, ...]:
    """Return every container; an empty tuple only where it is proved that there is none."""
    found = {section.name: section for section in sections(output)}
    state, said = found["docker"].field(0), found["docker"].text
    processes = frozenset(found["processes"].lines)
    # Containers may run that the Docker daemon does not know of.
    if "conmon" in processes or state == "podman":
        raise Unavailable(say("containers are run by Podman, which is not looked at"), "sudo podman ps -a")
    if "rootlesskit" in processes:
        raise Unavailable(say("a rootless Docker runs here, which is not looked at"), "docker ps -a")
    if "containerd-shim" in processes and "dockerd" not in processes:
        raise Unavailable(say("containers run without Docker (containerd), and are not looked at"))
    if state == "none":
        if "dockerd" in processes or found["sockets"].text.strip():
            raise Unavailable(say("Docker runs here, but there is no docker command to ask it with"), BY_HAND)
        if "hidden" in found:
            raise Unavailable(say("other users' processes are hidden, and containers with them"), BY_HAND)
        return ()
    if state == "refused":
        if "permission denied" in said.lower():
            raise Unavailable(say("the Docker daemon may not be asked: permission denied"), BY_HAND)
        raise Unavailable(say("the Docker daemon does not answer: {said}", said=one_line(said)), BY_HAND)
    versions = [_VERSION.match(found[name].text if name in found else "") for name in ("plugin", "program")]
    programs = Programs(*(version[1] if version else "" for version in versions))
    try:
        return tuple(_container(one, programs) for one in msgspec.json.decode(said))
    except (ValueError, LookupError, TypeError, AttributeError):
        # No excerpt, and not what it complains of: the text holds the containers' secrets.
        raise Malformed(say("docker inspect: not the JSON that it prints")) from None


_VERSION = re.compile(r"v?(\d+\.[\w.+~-]*)")


def _container(one: Mapping[str, Any], programs: Programs) -> Container:
    """Read a container in the spelling of the Docker Engine API (GET /containers/{id}/json)."""
    state, config, host, network = (one[key] for key in ("State", "Config", "HostConfig", "NetworkSettings"))
    networks, started = network.get("Networks") or {}, state.get("StartedAt", "")
    environment = (entry.partition("=") for entry in config.get("Env") or ())
    values = {
        "id": one["Id"],
        "name": one_line(one["Name"].removeprefix("/")),
        "image": one_line(config["Image"]),
        "running": state["Running"],
        "started": None if started in {"", "0001-01-01T00:00:00Z"} else started,
        "env": {key: Secret(value) for key, _, value in environment},
        "published": tuple(_published(network.get("Ports") or {}, host.get("PortBindings") or {})),
        "network_mode": host.get("NetworkMode", ""),
        "networks": tuple(networks),
        "labels": {key: text for key, text in (config.get("Labels") or {}).items() if key.startswith(LABEL)},
        "health": (state.get("Health") or {}).get("Status", ""),
        "addresses": [address for of in networks.values() for key in _ADDRESSES if (address := of.get(key))],
        "programs": programs,
    }
    return msgspec.convert(values, Container)


_ADDRESSES = ("IPAddress", "GlobalIPv6Address")
_Bindings = Mapping[str, list[Mapping[str, str]] | None]


def _published(bound: _Bindings, configured: _Bindings) -> Iterator[PublishedPort]:
    """Yield the ports bound now; and those configured, where nothing of them is bound yet."""
    for specification in dict.fromkeys((*bound, *configured)):
        number, _, protocol = specification.partition("/")
        for binding in bound.get(specification) or configured.get(specification) or ():
            # No host port yet: Docker picks one at the start. No address: every address, of both families.
            if binding["HostPort"].isdecimal():
                for address in (binding["HostIp"],) if binding["HostIp"] else EVERYWHERE:
                    yield PublishedPort(address, int(binding["HostPort"]), int(number), protocol or "tcp")


CONTAINERS = HostFact(
    "containers",
    say("Docker containers"),
    lambda profile: assigned(project=profile.project) + read_script("trust.sh", "containers.sh"),
    parse_containers,
    Root.PREFER,
    timeout=20.0,
    cap=16 << 20,
    sensitive=True,
    by_hand=BY_HAND,
    kept=tuple[Container, ...],
)

"""The containers on the target, as the Docker daemon describes them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from signoff.credentials.secret import Secret
from signoff.facts.base import HostFact, Malformed, Unavailable
from signoff.facts.composed import NONE, Composed, Programs, composed
from signoff.facts.sections import Section, assigned, read_script, sections
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
    own IP addresses on its ``networks``. ``programs`` are the target's compose, of either kind.
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


class _Pascal(msgspec.Struct, frozen=True, rename="pascal"):
    """The spelling of the Docker Engine API (GET /containers/{id}/json)."""


class _Health(_Pascal, frozen=True):
    status: str = ""


class _State(_Pascal, frozen=True):
    running: bool
    started_at: str = ""
    health: _Health | None = None


class _Config(_Pascal, frozen=True):
    image: str
    env: tuple[str, ...] | None = None
    labels: dict[str, str] | None = None


class _Binding(_Pascal, frozen=True):
    host_ip: str = ""
    host_port: str = ""


_Bindings = dict[str, tuple[_Binding, ...] | None]


class _HostConfig(_Pascal, frozen=True):
    network_mode: str = ""
    port_bindings: _Bindings | None = None


class _Network(msgspec.Struct, frozen=True):
    ipv4: str = msgspec.field(default="", name="IPAddress")
    ipv6: str = msgspec.field(default="", name="GlobalIPv6Address")


class _NetworkSettings(_Pascal, frozen=True):
    ports: _Bindings | None = None
    networks: dict[str, _Network] | None = None


class _Inspected(_Pascal, frozen=True):
    id: str
    name: str
    state: _State
    config: _Config
    host_config: _HostConfig
    network_settings: _NetworkSettings


def parse_containers(output: Output) -> tuple[Container, ...]:
    """Return every container; an empty tuple only where it is proved that there is none."""
    found = {section.name: section for section in sections(output)}
    processes = frozenset(found["processes"].lines)
    docker = found["docker"]
    _refuse_other_engines(processes, docker.field(0))
    match docker.field(0):
        case "none":
            if "dockerd" in processes or found["sockets"].text.strip():
                raise Unavailable(
                    say("Docker runs here, but there is no docker command to ask it with"), BY_HAND
                )
            if "hidden" in found:
                raise Unavailable(say("other users' processes are hidden, and containers with them"), BY_HAND)
            return ()
        case "refused":
            said = one_line(docker.text)
            if "permission denied" in said.lower():
                raise Unavailable(say("the Docker daemon may not be asked: permission denied"), BY_HAND)
            raise Unavailable(
                say("the Docker daemon does not answer: {said}", said=said or "it gives no reason"), BY_HAND
            )
    try:
        inspected = msgspec.json.decode(docker.text, type=tuple[_Inspected, ...])
    except msgspec.DecodeError as problem:
        # No excerpt: the text holds the containers' secrets.
        raise Malformed(say("docker inspect: {problem}", problem=one_line(str(problem)))) from None
    programs = Programs(*(_version(found[name]) if name in found else "" for name in _PROGRAMS))
    return tuple(_container(one, programs) for one in inspected)


def _refuse_other_engines(processes: frozenset[str], docker: str) -> None:
    """Raise Unavailable where containers run that the Docker daemon does not know of."""
    if "conmon" in processes or docker == "podman":
        raise Unavailable(say("containers are run by Podman, which is not looked at"), "sudo podman ps -a")
    if "rootlesskit" in processes:
        raise Unavailable(
            say("a rootless Docker runs here, which is not looked at"), "docker ps -a (as its user)"
        )
    if any(name.startswith("containerd-shim") for name in processes) and "dockerd" not in processes:
        raise Unavailable(say("containers run without Docker (containerd), and are not looked at"))


_PROGRAMS = ("plugin", "program")


def _version(section: Section) -> str:
    found = re.match(r"v?(\d+\.[\w.+~-]*)", section.text.strip())
    return found[1] if found else ""


def _container(one: _Inspected, programs: Programs) -> Container:
    networks = one.network_settings.networks or {}
    environment = (entry.partition("=") for entry in one.config.env or ())
    return Container(
        id=one.id,
        name=one_line(one.name.removeprefix("/")),
        image=one_line(one.config.image),
        running=one.state.running,
        started=_time(one.state.started_at),
        env={key: Secret(value) for key, _, value in environment},
        published=tuple(_published(one)),
        network_mode=one.host_config.network_mode,
        networks=tuple(networks),
        labels=one.config.labels or {},
        health=one.state.health.status if one.state.health else "",
        programs=programs,
        addresses=tuple(
            address for network in networks.values() for address in (network.ipv4, network.ipv6) if address
        ),
    )


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.year > 1 else None


def _published(one: _Inspected) -> Iterator[PublishedPort]:
    """Yield the ports bound now; and those configured, where nothing of them is bound yet."""
    bound = {port: bindings for port, bindings in (one.network_settings.ports or {}).items() if bindings}
    configured = {
        port: bindings
        for port, bindings in (one.host_config.port_bindings or {}).items()
        if bindings and port not in bound
    }
    for specification, bindings in {**bound, **configured}.items():
        number, _, protocol = specification.partition("/")
        for binding in bindings:
            # No host port yet: Docker picks one when the container starts.
            if not binding.host_port.isdecimal():
                continue
            # An empty address is every address, of both families.
            for address in (binding.host_ip,) if binding.host_ip else EVERYWHERE:
                yield PublishedPort(address, int(binding.host_port), int(number), protocol or "tcp")


_SCRIPT = read_script("trust.sh", "containers.sh")

CONTAINERS: HostFact[tuple[Container, ...]] = HostFact(
    id="containers",
    title=say("Docker containers"),
    script=lambda profile: assigned(project=profile.project) + _SCRIPT,
    parse=parse_containers,
    root=Root.PREFER,
    timeout=20.0,
    cap=16 << 20,
    sensitive=True,
    by_hand=BY_HAND,
)

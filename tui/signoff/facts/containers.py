"""The containers on the target, as the Docker daemon describes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from signoff.credentials.secret import Secret
from signoff.facts.base import HostFact, Malformed, Unavailable
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
    own IP addresses on its ``networks``.
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


# Absence is claimed on proof only: no command, no socket, no daemon, and no process of another engine.
# The kernel keeps 15 characters of a process name.
_SCRIPT = r"""
PATH=$PATH:/snap/bin
[ -r /proc/1/comm ] || echo 'hidden: processes'
cat /proc/[0-9]*/comm 2>/dev/null | sort -u | sed -n \
    -e '/^dockerd$/s/^/process: /p' -e '/^conmon$/s/^/process: /p' \
    -e '/^containerd-shim/s/^/process: /p' -e '/^rootlesskit$/s/^/process: /p'
for socket in /run/docker.sock /var/run/docker.sock; do [ -S "$socket" ] && echo "socket: $socket"; done
docker=$(command -v docker) || { echo 'docker: none'; exit 0; }
case $(docker --version 2>&1) in *[Pp]odman*) echo 'docker: podman'; exit 0 ;; esac
echo 'docker: present'
inspect() {
    ids=$(docker ps -aq --no-trunc) || return 2
    if [ -n "$ids" ]; then docker inspect --type container $ids; else echo '[]'; fi
}
# A container that goes away between the two commands makes the second fail: once more, then.
found=$(inspect 2>/dev/null) || found=$(inspect) || exit 3
echo 'containers:'
printf '%s\n' "$found"
"""


def _absent(head: Mapping[str, set[str]]) -> tuple[Container, ...]:
    """There is no docker command: return no containers where that is proved, else raise Unavailable."""
    if head.get("socket") or "dockerd" in head.get("process", ()):
        raise Unavailable("Docker runs here, but there is no docker command to ask it with", BY_HAND)
    if "hidden" in head:
        raise Unavailable("other users' processes are hidden, so that other container engines are not seen")
    return ()


def _refuse_others(head: Mapping[str, set[str]]) -> None:
    """Raise Unavailable where containers run that the Docker daemon does not know of."""
    processes = head.get("process", set())
    if "conmon" in processes or "podman" in head.get("docker", ()):
        raise Unavailable("containers are run by Podman, which is not looked at", "sudo podman ps -a")
    if "rootlesskit" in processes:
        raise Unavailable("a rootless Docker runs here, which is not looked at", "docker ps -a (as its user)")
    if "containerd-shim" in processes and "dockerd" not in processes:
        raise Unavailable("containers run without Docker (containerd), and are not looked at")


def _refusal(output: Output) -> Unavailable:
    said = one_line(output.stderr)
    if "permission denied" in said.lower():
        return Unavailable("the Docker daemon may not be asked: permission denied", BY_HAND)
    return Unavailable(f"the Docker daemon does not answer: {said or 'no reason given'}", BY_HAND)


def parse_containers(output: Output) -> tuple[Container, ...]:
    """Return every container; an empty tuple only where it is proved that there is none."""
    text, found, listed = output.stdout.partition(b"containers:\n")
    head: dict[str, set[str]] = {}
    for line in text.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition(": ")
        head.setdefault(key, set()).add(value)
    if "docker" not in head:
        raise Malformed("the look for Docker did not run to its end", one_line(text))
    _refuse_others(head)
    if "none" in head["docker"]:
        return _absent(head)
    if output.status or not found:
        raise _refusal(output)
    if output.truncated:
        raise Unavailable("there are more containers than can be read", BY_HAND)
    try:
        inspected = msgspec.json.decode(listed, type=tuple[_Inspected, ...])
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        # No excerpt: the text holds the containers' secrets.
        raise Malformed(f"docker inspect: {one_line(str(problem))}") from None
    return tuple(_container(one) for one in inspected)


def _container(one: _Inspected) -> Container:
    networks = one.network_settings.networks or {}
    environment = (entry.partition("=") for entry in one.config.env or ())
    return Container(
        id=one.id,
        name=one.name.removeprefix("/"),
        image=one.config.image,
        running=one.state.running,
        started=_time(one.state.started_at),
        env={key: Secret(value) for key, _, value in environment},
        published=tuple(_published(one)),
        network_mode=one.host_config.network_mode,
        networks=tuple(networks),
        labels=one.config.labels or {},
        health=one.state.health.status if one.state.health else "",
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


CONTAINERS: HostFact[tuple[Container, ...]] = HostFact(
    id="containers",
    title="Docker containers",
    script=_SCRIPT,
    parse=parse_containers,
    root=Root.PREFER,
    timeout=20.0,
    cap=16 << 20,
    sensitive=True,
    by_hand=BY_HAND,
)

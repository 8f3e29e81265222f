"""What containers lay open: published ports, and the host's own network."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from signoff.facts.base import Facts
from signoff.facts.containers import CONTAINERS, Container, PublishedPort
from signoff.facts.docker_engine import DOCKER_ENGINE, Engine
from signoff.facts.exposure import Exposure, Owner, binds, how_made
from signoff.facts.network import LISTENERS
from signoff.message import say
from signoff.model import Result
from signoff.probes.base import Judgement, probe
from signoff.probes.closing import how_to_close
from signoff.probes.kit import decision
from signoff.probes.vantages import BOTH, WEB, Vantages, described, vantages
from signoff.target.profile import Profile

_LOOPBACK_REACHED = 28
"""Before this major version, what is published on 127.0.0.1 could be reached from the same network segment
(Docker Engine 28.0 release notes; moby 45610)."""


@probe(
    "network.published-ports",
    title=say("Published container ports"),
    expected=say("every published port is bound to loopback; the proxy's 80 and 443 aside"),
    needs=(*BOTH, DOCKER_ENGINE),
)
def published_ports(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge every port that a running container or a swarm's service publishes."""
    containers = facts[CONTAINERS]
    no_engine = facts.missing(DOCKER_ENGINE)
    engine = Engine() if no_engine else facts[DOCKER_ENGINE]
    seen = vantages(facts, profile)
    if not containers and not engine.swarm and not no_engine:
        yield Judgement(
            result=Result.NOTAPPLICABLE, observed=say("no container is there, and no swarm publishes a port")
        )
        return
    owners = {f"container {one.name}": Owner("published", one.name, "", *how_made(one)) for one in containers}
    kept: list[str] = []
    failed = False
    for (name, number, protocol), ports in _grouped(containers, engine).items():
        bound = ", ".join(dict.fromkeys(port.address for port in ports))
        text = f"port {number}/{protocol} on {bound} by {name}"
        open_ones = [port for port in ports if not (_meant(port, profile) or _inside(port, seen))]
        if not open_ones:
            kept.append(text)
        elif all(_stopped(port, seen) for port in open_ones):
            kept.append(f"{text} (stopped by the firewall)")
        else:
            failed = True
            remedy = _on_loopback(owners.get(name), name, open_ones[0])
            yield _laid_open(f"{name} {number}/{protocol}", open_ones, text, seen, remedy)
    if no_engine:
        yield Judgement(result=Result.UNKNOWN, subject="swarm", observed=no_engine)
    elif not failed:
        yield Judgement(
            result=Result.PASS,
            observed=say("published: {kept}", kept=", ".join(kept))
            if kept
            else say("no running container publishes a port"),
            evidence=tuple(_remarks(containers, engine)),
        )


def _grouped(
    containers: tuple[Container, ...], engine: Engine
) -> dict[tuple[str, int, str], list[PublishedPort]]:
    """Return what is published now, by who publishes it, port and protocol: one for each address."""
    found: dict[tuple[str, int, str], list[PublishedPort]] = {}
    running = (container for container in containers if container.running)
    named = [(f"container {one.name}", port) for one in running for port in one.published]
    for name, port in [*named, *((f"swarm service {service}", port) for service, port in engine.swarm)]:
        found.setdefault((name, port.port, port.protocol), []).append(port)
    return found


def _meant(port: PublishedPort, profile: Profile) -> bool:
    return port.port in WEB or (port.protocol == "tcp" and port.port in profile.open_ports)


def _inside(port: PublishedPort, seen: Vantages) -> bool:
    """Tell whether a port is bound to an address that nothing from outside comes to."""
    address = ip_address(port.address)
    if address.is_loopback:
        return True
    return (
        not address.is_unspecified
        and seen.host.interfaces.own(address)
        and address not in seen.host.addresses
    )


def _exposures(port: PublishedPort, seen: Vantages) -> tuple[Exposure, ...]:
    return tuple(
        one
        for one in seen.host.exposures
        if (one.protocol, one.port) == (port.protocol, port.port) and binds(port, one.address)
    )


def _stopped(port: PublishedPort, seen: Vantages) -> bool:
    """Tell whether the packet filter stops it for certain, and nobody outside was answered."""
    leading = _exposures(port, seen)
    answered = any(other.port == port.port for other in seen.open_outside())
    return (
        bool(leading)
        and not seen.host.missing
        and seen.outside is not None
        and not answered
        and all(one.fate == "blocked" for one in leading)
    )


def _laid_open(subject: str, ports: list[PublishedPort], text: str, seen: Vantages, remedy: str) -> Judgement:
    leading = tuple(one for port in ports for one in _exposures(port, seen))
    answering = tuple(other for other in seen.open_outside() if other.port == ports[0].port)
    outside = (
        f"from outside: {', '.join(map(str, answering))}"
        if answering
        else f"from outside: not looked at ({seen.not_outside})"
        if seen.outside is None
        else "from outside: no answer now"
    )
    return Judgement(
        result=Result.FAIL,
        subject=subject,
        observed=say("published on an outside address: {text}; {outside}", text=text, outside=outside),
        evidence=tuple(map(described, leading)),
        remedy=remedy,
    )


def _on_loopback(owner: Owner | None, name: str, port: PublishedPort) -> str:
    if owner is None:
        return (
            f"A swarm publishes on every node: sudo docker service update --publish-rm {port.container_port} "
            f"{name.split()[2]} (published as {port.port}), and let the proxy reach it through a network"
        )
    return (
        f"In {owner.file} publish it on loopback only, "
        f'ports: ["127.0.0.1:{port.port}:{port.container_port}"], or drop it; then: {owner.up}'
    )


def _remarks(containers: tuple[Container, ...], engine: Engine) -> Iterator[str]:
    for container in containers:
        if not container.running and container.published:
            ports = ", ".join(f"{port.address}:{port.port}" for port in container.published)
            yield f"container {container.name} is stopped; once started it publishes {ports}"
    local = any(ip_address(port.address).is_loopback for c in containers for port in c.published)
    if local and 0 < engine.major < _LOOPBACK_REACHED:
        yield (
            f"Docker Engine {engine.version}: before 28.0, a machine on the same network segment can reach "
            "ports published on 127.0.0.1 (moby 45610)"
        )


@probe(
    "network.host-networking",
    title=say("Containers on the host's network"),
    expected=say("a container with network_mode host listens on loopback only, 80 and 443 aside"),
    needs=BOTH,
)
def host_networking(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge containers that share the host's network: they publish nothing, and listen all the same."""
    sharing = tuple(_sharing(facts[CONTAINERS]))
    if not sharing:
        yield Judgement(result=Result.PASS, observed=say("no running container uses the host's network"))
        return
    listeners = facts[LISTENERS]
    seen = vantages(facts, profile)
    nameless = any(not one.processes for one in listeners if one.protocol == "tcp")
    for container in sharing:
        own = tuple(one for one in listeners if one.container == container.id)
        ports = {(one.protocol, one.port) for one in own if not one.address.is_loopback}
        leading = tuple(
            one
            for one in seen.host.exposures
            if (one.protocol, one.port) in ports and one.port not in seen.expected and not one.forwarded
        )
        let_in = tuple(one for one in leading if one.fate == "open")
        answering = tuple(
            port
            for port in seen.open_outside()
            if ("tcp", port.port) in ports and port.port not in seen.expected
        )
        listed = (
            ", ".join(sorted(f"{one.address}:{one.port}/{one.protocol}" for one in own)) or "nothing seen"
        )
        observed = say(
            "container {name} is on the host's network and listens on {listed}",
            name=container.name,
            listed=listed,
        )
        evidence = (*(f"outside: {port}" for port in answering), *map(described, leading))
        if let_in or answering:
            yield Judgement(
                result=Result.FAIL,
                subject=container.name,
                observed=observed,
                evidence=evidence,
                remedy=decision(
                    say(
                        "Give it a network of its own (drop network_mode: host), or make it listen on "
                        "127.0.0.1.\n{how_to_close}",
                        how_to_close=how_to_close(let_in, answering),
                    )
                ),
            )
        elif (nameless and not own) or any(one.fate == "unsure" for one in leading):
            why = (
                "which sockets are its own is not visible" if not own else "the firewall rules leave it open"
            )
            yield Judgement(
                result=Result.UNKNOWN,
                subject=container.name,
                observed=say("{observed}: {why}", observed=observed, why=why),
                evidence=evidence,
                remedy=decision(say("sudo ss -lntup")),
            )
        else:
            yield Judgement(result=Result.PASS, subject=container.name, observed=observed, evidence=evidence)


def _sharing(containers: tuple[Container, ...]) -> Iterator[Container]:
    """Yield the running containers on the host's network, by themselves or through another one."""
    hosts = {container.id for container in containers if container.network_mode == "host"}
    for container in containers:
        through = container.network_mode.removeprefix("container:")
        if container.running and (container.id in hosts or through in hosts):
            yield container

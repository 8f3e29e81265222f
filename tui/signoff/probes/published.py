"""What containers lay open: published ports, and the host's own network."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from shlex import quote

from signoff.facts.base import Facts
from signoff.facts.containers import CONTAINERS, Container, PublishedPort
from signoff.facts.docker_engine import DOCKER_ENGINE, Engine
from signoff.facts.exposure import Exposure, binds, of_container
from signoff.facts.network import LISTENERS
from signoff.message import Message, listed, say
from signoff.probes.base import Judgement, Remedy, probe
from signoff.probes.closing import how_to_close
from signoff.probes.kit import Proves, command, decision, fail, notapplicable, passed, unknown
from signoff.probes.vantages import BOTH, WEB, Vantages, Ways, vantages
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
        yield notapplicable(say("no container is there, and no swarm publishes a port"))
        return
    by_name = {f"container {one.name}": one for one in containers}
    kept: list[Message] = []
    failed = False
    for (name, number, protocol), ports in _grouped(containers, engine).items():
        addresses = listed(dict.fromkeys(port.address for port in ports), ", ")
        at = f"{number}/{protocol}"
        text = say("port {port} on {addresses} by {name}", port=at, addresses=addresses, name=name)
        wide = [port for port in ports if not _meant(port, seen, profile)]
        if not wide:
            kept.append(text)
        elif _stopped(ways := _ways(wide, seen), wide, seen):
            kept.append(say("{port} (stopped by the firewall)", port=text))
        else:
            failed = True
            outside = say("from outside: no answer now")
            if ways.answering:
                outside = say("from outside: {ports}", ports=listed(map(str, ways.answering), ", "))
            elif seen.outside is None:
                outside = say("from outside: not looked at ({reason})", reason=seen.not_outside)
            observed = say("published on an outside address: {port}; {outside}", port=text, outside=outside)
            remedy = _on_loopback(by_name.get(name), name, wide[0])
            yield fail(observed, subject=f"{name} {at}", evidence=ways.evidence, remedy=remedy)
    if no_engine:
        yield unknown(no_engine, subject="swarm")
    elif not failed:
        observed = say("no running container publishes a port")
        if kept:
            observed = say("published: {ports}", ports=listed(kept, ", "))
        evidence = (observed, *_remarks(containers, engine))
        yield passed(observed, proves=Proves.RUNNING, evidence=evidence)


def _grouped(
    containers: tuple[Container, ...], engine: Engine
) -> dict[tuple[str, int, str], list[PublishedPort]]:
    """Return what is published now, by who publishes it, port and protocol: one for each address."""
    found: dict[tuple[str, int, str], list[PublishedPort]] = {}
    running = [one for one in containers if one.running]
    named = [(f"container {one.name}", port) for one in running for port in one.published]
    for name, port in [*named, *((f"swarm service {service}", port) for service, port in engine.swarm)]:
        found.setdefault((name, port.port, port.protocol), []).append(port)
    return found


def _meant(port: PublishedPort, seen: Vantages, profile: Profile) -> bool:
    """Tell whether it may answer, or is bound to an address that nothing from outside comes to."""
    if port.port in WEB or (port.protocol == "tcp" and port.port in profile.open_ports):
        return True
    address = ip_address(port.address)
    elsewhere = seen.host.interfaces.own(address) and address not in seen.host.addresses
    return address.is_loopback or (elsewhere and not address.is_unspecified)


def _ways(ports: list[PublishedPort], seen: Vantages) -> Ways:
    number, protocol = ports[0].port, ports[0].protocol
    leading = (one for one in seen.host.exposures if (one.port, one.protocol) == (number, protocol))
    return Ways(
        tuple(one for one in seen.open_outside() if one.port == number),
        tuple(one for one in leading if any(binds(port, one.address) for port in ports)),
    )


def _stopped(ways: Ways, ports: list[PublishedPort], seen: Vantages) -> bool:
    """Tell whether the packet filter stops them for certain, and nobody outside was answered."""
    if seen.host.missing or seen.outside is None or ways.answering:
        return False
    every = all(any(binds(port, one.address) for one in ways.leading) for port in ports)
    return every and ways.having("blocked") == ways.leading


def _on_loopback(container: Container | None, name: str, port: PublishedPort) -> Remedy:
    if container:
        owner = of_container("published", container, port.container_port)
        address = ip_address(port.address)
        way = Exposure(port.protocol, address, port.port, owner, "unsure", "", port.container_port)
        return how_to_close((way,), ())
    service = quote(name.removeprefix("swarm service "))
    return command(
        f"sudo docker service update --publish-rm {port.container_port} {service}",
        say("Publish {port} no more, on no node; let the proxy reach it through a network.", port=port.port),
    )


def _remarks(containers: tuple[Container, ...], engine: Engine) -> Iterator[Message]:
    for container in containers:
        if not container.running and container.published:
            yield say(
                "container {name} is stopped; once started it publishes {ports}",
                name=container.name,
                ports=listed((f"{port.address}:{port.port}" for port in container.published), ", "),
            )
    local = any(ip_address(port.address).is_loopback for one in containers for port in one.published)
    if local and 0 < engine.major < _LOOPBACK_REACHED:
        yield say(
            "Docker Engine {version}: before 28.0, a machine on the same network segment can reach ports"
            " published on 127.0.0.1 (moby 45610)",
            version=engine.version,
        )


@probe(
    "network.host-networking",
    title=say("Containers on the host's network"),
    expected=say("a container with network_mode host listens on loopback only, 80 and 443 aside"),
    needs=BOTH,
)
def host_networking(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge containers that share the host's network: they publish nothing, and listen all the same."""
    containers = facts[CONTAINERS]
    sharing = [*_sharing(containers)]
    if not sharing:
        count = say("{count} container seen", "{count} containers seen", count=len(containers))
        observed = say("no running container uses the host's network")
        yield passed(observed, proves=Proves.RUNNING, evidence=[count])
        return
    listeners, seen = facts[LISTENERS], vantages(facts, profile)
    nameless = any(not one.processes for one in listeners if one.protocol == "tcp")
    for container in sharing:
        own = [one for one in listeners if one.container == container.id]
        wide = [one for one in own if not one.address.is_loopback and one.port not in seen.expected]
        ports = {(one.protocol, one.port) for one in wide}
        leading = (one for one in seen.host.exposures if (one.protocol, one.port) in ports)
        ways = Ways(
            tuple(port for port in seen.open_outside() if ("tcp", port.port) in ports),
            tuple(one for one in leading if not one.forwarded),
        )
        heard = listed(sorted(f"{one.address}:{one.port}/{one.protocol}" for one in own), ", ")
        observed = say(
            "container {name} is on the host's network and listens on {ports}",
            name=container.name,
            ports=heard or say("nothing seen"),
        )
        yield _shared(observed, ways, nameless and not own, container.name)


def _shared(observed: Message, ways: Ways, hidden: bool, subject: str) -> Judgement:
    evidence, let_in = ways.evidence, ways.having("open")
    if let_in or ways.answering:
        words = say("Give it a network of its own (drop network_mode: host), or make it listen on 127.0.0.1.")
        remedy = decision(listed((words, how_to_close(let_in, ways.answering).words), "\n"))
        return fail(observed, subject=subject, evidence=evidence, remedy=remedy)
    if hidden or ways.having("unsure"):
        why = say("which sockets are its own is not visible")
        if not hidden:
            why = say("the firewall rules leave it open")
        remedy = decision(say("Find out whose the sockets are: sudo ss -lntup"))
        return unknown(listed((observed, why), ": "), subject=subject, evidence=evidence, remedy=remedy)
    return passed(observed, proves=Proves.RUNNING, subject=subject, evidence=evidence or (observed,))


def _sharing(containers: tuple[Container, ...]) -> Iterator[Container]:
    """Yield the running containers on the host's network, by themselves or through another one."""
    hosts = {container.id for container in containers if container.network_mode == "host"}
    for container in containers:
        through = container.network_mode.removeprefix("container:")
        if container.running and (container.id in hosts or through in hosts):
            yield container

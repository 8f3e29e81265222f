"""What the target itself says can be reached from outside: what listens, less what the filter stops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from signoff.facts.base import Fact, Facts, Malformed, Unavailable
from signoff.facts.budget import Budget
from signoff.facts.chains import Rule, Table, steps
from signoff.facts.containers import CONTAINERS, Container, PublishedPort
from signoff.facts.firewall import FIREWALL
from signoff.facts.network import INTERFACES, LISTENERS, Address, Interfaces, Listener
from signoff.facts.packets import Packet, Ports, Proto
from signoff.facts.passage import Fate, Passage, passages
from signoff.facts.services import KNOWN_PORTS, datastore, kind_of_name, kind_of_port
from signoff.text import one_line

T = TypeVar("T")

HOST_FACTS: tuple[Fact[Any], ...] = (LISTENERS, INTERFACES, FIREWALL, CONTAINERS)
"""The facts that this module reads."""

_AROUND = 20
"""The steps that it takes to find out whose a listening socket is, beside those of the containers."""

_RANGE_CAP = 64
"""The most ports looked at one by one of a translated range, beside the known ones."""


@dataclass(frozen=True)
class Owner:
    """Who is behind a port. ``kind`` is the datastore that it is, or empty.

    nameless  a process that may not be seen, or a socket of the kernel's
    process   a program of the host
    shared    a container on the host's own network
    published a container, through a published port
    rule      a rule forwards to an address that is no known container's

    ``file`` is the compose file that a container was made by, ``up`` the command that makes it anew.
    """

    sort: Literal["nameless", "process", "shared", "published", "rule"]
    name: str
    kind: str = ""
    file: str = "compose.yaml"
    up: str = "docker compose up -d"


@dataclass(frozen=True)
class Exposure:
    """A port of one of the target's own addresses that leads to something.

    ``fate`` tells what the packet filter does with a packet
    from the internet, ``because`` the rule. ``leads_to`` is the port behind any translation.
    ``forwarded`` tells that it is translated to another machine, such as a container, and so goes around
    everything that INPUT says. ``exceptions`` are rules that let named senders in though others are blocked.
    """

    protocol: str
    address: Address
    port: int
    owner: Owner
    fate: Fate
    because: str
    leads_to: int
    forwarded: bool = False
    exceptions: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f"[{self.address}]" if self.address.version == 6 else f"{self.address}"
        return f"{where}:{self.port}/{self.protocol} ({self.owner.name})"


@dataclass(frozen=True)
class HostView:
    """Everything that leads in, as far as it can be seen. ``missing`` says what could not be, and why."""

    exposures: tuple[Exposure, ...]
    listeners: tuple[Listener, ...]
    containers: tuple[Container, ...]
    addresses: tuple[Address, ...]
    missing: tuple[str, ...]
    tables: tuple[Table, ...] | None
    interfaces: Interfaces
    budget: Budget = field(default_factory=steps, compare=False, repr=False)

    def admits(self, exposure: Exposure, client: Address) -> bool:
        """Tell whether the packet filter lets in one sender, where it blocks ordinary ones."""
        if self.tables is None or client.version != exposure.address.version:
            return False
        interface = self.interfaces.towards(exposure.address)
        packet = Packet(exposure.protocol, exposure.address, exposure.port, interface, source=client)
        ways = passages(self.tables, self.interfaces, packet, self.budget)
        return any(way.fate != "blocked" for way in ways)


def host_view(facts: Facts) -> HostView:
    """Work out what leads in from outside; what cannot be seen is said to be missing.

    Raise Malformed where there is more than can be worked out.
    """
    missing: list[str] = []

    def have(fact: Fact[T]) -> T | None:
        try:
            return facts[fact]
        except (Unavailable, Malformed) as absent:
            missing.append(absent.reason)
            return None

    listeners = have(LISTENERS) or ()
    interfaces = have(INTERFACES) or Interfaces(())
    firewall = have(FIREWALL)
    tables = firewall.tables if firewall else None
    missing += _too_wide(tables or ())
    missing += [f"a translation that cannot be followed: {text}" for text in _not_followed(tables or ())]
    # Containers give names; what leads into them is in listeners and translations. Without root they are
    # the only sign of a published port.
    containers = () if facts.missing(CONTAINERS) else facts[CONTAINERS]
    if tables is None and facts.missing(CONTAINERS):
        missing.append(facts.missing(CONTAINERS))
    running = tuple(container for container in containers if container.running)
    budget = steps()
    finder = _Finder(listeners, interfaces, tables, running, facts.missing(FIREWALL), budget)
    return HostView(
        exposures=tuple(dict.fromkeys(finder.exposures())),
        listeners=listeners,
        containers=containers,
        addresses=tuple(address for _, address in interfaces.outside()),
        missing=tuple(missing),
        tables=tables,
        interfaces=interfaces,
        budget=budget,
    )


def translated(tables: Iterable[Table]) -> tuple[tuple[str, int, int], ...]:
    """Return (protocol, lowest port, highest port) of everything that is translated on its way in."""
    return tuple(
        dict.fromkeys(
            (protocol, low, high)
            for _, protocols, ranges in _translating(tables)
            for protocol in protocols
            for low, high in ranges or ((1, 65535),)
        )
    )


def _not_followed(tables: Iterable[Table]) -> tuple[str, ...]:
    """Return the rules that translate to where they do not say themselves, as by a map."""
    rules = (rule for rule, _, _ in _translating(tables) if rule.verdict.kind == "unknown")
    return tuple(dict.fromkeys(rule.text for rule in rules))


def _too_wide(tables: Iterable[Table]) -> Iterator[str]:
    """Tell of translated ranges of which only the first ports are looked at one by one."""
    wide = (
        f"{'/'.join(protocols)} ports {low} to {high} are translated, and those above {low + _RANGE_CAP} were"
        " not looked at"
        for rule, protocols, ranges in _translating(tables)
        if rule.verdict.kind == "translate"
        for low, high in ranges or ((1, 65535),)
        if high - low > _RANGE_CAP
    )
    yield from dict.fromkeys(wide)


_Translating = tuple[Rule, tuple[str, ...], tuple[tuple[int, int], ...]]
"""A rule that translates, with the protocols and the ranges of ports (none: all) that come to it."""
_Way = tuple[str, tuple[str, ...], tuple[tuple[int, int], ...]]
"""The same of a chain."""


def _translating(tables: Iterable[Table]) -> Iterator[_Translating]:
    budget = steps()
    for table in tables:
        for base in table.bases:
            if base.translates and base.hook == "prerouting":
                yield from _within(table, base.chain, budget)


def _within(table: Table, chain: str, budget: Budget) -> Iterator[_Translating]:
    """Go through a chain and those that it jumps to: each once for each set of protocols and ports."""
    waiting: list[_Way] = [(chain, ("tcp", "udp"), ())]
    seen = set(waiting)
    for name, protocols, ranges in waiting:
        for rule in table.chains.get(name, ()):
            budget.spend(rule.weight)
            ports = next((c.ranges for c in rule.conditions if isinstance(c, Ports)), ranges)
            named = next((c.names for c in rule.conditions if isinstance(c, Proto)), frozenset(protocols))
            of = tuple(protocol for protocol in protocols if protocol in named)
            if rule.verdict.kind in {"jump", "goto"}:
                way: _Way = (rule.verdict.chain, of, ports)
                waiting += [way] if way not in seen else []
                seen.add(way)
            elif rule.verdict.kind in {"translate", "unknown"}:
                yield rule, of, ports


@dataclass(frozen=True)
class _Finder:
    listeners: tuple[Listener, ...]
    interfaces: Interfaces
    tables: tuple[Table, ...] | None
    containers: tuple[Container, ...]
    blind: str
    budget: Budget

    def exposures(self) -> Iterator[Exposure]:
        for interface, address in self.interfaces.outside():
            if self.tables is None:
                yield from self._without_rules(interface, address)
            else:
                for protocol, port in self._ports():
                    yield from self._behind_rules(self.tables, Packet(protocol, address, port, interface))

    def _ports(self) -> tuple[tuple[str, int], ...]:
        found = dict.fromkeys((listener.protocol, listener.port) for listener in self.listeners)
        for protocol, low, high in translated(self.tables or ()):
            one_by_one = range(low, min(high, low + _RANGE_CAP) + 1)
            known = (port for port in sorted(KNOWN_PORTS) if low <= port <= high)
            found.update(dict.fromkeys((protocol, port) for port in (*one_by_one, *known)))
        return tuple(found)

    def _behind_rules(self, tables: tuple[Table, ...], packet: Packet) -> Iterator[Exposure]:
        self.budget.spend(len(self.listeners) + len(self.containers))
        ways = passages(tables, self.interfaces, packet, self.budget)
        fates = {way.fate for way in ways}
        for way in ways:
            owner = self._forwarded(way, packet) if way.forwarded else self._local(way, packet)
            if owner:
                yield Exposure(
                    packet.protocol,
                    packet.destination,
                    packet.port,
                    owner,
                    way.fate if len(fates) == 1 else "unsure",
                    way.because,
                    way.port,
                    way.forwarded,
                    way.exceptions,
                )

    def _without_rules(self, interface: str, address: Address) -> Iterator[Exposure]:
        """The packet filter is not seen: whatever listens or is published may be open."""
        for listener in self.listeners:
            self.budget.spend(_AROUND + len(self.containers))
            if listener.covers(address) and listener.hears(interface):
                owner = self._of(listener, address)
                yield Exposure(
                    listener.protocol, address, listener.port, owner, "unsure", self.blind, listener.port
                )
        for container in self.containers:
            for port in container.published:
                if binds(port, address):
                    owner = _published(container, port.container_port)
                    number, inner = port.port, port.container_port
                    yield Exposure(port.protocol, address, number, owner, "unsure", self.blind, inner, True)

    def _local(self, way: Passage, packet: Packet) -> Owner | None:
        for listener in self.listeners:
            if (
                listener.protocol == packet.protocol
                and listener.port == way.port
                and listener.covers(way.to)
                and listener.hears(packet.interface)
            ):
                return self._of(listener, packet.destination)
        return None

    def _forwarded(self, way: Passage, packet: Packet) -> Owner:
        for container in self.containers:
            if str(way.to) in container.addresses:
                return _published(container, way.port)
        kind = kind_of_port(way.port) or kind_of_port(packet.port)
        return Owner("rule", f"forwarded to {way.to} port {way.port}", kind)

    def _of(self, listener: Listener, address: Address) -> Owner:
        """Return who holds a listening socket."""
        for container in self.containers:
            if container.id == listener.container:
                kind = kind_of_name(container.image, container.name) or kind_of_port(listener.port)
                name = f"container {container.name}, on the host's network"
                return Owner("shared", name, kind, *how_made(container))
        for container in self.containers:
            if port := _published_as(container, listener, address):
                return _published(container, port.container_port)
        by_port = (
            kind_of_port(listener.port) if listener.protocol == "tcp" or listener.port in _ON_UDP else ""
        )
        if not listener.processes:
            return Owner("nameless", "process not visible", by_port)
        # Also a web server's port: nginx may well pass a database on as it is.
        kind = kind_of_name(*listener.processes) or by_port
        return Owner("process", ", ".join(listener.processes), kind)


_ON_UDP = datastore("memcached").ports


def binds(port: PublishedPort, address: Address) -> bool:
    """Tell whether a published port is bound to an address of the machine."""
    return port.address in {str(address), "0.0.0.0" if address.version == 4 else "::"}  # noqa: S104


def _published_as(container: Container, listener: Listener, address: Address) -> PublishedPort | None:
    """Return the port published by a container that a listener of Docker's stands for."""
    if listener.processes and not {"docker-proxy", "dockerd"}.intersection(listener.processes):
        return None
    return next(
        (
            port
            for port in container.published
            if (port.protocol, port.port) == (listener.protocol, listener.port) and binds(port, address)
        ),
        None,
    )


def _published(container: Container, port: int) -> Owner:
    kind = kind_of_name(container.image, container.name) or kind_of_port(port)
    name = f"container {container.name}, image {container.image}"
    return Owner("published", name, kind, *how_made(container))


def how_made(container: Container) -> tuple[str, ...]:
    """Return its compose file and the command that makes it anew, where compose made it."""
    made = container.composed
    if made is None or not made.files:
        return ()
    return one_line(made.files[0]), one_line(made.up())

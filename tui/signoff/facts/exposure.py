"""What the target itself says can be reached from outside: what listens, less what the filter stops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from signoff.facts.base import Fact, Facts
from signoff.facts.budget import Budget
from signoff.facts.containers import CONTAINERS, Container, PublishedPort
from signoff.facts.firewall import FIREWALL
from signoff.facts.network import INTERFACES, LISTENERS, Address, Interfaces, Listener
from signoff.facts.packets import ORIGINAL_PORTS, PORTS, PROTOCOLS, Packet
from signoff.facts.passage import Fate, Passage, Rule, Table, passages, steps
from signoff.facts.services import KNOWN_PORTS, datastore, kind_of_name, kind_of_port
from signoff.message import Message, say
from signoff.text import one_line

T = TypeVar("T")

HOST_FACTS: tuple[Fact[Any], ...] = (LISTENERS, INTERFACES, FIREWALL, CONTAINERS)
"""The facts that this module reads."""

_AROUND = 20
"""The steps that it takes to find out whose a listening socket is, beside those of the containers."""

_RANGE_CAP = 64
"""The most ports looked at one by one of a translated range, beside the known ones."""

_ON_UDP = datastore("memcached").ports


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

    ``fate`` tells what the packet filter does with a packet from the internet, ``because`` the rule.
    ``leads_to`` is the port behind any translation. ``forwarded`` tells that it is translated to another
    machine, such as a container, and so goes around everything that INPUT says. ``exceptions`` are rules
    that let named senders in though others are blocked.
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

    listeners: tuple[Listener, ...]
    containers: tuple[Container, ...]
    interfaces: Interfaces
    tables: tuple[Table, ...] | None
    missing: tuple[str, ...]
    exposures: tuple[Exposure, ...] = ()
    budget: Budget = field(default_factory=steps, compare=False, repr=False)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The addresses that the outside may come to."""
        return tuple(address for _, address in self.interfaces.outside())

    def admits(self, exposure: Exposure, client: Address) -> bool:
        """Tell whether the packet filter lets in one sender, where it blocks ordinary ones."""
        if self.tables is None or client.version != exposure.address.version:
            return False
        interface = self.interfaces.towards(exposure.address)
        packet = Packet(exposure.protocol, exposure.address, exposure.port, interface, source=client)
        ways = passages(self.tables, self.interfaces, packet, self.budget)
        return any(way.fate != "blocked" for way in ways)

    def found(self, blind: str) -> Iterator[Exposure]:
        """Work out what leads in; ``blind`` says why the packet filter is not seen, where it is not."""
        ports = self._ports()
        for interface, address in self.interfaces.outside():
            if self.tables is None:
                yield from self._without_rules(interface, address, blind)
                continue
            for protocol, port in ports:
                yield from self._behind_rules(self.tables, Packet(protocol, address, port, interface))

    def _ports(self) -> dict[tuple[str, int], None]:
        found = dict.fromkeys((listener.protocol, listener.port) for listener in self.listeners)
        for protocol, low, high in translated(self.tables or ()):
            one_by_one = range(low, min(high, low + _RANGE_CAP) + 1)
            known = sorted(port for port in KNOWN_PORTS if low <= port <= high)
            found |= dict.fromkeys((protocol, port) for port in (*one_by_one, *known))
        return found

    def _behind_rules(self, tables: tuple[Table, ...], packet: Packet) -> Iterator[Exposure]:
        self.budget.spend(len(self.listeners) + len(self.containers))
        ways = passages(tables, self.interfaces, packet, self.budget)
        certain = len({way.fate for way in ways}) == 1
        for way in ways:
            if owner := self._forwarded(way, packet) if way.forwarded else self._local(way, packet):
                at = packet.protocol, packet.destination, packet.port
                fate = way.fate if certain else "unsure"
                yield Exposure(*at, owner, fate, way.because, way.port, way.forwarded, way.exceptions)

    def _without_rules(self, interface: str, address: Address, blind: str) -> Iterator[Exposure]:
        """The packet filter is not seen: whatever listens or is published may be open."""
        for one in self.listeners:
            self.budget.spend(_AROUND + len(self.containers))
            if one.covers(address) and one.hears(interface):
                owner = self._holder(one, address)
                yield Exposure(one.protocol, address, one.port, owner, "unsure", blind, one.port)
        for container, port in self._published(address):
            inner = port.container_port
            owner = of_container("published", container, inner)
            yield Exposure(port.protocol, address, port.port, owner, "unsure", blind, inner, True)

    def _published(self, address: Address) -> Iterator[tuple[Container, PublishedPort]]:
        for container in self.containers:
            for port in container.published:
                if container.running and binds(port, address):
                    yield container, port

    def _local(self, way: Passage, packet: Packet) -> Owner | None:
        for one in self.listeners:
            same = (one.protocol, one.port) == (packet.protocol, way.port)
            if same and one.covers(way.to) and one.hears(packet.interface):
                return self._holder(one, packet.destination)
        return None

    def _forwarded(self, way: Passage, packet: Packet) -> Owner:
        for container in self.containers:
            if container.running and str(way.to) in container.addresses:
                return of_container("published", container, way.port)
        kind = kind_of_port(way.port) or kind_of_port(packet.port)
        return Owner("rule", f"forwarded to {way.to} port {way.port}", kind)

    def _holder(self, listener: Listener, address: Address) -> Owner:
        """Return who holds a listening socket."""
        for container in self.containers:
            if container.running and container.id == listener.container:
                return of_container("shared", container, listener.port)
        # A port that a container publishes has a listener of Docker's.
        if not listener.processes or {"docker-proxy", "dockerd"}.intersection(listener.processes):
            for container, port in self._published(address):
                if (port.protocol, port.port) == (listener.protocol, listener.port):
                    return of_container("published", container, port.container_port)
        known = listener.protocol == "tcp" or listener.port in _ON_UDP
        by_port = kind_of_port(listener.port) if known else ""
        if not listener.processes:
            return Owner("nameless", "process not visible", by_port)
        # Also a web server's port: nginx may well pass a database on as it is.
        return Owner("process", ", ".join(listener.processes), kind_of_name(*listener.processes) or by_port)


def host_view(facts: Facts) -> HostView:
    """Work out what leads in from outside; what cannot be seen is said to be missing.

    Raise Malformed where there is more than can be worked out.
    """

    def have(fact: Fact[T], otherwise: T) -> T:
        return otherwise if facts.missing(fact) else facts[fact]

    blind = facts.missing(FIREWALL)
    tables = None if blind else facts[FIREWALL].tables
    # Containers give names; what leads into them is in listeners and translations. Without root they are
    # the only sign of a published port.
    needed: tuple[Fact[Any], ...] = (LISTENERS, INTERFACES, FIREWALL, *([CONTAINERS] if blind else []))
    missing = dict.fromkeys((*filter(None, map(facts.missing, needed)), *_not_followed(tables or ())))
    interfaces = have(INTERFACES, Interfaces(()))
    view = HostView(have(LISTENERS, ()), have(CONTAINERS, ()), interfaces, tables, tuple(missing))
    return replace(view, exposures=tuple(dict.fromkeys(view.found(blind))))


def translated(tables: Iterable[Table]) -> tuple[tuple[str, int, int], ...]:
    """Return (protocol, lowest port, highest port) of everything that is translated on its way in."""
    return tuple(dict.fromkeys((protocol, low, high) for _, protocol, low, high in _translating(tables)))


def _not_followed(tables: Iterable[Table]) -> Iterator[Message]:
    """Tell of translations that do not say themselves where to, as by a map, or are of too many ports."""
    for rule, protocol, low, high in _translating(tables):
        if rule.verdict.kind == "unknown":
            yield say("a translation that cannot be followed: {rule}", rule=rule.text)
        elif high - low > _RANGE_CAP:
            about: dict[str, Any] = {"protocol": protocol, "low": low, "high": high, "last": low + _RANGE_CAP}
            yield say(
                "{protocol} ports {low} to {high} are translated, and those above {last} were not looked at",
                **about,
            )


_Way = tuple[int, str, tuple[str, ...], tuple[tuple[int, int], ...]]
"""A table's number, a chain, and the protocols and the ranges of ports that come to it."""


def _translating(tables: Iterable[Table]) -> Iterator[tuple[Rule, str, int, int]]:
    """Yield the rules that translate, with each protocol and range of ports that comes to them.

    A chain that others jump to is gone through once for each set of protocols and ports.
    """
    tables, budget = tuple(tables), steps()
    waiting: list[_Way] = [
        (number, base.chain, ("tcp", "udp"), ((1, 65535),))
        for number, table in enumerate(tables)
        for base in table.bases
        if base.translates and base.hook == "prerouting"
    ]
    seen = set(waiting)
    for number, chain, protocols, ranges in waiting:
        for rule in tables[number].chains.get(chain, ()):
            budget.spend(rule.weight)
            ports = _named(rule, (PORTS, ORIGINAL_PORTS), ranges)
            of = tuple(name for name in protocols if name in _named(rule, (PROTOCOLS,), protocols))
            way: _Way = (number, rule.verdict.chain, of, ports)
            if rule.verdict.kind in {"translate", "unknown"}:
                yield from ((rule, protocol, low, high) for protocol in of for low, high in ports)
            elif rule.verdict.kind in {"jump", "goto"} and way not in seen:
                waiting.append(way)
                seen.add(way)


def _named(rule: Rule, asked: tuple[str, ...], otherwise: T) -> T:
    found = (one.named(*asked) for one in rule.conditions)
    return next((known for known in found if known is not None), otherwise)


def binds(port: PublishedPort, address: Address) -> bool:
    """Tell whether a published port is bound to an address of the machine."""
    return port.address in {str(address), "0.0.0.0" if address.version == 4 else "::"}  # noqa: S104


def of_container(sort: Literal["shared", "published"], container: Container, port: int) -> Owner:
    """Return the owner that a container is, with its compose file and the command that makes it anew."""
    kind = kind_of_name(container.image, container.name) or kind_of_port(port)
    known = "on the host's network" if sort == "shared" else f"image {container.image}"
    made = container.composed
    how = (one_line(made.files[0]), one_line(made.up())) if made and made.files else ()
    return Owner(sort, f"container {container.name}, {known}", kind, *how)

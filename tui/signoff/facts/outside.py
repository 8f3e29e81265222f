"""Which ports of the target answer from outside, and what they say."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from signoff.facts.base import Facts, OutsideFact, Unavailable
from signoff.facts.containers import CONTAINERS
from signoff.facts.exposure import translated
from signoff.facts.firewall import FIREWALL
from signoff.facts.network import LISTENERS, SSH_SERVER, ssh_ports
from signoff.facts.services import DATASTORES, GET, KNOWN_PORTS, MESSAGES, datastore, kind_of_port, spoken
from signoff.message import say
from signoff.target.outside import Connection, Outside, OutsideError, State
from signoff.target.profile import Profile

_LEARNT_CAP = 150
"""The most ports learnt on the host that are tried on each address; the rest is said to be left out."""
_SPAN_CAP = 16
"""The most ports tried of one translated range; the rest is left out too."""
BY_HAND = "signoff run --target ssh://user@host (on another machine)"
"""Where this machine cannot tell what others see."""
_WEB = frozenset({80, 443})


@dataclass(frozen=True)
class Port:
    """One port of one address from outside. ``speaks`` is a datastore's kind, ``http``, ...; or empty."""

    address: str
    port: int
    state: State
    speaks: str = ""

    @property
    def kind(self) -> str:
        """The datastore that answers here; by what it says, else by its port. Empty for none."""
        by_port = kind_of_port(self.port)
        if self.speaks in {store.kind for store in DATASTORES}:
            return self.speaks
        if self.speaks == "" or (self.speaks == "http" and by_port and datastore(by_port).speaks_http):
            return by_port
        return ""

    def __str__(self) -> str:
        where = f"[{self.address}]" if ":" in self.address else self.address
        return f"{where}:{self.port} {self.state}" + (f", answers as {self.speaks}" if self.speaks else "")


@dataclass(frozen=True)
class OutsideView:
    """Every port that was tried.

    ``silent`` are the addresses where silence proves nothing, ``chatty`` those where an answer proves
    nothing; each with the reason. ``left_out`` counts ports learnt on the host that were too many to try,
    ``near`` are the addresses where this machine is no stranger, each with the reason.
    """

    ports: tuple[Port, ...]
    silent: Mapping[str, str]
    chatty: Mapping[str, str]
    left_out: int = 0
    near: Mapping[str, str] = field(default_factory=dict)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that were tried."""
        return tuple(dict.fromkeys(port.address for port in self.ports))

    def open(self) -> tuple[Port, ...]:
        """Return the ports that answer."""
        return tuple(port for port in self.ports if port.state == "open" and port.address not in self.chatty)

    def doubts(self, numbers: Collection[int] | None = None) -> tuple[str, ...]:
        """Return why these ports (all, by default) are not shown to be closed; empty where they are."""
        found = dict[str, None]()
        for port in self.ports:
            if numbers is not None and port.port not in numbers:
                continue
            if port.state in {"filtered", "unreachable"} and port.address in self.silent:
                found[self.silent[port.address]] = None
            if port.state == "open" and port.address in self.chatty:
                found[self.chatty[port.address]] = None
        if untried := set(numbers or ()) - {port.port for port in self.ports}:
            found[f"not tried from outside: port {_some(sorted(untried))}"] = None
        if self.left_out:
            found[f"{self.left_out} more ports than can be tried from outside"] = None
        return (*found, *dict.fromkeys(self.near.values()))

    def without(self, near: Mapping[str, str]) -> OutsideView:
        """Return the same view without what was seen at addresses where this machine is no stranger."""
        ports = tuple(port for port in self.ports if port.address not in near)
        return replace(self, ports=ports, near={**self.near, **near})


def _some(ports: Sequence[int], most: int = 8) -> str:
    more = f" and {len(ports) - most} more" if len(ports) > most else ""
    return ", ".join(map(str, ports[:most])) + more


def of_this_machine(addresses: Iterable[str]) -> str:
    """Return why nothing was asked at addresses."""
    return f"{', '.join(addresses)}: this machine itself, which cannot look at itself from outside"


def sends_from(address: str) -> str:
    """Return the address that this machine sends from; nothing is sent to find out (connect(2) on UDP)."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 443))
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def elsewhere(outside: Outside) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the target's addresses, apart those that are this machine's own: loopback, or its interfaces'.

    What it sends to itself passes neither a firewall nor a router. Raise Unavailable where all are.
    """
    here = tuple(
        address
        for address in outside.addresses
        if ip_address(address).is_loopback or sends_from(address) == address
    )
    if here and len(here) == len(outside.addresses):
        raise Unavailable(of_this_machine(here), BY_HAND)
    return tuple(address for address in outside.addresses if address not in here), here


def look_at_ports(outside: Outside, profile: Profile, facts: Facts) -> OutsideView:
    """Connect to the known and the learnt ports on every address; ask the open ones what they are."""
    if not outside.addresses:
        raise Unavailable(
            say("this machine cannot look at itself from outside")
            if profile.address == "local"
            else say("the target has no address that this machine reaches directly"),
            BY_HAND,
        )
    addresses, here = elsewhere(outside)
    learnt = sorted(set(_learnt(profile, facts)) - KNOWN_PORTS)
    wanted = [*sorted(KNOWN_PORTS), *learnt[:_LEARNT_CAP]]
    try:
        found = outside.connect((address, port) for address in addresses for port in wanted)
        ssh = _ssh(facts)
        ports = tuple(_identified(outside, connection, ssh) for connection in found)
    except OutsideError as refusal:
        raise Unavailable(refusal.message) from None
    left_out = max(0, len(learnt) - _LEARNT_CAP) + _beyond_spans(facts, set(wanted))
    return OutsideView(ports, *in_doubt(ports), left_out, {one: of_this_machine([one]) for one in here})


def _learnt(profile: Profile, facts: Facts) -> Iterator[int]:
    """Yield the TCP ports that the host itself shows a sign of."""
    yield from profile.open_ports
    if port := urlsplit(profile.url).port:
        yield port
    yield from _ssh(facts)
    if not facts.missing(LISTENERS):
        for listener in facts[LISTENERS]:
            if listener.protocol == "tcp" and not listener.address.is_loopback:
                yield listener.port
    if not facts.missing(CONTAINERS):
        for container in facts[CONTAINERS]:
            yield from (port.port for port in container.published if port.protocol == "tcp")
    if not facts.missing(FIREWALL):
        for protocol, low, high in translated(facts[FIREWALL].tables):
            if protocol == "tcp":
                yield from range(low, min(high, low + _SPAN_CAP) + 1)


def _beyond_spans(facts: Facts, tried: set[int]) -> int:
    """Return how many ports of translated ranges nobody tries."""
    if facts.missing(FIREWALL):
        return 0
    spans = [
        range(low, high + 1)
        for protocol, low, high in translated(facts[FIREWALL].tables)
        # A rule for all ports is no sign of any one of them; what the host says of it counts.
        if protocol == "tcp" and (low, high) != (1, 65535)
    ]
    return len(set().union(*spans) - tried)


def _ssh(facts: Facts) -> frozenset[int]:
    if facts.missing(SSH_SERVER):
        return frozenset({22})
    listeners = () if facts.missing(LISTENERS) else facts[LISTENERS]
    return ssh_ports(listeners, facts[SSH_SERVER])


def _identified(outside: Outside, connection: Connection, ssh: frozenset[int]) -> Port:
    speaks = spoken(connection.banner)
    if connection.state == "open" and not connection.banner and connection.port not in ssh:
        kind = kind_of_port(connection.port)
        first = (datastore(kind).message,) if kind and datastore(kind).message else ()
        if connection.port in _WEB:
            # A web server is asked nothing but what it is for, and no more where it answers.
            first = (GET,)
        for message in dict.fromkeys((*first, *MESSAGES)):
            if speaks := spoken(outside.exchange(connection.address, connection.port, message)):
                break
    return Port(connection.address, connection.port, connection.state, speaks)


def in_doubt(ports: tuple[Port, ...]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the addresses whose silence, and those whose answers, prove nothing.

    A filtered port is a closed one only if something else on the same address answers: else the operator's
    own network, or no route at all, looks just the same. And where most ports answer, it is not the target.
    """
    silent, chatty = {}, {}
    for address in dict.fromkeys(port.address for port in ports):
        states = [port.state for port in ports if port.address == address]
        if "open" not in states:
            silent[address] = f"nothing answers on {address}, not even SSH: this machine may not get through"
        elif states.count("open") > len(states) // 2:
            chatty[address] = (
                f"most ports of {address} accept a connection: something on the way answers for it"
            )
    return silent, chatty


OUTSIDE_PORTS: OutsideFact[OutsideView] = OutsideFact(
    id="outside-ports",
    title=say("Ports that answer from outside"),
    look=look_at_ports,
    needs=(LISTENERS, CONTAINERS, FIREWALL, SSH_SERVER),
)

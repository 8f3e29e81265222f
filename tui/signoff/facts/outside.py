"""Which ports of the target answer from outside, and what they say."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from signoff.facts.base import Facts, OutsideFact, Unavailable
from signoff.facts.containers import CONTAINERS
from signoff.facts.exposure import translated
from signoff.facts.firewall import FIREWALL
from signoff.facts.network import LISTENERS, SSH_SERVER, ssh_ports
from signoff.facts.services import DATASTORES, GET, KNOWN_PORTS, MESSAGES, datastore, kind_of_port, spoken
from signoff.message import NOTHING, Message, listed, say
from signoff.target.address import LOCAL
from signoff.target.outside import Connection, Outside, OutsideError, State
from signoff.target.profile import Profile

_LEARNT_CAP = 150
"""The most ports learnt on the host that are tried on each address; the rest is said to be left out."""
_SPAN_CAP = 17
"""The most ports tried of one translated range; the rest is left out too."""
_ALL = 65535
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
    def version(self) -> int:
        """The version of IP that it was tried by."""
        return ip_address(self.address).version

    @property
    def kind(self) -> str:
        """The datastore that answers here; by what it says, else by its port. Empty for none."""
        if self.speaks in {store.kind for store in DATASTORES}:
            return self.speaks
        by_port = kind_of_port(self.port)
        over_http = self.speaks == "http" and _first_message(self.port).startswith(b"GET")
        return by_port if over_http or not self.speaks else ""

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
    silent: Mapping[str, Message]
    chatty: Mapping[str, Message]
    left_out: int = 0
    near: Mapping[str, Message] = field(default_factory=dict)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that were tried."""
        return tuple(dict.fromkeys(port.address for port in self.ports))

    def open(self) -> tuple[Port, ...]:
        """Return the ports that answer."""
        return tuple(port for port in self.ports if port.state == "open" and port.address not in self.chatty)

    def doubts(self, numbers: Collection[int] | None = None) -> tuple[Message, ...]:
        """Return why these ports (all, by default) are not shown to be closed; empty where they are."""
        proves_nothing = {"filtered": self.silent, "unreachable": self.silent, "open": self.chatty}
        asked = [port for port in self.ports if numbers is None or port.port in numbers]
        found = [proves_nothing.get(port.state, {}).get(port.address, NOTHING) for port in asked]
        if untried := set(numbers or ()) - {port.port for port in asked}:
            ports = listed(map(str, sorted(untried)), ", ", most=8)
            found.append(say("not tried from outside: port {ports}", ports=ports))
        if self.left_out:
            found.append(say("{number} more ports than can be tried from outside", number=self.left_out))
        return tuple(dict.fromkeys(filter(None, (*found, *self.near.values()))))

    def without(self, near: Mapping[str, Message]) -> OutsideView:
        """Return the same view without what was seen at addresses where this machine is no stranger."""
        ports = tuple(port for port in self.ports if port.address not in near)
        return replace(self, ports=ports, near={**self.near, **near})


def _first_message(port: int) -> bytes:
    kind = kind_of_port(port)
    return datastore(kind).message if kind else b""


def of_this_machine(addresses: Iterable[str]) -> Message:
    """Return why nothing was asked at addresses."""
    named = listed(addresses, ", ")
    return say("{named}: this machine itself, which cannot look at itself from outside", named=named)


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
    here = tuple(one for one in outside.addresses if ip_address(one).is_loopback or sends_from(one) == one)
    if here and here == outside.addresses:
        raise Unavailable(of_this_machine(here), BY_HAND)
    return tuple(address for address in outside.addresses if address not in here), here


def look_at_ports(outside: Outside, profile: Profile, facts: Facts) -> OutsideView:
    """Connect to the known and the learnt ports on every address; ask the open ones what they are."""
    if profile.address == LOCAL and not outside.addresses:
        raise Unavailable(say("this machine cannot look at itself from outside"), BY_HAND)
    if not outside.addresses:
        raise Unavailable(say("the target has no address that this machine reaches directly"), BY_HAND)
    addresses, here = elsewhere(outside)
    ssh, spans = _ssh(facts), _translated(facts)
    signs = {*_learnt(profile, facts), *ssh, *(port for span in spans for port in span[:_SPAN_CAP])}
    wanted = [*sorted(KNOWN_PORTS), *sorted(signs - KNOWN_PORTS)[:_LEARNT_CAP]]
    try:
        found = outside.connect((address, port) for address in addresses for port in wanted)
        ports = tuple(_identified(outside, connection, ssh) for connection in found)
    except OutsideError as refusal:
        raise Unavailable(refusal.message) from None
    # A rule for all ports is no sign of any one of them; what the host says of it counts.
    left_out = signs.union(*(span for span in spans if len(span) < _ALL)).difference(wanted)
    return OutsideView(ports, *in_doubt(ports), len(left_out), {one: of_this_machine([one]) for one in here})


def _learnt(profile: Profile, facts: Facts) -> Iterator[int]:
    """Yield the TCP ports that the host itself shows a sign of, beside SSH and translations."""
    yield from profile.open_ports
    if port := urlsplit(profile.url).port:
        yield port
    if not facts.missing(LISTENERS):
        heard = (one for one in facts[LISTENERS] if one.protocol == "tcp" and not one.address.is_loopback)
        yield from (one.port for one in heard)
    if not facts.missing(CONTAINERS):
        published = (port for container in facts[CONTAINERS] for port in container.published)
        yield from (port.port for port in published if port.protocol == "tcp")


def _translated(facts: Facts) -> list[range]:
    if facts.missing(FIREWALL):
        return []
    spans = translated(facts[FIREWALL].tables)
    return [range(low, high + 1) for protocol, low, high in spans if protocol == "tcp"]


def _ssh(facts: Facts) -> frozenset[int]:
    if facts.missing(SSH_SERVER):
        return frozenset({22})
    return ssh_ports(() if facts.missing(LISTENERS) else facts[LISTENERS], facts[SSH_SERVER])


def _identified(outside: Outside, connection: Connection, ssh: frozenset[int]) -> Port:
    address, port = connection.address, connection.port
    speaks = spoken(connection.banner)
    if connection.state == "open" and not connection.banner and port not in ssh:
        # A web server is asked nothing but what it is for, and no more where it answers.
        first = GET if port in _WEB else _first_message(port)
        said = (outside.exchange(address, port, one) for one in dict.fromkeys((first, *MESSAGES)) if one)
        speaks = next(filter(None, map(spoken, said)), "")
    return Port(address, port, connection.state, speaks)


def in_doubt(ports: tuple[Port, ...]) -> tuple[dict[str, Message], dict[str, Message]]:
    """Return the addresses whose silence, and those whose answers, prove nothing.

    A filtered port is a closed one only if something else on the same address answers: else the operator's
    own network, or no route at all, looks just the same. And where most ports answer, it is not the target.
    """
    silent, chatty = {}, {}
    for address in dict.fromkeys(port.address for port in ports):
        states = [port.state for port in ports if port.address == address]
        if "open" not in states:
            silent[address] = say(
                "nothing answers on {address}, not even SSH: this machine may not get through",
                address=address,
            )
        elif states.count("open") > len(states) // 2:
            chatty[address] = say(
                "most ports of {address} accept a connection: something on the way answers for it",
                address=address,
            )
    return silent, chatty


_SIGNS = (LISTENERS, CONTAINERS, FIREWALL, SSH_SERVER)

OUTSIDE_PORTS: OutsideFact[OutsideView] = OutsideFact(
    "outside-ports", say("Ports that answer from outside"), look_at_ports, _SIGNS, OutsideView
)

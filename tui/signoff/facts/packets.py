"""A packet from the internet, and what a rule of a packet filter may ask of it.

One model for iptables and nftables. Conditions are three-valued: True, False, or None where it cannot be told
(rate limits, marks, named sets, unknown matches): what is not certain is not claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network, summarize_address_range
from typing import Literal, Protocol

from signoff.facts.network import Address, inside_by_name

Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Packet:
    """The first packet of a connection (TCP SYN, UDP datagram) from an ordinary address of the internet.

    ``interface`` is where it comes in, ``outgoing`` where it is forwarded to; empty where not known.
    ``local`` tells that it is for the machine itself, ``original`` where it was first sent to if it was
    translated. ``source`` is set to ask about one sender; ``named`` to ask about a sender that some rule
    names, whoever that may be. ``state`` is what connection tracking calls it: ``invalid`` before it has
    looked, ``untracked`` where a rule keeps it away.
    """

    protocol: str
    destination: Address
    port: int
    interface: str
    outgoing: str = ""
    local: bool = True
    original: tuple[Address, int] | None = None
    source: Address | None = None
    named: bool = False
    state: Literal["new", "invalid", "untracked"] = "new"


class Condition(Protocol):
    """Something that a rule asks of a packet."""

    def holds(self, packet: Packet, /) -> bool | None:
        """Tell whether it holds; None where it cannot be told."""


@dataclass(frozen=True)
class Asks:
    """A condition that is no more than its question."""

    holds: Callable[[Packet], bool | None]


# OPAQUE is a match that is not understood, or whose outcome changes with time.
OPAQUE, ALWAYS, NEVER = Asks(lambda packet: None), Asks(lambda packet: True), Asks(lambda packet: False)
LOCAL = Asks(lambda packet: packet.local)
# Before connection tracking has looked at the packet nothing else that it knows fits.
TRACKED = Asks(lambda packet: packet.state == "new")


def negated(inner: Condition) -> Condition:
    """The opposite of a condition."""
    return Asks(lambda packet: None if (held := inner.holds(packet)) is None else not held)


def family(*versions: int) -> Condition:
    """The IP version: 4 or 6."""
    return Asks(lambda packet: packet.destination.version in versions)


def state(names: Iterable[str]) -> Condition:
    """The state of connection tracking (conntrack(8)): our packet is new, and perhaps translated."""
    known = frozenset(names)
    return Asks(lambda packet: packet.state in known or ("dnat" in known and packet.original is not None))


def flags(mask: Iterable[str], wanted: Iterable[str]) -> Condition:
    """TCP flags: of those in ``mask`` exactly ``wanted`` are set. Our packet has SYN alone."""
    fits = (frozenset(mask) & {"syn"}) == frozenset(wanted)
    return Asks(lambda packet: fits and packet.protocol == "tcp")


def interface(*names: str, outgoing: bool = False) -> Condition:
    """The interface by name; a trailing ``+`` (iptables) or ``*`` (nftables) stands for any ending."""

    def holds(packet: Packet) -> bool | None:
        actual = packet.outgoing if outgoing else packet.interface
        if not actual:
            return False if not outgoing and all(map(inside_by_name, names)) else None
        return any(
            actual.startswith(name[:-1]) if name.endswith(("+", "*")) else actual == name for name in names
        )

    return Asks(holds)


@dataclass(frozen=True)
class Proto:
    """The transport protocol, by name."""

    names: frozenset[str]

    def holds(self, packet: Packet, /) -> bool | None:
        return packet.protocol in self.names


@dataclass(frozen=True)
class Ports:
    """The destination port, by inclusive ranges; ``original`` for the one before translation."""

    ranges: tuple[tuple[int, int], ...]
    original: bool = False

    def holds(self, packet: Packet, /) -> bool | None:
        port = packet.original[1] if self.original and packet.original else packet.port
        return any(low <= port <= high for low, high in self.ranges)


@dataclass(frozen=True)
class Destination:
    """The network that the packet is sent to; ``original`` for the address before translation."""

    networks: tuple[Network, ...]
    original: bool = False

    def holds(self, packet: Packet, /) -> bool | None:
        address = packet.original[0] if self.original and packet.original else packet.destination
        return any(address in network for network in self.networks)


@dataclass(frozen=True)
class Source:
    """The sender's network. An ordinary sender is in no named one, and in no private one."""

    networks: tuple[Network, ...]

    def holds(self, packet: Packet, /) -> bool | None:
        version = packet.destination.version
        ours = [network for network in self.networks if network.version == version]
        if packet.source:
            return any(packet.source in network for network in ours)
        if any(network.prefixlen == 0 for network in ours):
            return True
        return None if ours and (packet.named or self._wide[version]) else False

    @cached_property
    def _wide(self) -> dict[int, bool]:
        """Whether so many addresses are a large part of the internet, by its version: no "somebody else".

        2000::/3 is all of it, a country's networks are not few.
        """
        held = {4: 0, 6: 0}
        for one in self.networks:
            if not any(one.network_address in net and one.prefixlen >= net.prefixlen for net in _PRIVATE):
                held[one.version] += one.num_addresses
        return {4: held[4] > 1 << 32 - 8, 6: held[6] > 1 << 128 - 16}


# Written out: is_private of ipaddress looks at a network's two ends only, in some versions of Python.
_PRIVATE = tuple(
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("224.0.0.0/4", "240.0.0.0/4", "fc00::/7", "fe80::/10", "ff00::/8", "::1/128"),
    )
)


Value = str | tuple[str, str]
"""A name, a number, an address or a network; or the first and the last of a range."""


def condition(asked: str, values: Collection[Value]) -> Condition:
    """Return what is asked of a packet, by its name in nft's own language: "tcp dport", "ct state".

    OPAQUE where that is not known, or has values that it cannot have.
    """
    try:
        if asked in _RANGES:
            return _RANGES[asked]([(value, value) if isinstance(value, str) else value for value in values])
        names = [value for value in values if isinstance(value, str)]
        return _NAMES[asked](frozenset(names)) if len(names) == len(values) else OPAQUE
    except (KeyError, ValueError):
        return OPAQUE


_Ranges = list[tuple[str, str]]


def _ports(ranges: _Ranges) -> tuple[tuple[int, int], ...]:
    return tuple((int(low), int(high)) for low, high in ranges)


def _networks(ranges: _Ranges) -> tuple[Network, ...]:
    several = (
        [ip_network(low, strict=False)]
        if low == high
        else summarize_address_range(ip_address(low), ip_address(high))
        for low, high in ranges
    )
    return tuple(network for some in several for network in some)


def _source_ports(ranges: _Ranges) -> Condition:
    # Whoever sends chooses the port that it comes from: only a range of all ordinary ones is certain.
    return ALWAYS if all(low <= 1024 and high == 65535 for low, high in _ports(ranges)) else OPAQUE


def _protocols(names: frozenset[str]) -> Condition:
    # Where a machine has no /etc/protocols, its programs print numbers.
    return Proto(frozenset({"6": "tcp", "17": "udp"}.get(name, name) for name in names))


def _versions(names: frozenset[str]) -> Condition:
    wanted = {"ipv4": 4, "ip": 4, "ipv6": 6, "ip6": 6}
    return family(*(wanted[name] for name in names))


def _address_type(kinds: frozenset[str]) -> Condition:
    if kinds == {"local"}:
        return LOCAL
    return NEVER if kinds <= {"broadcast", "multicast", "anycast"} else OPAQUE


def _way_back(found: frozenset[str]) -> Condition:
    # Reverse path filtering: an ordinary sender is one that there is a route back to.
    return (ALWAYS if "True" in found else NEVER) if found <= {"True", "False"} else OPAQUE


TRANSPORTS = ("tcp", "udp", "sctp", "dccp", "udplite")
_RANGES: dict[str, Callable[[_Ranges], Condition]] = {
    **{f"{protocol} dport": lambda ranges: Ports(_ports(ranges)) for protocol in ("th", *TRANSPORTS)},
    **{f"{protocol} sport": _source_ports for protocol in ("th", *TRANSPORTS)},
    **dict.fromkeys(("ip saddr", "ip6 saddr"), lambda ranges: Source(_networks(ranges))),
    **dict.fromkeys(("ip daddr", "ip6 daddr"), lambda ranges: Destination(_networks(ranges))),
    **dict.fromkeys(
        ("ct original daddr", "ct original ip daddr", "ct original ip6 daddr"),
        lambda ranges: Destination(_networks(ranges), original=True),
    ),
    "ct original proto-dst": lambda ranges: Ports(_ports(ranges), original=True),
}
_NAMES: dict[str, Callable[[frozenset[str]], Condition]] = {
    **dict.fromkeys(("ip protocol", "ip6 nexthdr", "meta l4proto"), _protocols),
    **dict.fromkeys(("meta iif", "meta iifname"), lambda names: interface(*names)),
    **dict.fromkeys(("meta oif", "meta oifname"), lambda names: interface(*names, outgoing=True)),
    **dict.fromkeys(("meta nfproto", "meta protocol"), _versions),
    "meta pkttype": lambda names: ALWAYS if names & {"host", "unicast"} else NEVER,
    **dict.fromkeys(("ct state", "ct status"), state),
    "ct direction": lambda names: TRACKED if "original" in names else NEVER,
    "fib daddr type": _address_type,
    "fib saddr oif": _way_back,
}

"""A packet from the internet, and what a rule of a packet filter may ask of it.

One model for iptables and nftables. Conditions are three-valued: True, False, or None where it cannot be told
(rate limits, marks, named sets, unknown matches): what is not certain is not claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_network
from typing import Any, Literal

from signoff.facts.network import Address, inside_by_name


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

    @property
    def version(self) -> int:
        """The version of IP."""
        return self.destination.version

    @property
    def first(self) -> tuple[Address, int]:
        """The address and the port that it was first sent to."""
        return self.original or (self.destination, self.port)


Value = str | tuple[str, str]
"""A name, a number, an address or a network; or the first and the last of a range."""
Test = Callable[[Packet, Any], bool | None]


@dataclass(frozen=True)
class Condition:
    """Something that a rule asks of a packet, by its name in nft's language or iptables': tcp dport, --dport.

    One of the ``values`` has to fit, or none where it asks the ``opposite``.
    """

    asked: str
    values: tuple[Value, ...] = ()
    opposite: bool = False

    def holds(self, packet: Packet) -> bool | None:
        """Tell whether it holds; None where it cannot be told."""
        test, known = self._known
        held = test(packet, known)
        return None if held is None else held is not self.opposite

    def named(self, *asked: str) -> Any:
        """Return what has to fit, where it asks for one of these; None where it does not, or says nothing."""
        return self._known[1] if self.asked in ", ".join(asked).split(", ") and not self.opposite else None

    @cached_property
    def _known(self) -> tuple[Test, Any]:
        try:
            read, test = _MATCHES[self.asked]
            return test, read(self.values)
        except (KeyError, ValueError):  # not known, or with values that it cannot have
            return (lambda packet, nothing: None), None


OPAQUE = Condition("")
"""A match that is not understood, or whose outcome changes with time."""


def _names(values: Collection[Value]) -> frozenset[str]:
    if not all(isinstance(value, str) for value in values):
        raise ValueError("a range where names are")
    return frozenset(map(str, values))


def _protocols(values: Collection[Value]) -> frozenset[str]:
    # Where a machine has no /etc/protocols, its programs print numbers.
    return frozenset({"6": "tcp", "17": "udp"}.get(name, name) for name in _names(values))


def _versions(values: Collection[Value]) -> frozenset[int]:
    return frozenset({"ipv4": 4, "ip": 4, "ipv6": 6, "ip6": 6}[name] for name in _names(values))


Ranges = tuple[tuple[int, int], ...]


def _ranges(values: Collection[Value]) -> Ranges:
    both = ((value, value) if isinstance(value, str) else value for value in values)
    return tuple((int(low), int(high)) for low, high in both)


def _addresses(values: Collection[Value]) -> dict[int, Ranges]:
    """Return networks and ranges as ranges of numbers, by IP version."""
    both = ((value, value) if isinstance(value, str) else value for value in values)
    ends = [(ip_network(low, strict=False), ip_network(high, strict=False)) for low, high in both]
    return {
        version: tuple((int(low[0]), int(high[-1])) for low, high in ends if low.version == version)
        for version in (4, 6)
    }


def _within(number: int, ranges: Iterable[tuple[int, int]]) -> bool:
    return any(low <= number <= high for low, high in ranges)


# Written out: is_private of ipaddress looks at a network's two ends only, in some versions of Python.
_PRIVATE = _addresses(
    (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("224.0.0.0/4", "240.0.0.0/4", "fc00::/7", "fe80::/10", "ff00::/8", "::1/128"),
    )
)
_WIDE = {4: 1 << 32 - 8, 6: 1 << 128 - 16}
"""More addresses than these are a large part of the internet, and no "somebody else".

2000::/3 is all of it, a country's networks are not few.
"""


def _senders(values: Collection[Value]) -> dict[int, tuple[Ranges, bool | None]]:
    """Return the senders' addresses by IP version, and whether an ordinary sender is among them."""
    found: dict[int, tuple[Ranges, bool | None]] = {}
    for version, ranges in _addresses(values).items():
        private = _PRIVATE[version]
        sizes = [
            high - low + 1
            for low, high in ranges
            if not any(first <= low and high <= last for first, last in private)
        ]
        everybody = 1 << (32 if version == 4 else 128) in sizes
        found[version] = ranges, True if everybody else None if sum(sizes) > _WIDE[version] else False
    return found


def _sent_by(packet: Packet, senders: dict[int, tuple[Ranges, bool | None]]) -> bool | None:
    """An ordinary sender is in no named network, and in no private one."""
    ranges, ordinary = senders[packet.version]
    if packet.source:
        return _within(int(packet.source), ranges)
    return ordinary or None if packet.named and ranges else ordinary


def _among(address: Address, addresses: dict[int, Ranges]) -> bool:
    return _within(int(address), addresses[address.version])


def _comes_by(packet: Packet, names: frozenset[str]) -> bool | None:
    if packet.interface:
        return _called(packet.interface, names)
    return False if all(map(inside_by_name, names)) else None


def _leaves_by(packet: Packet, names: frozenset[str]) -> bool | None:
    return _called(packet.outgoing, names) if packet.outgoing else None


def _called(actual: str, names: frozenset[str]) -> bool:
    """Compare with names; a ``+`` (iptables) or ``*`` (nftables) at the end stands for any ending."""
    return any(
        actual.startswith(name[:-1]) if name.endswith(("+", "*")) else actual == name for name in names
    )


def _flags(values: Collection[Value]) -> bool:
    """Tell whether SYN alone, which our packet has, is what is to be set of those in the mask."""
    pairs = [[set(text.split(",")) - {"none"} for text in pair] for pair in values]
    return any(wanted == ({"syn"} if mask & {"syn", "all"} else set()) for mask, wanted in pairs)


def _of_type(packet: Packet, types: frozenset[str]) -> bool | None:
    if types == {"local"}:
        return packet.local
    return False if types <= {"broadcast", "multicast", "anycast"} else None


def _has_state(packet: Packet, names: frozenset[str]) -> bool:
    return packet.state in names or ("dnat" in names and packet.original is not None)


def _goes_back(packet: Packet, found: frozenset[str]) -> bool | None:
    # Reverse path filtering: an ordinary sender is one that there is a route back to.
    return "True" in found if found <= {"True", "False"} else None


def _sent_from(packet: Packet, ranges: Ranges) -> bool | None:
    # Whoever sends chooses the port that it comes from: only a range of all ordinary ones is certain.
    return any(low <= 1024 and high == 65535 for low, high in ranges) or None


PORTS = "th dport, tcp dport, udp dport, --dport, --dports"
ORIGINAL_PORTS = "ct original proto-dst, --ctorigdstport"
PROTOCOLS = "ip protocol, ip6 nexthdr, meta l4proto, -p"
_ORIGINAL = "ct original daddr, ct original ip daddr, ct original ip6 daddr, --ctorigdst"
_KNOWN: dict[str, tuple[Callable[[Collection[Value]], Any], Test]] = {
    # What no packet of ours has: routing headers of IPv6, types of ICMP.
    "never, --rt-type, --icmp-type, --icmpv6-type": (_names, lambda packet, names: False),
    # Before connection tracking has looked at the packet nothing else that it knows fits.
    "tracked": (_names, lambda packet, names: packet.state == "new"),
    PORTS: (_ranges, lambda packet, ranges: _within(packet.port, ranges)),
    ORIGINAL_PORTS: (_ranges, lambda packet, ranges: _within(packet.first[1], ranges)),
    "th sport, tcp sport, udp sport, --sport, --sports": (_ranges, _sent_from),
    "ip saddr, ip6 saddr, -s": (_senders, _sent_by),
    "ip daddr, ip6 daddr, -d": (_addresses, lambda packet, found: _among(packet.destination, found)),
    _ORIGINAL: (_addresses, lambda packet, found: _among(packet.first[0], found)),
    PROTOCOLS: (_protocols, lambda packet, names: packet.protocol in names),
    "meta iif, meta iifname, -i": (_names, _comes_by),
    "meta oif, meta oifname, -o": (_names, _leaves_by),
    "meta nfproto, meta protocol": (_versions, lambda packet, versions: packet.version in versions),
    "meta pkttype": (_names, lambda packet, names: not names.isdisjoint({"host", "unicast"})),
    "tcp flags &, --tcp-flags, --syn": (_flags, lambda packet, fits: fits and packet.protocol == "tcp"),
    "tcp flags in": (_names, lambda packet, names: "syn" in names),
    "ct state, ct status, --ctstate, --state": (_names, _has_state),
    "ct direction, --ctdir": (_names, lambda packet, names: packet.state == "new" and "original" in names),
    "fib daddr type, --dst-type": (_names, _of_type),
    "fib saddr oif": (_names, _goes_back),
}
_MATCHES = {name: match for names, match in _KNOWN.items() for name in names.split(", ")}

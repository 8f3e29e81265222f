"""The matches of an nft rule (libnftables-json(5), expressions), read as conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from signoff.facts.nft_values import Sets, networks, port_range, words
from signoff.facts.packets import (
    Always,
    Condition,
    Destination,
    Family,
    Flags,
    InterfaceIs,
    Local,
    Not,
    Opaque,
    Ports,
    Proto,
    Source,
    State,
    Tracked,
)

_TRANSPORTS = frozenset({"tcp", "udp", "sctp", "dccp", "udplite"})
_NUMBERED = {6: "tcp", 17: "udp"}
_ICMP = frozenset({"icmp", "icmpv6", "igmp"})


def conditions(operator: str, left: Any, right: Any, sets: Sets) -> list[Condition]:
    """Return the conditions of one match; with those that nft leaves unsaid (``tcp dport`` means TCP)."""
    try:
        condition = _condition(left, tuple(sets.values(right)), operator)
    except (KeyError, TypeError, ValueError, AttributeError):
        condition = Opaque()
    if operator == "!=":
        condition = Not(condition)
    elif operator not in {"==", "in"}:
        condition = Opaque()
    return [*_implied(left), condition]


def _implied(left: Any) -> list[Condition]:
    if isinstance(left, dict) and left.get("ct", {}).get("key", "state") != "state":
        return [Tracked()]
    protocol = left.get("payload", {}).get("protocol", "") if isinstance(left, dict) else ""
    if protocol in _TRANSPORTS:
        return [Proto(frozenset({protocol}))]
    if protocol in {"ip", "ip6"}:
        return [Family(4 if protocol == "ip" else 6)]
    return [Always(False)] if protocol in _ICMP or protocol == "arp" else []


def _condition(left: Any, values: tuple[Any, ...], operator: str) -> Condition:
    ((kind, what),) = left.items()
    match kind:
        case "payload":
            return _payload(what["protocol"], what["field"], values, operator)
        case "meta":
            return _meta(what["key"], values)
        case "ct":
            return _tracked(what, values)
        case "fib":
            return _fib(what, values)
        case "&":
            masked, mask = what
            if masked == {"payload": {"protocol": "tcp", "field": "flags"}}:
                return Flags(frozenset(words(mask)), frozenset(words(list(values))))
    return Opaque()


def _payload(protocol: str, name: str, values: tuple[Any, ...], operator: str) -> Condition:
    match name:
        case "dport" if protocol in _TRANSPORTS or protocol == "th":
            return Ports(tuple(port_range(value) for value in values))
        case "flags" if protocol == "tcp" and operator == "in":
            return Always("syn" in words(list(values)))
        case "saddr" if protocol in {"ip", "ip6"}:
            return Source(networks(values))
        case "daddr" if protocol in {"ip", "ip6"}:
            return Destination(networks(values))
        case "protocol" | "nexthdr" if protocol in {"ip", "ip6"}:
            return _protocol(values)
    return Opaque()


def _protocol(values: tuple[Any, ...]) -> Proto:
    """Where there is no /etc/protocols, nft prints numbers."""
    return Proto(frozenset(_NUMBERED.get(value, str(value)) for value in values))


def _meta(key: str, values: tuple[Any, ...]) -> Condition:
    names = tuple(map(str, values))
    match key:
        case "iif" | "iifname":
            return InterfaceIs(names)
        case "oif" | "oifname":
            return InterfaceIs(names, outgoing=True)
        case "l4proto":
            return _protocol(values)
        case "nfproto" | "protocol":
            wanted = {"ipv4": 4, "ip": 4, "ipv6": 6, "ip6": 6}
            versions = [Family(wanted[name]) for name in names]
            return versions[0] if len(versions) == 1 else Always()
        case "pkttype":
            return Always("host" in names or "unicast" in names)
        case _:
            return Opaque()


def _tracked(what: Mapping[str, Any], values: tuple[Any, ...]) -> Condition:
    original = what.get("dir") == "original"
    match what["key"]:
        case "state" | "status":
            return State(frozenset(map(str, values)))
        case "direction":
            return Always("original" in values)
        case "proto-dst" if original:
            return Ports(tuple(port_range(value) for value in values), original=True)
        case "daddr" | "ip daddr" | "ip6 daddr" if original:
            return Destination(networks(values), original=True)
        case _:
            return Opaque()


def _fib(what: Mapping[str, Any], values: tuple[Any, ...]) -> Condition:
    flags = what.get("flags", ())
    if what["result"] == "type" and "daddr" in flags:
        if values == ("local",):
            return Local()
        return Always(False) if {"broadcast", "multicast", "anycast"}.issuperset(values) else Opaque()
    if what["result"] == "oif" and "saddr" in flags and all(isinstance(value, bool) for value in values):
        # Reverse path filtering: an ordinary sender is one that there is a route back to.
        return Always(True in values)
    return Opaque()

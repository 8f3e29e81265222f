"""``nft -j list ruleset`` (libnftables-json(5)), read as tables of rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network, summarize_address_range
from typing import Any, Literal

from signoff.facts.base import Malformed
from signoff.facts.packets import (
    Always,
    Base,
    Condition,
    Destination,
    Family,
    Flags,
    InterfaceIs,
    Local,
    Network,
    Not,
    Opaque,
    Ports,
    Proto,
    Rule,
    Source,
    State,
    Table,
    Verdict,
)
from signoff.text import one_line

_VERSIONS = {"ip": 4, "ip6": 6, "inet": 0, "netdev": 0}
_TRANSPORTS = frozenset({"tcp", "udp", "sctp", "dccp", "udplite"})
_ICMP = frozenset({"icmp", "icmpv6", "igmp"})

# Statements that leave the packet on its way and ask nothing of it.
_PASSING = frozenset(
    {"counter", "log", "mangle", "notrack", "ct helper", "ct timeout", "flow", "dup", "comment", "last"}
)


@dataclass
class _Table:
    chains: dict[str, list[Rule]] = field(default_factory=dict)
    bases: list[Base] = field(default_factory=list)
    sets: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    limits: dict[str, Condition] = field(default_factory=dict)
    """What must hold for a base chain to see the packet at all."""
    flags: frozenset[str] = frozenset()
    whole: bool = True


# A dormant table does nothing. nft 1.0.6 prints the table's own name in the place of its flags.
_WORKING = frozenset({"owner", "persist"})


def parse_nftables(text: str, *, whole: bool = True) -> tuple[Table, ...]:
    """Return the tables of IPv4, IPv6 and both; raise Malformed where the text is not nft's JSON.

    Not ``whole`` tells that nft was asked to leave out what is in the sets.
    """
    try:
        objects: list[dict[str, dict[str, Any]]] = json.loads(text)["nftables"]
        return tuple(_tables(objects, whole=whole))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        raise Malformed("nft -j list ruleset: not the JSON that it prints", one_line(text)) from None


def _tables(objects: Iterable[dict[str, dict[str, Any]]], *, whole: bool) -> Iterator[Table]:
    tables: dict[tuple[str, str], _Table] = {}
    rules: list[dict[str, Any]] = []
    for entry in objects:
        ((kind, value),) = entry.items()
        family = value.get("family", "")
        if family not in _VERSIONS:
            continue
        name = value["name"] if kind == "table" else value["table"]
        table = tables.setdefault((family, name), _Table(whole=whole))
        if kind == "table":
            table.flags = frozenset(_flags(value.get("flags", [])))
        elif kind == "chain":
            _add_chain(table, value)
        elif kind in {"set", "map"}:
            table.sets[value["name"]] = value
        elif kind == "rule":
            rules.append(value)
    for rule in rules:
        table = tables[rule["family"], rule["table"]]
        table.chains[rule["chain"]] += _rules(rule, table)
    for (family, name), table in tables.items():
        if "dormant" not in table.flags:
            bases = tuple(_limited(base, table) for base in table.bases)
            chains = {chain: tuple(found) for chain, found in table.chains.items()}
            yield Table("nft", f"{family} {name}", _VERSIONS[family], chains, bases)


def _add_chain(table: _Table, chain: Mapping[str, Any]) -> None:
    table.chains[chain["name"]] = []
    if "hook" in chain:
        table.bases.append(_base(chain))
        if chain["hook"] == "ingress":
            table.limits[chain["name"]] = _on_device(chain.get("dev"))


def _on_device(device: Any) -> Condition:
    """An ingress chain sees what comes in by its device; which one that is nft 1.0.6 does not say."""
    return InterfaceIs(tuple(_flags(device))) if device else Opaque()


def _limited(base: Base, table: _Table) -> Base:
    """Let a base chain, and its policy, hold only where the packet comes to it."""
    limit = Opaque() if table.flags - _WORKING else table.limits.get(base.chain)
    if limit is None:
        return base
    rules = [replace(rule, conditions=(limit, *rule.conditions)) for rule in table.chains[base.chain]]
    rules.append(Rule((limit,), Verdict(base.policy), f"policy {base.policy} of nft chain {base.chain}"))
    table.chains[base.chain] = rules
    return replace(base, policy="accept")


def _base(chain: Mapping[str, Any]) -> Base:
    policy: Literal["accept", "drop"] = "drop" if chain.get("policy") == "drop" else "accept"
    return Base(chain["name"], chain["hook"], policy, int(chain.get("prio", 0)), chain.get("type") == "nat")


def _rules(rule: Mapping[str, Any], table: _Table) -> Iterator[Rule]:
    """Yield the rule; several where a verdict map tells cases apart."""
    where = f"{rule['family']} {rule['table']}, chain {rule['chain']}"
    text = one_line(f"rule {rule.get('handle', '?')} of nft table {where}")
    conditions: list[Condition] = []
    for statement in rule["expr"]:
        ((kind, value),) = statement.items()
        if kind == "match":
            conditions += _match(value["op"], value["left"], value["right"], table)
        elif kind == "vmap":
            for key, verdict in _cases(value["data"], table):
                found = _match("==", value["key"], key, table) if key != "*" else []
                yield Rule((*conditions, *found), _verdict(verdict), text)
        elif (ending := _verdict(statement)).kind != "pass":
            yield Rule((*conditions, *_unsaid(statement)), ending, text)
        elif kind not in _PASSING:
            # limit, quota, ct count, a dynamic set, a match of iptables without a translation: perhaps.
            conditions.append(Opaque())


def _cases(data: Any, table: _Table) -> Iterator[tuple[Any, dict[str, Any]]]:
    named = table.sets[data[1:]] if isinstance(data, str) else {"elem": data["set"]}
    elements = named.get("elem", [] if table.whole else [["*", {"queue": None}]])
    for key, verdict in elements:
        yield (key["elem"]["val"] if isinstance(key, dict) and "elem" in key else key), verdict


def _verdict(statement: Mapping[str, Any]) -> Verdict:
    ((kind, value),) = statement.items()
    match kind:
        case "accept" | "return":
            return Verdict(kind)
        case "drop" | "reject":
            return Verdict("drop")
        case "jump" | "goto":
            return Verdict(kind, chain=value["target"])
        case "dnat" | "redirect":
            return _translation(value or {})
        case "queue" | "synproxy" | "tproxy" | "fwd":
            return Verdict("unknown")
        case "xt" if isinstance(value, dict) and value.get("type") == "target":
            return Verdict("unknown")
        case _:
            return Verdict("pass")


def _unsaid(statement: Mapping[str, Any]) -> list[Condition]:
    """Return what a verdict implies: the match that it stands for is left out when nft shows the rule."""
    ((_, value),) = statement.items()
    if not isinstance(value, dict):
        return []
    implied: dict[str, Condition] = {
        "icmp": Family(4),
        "icmpv6": Family(6),
        "tcp reset": Proto(frozenset({"tcp"})),
        "ip": Family(4),
        "ip6": Family(6),
    }
    return [implied[kind] for kind in (value.get("type"), value.get("family")) if kind in implied]


def _translation(value: Mapping[str, Any]) -> Verdict:
    address, port = value.get("addr"), value.get("port")
    if (address is not None and not isinstance(address, str)) or (
        port is not None and not isinstance(port, int)
    ):
        return Verdict("unknown")  # from a map, or a range
    return Verdict("translate", address=ip_address(address) if address else None, port=port)


def _match(operator: str, left: Any, right: Any, table: _Table) -> list[Condition]:
    """Return the conditions of one match; with those that nft leaves unsaid (``tcp dport`` means TCP)."""
    try:
        condition = _condition(left, tuple(_values(right, table)), operator)
    except (KeyError, TypeError, ValueError, AttributeError):
        condition = Opaque()
    if operator == "!=":
        condition = Not(condition)
    elif operator not in {"==", "in"}:
        condition = Opaque()
    return [*_implied(left), condition]


def _implied(left: Any) -> list[Condition]:
    protocol = left.get("payload", {}).get("protocol", "") if isinstance(left, dict) else ""
    if protocol in _TRANSPORTS:
        return [Proto(frozenset({protocol}))]
    if protocol in {"ip", "ip6"}:
        return [Family(4 if protocol == "ip" else 6)]
    return [Always(False)] if protocol in _ICMP or protocol == "arp" else []


def _values(right: Any, table: _Table) -> Iterator[Any]:
    """Yield the single values of what stands on the right; raise ValueError where they change with time."""
    if isinstance(right, str) and right.startswith("@"):
        named = table.sets[right[1:]]
        if {"dynamic", "timeout"}.intersection(named.get("flags", ())) or "timeout" in named:
            raise ValueError(right)
        if "elem" not in named and not table.whole:
            raise ValueError(right)
        right = named.get("elem", [])
    if isinstance(right, dict) and "set" in right:
        right = right["set"]
    for value in right if isinstance(right, list) else [right]:
        yield value["elem"]["val"] if isinstance(value, dict) and "elem" in value else value


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
                return Flags(frozenset(_flags(mask)), frozenset(_flags(list(values))))
    return Opaque()


def _payload(protocol: str, name: str, values: tuple[Any, ...], operator: str) -> Condition:
    match name:
        case "dport" if protocol in _TRANSPORTS or protocol == "th":
            return Ports(tuple(_range(value) for value in values))
        case "flags" if protocol == "tcp" and operator == "in":
            return Always("syn" in _flags(list(values)))
        case "saddr" if protocol in {"ip", "ip6"}:
            return Source(tuple(network for value in values for network in _networks(value)))
        case "daddr" if protocol in {"ip", "ip6"}:
            return Destination(tuple(network for value in values for network in _networks(value)))
        case "protocol" | "nexthdr" if protocol in {"ip", "ip6"}:
            return Proto(frozenset(map(str, values)))
    return Opaque()


def _meta(key: str, values: tuple[Any, ...]) -> Condition:
    names = tuple(map(str, values))
    match key:
        case "iif" | "iifname":
            return InterfaceIs(names)
        case "oif" | "oifname":
            return InterfaceIs(names, outgoing=True)
        case "l4proto":
            return Proto(frozenset(names))
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
            return Ports(tuple(_range(value) for value in values), original=True)
        case "daddr" | "ip daddr" | "ip6 daddr" if original:
            return Destination(tuple(n for value in values for n in _networks(value)), original=True)
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


def _range(value: Any) -> tuple[int, int]:
    if isinstance(value, dict):
        low, high = value["range"]
        return int(low), int(high)
    return int(value), int(value)


def _networks(value: Any) -> Iterator[Network]:
    if isinstance(value, str):
        yield ip_network(value)
    elif "prefix" in value:
        yield ip_network(f"{value['prefix']['addr']}/{value['prefix']['len']}", strict=False)
    else:
        low, high = value["range"]
        yield from summarize_address_range(ip_address(low), ip_address(high))


def _flags(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _flags(one)
    else:
        for one in value["|"]:
            yield from _flags(one)

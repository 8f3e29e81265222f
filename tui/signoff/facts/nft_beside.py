"""Tables that iptables-nft-save and nft both show: which of the two to believe, rule by rule.

iptables-nft-save tells the rules that iptables made, in full. Of what nft has put beside them it leaves out
base chains, and prints rules wrongly, without an error: ``tcp dport @closed drop`` as ``-p tcp -j DROP``, a
range of senders as its last one (seen of 1.8.9). A table that is dormant it prints as if it worked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from signoff.facts.chains import Rule, Table
from signoff.facts.nft_rules import rules_of
from signoff.facts.nft_values import Sets, elements

Named = tuple[int, str]
"""A table by its IP version and its name."""

_VERSIONS = {"ip": 4, "ip6": 6}
# What iptables makes of its options; DNAT and the like are its own extensions (xt).
_STATEMENTS = frozenset(
    {"accept", "counter", "drop", "goto", "jump", "limit", "log", "return", "xt", "masquerade", "snat"}
)
_META = frozenset({"iif", "iifname", "l4proto", "mark", "oif", "oifname", "pkttype"})
_FIELDS = {
    "ip": frozenset({"daddr", "protocol", "saddr", "ttl"}),
    "ip6": frozenset({"daddr", "hoplimit", "nexthdr", "saddr"}),
    "icmp": frozenset({"code", "type"}),
    "icmpv6": frozenset({"code", "type"}),
}
_PORTS = frozenset({"dport", "sport"})


@dataclass
class _Beside:
    """What nft shows of a table: its rules by chain, its sets, and whether it is one of no ordinary kind."""

    sets: Sets
    rules: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    flagged: bool = False


def believed(
    shown: tuple[Table, ...], native: tuple[Table, ...], text: str, *, whole: bool
) -> tuple[Table, ...]:
    """Return all tables, each once: iptables' word for the rules that it made, nft's for all others.

    ``native`` is what was made of nft's own words, ``text``; not ``whole`` tells that sets were left out.
    """
    by_nft = {_name(table): table for table in native}
    beside = _beside(text, whole=whole)
    # One that nft shows, and that is not among its tables, is dormant.
    both = [table for table in shown if (table.version, table.name) in by_nft]
    names = {(table.version, table.name) for table in shown}
    return (
        *(
            _together(table, by_nft[table.version, table.name], beside[table.version, table.name])
            for table in both
        ),
        *(table for table in native if _name(table) not in names),
    )


def _name(table: Table) -> Named:
    return table.version, table.name.split()[1]


def _together(shown: Table, native: Table, beside: _Beside) -> Table:
    if beside.flagged:
        return native
    chains = {
        name: tuple(_chain(shown.chains.get(name, ()), beside, name, rules))
        for name, rules in native.chains.items()
    }
    return replace(shown, chains={**shown.chains, **chains}, bases=native.bases)


def _chain(shown: tuple[Rule, ...], beside: _Beside, name: str, native: tuple[Rule, ...]) -> Iterator[Rule]:
    by_nft = beside.rules.get(name, [])
    if len(by_nft) != len(shown):
        yield from native
        return
    for rule, own in zip(by_nft, shown, strict=True):
        if all(map(_of_iptables, rule["expr"])):
            yield own
        else:
            yield from rules_of(rule, beside.sets)


def _beside(text: str, *, whole: bool) -> dict[Named, _Beside]:
    found: dict[Named, _Beside] = {}
    budget = elements()
    for entry in json.loads(text)["nftables"]:
        ((kind, value),) = entry.items()
        if (version := _VERSIONS.get(value.get("family", ""))) is None:
            continue
        name = (version, value["name"] if kind == "table" else value["table"])
        table = found.setdefault(name, _Beside(Sets(whole, budget)))
        if kind == "table":
            table.flagged = "flags" in value
        elif kind in {"set", "map"}:
            table.sets.named[value["name"]] = value
        elif kind == "rule":
            table.rules.setdefault(value["chain"], []).append(value)
    return found


def _of_iptables(statement: Mapping[str, Any]) -> bool:
    ((kind, value),) = statement.items()
    if kind != "match":
        return kind in _STATEMENTS
    return value["op"] in {"==", "!="} and _asks_as_iptables(value["left"], value["right"])


def _asks_as_iptables(left: Any, right: Any) -> bool:
    if not isinstance(left, dict):
        return False
    ((kind, what),) = left.items()
    if isinstance(right, list) or (isinstance(right, str) and right.startswith("@")):
        return False
    if kind == "&":
        return bool(what[0] == {"payload": {"protocol": "tcp", "field": "flags"}})
    ports = kind == "payload" and what.get("field") in _PORTS and what.get("protocol") in {"tcp", "udp"}
    if isinstance(right, dict) and not ("prefix" in right or (ports and "range" in right)):
        return False
    if kind == "meta":
        return what["key"] in _META
    return ports or (kind == "payload" and what.get("field") in _FIELDS.get(what.get("protocol"), ()))

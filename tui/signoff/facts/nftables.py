"""``nft -j list ruleset`` (libnftables-json(5)), read as tables of rules.

Tables that iptables has made iptables-nft-save shows too: its rules in full, where nft may see an extension
that it cannot express. Of what nft has put beside them it leaves out base chains, and prints rules wrongly,
without an error: ``tcp dport @closed drop`` as ``-p tcp -j DROP``, a range of senders as its last one (seen
of 1.8.9). A table that is dormant it prints as if it worked. So which of the two to believe is told rule by
rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from signoff.facts.base import Malformed
from signoff.facts.chains import Base, Policy, Rule, Table, Verdict
from signoff.facts.nft_rules import Sets, elements, rules_of, subject, words
from signoff.facts.packets import OPAQUE, Condition
from signoff.text import one_line

_VERSIONS = {"ip": 4, "ip6": 6, "inet": 0, "netdev": 0}

# A dormant table does nothing. nft 1.0.6 prints the table's own name in the place of its flags.
_WORKING = frozenset({"owner", "persist"})

# What iptables makes of its options; DNAT and the like are its own extensions (xt).
_STATEMENTS = re.compile("accept|counter|drop|goto|jump|limit|log|return|xt|masquerade|snat")
_ASKED = re.compile(
    "meta (?:iif|iifname|l4proto|mark|oif|oifname|pkttype)|ip6? [sd]addr|ip (?:protocol|ttl)|"
    "ip6 (?:hoplimit|nexthdr)|icmp(?:v6)? (?:code|type)|(?P<port>(?:tcp|udp) [sd]port)|"
    "(?P<flags>tcp flags &)"
)


@dataclass
class _Table:
    sets: Sets
    flags: frozenset[str] = frozenset()
    chains: dict[str, tuple[Mapping[str, Any], list[Mapping[str, Any]]]] = field(default_factory=dict)
    """What is said of each chain, and its rules."""


def parse_nftables(text: str, *, whole: bool = True, shown: Iterable[Table] = ()) -> tuple[Table, ...]:
    """Return the tables of IPv4, IPv6 and both; raise Malformed where the text is not nft's JSON.

    Not ``whole`` tells that nft was asked to leave out what is in the sets. ``shown`` are the tables that
    iptables-nft-save shows: its word is taken for the rules that iptables made.
    """
    try:
        tables = _tables(json.loads(text)["nftables"], whole=whole)
        by_name = {(table.version, table.name): table for table in shown}
        found = [
            _table(table, family, name, by_name.get((_VERSIONS[family], name)))
            for (family, name), table in tables.items()
            if "dormant" not in table.flags
        ]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise Malformed("nft -j list ruleset: not the JSON that it prints", one_line(text)) from None
    return tuple(sorted(found, key=lambda table: table.origin == "nft"))


def _tables(objects: Iterable[dict[str, dict[str, Any]]], *, whole: bool) -> dict[tuple[str, str], _Table]:
    tables: dict[tuple[str, str], _Table] = {}
    budget = elements()
    for entry in objects:
        ((kind, value),) = entry.items()
        family = value.get("family", "")
        if family not in _VERSIONS:
            continue
        name = value["name" if kind == "table" else "table"]
        table = tables.setdefault((family, name), _Table(Sets(whole, budget)))
        if kind == "table":
            table.flags = frozenset(words(value.get("flags", [])))
        elif kind == "chain":
            table.chains[value["name"]] = value, []
        elif kind in {"set", "map"}:
            table.sets.named[value["name"]] = value
        elif kind == "rule":
            table.chains[value["chain"]][1].append(value)
    return tables


def _table(table: _Table, family: str, name: str, shown: Table | None) -> Table:
    """Read a table's rules; ``shown`` is what iptables shows of it, if it is an ordinary one."""
    known = (
        shown if shown and not table.flags else Table("nft", f"{family} {name}", _VERSIONS[family], {}, ())
    )
    chains, bases = dict(known.chains), list[Base]()
    for chain, (about, by_nft) in table.chains.items():
        rules = tuple(_rules(by_nft, known.chains.get(chain, ()), table.sets))
        if "hook" in about:
            base, rules = _base(about, rules, _limit(about, table.flags))
            bases.append(base)
        chains[chain] = rules
    return replace(known, chains=chains, bases=tuple(bases))


def _rules(rules: list[Mapping[str, Any]], shown: tuple[Rule, ...], sets: Sets) -> Iterator[Rule]:
    """Yield a chain's rules: as iptables shows them those that it made, if it shows as many."""
    for at, rule in enumerate(rules):
        if len(shown) == len(rules) and all(map(_of_iptables, rule["expr"])):
            yield shown[at]
        else:
            yield from rules_of(rule, sets)


def _of_iptables(statement: Mapping[str, Any]) -> bool:
    """Tell whether a part of a rule is of iptables' making: it has no sets and lists, and few ranges."""
    ((kind, value),) = statement.items()
    if kind != "match":
        return bool(_STATEMENTS.fullmatch(kind))
    asked, right = _ASKED.fullmatch(subject(value["left"])), value["right"]
    if not asked or value["op"] not in {"==", "!="} or isinstance(right, list) or str(right).startswith("@"):
        return False
    return bool(
        asked["flags"]
        or not isinstance(right, dict)
        or "prefix" in right
        or (asked["port"] and "range" in right)
    )


def _limit(chain: Mapping[str, Any], flags: frozenset[str]) -> Condition | None:
    """Return what must hold for a base chain to see the packet at all."""
    if flags - _WORKING:
        return OPAQUE
    if chain["hook"] != "ingress":
        return None
    # It sees what comes in by its device; which one that is nft 1.0.6 does not say.
    return Condition("meta iifname", tuple(words(chain["dev"]))) if chain.get("dev") else OPAQUE


def _base(
    chain: Mapping[str, Any], rules: tuple[Rule, ...], limit: Condition | None
) -> tuple[Base, tuple[Rule, ...]]:
    """Return a base chain; where it has a limit, both its rules and its policy hold only there."""
    policy: Policy = "drop" if chain.get("policy") == "drop" else "accept"
    if limit:
        limited = (replace(rule, conditions=(limit, *rule.conditions)) for rule in rules)
        last = Rule((limit,), Verdict(policy), f"policy {policy} of nft chain {chain['name']}")
        rules, policy = (*limited, last), "accept"
    priority, translates = int(chain.get("prio", 0)), chain.get("type") == "nat"
    return Base(chain["name"], chain["hook"], policy, priority, translates), rules

"""``nft -j list ruleset`` (libnftables-json(5)), read as tables of rules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from signoff.facts.base import Malformed
from signoff.facts.chains import Base, Rule, Table, Verdict
from signoff.facts.nft_rules import rules_of
from signoff.facts.nft_values import Sets, elements, words
from signoff.facts.packets import Condition, InterfaceIs, Opaque
from signoff.message import say
from signoff.text import one_line

_VERSIONS = {"ip": 4, "ip6": 6, "inet": 0, "netdev": 0}

# A dormant table does nothing. nft 1.0.6 prints the table's own name in the place of its flags.
_WORKING = frozenset({"owner", "persist"})


@dataclass
class _Table:
    sets: Sets
    chains: dict[str, list[Rule]] = field(default_factory=dict)
    bases: list[Base] = field(default_factory=list)
    limits: dict[str, Condition] = field(default_factory=dict)
    """What must hold for a base chain to see the packet at all."""
    flags: frozenset[str] = frozenset()


def parse_nftables(text: str, *, whole: bool = True) -> tuple[Table, ...]:
    """Return the tables of IPv4, IPv6 and both; raise Malformed where the text is not nft's JSON.

    Not ``whole`` tells that nft was asked to leave out what is in the sets.
    """
    try:
        objects: list[dict[str, dict[str, Any]]] = json.loads(text)["nftables"]
        return tuple(_tables(objects, whole=whole))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise Malformed(say("nft -j list ruleset: not the JSON that it prints"), one_line(text)) from None


def _tables(objects: Iterable[dict[str, dict[str, Any]]], *, whole: bool) -> Iterator[Table]:
    tables: dict[tuple[str, str], _Table] = {}
    rules: list[dict[str, Any]] = []
    budget = elements()
    for entry in objects:
        ((kind, value),) = entry.items()
        family = value.get("family", "")
        if family not in _VERSIONS:
            continue
        name = value["name"] if kind == "table" else value["table"]
        table = tables.setdefault((family, name), _Table(Sets(whole, budget)))
        if kind == "table":
            table.flags = frozenset(words(value.get("flags", [])))
        elif kind == "chain":
            _add_chain(table, value)
        elif kind in {"set", "map"}:
            table.sets.named[value["name"]] = value
        elif kind == "rule":
            rules.append(value)
    for rule in rules:
        table = tables[rule["family"], rule["table"]]
        table.chains[rule["chain"]] += rules_of(rule, table.sets)
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
    return InterfaceIs(tuple(words(device))) if device else Opaque()


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

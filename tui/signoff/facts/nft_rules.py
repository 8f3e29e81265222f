"""The rules of an nft table: each with its matches, and what it does with a packet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from signoff.facts.chains import UNTRACK, Rule, Verdict
from signoff.facts.nft_matches import conditions
from signoff.facts.nft_values import ANY, Sets
from signoff.facts.packets import Condition, Family, Opaque, Proto
from signoff.text import one_line

# Statements that leave the packet on its way and ask nothing of it.
_PASSING = frozenset(
    {"counter", "log", "mangle", "ct helper", "ct timeout", "flow", "dup", "comment", "last"}
)


def rules_of(rule: Mapping[str, Any], sets: Sets) -> Iterator[Rule]:
    """Yield the rule; several where a verdict map tells cases apart."""
    where = f"{rule['family']} {rule['table']}, chain {rule['chain']}"
    text = one_line(f"rule {rule.get('handle', '?')} of nft table {where}")
    asked: list[Condition] = []
    for statement in rule["expr"]:
        ((kind, value),) = statement.items()
        if kind == "match":
            asked += conditions(value["op"], value["left"], value["right"], sets)
        elif kind == "vmap":
            for key, verdict in sets.cases(value["data"]):
                found = conditions("==", value["key"], key, sets) if key != ANY else []
                yield Rule((*asked, *found), _verdict(verdict), text)
        elif (ending := _verdict(statement)).kind != "pass":
            yield Rule((*asked, *_unsaid(statement)), ending, text)
        elif kind not in _PASSING:
            # limit, quota, ct count, a dynamic set, a match of iptables without a translation: perhaps.
            asked.append(Opaque())


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
        case "notrack":
            return UNTRACK
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

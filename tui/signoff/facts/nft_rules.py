"""The rules of an nft table (libnftables-json(5)): each with its matches, and what it does with a packet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from signoff.facts.budget import Budget
from signoff.facts.chains import ACCEPT, DROP, END, PASS, UNKNOWN, UNTRACK, Rule, Verdict
from signoff.facts.packets import OPAQUE, Condition, Value
from signoff.text import one_line

_MOST_ELEMENTS = 300_000

# Statements that leave the packet on its way and ask nothing of it.
_PASSING = frozenset(
    {"counter", "log", "mangle", "ct helper", "ct timeout", "flow", "dup", "comment", "last"}
)
_ENDING = {
    "accept": ACCEPT,
    "return": END,
    "drop": DROP,
    "reject": DROP,
    "notrack": UNTRACK,
    **dict.fromkeys(("queue", "synproxy", "tproxy", "fwd"), UNKNOWN),
}


def elements() -> Budget:
    """Return how many elements of sets the rules may name: a set counts for each rule that names it."""
    return Budget(_MOST_ELEMENTS, "the sets of nft's rules")


@dataclass
class Sets:
    """The named sets and maps of a table; not ``whole`` where nft was asked to leave out what is in them."""

    whole: bool
    budget: Budget
    named: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def elements(self, of: Any) -> Iterator[Any]:
        """Yield the single elements of a set, of a map, or of what else a match has on its right.

        Raise ValueError where they change with time, or are not shown.
        """
        if isinstance(of, str) and of.startswith("@"):
            named = self.named[of[1:]]
            if {"dynamic", "timeout"}.intersection(words(named.get("flags", []))) or "timeout" in named:
                raise ValueError(of)
            if "elem" not in named and not self.whole:
                raise ValueError(of)
            of = named.get("elem", [])
        if isinstance(of, dict) and "set" in of:
            of = of["set"]
        for one in of if isinstance(of, list) else [of]:
            self.budget.spend()
            yield _bare(one)


def _bare(value: Any) -> Any:
    """Return a set's element without its comment, counter or time of expiry."""
    return value["elem"]["val"] if isinstance(value, dict) and "elem" in value else value


def words(value: Any) -> Iterator[str]:
    """Yield the single words of one, of a list, or of what is joined by ``|``."""
    if isinstance(value, str):
        yield value
    else:
        for one in value if isinstance(value, list) else value["|"]:
            yield from words(one)


def rules_of(rule: Mapping[str, Any], sets: Sets) -> Iterator[Rule]:
    """Yield the rule; several where a verdict map tells cases apart."""
    where = f"{rule['family']} {rule['table']}, chain {rule['chain']}"
    text = one_line(f"rule {rule.get('handle', '?')} of nft table {where}")
    asked: list[Condition] = []
    for statement in rule["expr"]:
        ((kind, value),) = statement.items()
        if kind == "match":
            asked += _conditions(value["op"], value["left"], value["right"], sets)
        elif kind == "vmap":
            for found, verdict in _cases(value["key"], value["data"], sets):
                yield Rule((*asked, *found), verdict, text)
        elif (ending := _verdict(statement)) != PASS:
            yield Rule((*asked, *_unsaid(value)), ending, text)
        elif kind not in _PASSING:
            # limit, quota, ct count, a dynamic set, a match of iptables without a translation: perhaps.
            asked.append(OPAQUE)


def _cases(asked: Any, data: Any, sets: Sets) -> list[tuple[list[Condition], Verdict]]:
    """Return the cases of a verdict map; a single unknown one where they are not shown."""
    try:
        cases = [(key, _verdict(verdict)) for key, verdict in sets.elements(data)]
    except ValueError:
        return [([], UNKNOWN)]
    # The key "*" stands for every packet.
    return [([] if key == "*" else _conditions("==", asked, key, sets), verdict) for key, verdict in cases]


def _verdict(statement: Mapping[str, Any]) -> Verdict:
    ((kind, value),) = statement.items()
    if kind in {"jump", "goto"}:
        return Verdict("jump" if kind == "jump" else "goto", chain=value["target"])
    if kind in {"dnat", "redirect"}:
        address, port = (value or {}).get("addr"), (value or {}).get("port")
        if not isinstance(address, str | None) or not isinstance(port, int | None):
            return UNKNOWN  # from a map, or a range
        return Verdict("translate", address=str(ip_address(address)) if address else "", port=port)
    if kind == "xt" and isinstance(value, dict) and value.get("type") == "target":
        return UNKNOWN
    return _ENDING.get(kind, PASS)


_IP = {kind: Condition("meta nfproto", (kind,)) for kind in ("ip", "ip6")}
_KINDS = {"icmp": _IP["ip"], "icmpv6": _IP["ip6"], "tcp reset": Condition("meta l4proto", ("tcp",)), **_IP}


def _unsaid(value: Any) -> list[Condition]:
    """Return what a verdict implies: the match that it stands for is left out when nft shows the rule."""
    said = (value.get("type"), value.get("family")) if isinstance(value, dict) else ()
    return [_KINDS[kind] for kind in said if kind in _KINDS]


def subject(left: Any) -> str:
    """Return what a match asks about, as nft's own language has it: "tcp dport", "ct original daddr"."""
    match left:
        case {"payload": {"protocol": protocol, "field": name}}:
            return f"{protocol} {name}"
        case {"meta": {"key": key}}:
            return f"meta {key}"
        case {"ct": {"key": key, "dir": direction}}:
            return f"ct {direction} {key}"
        case {"ct": {"key": key}}:
            return f"ct {key}"
        case {"fib": {"result": result, "flags": [first, *_] | str(first)}}:
            return f"fib {first} {result}"
        case {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, _]}:
            return "tcp flags &"
    return ""


_UNSAID: dict[str, Condition] = {
    **{
        protocol: Condition("meta l4proto", (protocol,))
        for protocol in ("tcp", "udp", "sctp", "dccp", "udplite")
    },
    **dict.fromkeys(("icmp", "icmpv6", "igmp", "arp"), Condition("never")),
    **_IP,
    "ct": Condition("tracked"),
}
"""What a match implies by what it asks about: ``tcp dport`` means TCP."""


def _conditions(operator: str, left: Any, right: Any, sets: Sets) -> list[Condition]:
    """Return the conditions of one match; with those that nft leaves unsaid."""
    asked = subject(left)
    unsaid = _UNSAID.get(asked.partition(" ")[0]) if asked != "ct state" else None
    asks = OPAQUE
    with suppress(KeyError, TypeError, ValueError):
        # A list is no set: the flags in it are set together.
        given = [right] if asked == "tcp flags &" and isinstance(right, list) else sets.elements(right)
        values: Iterable[Value] = map(_value, given)
        if asked == "tcp flags &":
            mask = ",".join(words(left["&"][1]))
            values = ((mask, ",".join(words(one))) for one in given)
        elif asked == "tcp flags":
            asked += f" {operator}"
        if operator in {"==", "!=", "in"}:
            asks = Condition(asked, tuple(values), operator == "!=")
    return [unsaid, asks] if unsaid else [asks]


def _value(value: Any) -> Value:
    match value:
        case str() | int():
            return str(value)
        case {"prefix": {"addr": address, "len": length}}:
            return f"{address}/{length}"
        case {"range": [low, high]}:
            return str(low), str(high)
    raise ValueError

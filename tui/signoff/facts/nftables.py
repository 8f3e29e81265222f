"""``nft -j list ruleset`` (libnftables-json(5)), read as tables of rules.

Tables that iptables has made iptables-nft-save shows too: its own rules in full, where nft sees extensions
that it cannot express. Of what nft has put beside them it leaves out base chains, and prints rules wrongly,
without an error: ``tcp dport @closed drop`` as ``-p tcp -j DROP``, a range of senders as its last one (seen
of 1.8.9). A table that is dormant it prints as if it worked. So it is believed of its extensions alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import Any

from signoff.facts.base import Malformed
from signoff.facts.budget import Budget
from signoff.facts.packets import OPAQUE, Condition, Value
from signoff.facts.passage import ACCEPT, DROP, END, PASS, UNKNOWN, UNTRACK, Base, Rule, Table, Verdict
from signoff.message import say
from signoff.text import one_line

_MOST_ELEMENTS = 300_000
"""The most elements of sets that the rules may name: a set counts for each rule that names it."""

_VERSIONS = {"ip": 4, "ip6": 6, "inet": 0, "netdev": 0}

# A dormant table does nothing. nft 1.0.6 prints the table's own name in the place of its flags.
_WORKING = frozenset({"owner", "persist"})

# Statements that leave the packet on its way and ask nothing of it.
_PASSING = frozenset(
    {"counter", "log", "mangle", "ct helper", "ct timeout", "flow", "dup", "comment", "last"}
)
_ENDING = {"accept": ACCEPT, "return": END, "drop": DROP, "reject": DROP, "notrack": UNTRACK} | dict.fromkeys(
    ("queue", "synproxy", "tproxy", "fwd"), UNKNOWN
)
_IP, _IP6 = Condition("meta nfproto", ("ip",)), Condition("meta nfproto", ("ip6",))
_IMPLIED = {
    protocol: Condition("meta l4proto", (protocol,)) for protocol in ("tcp", "udp", "sctp", "dccp", "udplite")
}
_IMPLIED |= dict.fromkeys(("icmp", "icmpv6", "igmp", "arp"), Condition("never"))
_IMPLIED |= {"ip": _IP, "ip6": _IP6, "ct": Condition("tracked")}
"""What a match implies by what it asks about: ``tcp dport`` means TCP."""
_IMPLIED_BY_VERDICT = {"icmp": _IP, "icmpv6": _IP6, "tcp reset": _IMPLIED["tcp"], "ip": _IP, "ip6": _IP6}
"""The match that a verdict stands for is left out when nft shows the rule: by its type or its family."""


def parse_nftables(text: str, *, whole: bool = True, shown: Iterable[Table] = ()) -> tuple[Table, ...]:
    """Return the tables of IPv4, IPv6 and both; raise Malformed where the text is not nft's JSON.

    Not ``whole`` tells that nft was asked to leave out what is in the sets. ``shown`` are the tables that
    iptables-nft-save shows: its word is taken for the rules that iptables made.
    """
    by_name = {(table.version, table.name): table for table in shown}
    try:
        tables = _tables(json.loads(text)["nftables"], whole=whole)
        found = [
            table.read(by_name.get((_VERSIONS[table.family], table.name)))
            for table in tables.values()
            if "dormant" not in table.flags
        ]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise Malformed(say("nft -j list ruleset: not the JSON that it prints"), one_line(text)) from None
    return tuple(sorted(found, key=lambda table: table.origin == "nft"))


def _tables(objects: Iterable[dict[str, dict[str, Any]]], *, whole: bool) -> dict[tuple[str, str], _Table]:
    tables: dict[tuple[str, str], _Table] = {}
    budget = Budget(_MOST_ELEMENTS, "the sets of nft's rules")
    for entry in objects:
        ((kind, value),) = entry.items()
        family = value.get("family", "")
        if family not in _VERSIONS:
            continue
        name = value["name" if kind == "table" else "table"]
        table = tables.setdefault((family, name), _Table(family, name, whole, budget))
        if kind == "table":
            table.flags = frozenset(_words(value.get("flags", [])))
        elif kind == "chain":
            table.chains[value["name"]] = value, []
        elif kind in {"set", "map"}:
            table.sets[value["name"]] = value
        elif kind == "rule":
            table.chains[value["chain"]][1].append(value)
    return tables


@dataclass
class _Table:
    """What nft says of a table, of its sets and maps, and of each chain with its rules."""

    family: str
    name: str
    whole: bool
    budget: Budget
    flags: frozenset[str] = frozenset()
    sets: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    chains: dict[str, tuple[Mapping[str, Any], list[Mapping[str, Any]]]] = field(default_factory=dict)

    def read(self, shown: Table | None) -> Table:
        """Read its rules; ``shown`` is what iptables shows of it, if it is an ordinary one."""
        title = f"{self.family} {self.name}"
        known = shown if shown and not self.flags else Table("nft", title, _VERSIONS[self.family], {}, ())
        chains, bases = dict(known.chains), list[Base]()
        for name, (chain, said) in self.chains.items():
            rules = tuple(self._rules(said, known.chains.get(name, ())))
            if "hook" in chain:
                policy = DROP if chain.get("policy") == "drop" else ACCEPT
                if limit := self._limit(chain):
                    # Both its rules and its policy hold only where the packet comes to the chain at all.
                    last = Rule((), policy, f"policy {policy.kind} of nft chain {name}")
                    rules = tuple(replace(one, conditions=(limit, *one.conditions)) for one in (*rules, last))
                    policy = ACCEPT
                priority, translates = int(chain.get("prio", 0)), chain.get("type") == "nat"
                bases.append(Base(name, chain["hook"], policy, priority, translates))
            chains[name] = rules
        return replace(known, chains=chains, bases=tuple(bases))

    def _limit(self, chain: Mapping[str, Any]) -> Condition | None:
        if self.flags - _WORKING:
            return OPAQUE
        if chain["hook"] != "ingress":
            return None
        # It sees what comes in by its device; which one that is nft 1.0.6 does not say.
        return Condition("meta iifname", tuple(_words(chain["dev"]))) if chain.get("dev") else OPAQUE

    def _rules(self, said: list[Mapping[str, Any]], shown: tuple[Rule, ...]) -> Iterator[Rule]:
        """Yield a chain's rules. ``shown`` count where they are as many: iptables counts packets in its own.

        Its extensions (xt) are nothing that nft can read: their rules are taken as iptables shows them.
        """
        for number, rule in enumerate(said):
            kinds = {kind for statement in rule["expr"] for kind in statement}
            own = shown[number] if len(shown) == len(said) and kinds & {"counter", "xt"} else None
            if own and "xt" in kinds:
                yield own
            else:
                yield from (replace(one, text=own.text) if own else one for one in self._cases(rule))

    def _cases(self, rule: Mapping[str, Any]) -> Iterator[Rule]:
        """Yield a rule of nft's; several where a verdict map tells cases apart."""
        where = f"{self.family} {self.name}, chain {rule['chain']}"
        text = one_line(f"rule {rule.get('handle', '?')} of nft table {where}")
        asked: list[Condition] = []
        for statement in rule["expr"]:
            ((kind, value),) = statement.items()
            if kind == "match":
                asked += self._conditions(value["op"], value["left"], value["right"])
            elif kind == "vmap":
                cases: list[Any] = [["*", {"queue": None}]]  # one that stands for every packet
                with suppress(ValueError):
                    cases = [*self._elements(value["data"])]
                for key, verdict in cases:
                    found = [] if key == "*" else self._conditions("==", value["key"], key)
                    yield Rule((*asked, *found), _verdict(verdict), text)
            elif (ending := _verdict(statement)) != PASS:
                said = (value.get("type"), value.get("family")) if isinstance(value, dict) else ()
                unsaid = (_IMPLIED_BY_VERDICT[one] for one in said if one in _IMPLIED_BY_VERDICT)
                yield Rule((*asked, *unsaid), ending, text)
            elif kind not in _PASSING:
                # limit, quota, ct count, a dynamic set, a match of iptables without a translation: perhaps.
                asked.append(OPAQUE)

    def _conditions(self, operator: str, left: Any, right: Any) -> list[Condition]:
        """Return the conditions of one match; with those that nft leaves unsaid."""
        asked, asks = _subject(left), OPAQUE
        unsaid = _IMPLIED.get(asked.partition(" ")[0]) if asked != "ct state" else None
        with suppress(KeyError, TypeError, ValueError):
            if asked == "tcp flags &":
                mask = ",".join(_words(left["&"][1]))
                # A list is no set: the flags in it are set together.
                given = [right] if isinstance(right, list) else self._elements(right)
                values: tuple[Value, ...] = tuple((mask, ",".join(_words(one))) for one in given)
            else:
                asked += f" {operator}" if asked == "tcp flags" else ""
                values = tuple(map(_value, self._elements(right)))
            if operator in {"==", "!=", "in"}:
                asks = Condition(asked, values, operator == "!=")
        return [unsaid, asks] if unsaid else [asks]

    def _elements(self, of: Any) -> Iterator[Any]:
        """Yield the single elements of a set, of a map, or of what else a match has on its right.

        Raise ValueError where they change with time, or are not shown.
        """
        if isinstance(of, str) and of.startswith("@"):
            named = self.sets[of[1:]]
            changing = {"dynamic", "timeout"}.intersection(_words(named.get("flags", [])))
            if changing or "timeout" in named or ("elem" not in named and not self.whole):
                raise ValueError(of)
            of = named.get("elem", [])
        if isinstance(of, dict) and "set" in of:
            of = of["set"]
        for one in of if isinstance(of, list) else [of]:
            self.budget.spend()
            # Without its comment, counter or time of expiry.
            yield one["elem"]["val"] if isinstance(one, dict) and "elem" in one else one


def _words(value: Any) -> Iterator[str]:
    """Yield the single words of one, of a list, or of what is joined by ``|``."""
    if isinstance(value, str):
        yield value
    else:
        for one in value if isinstance(value, list) else value["|"]:
            yield from _words(one)


def _value(value: Any) -> Value:
    match value:
        case str() | int():
            return str(value)
        case {"prefix": {"addr": address, "len": length}}:
            return f"{address}/{length}"
        case {"range": [low, high]}:
            return str(low), str(high)
    raise ValueError


def _subject(left: Any) -> str:
    """Return what a match asks about, as nft's own language has it: "tcp dport", "ct original daddr"."""
    match left:
        case {"payload": {"protocol": protocol, "field": name}}:
            return f"{protocol} {name}"
        case {"meta": {"key": key}}:
            return f"meta {key}"
        case {"ct": {"key": key, **more}}:
            return f"ct {more['dir']} {key}" if "dir" in more else f"ct {key}"
        case {"fib": {"result": result, "flags": [first, *_] | str(first)}}:
            return f"fib {first} {result}"
        case {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, _]}:
            return "tcp flags &"
    return ""


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

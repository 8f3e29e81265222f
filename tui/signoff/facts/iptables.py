"""iptables-save(8), read as tables of rules."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network

from signoff.facts.base import Malformed
from signoff.facts.budget import Budget
from signoff.facts.chains import UNTRACK, Base, Rule, Table, Verdict
from signoff.facts.packets import (
    Always,
    Condition,
    Destination,
    Flags,
    InterfaceIs,
    Local,
    Network,
    Not,
    Opaque,
    Ports,
    Proto,
    Source,
    State,
    Tracked,
)
from signoff.message import say
from signoff.text import one_line

_LONGEST = 4096
"""The most characters of a line: a comment has 256 at most, a list of ports 15 of them."""
_MOST_RULES = 50_000
_WORD = re.compile(r'"((?:[^"\\]|\\["\\])*)"|([^ \t\r\n"\'\\]+)')
_PLAIN = re.compile(rf"(?:(?:{_WORD.pattern})(?:[ \t\r\n]+|\Z))*+")
"""Words, bare or in double quotes: what iptables-save prints."""

_PRIORITIES = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}

# Targets after which the packet goes on to the next rule.
_PASSING = re.compile(
    "LOG|NFLOG|ULOG|MARK|CONNMARK|CT|NOTRACK|TCPMSS|CHECKSUM|SET|TRACE|AUDIT|CLASSIFY|DSCP|TOS|TTL|HL|TEE"
    "|SECMARK|CONNSECMARK|IDLETIMER|RATEEST|TCPOPTSTRIP"
)
_ENDING = {
    "ACCEPT": Verdict("accept"),
    "DROP": Verdict("drop"),
    "REJECT": Verdict("drop"),
    "RETURN": Verdict("return"),
}
# Match modules that ask nothing by themselves, only through their options below.
_MODULES = re.compile("tcp|udp|udplite|comment|conntrack|state|multiport|addrtype|icmp|icmp6|ipv6-icmp|rt")


def parse_iptables(text: str, version: int, origin: str) -> tuple[Table, ...]:
    """Return the tables of one ``iptables-save``; raise Malformed where a line is not understood."""
    try:
        return tuple(_tables(text.splitlines(), version, origin))
    except (ValueError, IndexError) as problem:
        raise Malformed(
            say("{origin}: not what it prints ({problem})", origin=origin, problem=one_line(str(problem)))
        ) from None


def _tables(lines: list[str], version: int, origin: str) -> Iterator[Table]:
    name, policies, rules = "", dict[str, str](), dict[str, list[str]]()
    budget = Budget(_MOST_RULES, origin)
    for line in lines:
        if len(line) > _LONGEST:
            raise Malformed(
                say("{origin}: a line of {count} characters", origin=origin, count=len(line)),
                one_line(line[:_LONGEST], 80),
            )
        budget.spend()
        match line[:1]:
            case "*":
                name, policies, rules = line[1:].strip(), {}, {}
            case ":":
                chain, policy = line[1:].split()[:2]
                policies[chain], rules[chain] = policy, []
            case "-":
                rules.setdefault(line.split(None, 2)[1], []).append(line)
            case "C":  # COMMIT
                yield _table(origin, name, version, policies, rules)
            case "" | "#":
                pass
            case _:
                raise Malformed(say("{origin}: a line that is not understood", origin=origin), one_line(line))


def _table(
    origin: str, name: str, version: int, policies: dict[str, str], rules: dict[str, list[str]]
) -> Table:
    bases = (
        Base(
            chain,
            chain.lower(),
            "drop" if policy == "DROP" else "accept",
            _PRIORITIES.get(name, 0),
            name == "nat",
        )
        for chain, policy in policies.items()
        if policy != "-"
    )
    named = frozenset(rules)
    chains = {chain: tuple(_rule(line, named) for line in lines) for chain, lines in rules.items()}
    return Table(origin, name, version, chains, tuple(bases))


def _rule(line: str, chains: frozenset[str]) -> Rule:
    conditions: list[Condition] = []
    target, goto, options = "", False, dict[str, list[str]]()
    for option, negated, values in _options(line):
        value = values[0] if values else ""
        if option in {"-j", "-g"}:
            target, goto = value, option == "-g"
        elif target:
            # What follows the target belongs to the target.
            options[option] = values
        else:
            conditions += _conditions(option, values, negated)
    return Rule(tuple(conditions), _verdict(target, goto, options, chains), one_line(line, 300))


def _options(line: str) -> Iterator[tuple[str, bool, list[str]]]:
    """Split ``-A CHAIN -p tcp ! --dport 22 -j DROP`` into option, whether negated, and values."""
    words = _words(line)[2:]
    option, negated, values, next_negated = "", False, list[str](), False
    for word in words:
        if word == "!":
            next_negated = True
        elif word.startswith("-") and len(word) > 1 and not word[1].isdigit():
            if option:
                yield option, negated, values
            option, negated, values, next_negated = word, next_negated, [], False
        else:
            values.append(word)
    if option:
        yield option, negated, values


def _words(line: str) -> list[str]:
    """Split a line as a shell does; shlex does it too, but takes long."""
    if not _PLAIN.fullmatch(line):
        return shlex.split(line)
    found = _WORD.findall(line)
    return [bare or re.sub(r'\\(["\\])', r"\1", quoted) for quoted, bare in found]


def _conditions(option: str, values: list[str], negated: bool) -> list[Condition]:
    if option == "-m":
        return [] if _MODULES.fullmatch(values[0]) else [Opaque()]
    if option == "--comment":
        return []
    make = _MATCHES.get(option)
    try:
        condition = make(*values) if make else Opaque()
    except (TypeError, ValueError):
        condition = Opaque()
    return [Not(condition) if negated else condition]


def _ports(text: str, *, original: bool = False) -> Ports:
    ranges = (part.partition(":") for part in text.split(","))
    return Ports(
        tuple((int(low or 0), int(high or 65535) if colon else int(low)) for low, colon, high in ranges),
        original,
    )


def _source_ports(text: str) -> Condition:
    # Whoever sends chooses the port that it comes from: only a range of all ordinary ones is certain.
    return Always() if all(low <= 1024 and high == 65535 for low, high in _ports(text).ranges) else Opaque()


def _protocol(name: str) -> Condition:
    numbers = {"6": "tcp", "17": "udp"}
    return Always() if name in {"all", "0"} else Proto(frozenset({numbers.get(name, name)}))


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ip_network(part, strict=False) for part in text.split(","))


def _destination_type(names: str) -> Condition:
    kinds = set(names.split(","))
    if kinds == {"LOCAL"}:
        return Local()
    return Always(False) if kinds <= {"MULTICAST", "BROADCAST", "ANYCAST"} else Opaque()


def _flags(mask: str, wanted: str) -> Flags:
    every = frozenset({"syn", "ack", "fin", "rst", "urg", "psh"})

    def read(text: str) -> frozenset[str]:
        lowered = text.lower()
        return every if lowered == "all" else frozenset(set(lowered.split(",")) - {"none"})

    return Flags(read(mask), read(wanted))


_MATCHES: dict[str, Callable[..., Condition]] = {
    "-p": _protocol,
    "-s": lambda text: Source(_networks(text)),
    "-d": lambda text: Destination(_networks(text)),
    "-i": lambda name: InterfaceIs((name,)),
    "-o": lambda name: InterfaceIs((name,), outgoing=True),
    "--dport": _ports,
    "--dports": _ports,
    "--sport": _source_ports,
    "--sports": _source_ports,
    "--syn": lambda: _flags("FIN,SYN,RST,ACK", "SYN"),
    "--tcp-flags": _flags,
    "--ctstate": lambda names: State(frozenset(names.lower().split(","))),
    "--state": lambda names: State(frozenset(names.lower().split(","))),
    "--ctdir": lambda direction: Tracked() if direction == "ORIGINAL" else Always(False),
    "--ctorigdstport": lambda text: _ports(text, original=True),
    "--ctorigdst": lambda text: Destination(_networks(text), original=True),
    "--dst-type": _destination_type,
    "--rt-type": lambda *_: Always(False),  # IPv6 routing headers: an ordinary packet has none
    "--icmp-type": lambda *_: Always(False),
    "--icmpv6-type": lambda *_: Always(False),
}


def _verdict(target: str, goto: bool, options: dict[str, list[str]], chains: frozenset[str]) -> Verdict:
    if target == "NOTRACK" or (target == "CT" and "--notrack" in options):
        return UNTRACK
    if not target or _PASSING.fullmatch(target):
        return Verdict("pass")
    if target in chains:
        return Verdict("goto" if goto else "jump", chain=target)
    if target == "REDIRECT":
        return Verdict("translate", port=_first_port(options.get("--to-ports", [""])[0]))
    if target == "DNAT" and options.get("--to-destination"):
        host, port = _endpoint(options["--to-destination"][0])
        return (
            Verdict("translate", address=ip_address(host), port=port)
            if host
            else Verdict("translate", port=port)
        )
    return _ENDING.get(target, Verdict("unknown"))


def _endpoint(text: str) -> tuple[str, int | None]:
    """Split ``10.0.0.2:80``, ``[fd00::2]:80`` or ``10.0.0.2-10.0.0.9:80-90``; the first of a range."""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") > 1:
        host, port = text, ""
    else:
        host, _, port = text.partition(":")
    return host.partition("-")[0], _first_port(port)


def _first_port(text: str) -> int | None:
    first = text.partition("-")[0]
    return int(first) if first.isdecimal() else None

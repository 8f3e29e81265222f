"""iptables-save(8), read as tables of rules."""

from __future__ import annotations

import re
import shlex
from collections.abc import Container, Iterator
from ipaddress import ip_address

from signoff.facts.base import Malformed
from signoff.facts.budget import Budget
from signoff.facts.packets import Condition, Value
from signoff.facts.passage import ACCEPT, DROP, END, PASS, UNKNOWN, UNTRACK, Base, Rule, Table, Verdict
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
_ENDING = {"ACCEPT": ACCEPT, "DROP": DROP, "REJECT": DROP, "RETURN": END}
# Match modules ask nothing by themselves, only through their options below.
_NOTHING = re.compile(
    "-p (?:all|0)|-m (?:tcp|udp|udplite|comment|conntrack|state|multiport|addrtype|icmp|icmp6|ipv6-icmp|rt)"
)


def parse_iptables(text: str, version: int, origin: str) -> tuple[Table, ...]:
    """Return the tables of one ``iptables-save``; raise Malformed where a line is not understood."""
    try:
        return tuple(_tables(text.splitlines(), version, origin))
    except (ValueError, IndexError) as problem:
        said = say("{program}: not what it prints ({why})", program=origin, why=one_line(str(problem)))
        raise Malformed(said) from None


def _tables(lines: list[str], version: int, origin: str) -> Iterator[Table]:
    name, bases, rules = "", list[Base](), dict[str, list[str]]()
    budget = Budget(_MOST_RULES, origin)
    for line in lines:
        if len(line) > _LONGEST:
            length = say("{program}: a line of {count} characters", program=origin, count=len(line))
            raise Malformed(length, one_line(line[:_LONGEST], 80))
        budget.spend()
        match line[:1]:
            case "*":
                name, bases, rules = line[1:].strip(), [], {}
            case ":":
                chain, policy = line[1:].split()[:2]
                rules[chain] = []
                if policy != "-":
                    ends = DROP if policy == "DROP" else ACCEPT
                    bases.append(Base(chain, chain.lower(), ends, _PRIORITIES.get(name, 0), name == "nat"))
            case "-":
                rules.setdefault(line.split(None, 2)[1], []).append(line)
            case "C":  # COMMIT
                chains = {one: tuple(_rule(rule, rules) for rule in said) for one, said in rules.items()}
                yield Table(origin, name, version, chains, tuple(bases))
            case "" | "#":
                pass
            case _:
                wrong = say("{program}: a line that is not understood", program=origin)
                raise Malformed(wrong, one_line(line))


def _rule(line: str, chains: Container[str]) -> Rule:
    conditions: list[Condition] = []
    target, goto, options = "", False, dict[str, list[str]]()
    for option, opposite, values in _options(_words(line)[2:]):
        if option in {"-j", "-g"}:
            target, goto = values[0] if values else "", option == "-g"
        elif target:
            # What follows the target belongs to the target.
            options[option] = values
        elif not _NOTHING.fullmatch(" ".join((option, *values))):
            conditions.append(Condition(option, tuple(_values(option, values)), opposite))
    return Rule(tuple(conditions), _verdict(target, goto, options, chains), one_line(line, 300))


def _options(words: list[str]) -> list[tuple[str, bool, list[str]]]:
    """Split ``-p tcp ! --dport 22 -j DROP`` into option, whether negated, and values."""
    found: list[tuple[str, bool, list[str]]] = []
    opposite = False
    left = iter(words)
    for word in left:
        if word == "--comment":
            next(left, "")  # which may be anything, even an option
        elif word == "!":
            opposite = True
        elif re.match(r"-\D", word):
            found.append((word, opposite, []))
            opposite = False
        elif found:
            found[-1][2].append(word)
    return found


def _words(line: str) -> list[str]:
    """Split a line as a shell does; shlex does it too, but takes long."""
    if not _PLAIN.fullmatch(line):
        return shlex.split(line)
    found = _WORD.findall(line)
    return [bare or re.sub(r'\\(["\\])', r"\1", quoted) for quoted, bare in found]


def _values(option: str, texts: list[str]) -> Iterator[Value]:
    if option in {"--syn", "--tcp-flags"}:
        mask, wanted = texts or ("FIN,SYN,RST,ACK", "SYN")
        yield mask.lower(), wanted.lower()
    elif option in {"-i", "-o"}:  # the name of an interface may have everything in it
        yield from texts
    else:
        for part in ",".join(texts).lower().split(","):
            ends = re.fullmatch(r"(\d*):(\d*)", part)
            yield (ends[1] or "0", ends[2] or "65535") if ends else part


def _verdict(target: str, goto: bool, options: dict[str, list[str]], chains: Container[str]) -> Verdict:
    if target == "NOTRACK" or (target == "CT" and "--notrack" in options):
        return UNTRACK
    if not target or _PASSING.fullmatch(target):
        return PASS
    if target in chains:
        return Verdict("goto" if goto else "jump", chain=target)
    if target == "REDIRECT":
        return Verdict("translate", port=_first_port(options.get("--to-ports", [""])[0]))
    if target == "DNAT" and options.get("--to-destination"):
        host, port = _endpoint(options["--to-destination"][0])
        return Verdict("translate", address=str(ip_address(host)) if host else "", port=_first_port(port))
    return _ENDING.get(target, UNKNOWN)


def _endpoint(text: str) -> tuple[str, str]:
    """Split ``10.0.0.2:80``, ``[fd00::2]:80`` or ``10.0.0.2-10.0.0.9:80-90``; the first host of a range."""
    host, _, port = text.rpartition(":") if text.count(":") == 1 or "]:" in text else (text, "", "")
    return host.strip("[]").partition("-")[0], port


def _first_port(text: str) -> int | None:
    first = text.partition("-")[0]
    return int(first) if first.isdecimal() else None

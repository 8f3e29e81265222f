"""The effective packet filter, from every program that can show a part of it; and what loads it at boot."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from signoff.facts.base import HostFact, Malformed, Unavailable
from signoff.facts.iptables import parse_iptables
from signoff.facts.nftables import parse_nftables
from signoff.facts.passage import DROP, Table
from signoff.facts.sections import Section, read_script, sections
from signoff.message import Message, say
from signoff.target.command import Output, Root
from signoff.text import one_line

BY_HAND = "sudo iptables-save; sudo ip6tables-save; sudo nft list ruleset; sudo ufw status verbose"


@dataclass(frozen=True)
class Ufw:
    """What ``ufw status verbose`` says, and whether ufw.conf enables it at boot."""

    installed: bool = False
    active: bool = False
    incoming: str = ""
    enabled: bool = False


@dataclass(frozen=True)
class Firewall:
    """Every table of the packet filter, and what loads them at boot.

    ``enabled`` are the services that do, by name. ``legacy_hidden`` tells that tables of iptables-legacy hold
    rules, which nft does not show. ``flushes`` tells that /etc/nftables.conf removes everybody's rules before
    it sets its own, ``refuses`` that what comes in is refused by it by default. ``saved`` are the rules in
    netfilter-persistent's files, by IP version.
    """

    tables: tuple[Table, ...]
    ufw: Ufw
    enabled: frozenset[str]
    legacy_hidden: bool
    flushes: bool
    refuses: bool
    saved: Mapping[int, tuple[Table, ...]]


def parse_firewall(output: Output) -> Firewall:
    """Read the output of scripts/firewall.sh; raise Unavailable where a part of the filter cannot be seen."""
    every = sections(output)
    found = {section.name: section for section in every}
    saved = [section for name, section in found.items() if name.endswith("-save")]
    tables = tuple(table for section in saved for table in _saved(section))
    legacy = tuple(table for table in tables if table.origin.endswith("legacy"))
    if found["legacy"].text.strip() and not legacy:
        raise _unseen(say("iptables-legacy has rules, but iptables-legacy-save is not there to show them"))
    if nft := found.get("nft"):
        shown = [table for table in tables if table not in legacy]
        whole = nft.field(1) != "terse"
        tables = (*legacy, *parse_nftables(_checked(nft), whole=whole, shown=shown))
    elif not saved:
        raise _unseen(say("neither nft nor iptables-save is there to show the rules"))
    elif any("incompatible" in section.text for section in saved):
        raise _unseen(say("nft has rules that iptables-save does not show, and is not there itself"))
    units = [set(unit.splitlines()) for unit in found["units"].text.split("\n\n")]
    return Firewall(
        tables=tables,
        ufw=_ufw(found),
        enabled=frozenset(
            line[3:].removesuffix(".service")
            for unit in units
            for line in unit
            if line.startswith("Id=") and {"LoadState=loaded", "UnitFileState=enabled"} <= unit
        ),
        legacy_hidden=any(
            any(table.chains.values()) or any(base.policy == DROP for base in table.bases) for table in legacy
        ),
        flushes="flush ruleset" in found["nftables.conf"].text,
        refuses=_refuses(found["nftables.conf"].lines),
        saved=dict(_files(every)),
    )


def _unseen(reason: Message) -> Unavailable:
    return Unavailable(reason, BY_HAND)


def _checked(section: Section) -> str:
    if (code := section.field(0)) != "0":
        raise _unseen(say("{name} did not succeed (exit code {code})", name=section.name, code=code))
    return section.text


def _saved(section: Section) -> tuple[Table, ...]:
    """Read what one -save program printed; its own remarks tell which kernel interface it used."""
    text = _checked(section)
    program = "ip6tables" if section.name.startswith("ip6") else "iptables"
    origin = program if re.search(r"^# Gen.*\(nf_tables\)", text, re.MULTILINE) else f"{program}-legacy"
    return parse_iptables(text, 6 if program == "ip6tables" else 4, origin)


def _files(found: Iterable[Section]) -> Iterator[tuple[int, tuple[Table, ...]]]:
    for section in found:
        if section.name == "saved" and section.field(0):
            version = 6 if section.field(0).endswith("6") else 4
            with suppress(Malformed):  # nor can iptables-restore read it
                yield version, parse_iptables(section.text, version, section.field(0))


_LAST = re.compile(r"(?:add rule \w+ \S+ \S+ )?(?:counter |log .*)*(?:drop|reject)\b")


def _refuses(lines: Iterable[str]) -> bool:
    """Tell whether a chain for what comes in has the policy to drop, or a rule that drops all the rest."""
    inward = False
    for line in lines:
        if re.search(r"\b(chain|hook)\b", line):
            inward = bool(re.search(r"\bhook (input|prerouting|ingress)\b", line))
        if inward and ("policy drop" in line or _LAST.match(line.strip())):
            return True
    return False


def _ufw(found: Mapping[str, Section]) -> Ufw:
    enabled = bool(re.search(r"^ENABLED=\"?yes", found["ufw.conf"].text, re.MULTILINE | re.IGNORECASE))
    if "ufw status verbose" not in found:
        return Ufw(enabled=enabled)
    text = found["ufw status verbose"].text
    status = re.search(r"^Status: (\w+)(?:.*^Default: (\w+) \(incoming\))?", text, re.MULTILINE | re.DOTALL)
    if not status:
        raise Malformed(say("ufw status verbose: no status in it"), one_line(text))
    return Ufw(True, status[1] == "active", status[2] or "", enabled)


FIREWALL = HostFact(
    "firewall",
    say("Firewall rules"),
    read_script("firewall.sh"),
    parse_firewall,
    Root.REQUIRE,
    timeout=20.0,
    cap=16 << 20,
    by_hand=BY_HAND,
    kept=Firewall,
)

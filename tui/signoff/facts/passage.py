"""What a packet filter does with a packet: rules, in chains, in tables, and the way through all of them.

A verdict is certain only where no condition that cannot be told has a part in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from ipaddress import ip_address
from typing import Literal

from signoff.facts.base import Malformed
from signoff.facts.budget import Budget
from signoff.facts.network import Address, Interfaces
from signoff.facts.packets import Condition, Packet
from signoff.message import say
from signoff.text import one_line

Fate = Literal["open", "blocked", "unsure"]
Kind = Literal["accept", "drop", "jump", "goto", "return", "translate", "pass", "untrack", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """What a rule does. ``chain`` for jump and goto; ``address`` (empty: the machine's own) and ``port`` for
    translate; ``unknown`` may end the packet's way or not. ``pass`` goes on to the next rule;
    ``untrack`` too, and the packet is none of connection tracking's from then on.
    """

    kind: Kind
    chain: str = ""
    address: str = ""
    port: int | None = None


@dataclass(frozen=True)
class Rule:
    """Conditions, all of which must hold, and what is then done. ``text`` is the rule as it was shown."""

    conditions: tuple[Condition, ...]
    verdict: Verdict
    text: str

    @cached_property
    def weight(self) -> int:
        """How many steps it takes to look at it: one, and one for each condition and value of it."""
        return 1 + sum(1 + len(one.values) for one in self.conditions)

    def matches(self, packet: Packet) -> bool | None:
        """Tell whether all conditions hold: False if one does not, None if one cannot be told."""
        certain = True
        for condition in self.conditions:
            if (held := condition.holds(packet)) is False:
                return False
            certain = certain and held is not None
        return certain or None


@dataclass(frozen=True)
class Base:
    """A chain that the kernel sends packets through: at ``hook``, in the order of ``priority``.

    ``translates`` tells a chain of type nat, whose accept and drop decide nothing.
    """

    chain: str
    hook: str
    policy: Verdict
    priority: int
    translates: bool = False


@dataclass(frozen=True)
class Table:
    """A table of chains, for IPv4 (4), IPv6 (6) or both (0). ``origin`` is the program that showed it."""

    origin: str
    name: str
    version: int
    chains: Mapping[str, tuple[Rule, ...]]
    bases: tuple[Base, ...]


ACCEPT, DROP, PASS, UNKNOWN = Verdict("accept"), Verdict("drop"), Verdict("pass"), Verdict("unknown")
END, UNTRACK = Verdict("return"), Verdict("untrack")
_DEEPEST = 128
"""The most jumps within each other; nftables itself allows 16."""
_MOST_STEPS = 5_000_000


def steps() -> Budget:
    """Return how many rules and conditions may be looked at for all the packets of one question."""
    return Budget(_MOST_STEPS, "the packet filter")


Outcomes = dict[Verdict, str]
"""Every outcome that a chain may have, with the last rule that may bring it about."""


def walk(table: Table, chain: str, packet: Packet, budget: Budget | None = None) -> Outcomes:
    """Return every outcome that a chain may have for a packet.

    END means that the packet came to the chain's end. Each chain is looked through once, however many rules
    jump to it. Raise Malformed where that takes more steps than the budget has, or jumps too deep.
    """
    return _Walk(table, packet, budget or steps()).through(chain)


@dataclass(frozen=True)
class _Walk:
    """One packet's way through one table; ``known`` are the chains looked through, by their names."""

    table: Table
    packet: Packet
    budget: Budget
    known: dict[str, Outcomes] = field(default_factory=dict)

    def through(self, chain: str, depth: int = 0) -> Outcomes:
        if chain not in self.known:
            # A chain that leads back to itself, which no kernel takes, is as good as one not shown.
            self.known[chain] = {UNKNOWN: f"the chain {chain}"}
            if depth > _DEEPEST:
                said = say("the packet filter: over {most} chains that jump one to the next", most=_DEEPEST)
                raise Malformed(said)
            if chain in self.table.chains:
                self.known[chain] = self._outcomes(chain, depth)
        return self.known[chain]

    def _outcomes(self, chain: str, depth: int) -> Outcomes:
        found: Outcomes = {}
        for rule in self.table.chains[chain]:
            self.budget.spend(rule.weight)
            matches = rule.matches(self.packet)
            kind = rule.verdict.kind
            if matches is False or kind == "pass":
                continue
            outcomes = {rule.verdict: rule.text}
            if kind in {"jump", "goto"}:
                outcomes = dict(self.through(rule.verdict.chain, depth + 1))
            comes_back = kind == "jump" and outcomes.pop(END, None) is not None
            self.budget.spend(len(outcomes))
            found |= outcomes
            if matches and not comes_back and kind not in {"unknown", "untrack"}:
                return found
        return {**found, END: f"the end of {chain}"}


_CONNTRACK = -200
"""The priority at which connection tracking begins: what a rule keeps from it has to be kept before."""
_DSTNAT = -100
"""The priority at which destinations are translated (nft(8), Standard priority names)."""
_HOOKS = {"ingress": -1 << 40, "prerouting": 0, "input": 1 << 40, "forward": 1 << 40}
"""Where a hook lies on the way of a packet, in the priorities of prerouting."""
_AROUND = 50
"""The steps that a packet takes beside the rules."""


@dataclass(frozen=True)
class Passage:
    """What becomes of a packet. ``to`` and ``port`` are where it ends, ``forwarded`` if not on this machine.

    ``blocked`` and ``open`` are certain; ``because`` names the rule. ``exceptions`` are rules that let named
    senders through where others are blocked.
    """

    fate: Fate
    because: str
    to: Address
    port: int
    forwarded: bool
    exceptions: tuple[str, ...] = ()


def passages(
    tables: tuple[Table, ...], interfaces: Interfaces, packet: Packet, budget: Budget | None = None
) -> tuple[Passage, ...]:
    """Return every way that a packet may take: one, unless its translation cannot be told for certain.

    Who asks about many packets gives one ``budget`` for all. Raise Malformed where it is used up.
    """
    way = _Way(tables, interfaces, budget or steps())
    way.budget.spend(_AROUND)
    found = [way.passage(packet, turn) for turn in way.translations(packet)]
    if way.may_be_untracked(packet):
        # Nothing is translated that is not tracked.
        found.append(way.passage(replace(packet, state="untracked"), END))
    return tuple(found)


def _place(base: Base) -> int:
    return _HOOKS[base.hook] + base.priority


@dataclass(frozen=True)
class _Way:
    tables: tuple[Table, ...]
    interfaces: Interfaces
    budget: Budget

    def _bases(self, packet: Packet, *hooks: str, translates: bool = False) -> list[tuple[Table, Base]]:
        """Return the chains that a packet comes to, in the order in which it does."""
        found = [
            (table, base)
            for table in self.tables
            if table.version in {0, packet.version}
            for base in table.bases
            if base.hook in hooks and base.translates is translates
        ]
        return sorted(found, key=lambda pair: _place(pair[1]))

    def may_be_untracked(self, packet: Packet) -> bool:
        early = replace(packet, state="invalid")
        return any(
            UNTRACK in walk(table, base.chain, early, self.budget)
            for table, base in self._bases(packet, "prerouting")
            if base.priority < _CONNTRACK
        )

    def translations(self, packet: Packet) -> set[Verdict]:
        """Return where the packet may be translated to; END stands for not at all."""
        possible: set[Verdict] = set()
        for table, base in self._bases(packet, "prerouting", translates=True):
            outcomes = walk(table, base.chain, packet, self.budget)
            turns = {verdict for verdict in outcomes if verdict.kind in {"translate", "unknown"}}
            possible |= turns
            if len(turns) == len(outcomes):
                return possible
        return possible | {END}

    def passage(self, packet: Packet, turn: Verdict) -> Passage:
        after = packet
        if turn.kind == "translate":
            after = replace(
                packet,
                destination=ip_address(turn.address) if turn.address else packet.destination,
                port=turn.port or packet.port,
                original=(packet.destination, packet.port),
            )
        forwarded = after.destination != packet.destination and not self.interfaces.own(after.destination)
        if forwarded:
            after = replace(after, outgoing=self.interfaces.towards(after.destination), local=False)
        fate, because = self._end(packet, after)
        if turn == UNKNOWN:
            fate = "unsure"
        exceptions: tuple[str, ...] = ()
        if fate == "blocked" and not packet.source:
            letting, through = self._end(replace(packet, named=True), replace(after, named=True))
            exceptions = (through,) if letting != "blocked" else ()
        return Passage(fate, because, after.destination, after.port, forwarded, exceptions)

    def _end(self, before: Packet, behind: Packet) -> tuple[Fate, str]:
        """Tell what becomes of a packet, by what it is like before and behind its translation.

        An accept ends one chain only; the next one still has its say. A chain that blocks for certain is
        enough; open for certain is only what every one lets through.
        """
        fate: Fate = "open"
        because: str = say("no packet filter rule stands in the way")
        untracked = replace(before, state="invalid")
        last_hook = "input" if behind.local else "forward"
        for table, base in self._bases(before, "ingress", "prerouting", last_hook):
            place = _place(base)
            packet = untracked if place < _CONNTRACK else before if place < _DSTNAT else behind
            about = {"table": one_line(table.name), "chain": one_line(base.chain), "program": table.origin}
            policy = say("policy {policy} of {table} {chain} ({program})", policy=base.policy.kind, **about)
            ends = {
                base.policy if verdict == END else verdict: policy if verdict == END else text
                for verdict, text in walk(table, base.chain, packet, self.budget).items()
                if verdict != UNTRACK
            }
            if [*ends] == [DROP]:
                return "blocked", ends[DROP]
            if [*ends] != [ACCEPT]:
                fate, because = "unsure", next(text for verdict, text in ends.items() if verdict != DROP)
            elif fate == "open":
                because = ends[ACCEPT]
        return fate, because

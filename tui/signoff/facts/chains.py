"""What a packet filter does with a packet: rules, in chains, in tables.

A verdict is certain only where no condition that cannot be told has a part in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from signoff.facts.base import Malformed
from signoff.facts.budget import Budget
from signoff.facts.packets import Condition, Packet
from signoff.message import say

Kind = Literal["accept", "drop", "jump", "goto", "return", "translate", "pass", "untrack", "unknown"]
Policy = Literal["accept", "drop"]


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
    policy: Policy
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

    def concerns(self, packet: Packet) -> bool:
        """Tell whether packets of this IP version go through this table."""
        return self.version in {0, packet.version}


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
                raise Malformed(
                    say("the packet filter: over {most} chains that jump one to the next", most=_DEEPEST)
                )
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

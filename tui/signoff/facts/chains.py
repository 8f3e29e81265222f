"""What a packet filter does with a packet: rules, in chains, in tables.

A verdict is certain only where no condition that cannot be told has a part in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from signoff.facts.network import Address
from signoff.facts.packets import Condition, Packet

Kind = Literal["accept", "drop", "jump", "goto", "return", "translate", "pass", "untrack", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """What a rule does. ``chain`` for jump and goto; ``address`` (None: the machine's own) and ``port`` for
    translate; ``unknown`` may end the packet's way or not. ``pass`` goes on to the next rule;
    ``untrack`` too, and the packet is none of connection tracking's from then on.
    """

    kind: Kind
    chain: str = ""
    address: Address | None = None
    port: int | None = None


@dataclass(frozen=True)
class Rule:
    """Conditions, all of which must hold, and what is then done. ``text`` is the rule as it was shown."""

    conditions: tuple[Condition, ...]
    verdict: Verdict
    text: str

    def matches(self, packet: Packet) -> bool | None:
        """Tell whether all conditions hold: False if one does not, None if one cannot be told."""
        held = [condition.holds(packet) for condition in self.conditions]
        return False if False in held else None if None in held else True


@dataclass(frozen=True)
class Base:
    """A chain that the kernel sends packets through: at ``hook``, in the order of ``priority``.

    ``translates`` tells a chain of type nat, whose accept and drop decide nothing.
    """

    chain: str
    hook: str
    policy: Literal["accept", "drop"]
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
        return self.version in {0, packet.destination.version}


END = Verdict("return")
UNTRACK = Verdict("untrack")
_UNKNOWN = Verdict("unknown")
_DEPTH = 32


def walk(table: Table, chain: str, packet: Packet, depth: int = 0) -> dict[Verdict, str]:
    """Return every outcome that a chain may have for a packet, with the last rule that may bring it about.

    END means that the packet came to the chain's end.
    """
    if depth > _DEPTH or chain not in table.chains:
        return {_UNKNOWN: f"the chain {chain}"}
    found: dict[Verdict, str] = {}
    for rule in table.chains[chain]:
        matches = rule.matches(packet)
        kind = rule.verdict.kind
        if matches is False or kind == "pass":
            continue
        if kind == "untrack":
            found[UNTRACK] = rule.text
            continue
        if kind in {"jump", "goto"}:
            outcomes = walk(table, rule.verdict.chain, packet, depth + 1)
        else:
            outcomes = {rule.verdict: rule.text}
        comes_back = kind == "jump" and outcomes.pop(END, None) is not None
        found |= outcomes
        if matches and kind != "unknown" and not comes_back:
            return found
    return {**found, END: f"the end of {chain}"}

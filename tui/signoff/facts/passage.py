"""The way of a packet through all of a machine's packet filters, from where it comes in to where it ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Literal

from signoff.facts.budget import Budget
from signoff.facts.chains import ACCEPT, DROP, END, UNKNOWN, UNTRACK, Base, Table, Verdict, steps, walk
from signoff.facts.network import Address, Interfaces
from signoff.facts.packets import Packet
from signoff.message import say
from signoff.text import one_line

Fate = Literal["open", "blocked", "unsure"]

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
            if table.concerns(packet)
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
            policy = say("policy {policy} of {table} {chain} ({program})", policy=base.policy, **about)
            ends = {
                Verdict(base.policy) if verdict == END else verdict: policy if verdict == END else text
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

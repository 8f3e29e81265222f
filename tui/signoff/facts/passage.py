"""The way of a packet through all of a machine's packet filters, from where it comes in to where it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from signoff.facts.budget import Budget
from signoff.facts.chains import END, UNTRACK, Base, Table, Verdict, steps, walk
from signoff.facts.network import Address, Interfaces
from signoff.facts.packets import Packet
from signoff.text import one_line

Fate = Literal["open", "blocked", "unsure"]

_CONNTRACK = -200
"""The priority at which connection tracking begins: what a rule keeps from it has to be kept before."""
_DSTNAT = -100
"""The priority at which destinations are translated (nft(8), Standard priority names)."""
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
    budget = budget or steps()
    budget.spend(_AROUND)
    turns = _translations(tables, packet, budget)
    found = tuple(_passage(tables, interfaces, packet, turn, budget) for turn in turns)
    if not _may_be_untracked(tables, packet, budget):
        return found
    # Nothing is translated that is not tracked.
    return (*found, _passage(tables, interfaces, replace(packet, state="untracked"), END, budget))


def _before_tracking(packet: Packet) -> Packet:
    return replace(packet, state="invalid")


def _may_be_untracked(tables: tuple[Table, ...], packet: Packet, budget: Budget) -> bool:
    return any(
        UNTRACK in walk(table, base.chain, _before_tracking(packet), budget)
        for table, base in _bases(tables, packet, "prerouting", translates=False)
        if base.priority < _CONNTRACK
    )


def _translations(tables: tuple[Table, ...], packet: Packet, budget: Budget) -> set[Verdict]:
    """Return where the packet may be translated to; END stands for not at all."""
    possible: set[Verdict] = set()
    for table, base in _bases(tables, packet, "prerouting", translates=True):
        outcomes = {
            verdict if verdict.kind in {"translate", "unknown"} else END
            for verdict in walk(table, base.chain, packet, budget)
        }
        possible |= outcomes - {END}
        if END not in outcomes:
            return possible
    return possible | {END}


def _passage(
    tables: tuple[Table, ...], interfaces: Interfaces, packet: Packet, turn: Verdict, budget: Budget
) -> Passage:
    after = packet
    if turn.kind == "translate":
        after = replace(
            packet,
            destination=turn.address or packet.destination,
            port=turn.port or packet.port,
            original=(packet.destination, packet.port),
        )
    forwarded = after.destination != packet.destination and not interfaces.own(after.destination)
    if forwarded:
        after = replace(after, outgoing=interfaces.towards(after.destination), local=False)

    def stages(named: bool) -> Iterator[tuple[Fate, str]]:
        before, behind = replace(packet, named=named), replace(after, named=named)
        for hook, seen in (
            ("ingress", before),
            ("prerouting", before),
            ("forward" if forwarded else "input", behind),
        ):
            for table, base in _bases(tables, seen, hook, translates=False):
                if hook == "ingress" or (hook == "prerouting" and base.priority < _CONNTRACK):
                    yield _fate(table, base, _before_tracking(before), budget)
                else:
                    late = hook == "prerouting" and base.priority >= _DSTNAT
                    yield _fate(table, base, behind if late else seen, budget)

    fate, because = _worst(stages(named=False))
    if turn.kind == "unknown":
        fate = "unsure"
    exceptions: tuple[str, ...] = ()
    if fate == "blocked" and not packet.source:
        letting, through = _worst(stages(named=True))
        exceptions = (through,) if letting != "blocked" else ()
    return Passage(fate, because, after.destination, after.port, forwarded, exceptions)


def _bases(
    tables: Iterable[Table], packet: Packet, hook: str, *, translates: bool
) -> list[tuple[Table, Base]]:
    found = [
        (table, base)
        for table in tables
        if table.concerns(packet)
        for base in table.bases
        if base.hook == hook and base.translates is translates
    ]
    return sorted(found, key=lambda pair: pair[1].priority)


def _fate(table: Table, base: Base, packet: Packet, budget: Budget) -> tuple[Fate, str]:
    """Tell what one base chain does. An accept ends this chain only; the next one still has its say."""
    outcomes = walk(table, base.chain, packet, budget)
    outcomes.pop(UNTRACK, None)
    policy = one_line(f"policy {base.policy} of {table.name} {base.chain} ({table.origin})")
    ends = {Verdict(base.policy) if verdict == END else verdict for verdict in outcomes}
    texts = {
        Verdict(base.policy) if verdict == END else verdict: policy if verdict == END else text
        for verdict, text in outcomes.items()
    }
    if ends == {Verdict("drop")}:
        return "blocked", texts[Verdict("drop")]
    if ends == {Verdict("accept")}:
        return "open", texts[Verdict("accept")]
    return "unsure", next(text for verdict, text in texts.items() if verdict.kind != "drop")


def _worst(stages: Iterable[tuple[Fate, str]]) -> tuple[Fate, str]:
    """One stage that blocks for certain is enough; open for certain is only what every stage lets through."""
    fate: tuple[Fate, str] = ("open", "no packet filter rule stands in the way")
    for stage in stages:
        if stage[0] == "blocked":
            return stage
        if stage[0] == "unsure" or fate[0] == "open":
            fate = stage
    return fate

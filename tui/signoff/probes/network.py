"""Which ports lead in: judged from the host and from outside, and closed only where both agree."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from signoff.facts.base import Facts
from signoff.facts.outside import listed
from signoff.facts.services import DATASTORES
from signoff.model import Result, Vantage
from signoff.probes.base import Judgement, probe
from signoff.probes.closing import how_to_close
from signoff.probes.vantages import BOTH, Vantages, Ways, vantages, version
from signoff.target.profile import Profile

_ALWAYS = frozenset({"postgresql", "redis"})
"""Judged one by one on every host; the other kinds only where there is a sign of them."""
_LOOK_AGAIN = (
    "Look from a second machine too: signoff run --target ssh://user@host; "
    "and allow root: sudo ss -lntup; sudo iptables-save; sudo nft list ruleset"
)


@probe(
    "network.datastore-ports",
    title="Databases and caches from outside",
    expected="closed: nothing answers from outside, and the host lets nothing in",
    items=("A2", "B8"),
    needs=BOTH,
    vantage=Vantage.OUTSIDE,
)
def datastore_ports(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge each kind of datastore, and those together of which there is no sign: from both sides closed?"""
    seen = vantages(facts, profile)
    # What a port says of itself counts for more than the number it is forwarded to.
    said = {(port.port, version(port)): port.kind for port in seen.open_outside() if port.kind}
    kinds = {one: said.get((one.port, one.address.version), one.owner.kind) for one in seen.host.exposures}
    others: set[int] = set()
    for store in DATASTORES:
        answering = tuple(port for port in seen.open_outside() if port.kind == store.kind)
        ways = Ways(answering, tuple(one for one, kind in kinds.items() if kind == store.kind))
        if ways.answering or ways.leading or store.kind in _ALWAYS:
            numbers = {*store.ports, *(one.port for one in ways.leading if one.protocol == "tcp")}
            title = f"{store.title} from outside"
            yield replace(
                _closed(ways, numbers, seen), title=title, subject=store.kind, evidence=ways.evidence
            )
        else:
            others.update(store.ports)
    yield replace(_closed(Ways(), others, seen), title="Other datastores from outside", subject="others")


def _closed(ways: Ways, numbers: Collection[int], seen: Vantages) -> Judgement:
    let_in = ways.having("open")
    if ways.answering and not let_in and all(map(seen.let_in_by_name, ways.answering)):
        return Judgement(
            result=Result.UNKNOWN,
            observed=f"it answers this machine, which the firewall lets in by its address ({seen.client}); "
            "whether it answers others was not seen",
            remedy="Look from a machine that the firewall does not name.",
        )
    observed = f"{_from_outside(ways, numbers, seen)}; {_on_the_host(ways, seen)}"
    if ways.answering or let_in:
        remedy = how_to_close(let_in or ways.leading, ways.answering)
        return Judgement(result=Result.FAIL, observed=observed, remedy=remedy)
    if doubts := seen.doubts(numbers, ways):
        return Judgement(result=Result.UNKNOWN, observed="; ".join(doubts), remedy=_LOOK_AGAIN)
    return Judgement(result=Result.PASS, observed=observed)


def _from_outside(ways: Ways, numbers: Collection[int], seen: Vantages) -> str:
    if ways.answering:
        return f"from outside: {listed(ways.answering, 4)}"
    if seen.outside is None:
        return f"from outside: not looked at ({seen.not_outside})"
    closed = sorted({*numbers} - {port.port for port in seen.outside.open()})
    return (
        f"from outside: closed on {', '.join(seen.outside.addresses)} (ports {', '.join(map(str, closed))})"
    )


def _on_the_host(ways: Ways, seen: Vantages) -> str:
    if let_in := ways.having("open"):
        return f"on the host: {listed(let_in, 4)}, and no rule stops it"
    if unsure := ways.having("unsure"):
        because = f"whether a rule stops it is not certain ({unsure[0].because})"
        return f"on the host: {listed(ways.leading, 4)}, {because}"
    if ways.leading:
        return f"on the host: {listed(ways.leading, 4)}, stopped by {ways.leading[0].because}"
    if seen.host.missing:
        return f"on the host: {'; '.join(seen.host.missing)}"
    return "on the host: nothing of the kind listens on an outside address, or is forwarded to"


@probe(
    "network.only-expected",
    title="Ports that answer from outside",
    expected="80, 443, SSH and the profile's open_ports; on every address, IPv4 and IPv6",
    items=("A21",),
    needs=BOTH,
    vantage=Vantage.OUTSIDE,
)
def only_expected(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge every port that was tried from outside, and everything that the host says leads in."""
    seen = vantages(facts, profile)
    ways = Ways(
        tuple(port for port in seen.open_outside() if port.port not in seen.expected),
        tuple(one for one in seen.host.exposures if one.protocol == "tcp" and one.port not in seen.expected),
    )
    expected = f"only {', '.join(map(str, sorted(seen.expected)))} answer, on every address"
    yield replace(_only_expected(ways, seen), expected=expected, evidence=ways.evidence)
    yield from _udp(seen)


def _only_expected(ways: Ways, seen: Vantages) -> Judgement:
    answering, let_in = ways.answering, ways.having("open")
    doubts = "; ".join(seen.doubts(None, ways))
    unseen = seen.outside is None or seen.outside.doubts({one.port for one in let_in})
    if let_in and not answering and unseen:
        # A provider's firewall or a router before it may well stop what the host lets in.
        return Judgement(
            result=Result.UNKNOWN,
            observed=f"the host lets in {listed(let_in, 6)}; whether they answer from outside was not seen:"
            f" {doubts}",
            remedy=f"{_LOOK_AGAIN}\n{how_to_close(let_in, ())}",
        )
    if answering or let_in:
        through = let_in or ways.having("unsure")
        outside = listed(answering, 6) or "none of them answers"
        host = listed(through, 6) or "nothing that leads there is seen"
        return Judgement(
            result=Result.FAIL,
            observed=f"unexpected ports: from outside: {outside}; on the host: {host}",
            remedy=how_to_close(through, answering),
        )
    if doubts:
        return Judgement(result=Result.UNKNOWN, observed=doubts, remedy=_LOOK_AGAIN)
    tried = seen.outside.ports if seen.outside else ()
    return Judgement(
        result=Result.PASS,
        observed=f"{len({port.port for port in tried})} ports tried on each of "
        f"{', '.join(dict.fromkeys(port.address for port in tried))}; "
        f"answering: {', '.join(map(str, seen.open_outside()))}",
    )


# DHCP clients (68, 546) must listen; HTTP/3 is 443.
_UDP_EXPECTED = frozenset({443, 68, 546})


def _udp(seen: Vantages) -> Iterator[Judgement]:
    """UDP does not answer a knock, so that the host alone can tell."""
    unexpected = [
        one
        for one in seen.host.exposures
        if one.protocol == "udp" and one.fate != "blocked" and one.port not in _UDP_EXPECTED
    ]
    # The kernel's own sockets have no process: WireGuard, which answers to nobody without a key. It has one
    # port for each interface; what is more is something else, such as VXLAN, which answers to everybody.
    tunnels = [one for one in seen.host.interfaces.all if one.kind == "wireguard"]
    is_wireguard = len({one.port for one in unexpected if one.owner.sort == "nameless"}) <= len(tunnels)
    ways = Ways((), tuple(one for one in unexpected if not (is_wireguard and one.owner.sort == "nameless")))
    let_in = ways.having("open")
    if ways.leading:
        yield Judgement(
            result=Result.FAIL if let_in else Result.UNKNOWN,
            title="UDP ports that lead in",
            subject="udp",
            observed=f"on the host: {listed(let_in or ways.leading, 6)}",
            expected="no UDP port but 443 is open to the outside",
            evidence=ways.evidence,
            remedy=how_to_close(ways.leading, ()),
            vantage=Vantage.HOST,
        )


@probe(
    "network.vantages-agree",
    title="Host and outside compared",
    expected="what answers from outside is what the host lets in",
    items=("A2", "A21"),
    needs=BOTH,
    vantage=Vantage.OUTSIDE,
)
def vantages_agree(facts: Facts, profile: Profile) -> Judgement:
    """Judge the disagreements: a port that one side shows open and the other does not."""
    seen = vantages(facts, profile)
    if seen.outside is None or seen.host.missing:
        why = "; ".join(filter(None, (*seen.host.missing, seen.not_outside)))
        return Judgement(result=Result.UNKNOWN, observed=why, remedy=_LOOK_AGAIN)
    known = {(one.port, one.address.version) for one in seen.host.exposures if one.fate != "blocked"}
    answering = {(port.port, version(port)) for port in seen.open_outside()}
    shown = {(one.port, version(one)) for one in seen.outside.ports if one.address not in seen.outside.silent}
    unseen = tuple(port for port in seen.open_outside() if (port.port, version(port)) not in known)
    unanswered = tuple(
        one
        for one in Ways((), seen.host.exposures).having("open")
        if one.protocol == "tcp" and (one.port, one.address.version) in shown - answering
    )
    odd = [
        *(f"{port}, though the host shows nothing that lets it in" for port in unseen),
        *(f"{one} is let in by the host, but from outside" for one in unanswered),
    ]
    if unseen or any(one.port not in seen.expected for one in unanswered):
        return Judgement(
            result=Result.FAIL,
            observed="; ".join(odd[:6]),
            evidence=Ways((), unanswered).evidence,
            remedy="A firewall of the provider, or a machine in between, may explain it. Find out which: "
            "what the host lets in is open as soon as that one is not there.\n"
            + how_to_close(unanswered, unseen),
        )
    if doubts := seen.outside.doubts():
        return Judgement(result=Result.UNKNOWN, observed="; ".join(doubts), remedy=_LOOK_AGAIN)
    agreed = "; ".join(odd) or "every port that was tried is open on both sides or on neither"
    return Judgement(result=Result.INFORMATIONAL if odd else Result.PASS, observed=agreed)

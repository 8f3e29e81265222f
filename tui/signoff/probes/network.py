"""Which ports lead in: judged from the host and from outside, and closed only where both agree."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Unpack

from signoff.facts.base import Facts
from signoff.facts.services import DATASTORES
from signoff.message import Message, listed, say
from signoff.model import Vantage
from signoff.probes.base import Judgement, probe
from signoff.probes.closing import how_to_close
from signoff.probes.kit import About, Proves, decision, fail, informational, passed, unknown
from signoff.probes.vantages import BOTH, Vantages, Ways, vantages
from signoff.target.profile import Profile

_ALWAYS = frozenset({"postgresql", "redis"})
"""Judged one by one on every host; the other kinds only where there is a sign of them."""
_LOOK_AGAIN = decision(
    say(
        "Look from a second machine too: signoff run --target ssh://user@host; "
        "and allow root: sudo ss -lntup; sudo iptables-save; sudo nft list ruleset"
    )
)


@probe(
    "network.datastore-ports",
    title=say("Databases and caches from outside"),
    expected=say("closed: nothing answers from outside, and the host lets nothing in"),
    needs=BOTH,
    vantage=Vantage.OUTSIDE,
)
def datastore_ports(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge each kind of datastore, and as one those of which there is no sign: closed from both sides?"""
    seen = vantages(facts, profile)
    # What a port says of itself counts for more than the number it is forwarded to.
    said = {(port.port, port.version): port.kind for port in seen.open_outside() if port.kind}
    kinds = {one: said.get((one.port, one.address.version), one.owner.kind) for one in seen.host.exposures}
    others: set[int] = set()
    for store in DATASTORES:
        answering = tuple(port for port in seen.open_outside() if port.kind == store.kind)
        ways = Ways(answering, tuple(one for one, kind in kinds.items() if kind == store.kind))
        if ways.answering or ways.leading or store.kind in _ALWAYS:
            numbers = {*store.ports, *(one.port for one in ways.leading if one.protocol == "tcp")}
            title = say("{store} from outside", store=store.title)
            yield _closed(ways, numbers, seen, title=title, subject=store.kind)
        else:
            others.update(store.ports)
    yield _closed(Ways(), others, seen, title=say("Other datastores from outside"), subject="others")


def _closed(ways: Ways, numbers: Collection[int], seen: Vantages, **about: Unpack[About]) -> Judgement:
    let_in, evidence = ways.having("open"), ways.evidence
    sides = listed(_both_sides(ways, numbers, seen), most=6)
    if ways.answering and not let_in and all(map(seen.let_in_by_name, ways.answering)):
        observed = say(
            "it answers this machine, which the firewall lets in by its address ({client}); "
            "whether it answers others was not seen",
            client=seen.client,
        )
        remedy = decision(say("Look from a machine that the firewall does not name."))
        return unknown(observed, evidence=evidence, remedy=remedy, **about)
    if ways.answering or let_in:
        remedy = how_to_close(let_in or ways.leading, ways.answering)
        return fail(sides, evidence=evidence, remedy=remedy, **about)
    if doubts := seen.doubts(numbers, ways):
        return unknown(listed(doubts), evidence=evidence, remedy=_LOOK_AGAIN, **about)
    return passed(sides, proves=Proves.OUTSIDE, evidence=evidence or (sides,), **about)


def _both_sides(ways: Ways, numbers: Collection[int], seen: Vantages) -> Iterator[Message]:
    if seen.outside is None:
        yield say("from outside: not looked at ({reason})", reason=seen.not_outside)
    elif not ways.answering:
        closed = sorted({*numbers} - {port.port for port in seen.outside.open()})
        addresses, ports = listed(seen.outside.addresses, ", "), listed(map(str, closed), ", ")
        yield say("from outside: closed on {addresses} (ports {ports})", addresses=addresses, ports=ports)
    yield from ways.evidence
    if seen.host.missing and not ways.leading:
        yield say("on the host: {missing}", missing=listed(seen.host.missing))
    elif not ways.leading:
        yield say("on the host: nothing of the kind listens on an outside address, or is forwarded to")


@probe(
    "network.only-expected",
    title=say("Ports that answer from outside"),
    expected=say("80, 443, SSH and the profile's open_ports; on every address, IPv4 and IPv6"),
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
    expected = listed(map(str, sorted(seen.expected)), ", ")
    yield _unexpected(ways, seen, expected=say("only {ports} answer, on every address", ports=expected))
    yield from _udp(seen)


def _unexpected(ways: Ways, seen: Vantages, **about: Unpack[About]) -> Judgement:
    answering, let_in, evidence = ways.answering, ways.having("open"), ways.evidence
    doubts = listed(seen.doubts(None, ways))
    through = let_in or ways.having("unsure")
    outside, host = (listed(map(str, found), ", ", most=6) for found in (answering, through))
    close = how_to_close(through, answering)
    unseen = seen.outside is None or seen.outside.doubts({one.port for one in let_in})
    if let_in and not answering and unseen:
        # A provider's firewall or a router before it may well stop what the host lets in.
        observed = say(
            "the host lets in {ports}; whether they answer from outside was not seen: {doubts}",
            ports=host,
            doubts=doubts,
        )
        remedy = decision(listed((_LOOK_AGAIN.words, close.words), "\n"))
        return unknown(observed, evidence=evidence, remedy=remedy, **about)
    if answering or let_in:
        observed = say(
            "unexpected ports: from outside: {outside}; on the host: {host}",
            outside=outside or say("none of them answers"),
            host=host or say("nothing that leads there is seen"),
        )
        return fail(observed, evidence=evidence, remedy=close, **about)
    if doubts:
        return unknown(doubts, evidence=evidence, remedy=_LOOK_AGAIN, **about)
    tried = _tried(seen)
    return passed(tried, proves=Proves.OUTSIDE, evidence=(tried, *evidence), **about)


def _tried(seen: Vantages) -> Message:
    ports = seen.outside.ports if seen.outside else ()
    return say(
        "{number} ports tried on each of {addresses}; answering: {answering}",
        number=len({port.port for port in ports}),
        addresses=listed(dict.fromkeys(port.address for port in ports), ", "),
        answering=listed(map(str, seen.open_outside()), ", "),
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
    if ways.leading:
        let_in = ways.having("open")
        ports = listed(map(str, let_in or ways.leading), ", ", most=6)
        yield (fail if let_in else unknown)(
            say("on the host: {ports}", ports=ports),
            title=say("UDP ports that lead in"),
            subject="udp",
            expected=say("no UDP port but 443 is open to the outside"),
            evidence=ways.evidence,
            remedy=how_to_close(ways.leading, ()),
            vantage=Vantage.HOST,
        )


@probe(
    "network.vantages-agree",
    title=say("Host and outside compared"),
    expected=say("what answers from outside is what the host lets in"),
    needs=BOTH,
    vantage=Vantage.OUTSIDE,
)
def vantages_agree(facts: Facts, profile: Profile) -> Judgement:
    """Judge the disagreements: a port that one side shows open and the other does not."""
    seen = vantages(facts, profile)
    if seen.outside is None or seen.host.missing:
        return unknown(listed(filter(None, (*seen.host.missing, seen.not_outside))), remedy=_LOOK_AGAIN)
    known = {(one.port, one.address.version) for one in seen.host.exposures if one.fate != "blocked"}
    answering = {(port.port, port.version) for port in seen.open_outside()}
    shown = {(one.port, one.version) for one in seen.outside.ports if one.address not in seen.outside.silent}
    unseen = tuple(port for port in seen.open_outside() if (port.port, port.version) not in known)
    unanswered = tuple(
        one
        for one in Ways((), seen.host.exposures).having("open")
        if one.protocol == "tcp" and (one.port, one.address.version) in shown - answering
    )
    odd = [
        *(say("{port}, though the host shows nothing that lets it in", port=port) for port in unseen),
        *(say("{port} is let in by the host, but from outside", port=one) for one in unanswered),
    ]
    if unseen or any(one.port not in seen.expected for one in unanswered):
        why = say(
            "A firewall of the provider, or a machine in between, may explain it. Find out which: "
            "what the host lets in is open as soon as that one is not there."
        )
        remedy = decision(listed((why, how_to_close(unanswered, unseen).words), "\n"))
        return fail(listed(odd[:6]), evidence=Ways((), unanswered).evidence, remedy=remedy)
    if doubts := seen.outside.doubts():
        return unknown(listed(doubts), remedy=_LOOK_AGAIN)
    if odd:
        return informational(listed(odd))
    agreed = say("every port that was tried is open on both sides or on neither")
    return passed(agreed, proves=Proves.OUTSIDE, evidence=[_tried(seen)])

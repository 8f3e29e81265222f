"""Which ports lead in: judged from the host and from outside, and closed only where both agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Unpack

from signoff.facts.base import Facts
from signoff.facts.exposure import Exposure
from signoff.facts.outside import Port
from signoff.facts.services import DATASTORES
from signoff.message import Message, listed, say
from signoff.model import Vantage
from signoff.probes import kit
from signoff.probes.base import Judgement, probe
from signoff.probes.closing import how_to_close
from signoff.probes.kit import Proves, Seen, each, right, unseen, wrong
from signoff.probes.vantages import BOTH, Vantages, described, fate_of, vantages
from signoff.target.profile import Profile

_ALWAYS = frozenset({"postgresql", "redis"})
"""Judged one by one on every host; the other kinds only where there is a sign of them."""
_LOOK_AGAIN = kit.decision(
    say(
        "Look from a second machine too: signoff run --target ssh://user@host; "
        "and allow root: sudo ss -lntup; sudo iptables-save; sudo nft list ruleset"
    )
)
_Way = Port | Exposure | Message
"""A way in, as it is seen from one of the sides, or why others are not."""


@probe(
    "network.datastore-ports",
    title=say("Databases and caches from outside"),
    expected=say("closed: nothing answers from outside, and the host lets nothing in"),
    needs=BOTH,
    vantage=Vantage.OUTSIDE,
)
def datastore_ports(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge each kind of datastore, and as one those of which there is no sign."""
    seen = vantages(facts, profile)
    # What a port says of itself counts for more than the number it is forwarded to.
    said = {(port.port, port.version): port.kind for port in seen.open_outside() if port.kind}
    kinds = {one: said.get((one.port, one.address.version), one.owner.kind) for one in seen.host.exposures}
    others: set[int] = set()
    for store in DATASTORES:
        answering = [port for port in seen.open_outside() if port.kind == store.kind]
        leading = [one for one, kind in kinds.items() if kind == store.kind]
        if not (answering or leading or store.kind in _ALWAYS):
            others.update(store.ports)
            continue
        numbers = {*store.ports, *(one.port for one in leading if one.protocol == "tcp")}
        ways: list[_Way] = [*answering, *leading, *seen.closed_outside(numbers), *seen.doubts(numbers)]
        if all(one.fate != "open" for one in leading) and all(map(seen.let_in_by_name, answering)):
            ways = [_for_you(one, seen) if one in answering else one for one in ways]
        yield _closed(ways, title=say("{store} from outside", store=store.title), subject=store.kind)
    rest: list[_Way] = [*seen.closed_outside(others), *seen.doubts(others)]
    yield _closed(rest, title=say("Other datastores from outside"), subject="others")


def _for_you(way: _Way, seen: Vantages) -> Message:
    you = seen.client
    return say("{way}: the firewall lets you in by address ({you}); others were not seen", way=way, you=you)


def _look(one: _Way) -> Seen:
    match one:
        case Port(state="open"):
            return wrong(say("it answers"))
        case Port():
            return right(say("closed at {address}", address=one.address))
        case Exposure():
            return {"open": wrong, "unsure": unseen, "blocked": right}[one.fate](fate_of(one))
    return unseen(one)


def _closed(ways: Sequence[_Way], **about: Unpack[kit.About]) -> Judgement:
    """Judge ways in that are to be closed, and what was not seen of others."""

    def name(one: _Way) -> str:
        if isinstance(one, Port):
            return described(one)
        return say("host: {way}", way=one) if isinstance(one, Exposure) else say("other ways")

    faulty = [one for one in ways if _look(one).right is not True]
    leading = tuple(one for one in faulty if isinstance(one, Exposure))
    ports = tuple(one for one in faulty if isinstance(one, Port))
    is_open = any(_look(one).right is False for one in faulty)
    remedy = how_to_close(leading, ports) if is_open else _LOOK_AGAIN
    return each(say("ways in"), ways, _look, proves=Proves.OUTSIDE, name=name, remedy=remedy, **about)


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
    answering = [port for port in seen.open_outside() if port.port not in seen.expected]
    tcp = [one for one in seen.host.exposures if one.protocol == "tcp" and one.port not in seen.expected]
    ways: list[_Way] = [*answering, *tcp, *seen.closed_outside(), *seen.doubts()]
    let_in = {one for one in tcp if one.fate == "open"}
    if not answering and (seen.outside is None or seen.outside.doubts({one.port for one in let_in})):
        # A provider's firewall or a router before it may well stop what the host lets in.
        ways = [_perhaps(one) if one in let_in else one for one in ways]
    ports = listed(map(str, sorted(seen.expected)), ", ")
    yield _closed(ways, expected=say("only {ports} answer, on every address", ports=ports))
    yield from _udp(seen)


def _perhaps(way: _Way) -> Message:
    return say("{way} is let in by the host; whether it answers from outside was not seen", way=way)


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
    leading = [one for one in unexpected if not (is_wireguard and one.owner.sort == "nameless")]
    if leading:
        title, expected = say("UDP ports that lead in"), say("no UDP port but 443 is open to the outside")
        about = kit.About(title=title, expected=expected, subject="udp", vantage=Vantage.HOST)
        yield _closed(leading, **about)


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
        return kit.unknown(listed(filter(None, (*seen.host.missing, seen.not_outside))), remedy=_LOOK_AGAIN)
    known = {(one.port, one.address.version) for one in seen.host.exposures if one.fate != "blocked"}
    answering = {(port.port, port.version) for port in seen.open_outside()}
    shown = {(one.port, one.version) for one in seen.outside.ports if one.address not in seen.outside.silent}
    unknown = tuple(port for port in seen.open_outside() if (port.port, port.version) not in known)
    let_in = [one for one in seen.host.exposures if one.protocol == "tcp" and one.fate == "open"]
    unanswered = tuple(one for one in let_in if (one.port, one.address.version) in shown - answering)
    odd = [
        *(say("{port}, though the host shows nothing that lets it in", port=port) for port in unknown),
        *(say("{port} is let in by the host, but from outside", port=one) for one in unanswered),
    ]
    if unknown or any(one.port not in seen.expected for one in unanswered):
        why = say(
            "A firewall of the provider, or a machine in between, may explain it. Find out which: "
            "what the host lets in is open as soon as that one is not there."
        )
        remedy = kit.decision(listed((why, how_to_close(unanswered, unknown).words), "\n"))
        return kit.fail(listed(odd[:6]), evidence=map(described, unanswered), remedy=remedy)
    if doubts := seen.outside.doubts():
        return kit.unknown(listed(doubts), remedy=_LOOK_AGAIN)
    if odd:
        return kit.informational(listed(odd))
    agreed = say("every port that was tried is open on both sides or on neither")
    return kit.passed(agreed, proves=Proves.OUTSIDE, evidence=map(described, seen.outside.ports))

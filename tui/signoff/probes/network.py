"""Which ports lead in: judged from the host and from outside, and closed only where both agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from signoff.facts.base import Facts
from signoff.facts.exposure import Exposure
from signoff.facts.outside import Port
from signoff.facts.services import DATASTORES, Datastore
from signoff.message import listed, say
from signoff.model import Result, Vantage
from signoff.probes.base import Judgement, probe
from signoff.probes.closing import how_to_close
from signoff.probes.kit import decision
from signoff.probes.vantages import BOTH, Vantages, described, vantages
from signoff.target.profile import Profile

_EVIDENCE_CAP = 12
_ALWAYS = frozenset({"postgresql", "redis"})
"""Judged one by one on every host; the other kinds only where there is a sign of them."""


@probe(
    "network.datastore-ports",
    title=say("Databases and caches from outside"),
    expected=say("closed: nothing answers from outside, and the host lets nothing in"),
    needs=BOTH,
    vantage=Vantage.OUTSIDE,
)
def datastore_ports(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge each kind of datastore: from both sides closed, or not."""
    seen = vantages(facts, profile)
    # What a port says of itself counts for more than the number it is forwarded to.
    said = {(port.port, _version(port)): port.kind for port in seen.open_outside() if port.kind}
    kinds = {one: said.get((one.port, one.address.version), one.owner.kind) for one in seen.host.exposures}
    quiet: list[Datastore] = []
    for store in DATASTORES:
        answering = tuple(port for port in seen.open_outside() if port.kind == store.kind)
        leading = tuple(one for one, kind in kinds.items() if kind == store.kind)
        if answering or leading or store.kind in _ALWAYS:
            yield _datastore(store, answering, leading, seen)
        else:
            quiet.append(store)
    yield _others(quiet, seen)


def _datastore(
    store: Datastore, answering: tuple[Port, ...], leading: tuple[Exposure, ...], seen: Vantages
) -> Judgement:
    numbers = frozenset({*store.ports, *(one.port for one in leading if one.protocol == "tcp")})
    let_in = tuple(one for one in leading if one.fate == "open")
    evidence = (*(f"outside: {port}" for port in answering), *map(described, leading))[:_EVIDENCE_CAP]
    doubts = (*seen.doubts(numbers), *(described(one) for one in leading if one.fate == "unsure"))
    by_name = answering and not let_in and all(seen.let_in_by_name(port) for port in answering)

    def judged(result: Result, observed: str, remedy: str = "") -> Judgement:
        return Judgement(
            result=result,
            title=say("{title} from outside", title=store.title),
            subject=store.kind,
            observed=observed,
            evidence=evidence,
            remedy=remedy,
        )

    if by_name:
        return judged(
            Result.UNKNOWN,
            f"it answers this machine, which the firewall lets in by its address ({seen.client}); "
            "whether it answers others was not seen",
            "Look from a machine that the firewall does not name.",
        )
    if answering or let_in:
        return judged(
            Result.FAIL,
            f"{_from_outside(answering, seen, numbers)}; {_on_the_host(let_in, leading, seen)}",
            how_to_close(let_in or leading, answering),
        )
    if doubts:
        return judged(Result.UNKNOWN, "; ".join(doubts), _LOOK_AGAIN)
    return judged(
        Result.PASS, f"{_from_outside((), seen, numbers)}; {_on_the_host((), leading, seen, store.kind)}"
    )


_LOOK_AGAIN = decision(
    say(
        "Look from a second machine too: signoff run --target ssh://user@host; and allow "
        "root: sudo ss -lntup; sudo iptables-save; sudo nft list ruleset"
    )
)


def _from_outside(answering: tuple[Port, ...], seen: Vantages, numbers: frozenset[int]) -> str:
    if answering:
        return f"from outside: {_first(answering, 4)}"
    if seen.outside is None:
        return f"from outside: not looked at ({seen.not_outside})"
    where = ", ".join(seen.outside.addresses)
    closed = numbers - {port.port for port in seen.outside.open()}
    return f"from outside: closed on {where} (ports {', '.join(map(str, sorted(closed)))})"


def _on_the_host(
    let_in: tuple[Exposure, ...], leading: tuple[Exposure, ...], seen: Vantages, kind: str = ""
) -> str:
    if let_in:
        return f"on the host: {_first(let_in, 4)}, and no rule stops it"
    if leading:
        unsure = next((one.because for one in leading if one.fate == "unsure"), "")
        said = (
            f"whether a rule stops it is not certain ({unsure})"
            if unsure
            else f"stopped by {leading[0].because}"
        )
        return f"on the host: {_first(leading, 4)}, {said}"
    if seen.host.missing:
        return f"on the host: {'; '.join(seen.host.missing)}"
    return "on the host: nothing of the kind listens on an outside address, or is forwarded to"


def _others(quiet: list[Datastore], seen: Vantages) -> Judgement:
    numbers = frozenset(port for store in quiet for port in store.ports)
    names = ", ".join(store.title for store in quiet)
    title = say("Other datastores from outside")
    if doubts := seen.doubts(numbers):
        return Judgement(
            result=Result.UNKNOWN,
            title=title,
            subject="others",
            observed=listed(doubts, "; "),
            remedy=_LOOK_AGAIN,
        )
    return Judgement(
        result=Result.PASS,
        title=title,
        subject="others",
        observed=say("nothing answers, and nothing of the kind leads in: {names}", names=names),
    )


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
    answering = tuple(port for port in seen.open_outside() if port.port not in seen.expected)
    leading = tuple(
        one for one in seen.host.exposures if one.protocol == "tcp" and one.port not in seen.expected
    )
    let_in = tuple(one for one in leading if one.fate == "open")
    evidence = (*(f"outside: {port}" for port in answering), *map(described, leading))[:_EVIDENCE_CAP]
    expected = say("only {map} answer, on every address", map=", ".join(map(str, sorted(seen.expected))))
    doubts = (*seen.doubts(), *(described(one) for one in leading if one.fate == "unsure"))
    numbers = frozenset(one.port for one in let_in)
    unseen = seen.outside is None or (seen.outside.doubts(numbers) if numbers else ())
    if let_in and unseen and not answering:
        # A provider's firewall or a router before it may well stop what the host lets in.
        yield Judgement(
            result=Result.UNKNOWN,
            observed=say(
                "the host lets in {first}; whether they answer from outside was not seen: {doubts}",
                first=_first(let_in),
                doubts="; ".join(doubts),
            ),
            expected=expected,
            evidence=evidence,
            remedy=decision(
                say(
                    "{look_again}\n{how_to_close}",
                    look_again=_LOOK_AGAIN,
                    how_to_close=how_to_close(let_in, ()),
                )
            ),
        )
    elif answering or let_in:
        outside = _first(answering) or "none of them answers"
        through = let_in or tuple(one for one in leading if one.fate == "unsure")
        host = _first(through) or "nothing that leads there is seen"
        yield Judgement(
            result=Result.FAIL,
            observed=say(
                "unexpected ports: from outside: {outside}; on the host: {host}", outside=outside, host=host
            ),
            expected=expected,
            evidence=evidence,
            remedy=how_to_close(through, answering),
        )
    elif doubts:
        yield Judgement(
            result=Result.UNKNOWN,
            observed=listed(doubts, "; "),
            expected=expected,
            evidence=evidence,
            remedy=_LOOK_AGAIN,
        )
    else:
        tried = seen.outside.ports if seen.outside else ()
        yield Judgement(
            result=Result.PASS,
            observed=say(
                "{count} ports tried on each of {fromkeys}; answering: {map}",
                count=len({port.port for port in tried}),
                fromkeys=", ".join(dict.fromkeys(port.address for port in tried)),
                map=", ".join(map(str, seen.open_outside())),
            ),
            expected=expected,
            evidence=evidence,
        )
    yield from _udp(seen)


def _first(found: Sequence[object], most: int = 6) -> str:
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(map(str, found[:most])) + more


# DHCP clients (68, 546) must listen; HTTP/3 is 443.
_UDP_EXPECTED = frozenset({443, 68, 546})


def _udp(seen: Vantages) -> Iterator[Judgement]:
    """UDP does not answer a knock, so that the host alone can tell."""
    leading = tuple(
        one
        for one in seen.host.exposures
        if one.protocol == "udp" and one.fate != "blocked" and one.port not in _UDP_EXPECTED
    )
    # The kernel's own sockets have no process: WireGuard, which answers to nobody without a key. It has one
    # port for each interface; what is more is something else, such as VXLAN, which answers to everybody.
    tunnels = [one for one in seen.host.interfaces.all if one.kind == "wireguard"]
    nameless = {one.port for one in leading if one.owner.sort == "nameless"}
    if len(nameless) <= len(tunnels):
        leading = tuple(one for one in leading if one.owner.sort != "nameless")
    if not leading:
        return
    let_in = tuple(one for one in leading if one.fate == "open")
    yield Judgement(
        result=Result.FAIL if let_in else Result.UNKNOWN,
        title=say("UDP ports that lead in"),
        subject="udp",
        observed=say("on the host: {first}", first=_first(let_in or leading)),
        expected=say("no UDP port but 443 is open to the outside"),
        evidence=tuple(map(described, leading[:_EVIDENCE_CAP])),
        remedy=how_to_close(leading, ()),
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
        why = [*seen.host.missing, *([seen.not_outside] if seen.outside is None else [])]
        return Judgement(result=Result.UNKNOWN, observed=listed(why, "; "), remedy=_LOOK_AGAIN)
    known = {(one.port, one.address.version) for one in seen.host.exposures if one.fate != "blocked"}
    answering = {(port.port, _version(port)) for port in seen.open_outside()}
    tried = {
        (port.port, _version(port)) for port in seen.outside.ports if port.address not in seen.outside.silent
    }
    unseen = tuple(port for port in seen.open_outside() if (port.port, _version(port)) not in known)
    unanswered = tuple(
        one
        for one in seen.host.exposures
        if one.protocol == "tcp"
        and one.fate == "open"
        and (one.port, one.address.version) in tried - answering
    )
    odd = [
        *(f"{port}, though the host shows nothing that lets it in" for port in unseen),
        *(f"{one} is let in by the host, but from outside" for one in unanswered),
    ]
    serious = [*unseen, *(one for one in unanswered if one.port not in seen.expected)]
    if serious:
        return Judgement(
            result=Result.FAIL,
            observed=listed(odd[:6], "; "),
            evidence=tuple(map(described, unanswered[:_EVIDENCE_CAP])),
            remedy=decision(
                say(
                    "A firewall of the provider, or a machine in between, may explain it. Find out "
                    "which: what the host lets in is open as soon as that one is not "
                    "there.\n{how_to_close}",
                    how_to_close=how_to_close(unanswered, unseen),
                )
            ),
        )
    if doubts := seen.outside.doubts():
        return Judgement(result=Result.UNKNOWN, observed=listed(doubts, "; "), remedy=_LOOK_AGAIN)
    agreed = "; ".join(odd) or say("every port that was tried is open on both sides or on neither")
    return Judgement(result=Result.INFORMATIONAL if odd else Result.PASS, observed=agreed)


def _version(port: Port) -> int:
    return 6 if ":" in port.address else 4

"""The admin panel as it is reached from outside: by its name, with a forged header, and by a bare address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from signoff.facts.admin_inside import ADMIN_INSIDE
from signoff.facts.admin_paths import (
    MOST_PATHS,
    USUAL_API_PATHS,
    admin_paths,
    named_paths,
    of_an_api,
    unslashed,
)
from signoff.facts.admin_requests import MOST_FORGED, Answer, Asker, View
from signoff.facts.base import Facts, OutsideFact, Unavailable
from signoff.facts.outside import BY_HAND, OUTSIDE_PORTS, Port, elsewhere, of_this_machine, sends_from
from signoff.facts.ruling import network
from signoff.facts.web import WEB_SERVERS
from signoff.message import say
from signoff.target.outside import Outside
from signoff.target.profile import Profile
from signoff.text import one_line

_MOST_ADDRESSES = 4
_MOST_CLAIMS = 4
_MOST_PORTS = 6
_MOST_ROUND_ABOUT = 2
"""Paths that are asked for by a bare address, another name or another port."""
_MOST_LEARNT = 4
_OTHER_HOST = "other.invalid"


@dataclass(frozen=True)
class LeftOut:
    """What was too much to ask for: by name, with forged headers, and on the ways around the name."""

    by_name: tuple[str, ...] = ()
    forged: tuple[str, ...] = ()
    around: tuple[str, ...] = ()


@dataclass(frozen=True)
class Survey:
    """All that was asked from outside.

    ``named`` tells that the operator named the paths; with them are those of the panel's API that the host
    itself tells of. ``guessed`` are usual ones beside, which may well not exist. ``spelt`` are other
    spellings of what was not let in, and pages below it. ``sources`` are this machine's addresses as it
    sends.
    """

    paths: tuple[str, ...]
    guessed: tuple[str, ...]
    named: bool
    views: tuple[View, ...]
    spelt: tuple[tuple[View, Answer], ...]
    forged: tuple[tuple[View, Answer], ...]
    raw: tuple[View, ...]
    sources: tuple[str, ...]
    left_out: LeftOut = LeftOut()


def look_at_admin(outside: Outside, profile: Profile, facts: Facts) -> Survey:
    """Ask for every admin path at every address: by name, with forged headers, and by the bare address."""
    host = urlsplit(profile.url).hostname
    if not host:
        raise Unavailable(say("the product's URL is not known: name it in the target's profile (url)"))
    if not outside.addresses:
        raise Unavailable(say("there is no address at which to look from outside"), BY_HAND)
    reachable, here = elsewhere(outside)
    paths, named, unasked = _paths(profile, facts)
    guessed = tuple(path for path in USUAL_API_PATHS if path.rstrip("/") not in unslashed(paths))
    asker = Asker(outside, host)
    addresses = _some(reachable)
    views = asker.views([(address, profile.url.rstrip("/"), "") for address in addresses], (*paths, *guessed))
    answering = [view.only(paths) for view in views if view.front.status]
    if not answering:
        raise Unavailable(
            say("the site does not answer from outside: {front}", front=one_line(str(views[0].front)))
        )
    claims, ports = _claims(facts), _beside(profile, facts)
    forged = asker.forged(answering[0], claims[:_MOST_CLAIMS]) if named else ()
    ways = list(_bare(addresses, profile, ports[:_MOST_PORTS]))
    raw = asker.views(ways, paths[:_MOST_ROUND_ABOUT]) if named else ()
    far = [address for address in reachable if address not in addresses]
    refused = answering[0].refused[MOST_FORGED:]
    return Survey(
        paths=paths,
        guessed=guessed,
        named=named,
        views=views,
        spelt=asker.spelt(answering[0]) if named else (),
        forged=forged,
        raw=raw,
        sources=tuple(sorted(set(filter(None, map(sends_from, addresses))))),
        left_out=LeftOut(
            by_name=(
                *([of_this_machine(here)] if here else []),
                *far,
                *unasked,
                *(f"other spellings of {path}" for path in refused),
            ),
            forged=(*far, *refused, *(f"in the name of {claim}" for claim in claims[_MOST_CLAIMS:])),
            around=(*far, *paths[_MOST_ROUND_ABOUT:], *(f"port {port.port}" for port in ports[_MOST_PORTS:])),
        ),
    )


def _paths(profile: Profile, facts: Facts) -> tuple[tuple[str, ...], bool, tuple[str, ...]]:
    """Return the paths to ask for, those first that the operator named, whether there are such, and those
    that are left out.
    """
    paths, named = admin_paths(profile)
    rules = () if facts.missing(WEB_SERVERS) else facts[WEB_SERVERS].admin_paths()
    documented = () if facts.missing(ADMIN_INSIDE) else facts[ADMIN_INSIDE].documented
    if not named:
        found = tuple(dict.fromkeys((*rules, *documented, *paths)))
        return found[:MOST_PATHS], False, found[MOST_PATHS:]
    # A rule for what lies above a path that is named is seen at that path.
    above = [rule for rule in rules if not any(path.startswith(rule.rstrip("/")) for path in paths)]
    learnt = [path for path in dict.fromkeys((*documented, *above)) if of_an_api(path)]
    new = [path for path in learnt if path.rstrip("/") not in unslashed(paths)]
    unasked = (*named_paths(profile)[MOST_PATHS:], *new[_MOST_LEARNT:])
    return (*paths, *new[:_MOST_LEARNT]), True, unasked


def _some(addresses: Iterable[str]) -> tuple[str, ...]:
    """Return a few addresses, of both families where there are both."""
    four = [address for address in addresses if ip_address(address).version == 4]
    six = [address for address in addresses if ip_address(address).version == 6]
    half = _MOST_ADDRESSES // 2
    return (*four[: max(half, _MOST_ADDRESSES - len(six))], *six[: max(half, _MOST_ADDRESSES - len(four))])


def _claims(facts: Facts) -> tuple[str, ...]:
    """Return the addresses to claim: the server's own, those that its rules let in, and a private one."""
    found = ["127.0.0.1"]
    if not facts.missing(WEB_SERVERS):
        # The second address of a network: the first one is the network's own name.
        found += [str(net[1] if net.num_addresses > 1 else net[0]) for net in facts[WEB_SERVERS].allowed()]
    # The private one stands in for a rule that is not read: among the first, however many are.
    return tuple(dict.fromkeys((*found[: _MOST_CLAIMS - 1], "10.0.0.1", *found[_MOST_CLAIMS - 1 :])))


def _beside(profile: Profile, facts: Facts) -> tuple[Port, ...]:
    """Return the ports beside the site's own that may speak HTTP."""
    own = urlsplit(profile.url).port or 443
    if facts.missing(OUTSIDE_PORTS):
        return ()
    beside = [port for port in facts[OUTSIDE_PORTS].open() if port.port not in {80, 443, own}]
    return tuple(port for port in beside if port.speaks == "http" or not (port.speaks or port.kind))


def _bare(
    addresses: tuple[str, ...], profile: Profile, ports: tuple[Port, ...]
) -> Iterator[tuple[str, str, str]]:
    """Yield the ways around: unencrypted, by the address itself, other names, and ports that speak HTTP."""
    host = urlsplit(profile.url).hostname or ""
    for address in addresses:
        yield address, f"http://{host}", ""
        if network(host) is None:
            # A site is known with www and without, and each may have rules of its own.
            yield address, f"https://{_twin(host)}", ""
        at = f"[{address}]" if ":" in address else address
        for scheme in ("https", "http"):
            yield address, f"{scheme}://{at}", ""
            yield address, f"{scheme}://{at}", _OTHER_HOST
    for port in ports:
        at = f"[{port.address}]" if ":" in port.address else port.address
        # What says nothing to plain requests may speak TLS.
        yield port.address, f"{'http' if port.speaks else 'https'}://{at}:{port.port}", host


def _twin(host: str) -> str:
    return host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"


ADMIN_SURVEY: OutsideFact[Survey] = OutsideFact(
    id="admin.survey",
    title=say("the admin panel from outside"),
    look=look_at_admin,
    needs=(WEB_SERVERS, ADMIN_INSIDE, OUTSIDE_PORTS),
)

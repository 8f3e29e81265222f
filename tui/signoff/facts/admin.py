"""The admin panel as it is reached from outside: by its name, with a forged header, and by a bare address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import zip_longest
from urllib.parse import urlsplit

from signoff.facts import admin_inside
from signoff.facts.admin_inside import ADMIN_INSIDE, Inside
from signoff.facts.admin_requests import MOST_FORGED, Asker, View
from signoff.facts.base import Facts, OutsideFact, Unavailable
from signoff.facts.outside import BY_HAND, OUTSIDE_PORTS, Port, elsewhere, of_this_machine, sends_from
from signoff.facts.ruling import network
from signoff.facts.web import WEB_SERVERS, WebServers
from signoff.message import say
from signoff.target.outside import Outside
from signoff.target.profile import Profile

_AT_ONCE = 6
_MOST_ADDRESSES = 4
_MOST_CLAIMS = 4
_MOST_PORTS = 6
_MOST_ROUND_ABOUT = 2
"""Paths that are asked for by a bare address, another name or another port."""
_MOST_LEARNT = 4
_REFUSALS = frozenset({0, 403, 404, 410})
_OTHER_HOST = "other.invalid"


@dataclass(frozen=True)
class LeftOut:
    """What was too much to ask for: by name, with forged headers, and on the ways around the name."""

    by_name: tuple[str, ...] = ()
    forged: tuple[str, ...] = ()
    around: tuple[str, ...] = ()


@dataclass(frozen=True)
class Survey:
    """All that was asked from outside."""

    paths: tuple[str, ...]  # as the operator named them, and of the panel's API those that the host tells of
    guessed: tuple[str, ...]  # usual ones beside, which may well not exist
    named: bool  # whether the operator named the paths
    views: tuple[View, ...]
    spelt: View  # other spellings of what was not let in, and pages below it
    forged: View  # what was not let in, asked for again as somebody else
    raw: tuple[View, ...]  # the ways around the name
    sources: tuple[str, ...]  # this machine's addresses as it sends
    left_out: LeftOut = LeftOut()


def look_at_admin(outside: Outside, profile: Profile, facts: Facts) -> Survey:
    """Ask for every admin path at every address: by name, with forged headers, and by the bare address."""
    host = urlsplit(profile.url).hostname
    if not host:
        raise Unavailable(say("the product's URL is not known: name it in the target's profile (url)"))
    if not outside.addresses:
        raise Unavailable(say("there is no address at which to look from outside"), BY_HAND)
    reachable, here = elsewhere(outside)
    servers = WebServers() if facts.missing(WEB_SERVERS) else facts[WEB_SERVERS]
    inside = Inside() if facts.missing(ADMIN_INSIDE) else facts[ADMIN_INSIDE]
    paths, unasked = _paths(profile, servers.admin_paths(), inside.documented)
    guessed, named = _unlike(paths, admin_inside.USUAL_API_PATHS), bool(admin_inside.named_paths(profile))
    addresses, claims, ports = _some(reachable), _claims(servers), _beside(profile, facts)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="admin") as pool:
        asker = Asker(outside, host, pool)
        by_name = [(address, profile.url.rstrip("/"), "") for address in addresses]
        views = asker.views(by_name, (*paths, *guessed))
        seen = next((view for view in views if view.front.status), None)
        if not seen:
            raise Unavailable(say("the site does not answer from outside: {answer}", answer=views[0].front))
        closed = [one.path for one in seen.answers if named and one.path in paths and one.status in _REFUSALS]
        spelt, forged = asker.spelt(seen, closed), asker.forged(seen, closed, claims[:_MOST_CLAIMS])
        ways = _around(addresses, host, ports[:_MOST_PORTS]) if named else ()
        raw = asker.views(ways, paths[:_MOST_ROUND_ABOUT])
    far = [address for address in reachable if address not in addresses]
    refused = closed[MOST_FORGED:]
    this = [of_this_machine(here)] if here else []
    left_out = LeftOut(
        by_name=(*this, *far, *unasked, *(f"other spellings of {path}" for path in refused)),
        forged=(*far, *refused, *(f"in the name of {claim}" for claim in claims[_MOST_CLAIMS:])),
        around=(*far, *paths[_MOST_ROUND_ABOUT:], *(f"port {port.port}" for port in ports[_MOST_PORTS:])),
    )
    sources = tuple(sorted(set(filter(None, map(sends_from, addresses)))))
    return Survey(paths, guessed, named, views, spelt, forged, raw, sources, left_out)


def _paths(
    profile: Profile, rules: tuple[str, ...], documented: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the paths to ask for, those first that the operator named, and those that are left out."""
    paths, named = admin_inside.admin_paths(profile), admin_inside.named_paths(profile)
    if not named:
        found = tuple(dict.fromkeys((*rules, *documented, *paths)))
        return found[: admin_inside.MOST_PATHS], found[admin_inside.MOST_PATHS :]
    # A rule for what lies above a path that is named is seen at that path.
    above = [rule for rule in rules if not any(path.startswith(rule.rstrip("/")) for path in paths)]
    learnt = _unlike(paths, filter(admin_inside.of_an_api, dict.fromkeys((*documented, *above))))
    return (*paths, *learnt[:_MOST_LEARNT]), (*named[admin_inside.MOST_PATHS :], *learnt[_MOST_LEARNT:])


def _unlike(known: Iterable[str], paths: Iterable[str]) -> tuple[str, ...]:
    """Return the paths that are not known; a slash at the end makes no other page of one."""
    unslashed = {path.rstrip("/") for path in known}
    return tuple(path for path in paths if path.rstrip("/") not in unslashed)


def _some(addresses: Iterable[str]) -> tuple[str, ...]:
    """Return a few addresses, of both families where there are both."""
    four, six = ([one for one in addresses if ip_address(one).version == version] for version in (4, 6))
    mixed = [address for pair in zip_longest(four, six) for address in pair if address]
    return tuple(mixed[:_MOST_ADDRESSES])


def _claims(servers: WebServers) -> tuple[str, ...]:
    """Return the addresses to claim: the server's own, those that its rules let in, and a private one."""
    # The second address of a network: the first one is the network's own name.
    found = ["127.0.0.1", *(str(net[1] if net.num_addresses > 1 else net[0]) for net in servers.allowed())]
    # The private one stands in for a rule that is not read: among the first, however many are.
    return tuple(dict.fromkeys((*found[: _MOST_CLAIMS - 1], "10.0.0.1", *found[_MOST_CLAIMS - 1 :])))


def _beside(profile: Profile, facts: Facts) -> list[Port]:
    """Return the ports beside the site's own that may speak HTTP."""
    own = {80, 443, urlsplit(profile.url).port}
    found = () if facts.missing(OUTSIDE_PORTS) else facts[OUTSIDE_PORTS].open()
    web = [port for port in found if port.speaks == "http" or not (port.speaks or port.kind)]
    return [port for port in web if port.port not in own]


def _around(addresses: Iterable[str], host: str, ports: Iterable[Port]) -> Iterator[tuple[str, str, str]]:
    """Yield the ways around: unencrypted, by the address itself, other names, and ports that speak HTTP."""
    for address in addresses:
        yield address, f"http://{host}", ""
        if network(host) is None:
            # A site is known with www and without, and each may have rules of its own.
            twin = host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"
            yield address, f"https://{twin}", ""
        for scheme in ("https", "http"):
            yield address, f"{scheme}://{_bare(address)}", ""
            yield address, f"{scheme}://{_bare(address)}", _OTHER_HOST
    for port in ports:
        # What says nothing to plain requests may speak TLS.
        scheme = "http" if port.speaks else "https"
        yield port.address, f"{scheme}://{_bare(port.address)}:{port.port}", host


def _bare(address: str) -> str:
    return f"[{address}]" if ":" in address else address


ADMIN_SURVEY: OutsideFact[Survey] = OutsideFact(
    id="admin.survey",
    title=say("the admin panel from outside"),
    look=look_at_admin,
    needs=(WEB_SERVERS, ADMIN_INSIDE, OUTSIDE_PORTS),
    kept=Survey,
)

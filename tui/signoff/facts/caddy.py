"""Caddy's running configuration (its JSON), and what it does with a request from outside.

Source: caddyserver.com/docs/json: routes are tried in order; the matcher sets of a route are alternatives,
the matchers of a set must all fit. What cannot be known here (an expression, a header) is neither yes nor no.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from signoff.facts.base import Malformed
from signoff.facts.budget import Budget
from signoff.facts.ruling import Fate, Network, Ruling, is_everybody, network, too_slow
from signoff.message import NOTHING, Message, say
from signoff.text import one_line

Json = Mapping[str, Any]
Outcome = tuple[Fate, Message]

_STRANGER = ip_address("203.0.113.213")
"""From the blocks kept for documentation (RFC 5737), let in by nobody's rule."""
_SERVING = {"reverse_proxy", "file_server", "php_fastcgi", "templates", "push", "metrics", "acme_server"}
_PASSING = {"headers", "encode", "request_body", "copy_response_headers", "intercept"}
_PASSING |= {"vars", "map", "log_append", "tracing"}
_MOST_STEPS = 300_000
"""Routes, names and networks that may be looked at for one question."""


@dataclass(frozen=True)
class Request:
    """A request. ``claimed`` is what its X-Forwarded-For names."""

    host: str
    path: str  # empty where it is not known
    believed: bool = False  # whether the server takes ``claimed`` for the client's address (trusted_proxies)
    method: str = "GET"
    source: IPv4Address | IPv6Address = _STRANGER
    claimed: IPv4Address | IPv6Address | None = None
    budget: Budget = field(
        default_factory=lambda: Budget(_MOST_STEPS, "Caddy's configuration"), compare=False
    )


@dataclass(frozen=True)
class Server:
    """One of Caddy's HTTP servers."""

    name: str
    about: Json

    @property
    def outside(self) -> bool:
        """Whether it listens on more than loopback."""
        listens = self.about.get("listen") or [":443"]
        return any(not str(listen).startswith(("127.", "[::1]", "localhost", "unix/")) for listen in listens)


def parse(text: str) -> tuple[Server, ...]:
    """Return the servers of a configuration; raise Malformed where it is no JSON of Caddy's."""
    try:
        value = json.loads(text)
        # A Caddy without a configuration says null.
        for key in ("apps", "http", "servers"):
            value = {} if value is None else value.get(key)
        return tuple(Server(str(name), about) for name, about in (value or {}).items() if about.items())
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise Malformed(say("Caddy's configuration is not what Caddy prints")) from None


def rulings(servers: tuple[Server, ...], host: str, path: str) -> tuple[Ruling, ...]:
    """Return what each server that listens outside does with a path of a host."""
    return tuple(_ruling(server, host, path) for server in servers if server.outside)


def elsewhere(servers: tuple[Server, ...], host: str, path: str) -> tuple[Ruling, ...]:
    """Return where the host's own application serves a path to everybody under another name."""
    outside = [server for server in servers if server.outside]
    senders = [_STRANGER, *(net[0] for net in allowed_anywhere(servers))]
    asked = Request(host, path)
    own = [replace(asked, path=at, source=sender) for at in (path, "/") for sender in senders]
    ours = {_led(server, request) for server in outside for request in own} - {NOTHING}
    others = [(server, name) for server in outside for name in names((server,)) if name != host]
    return tuple(
        Ruling(Fate.SERVED, one_line(f"caddy server {server.name} as {name}", 160), why)
        for server, name in others
        if (why := _led(server, Request(name.replace("*", "any"), path, budget=asked.budget))) in ours
    )


def _led(server: Server, request: Request) -> Message:
    """Return in words to which application a request comes; empty where to none."""
    fate, why = _end(server, request)
    return why if fate is Fate.SERVED and " to " in why else NOTHING


def names(servers: tuple[Server, ...]) -> tuple[str, ...]:
    """Return the host names that are served from outside."""
    routes = [route for server in servers if server.outside for route in server.about.get("routes") or []]
    sets = (matchers for route in routes for matchers in route.get("match") or [])
    return tuple(dict.fromkeys(str(name) for matchers in sets for name in matchers.get("host") or []))


def allowed_anywhere(servers: tuple[Server, ...]) -> tuple[Network, ...]:
    """Return every network that a matcher names, loopback and all."""
    found = (about for server in servers for about in _said(server.about, "remote_ip", "client_ip"))
    return tuple(dict.fromkeys(net for about in found for net in _ranges(about)))


def upstreams(servers: tuple[Server, ...]) -> tuple[str, ...]:
    """Return the places that any request is passed on to."""
    dials = (str(dial) for server in servers for dial in _said(server.about, "dial"))
    return tuple(re.sub(r"^localhost\b", "127.0.0.1", dial) for dial in dials)


def admin_locations(servers: tuple[Server, ...]) -> tuple[str, ...]:
    """Return the paths called ``admin`` that a matcher names, without their stars."""
    found = (value for server in servers for value in _said(server.about, "path") if isinstance(value, list))
    named = dict.fromkeys(str(path).rstrip("*") or "/" for value in found for path in value)
    return tuple(path for path in named if "admin" in path.lower())


def _said(value: Any, *keys: str) -> Iterator[Any]:
    """Yield what stands under these keys, at any depth."""
    if isinstance(value, Mapping):
        yield from (value[key] for key in keys if key in value)
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _said(inner, *keys)


def _ranges(about: Any) -> Iterator[Network]:
    texts = about.get("ranges") if isinstance(about, Mapping) else None
    yield from (net for text in texts or () if (net := network(str(text))))


def _ruling(server: Server, host: str, path: str) -> Ruling:
    listens = ", ".join(map(str, server.about.get("listen") or []))
    where = one_line(f"caddy server {server.name} on {listens}", 160)
    believed = any(map(is_everybody, _ranges(server.about.get("trusted_proxies"))))
    request = Request(host, path, believed)

    def fate(**other: Any) -> Outcome:
        return _end(server, replace(request, **other))

    refused, why = fate()
    sent, to = fate(method="POST")
    if Fate.SERVED in {refused, sent}:
        through = why if refused is Fate.SERVED else say("what is sent by POST is let through: {to}", to=to)
        return Ruling(Fate.SERVED, where, through)
    allowed = tuple(net for net in allowed_anywhere((server,)) if fate(source=net[0])[0] is Fate.SERVED)
    if wide := [net for net in allowed if is_everybody(net)]:
        return Ruling(Fate.SERVED, where, say("{net} is let in: everybody, or nearly", net=wide[0]))
    # The same request again, with a claimed address: a header may open what is closed.
    claims = [*(net[0] for net in allowed), ip_address("127.0.0.1"), ip_address("10.0.0.1")]
    if refused is Fate.REFUSED and any(fate(claimed=claim)[0] is not Fate.REFUSED for claim in claims):
        believes = say("trusted_proxies takes X-Forwarded-For from everybody")
        forwarded = say("remote_ip forwarded believes X-Forwarded-For")
        return Ruling(refused, where, why, allowed, believes if request.believed else forwarded)
    return Ruling(refused, where, why, allowed)


def _end(server: Server, request: Request) -> Outcome:
    """Return how a request ends; Caddy gives an empty answer to what no route takes."""
    try:
        outcome, _ = _walk(server.about.get("routes") or [], request)
    except (AttributeError, TypeError, RecursionError):
        return Fate.UNCLEAR, say("a configuration that cannot be judged")
    return outcome or (Fate.REFUSED, say("no route: an empty answer"))


def _walk(routes: Sequence[Json], request: Request) -> tuple[Outcome | None, Request]:
    """Return how a request ends in these routes, None where it runs through them; and what it became."""
    taken: set[str] = set()
    for index, route in enumerate(routes):
        request.budget.spend()
        group = str(route.get("group") or "")
        fits = group not in taken and _any(route.get("match"), request)
        if fits is False:
            continue
        outcome, became = None, request
        for handler in route.get("handle") or []:
            outcome, became = _handled(handler, became)
            if outcome:
                break
        if fits is None:
            rest, after = _walk(routes[index + 1 :], request)
            if (outcome, became) == (rest, after):
                return rest, after
            return (Fate.UNCLEAR, say("a matcher that cannot be judged decides")), request
        request = became
        taken |= {group} - {""}
        if outcome or route.get("terminal"):
            return outcome, request
    return None, request


def _handled(handler: Json, request: Request) -> tuple[Outcome | None, Request]:
    kind = str(handler.get("handler") or "")
    if kind == "subroute":
        return _walk(handler.get("routes") or [], request)
    if kind == "rewrite":
        return None, replace(request, path=_rewritten(handler, request.path))
    return (None if kind in _PASSING else _ending(kind, handler)), request


def _ending(kind: str, handler: Json) -> Outcome:
    if kind in {"static_response", "error"}:
        status = str(handler.get("status_code") or "200")
        if handler.get("abort"):
            return Fate.REFUSED, say("abort")
        fate = {"4": Fate.REFUSED, "3": Fate.REDIRECTED}.get(status[0], Fate.SERVED)
        return fate, say("respond {status}", status=status)
    if kind == "authentication":
        return Fate.SERVED, say("a password is asked for, of everybody")
    dials = ", ".join(str(upstream.get("dial") or "") for upstream in handler.get("upstreams") or [])
    if dials or kind in _SERVING:
        place = one_line(f"{kind}{' to ' if dials else ''}{dials}", 100)
        return Fate.SERVED, say("{place}: everybody is let in", place=place)
    return Fate.UNCLEAR, say("handler {kind} decides", kind=one_line(kind, 60))


def _rewritten(handler: Json, path: str) -> str:
    """Return what a path becomes; empty where it is made of placeholders, or by a pattern."""
    if prefix := handler.get("strip_path_prefix"):
        return path and "/" + path.removeprefix(str(prefix)).lstrip("/")
    uri = str(handler.get("uri") or "")
    return uri.partition("?")[0] if uri.startswith("/") and "{" not in uri else ""


def _any(sets: Sequence[Json] | None, request: Request) -> bool | None:
    """Whether one of the matcher sets fits; None where that cannot be told. No sets fit everything."""
    if not sets:
        return True
    answers = {_all(matchers, request) for matchers in sets}
    return True if True in answers else None if None in answers else False


def _all(matchers: Json, request: Request) -> bool | None:
    answers = {_fits(name, about, request) for name, about in matchers.items()}
    return False if False in answers else None if None in answers else True


def _fits(name: str, about: Any, request: Request) -> bool | None:
    request.budget.spend(len(about) if isinstance(about, list) else 1)
    match name:
        case "host":
            # A star stands for one label.
            labels = "|".join(re.escape(str(name)).replace(r"\*", "[^.]*") for name in about)
            return bool(re.fullmatch(labels, request.host, re.IGNORECASE))
        case "path" | "path_regexp" if not request.path:
            return None
        case "path":
            # Case does not count, and a star only at an end, or as a glob (caddyhttp.MatchPath).
            patterns = (str(pattern).lower().replace("[", "[[]") for pattern in about)
            return any(fnmatchcase(request.path.lower(), pattern) for pattern in patterns)
        case "path_regexp":
            return _regexp_fits(str(about.get("pattern") or ""), request.path)
        case "method":
            return request.method in about
        case "protocol":
            return str(about) == "https"
        case "remote_ip":
            return _address_fits(about, request, believed=bool(about.get("forwarded")))
        case "client_ip":
            return _address_fits(about, request, believed=request.believed)
        case "not":
            answer = _any(about, request)
            return None if answer is None else not answer
        case _:
            return None


def _regexp_fits(pattern: str, path: str) -> bool | None:
    if too_slow(pattern, path):
        return None
    try:
        return bool(re.search(pattern, path))
    except re.error:
        return None


def _address_fits(about: Json, request: Request, *, believed: bool) -> bool | None:
    address = request.claimed if believed and request.claimed else request.source
    nets = [network(str(text)) for text in about.get("ranges") or []]
    request.budget.spend(len(nets))
    if any(net is not None and address.version == net.version and address in net for net in nets):
        return True
    return None if None in nets else False

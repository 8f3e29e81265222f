"""Caddy's running configuration (its JSON), and what it does with a request.

Source: caddyserver.com/docs/json: routes are tried in order; the matcher sets of a route are alternatives,
the matchers of a set must all fit. What cannot be known here (an expression, a header) is neither yes nor no.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from signoff.facts.base import Malformed
from signoff.facts.ruling import Fate, Network, Ruling, is_everybody, network
from signoff.text import one_line

Json = Mapping[str, Any]

# An address of a stranger: from the blocks kept for documentation (RFC 5737), let in by nobody's rule.
_STRANGER = ip_address("203.0.113.213")
_SERVING = frozenset(
    {"reverse_proxy", "file_server", "php_fastcgi", "templates", "push", "metrics", "acme_server"}
)
_PASSING = frozenset(
    {
        "headers",
        "encode",
        "request_body",
        "vars",
        "map",
        "log_append",
        "tracing",
        "copy_response_headers",
        "intercept",
    }
)


@dataclass(frozen=True)
class Request:
    """A GET. ``claimed`` is the address that its X-Forwarded-For names; an empty ``path`` is not known."""

    host: str
    path: str
    https: bool = True
    source: IPv4Address | IPv6Address = _STRANGER
    claimed: IPv4Address | IPv6Address | None = None
    believed: bool = False
    """Whether the server takes ``claimed`` for the client's address (trusted_proxies)."""


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

    @property
    def believes_everybody(self) -> bool:
        """Whether it takes an address from the headers of anybody (trusted_proxies)."""
        trusted = self.about.get("trusted_proxies") or {}
        nets = [network(str(text)) for text in trusted.get("ranges") or []]
        return any(net is not None and is_everybody(net) for net in nets)


def parse(text: str) -> tuple[Server, ...]:
    """Return the servers of a configuration; raise Malformed where it is no JSON of Caddy's."""
    try:
        value = json.loads(text)
        # A Caddy without a configuration says null.
        for key in ("apps", "http", "servers"):
            value = {} if value is None else value.get(key)
        return tuple(Server(str(name), about) for name, about in (value or {}).items() if about.items())
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise Malformed("Caddy's configuration is not what Caddy prints") from None


def rulings(servers: tuple[Server, ...], host: str, path: str) -> tuple[Ruling, ...]:
    """Return what each server that listens outside does with a path of a host."""
    return tuple(_ruling(server, host, path) for server in servers if server.outside)


def names(servers: tuple[Server, ...]) -> tuple[str, ...]:
    """Return the host names that are served from outside."""
    return tuple(
        dict.fromkeys(
            str(name)
            for server in servers
            if server.outside
            for route in server.about.get("routes") or []
            for matchers in route.get("match") or []
            for name in matchers.get("host") or []
        )
    )


def allowed_anywhere(servers: tuple[Server, ...]) -> tuple[Network, ...]:
    """Return every network that a matcher names, loopback and all."""
    return tuple(dict.fromkeys(net for server in servers for net in _networks(server.about)))


def admin_locations(servers: tuple[Server, ...]) -> tuple[str, ...]:
    """Return the paths called ``admin`` that a matcher names, without their stars."""

    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, Mapping):
            for path in value.get("path") or [] if isinstance(value.get("path"), list) else []:
                if "admin" in str(path).lower():
                    yield str(path).rstrip("*") or "/"
            for inner in value.values():
                yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner)

    return tuple(dict.fromkeys(path for server in servers for path in walk(server.about)))


def _networks(value: Any) -> Iterator[Network]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key in {"remote_ip", "client_ip"} and isinstance(inner, Mapping):
                yield from (net for text in inner.get("ranges") or [] if (net := network(str(text))))
            else:
                yield from _networks(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _networks(inner)


def _ruling(server: Server, host: str, path: str) -> Ruling:
    listens = ", ".join(map(str, server.about.get("listen") or []))
    where = one_line(f"caddy server {server.name} on {listens}", 160)
    routes = server.about.get("routes") or []
    request = Request(host, path, believed=server.believes_everybody)
    try:
        fate, why = _end(routes, request)
        if fate is Fate.SERVED:
            return Ruling(fate, where, why)
        allowed = tuple(
            net
            for net in dict.fromkeys(_networks(server.about))
            if _end(routes, replace(request, source=net[0]))[0] is Fate.SERVED
        )
        return Ruling(fate, where, why, allowed, _spoofed(routes, request, fate, allowed))
    except (AttributeError, TypeError, RecursionError):
        return Ruling(Fate.UNCLEAR, where, "a configuration that cannot be judged")


def _spoofed(routes: Sequence[Json], request: Request, fate: Fate, allowed: tuple[Network, ...]) -> str:
    """Return why a header opens what is closed: the same request again, with a claimed address."""
    if fate is not Fate.REFUSED:
        return ""
    claims = [*(net[0] for net in allowed), ip_address("127.0.0.1"), ip_address("10.0.0.1")]
    if all(_end(routes, replace(request, claimed=claim))[0] is Fate.REFUSED for claim in claims):
        return ""
    if request.believed:
        return "trusted_proxies takes X-Forwarded-For from everybody"
    return "remote_ip forwarded believes X-Forwarded-For"


Outcome = tuple[Fate, str]


def _end(routes: Sequence[Json], request: Request) -> Outcome:
    """Return how a request ends; Caddy gives an empty answer to what no route takes."""
    return _walk(routes, request)[0] or (Fate.REFUSED, "no route: an empty answer")


def _walk(routes: Sequence[Json], request: Request) -> tuple[Outcome | None, Request]:
    """Return how a request ends in these routes, None where it runs through them; and what it became."""
    taken: set[str] = set()
    for index, route in enumerate(routes):
        group = str(route.get("group") or "")
        fits = False if group and group in taken else _any(route.get("match"), request)
        if fits is False:
            continue
        outcome, became = _handle(route.get("handle") or [], request)
        if fits is None:
            rest, after = _walk(routes[index + 1 :], request)
            if (outcome, became) == (rest, after):
                return rest, after
            return (Fate.UNCLEAR, "a matcher that cannot be judged decides"), request
        request = became
        taken.add(group)
        if outcome or route.get("terminal"):
            return outcome, request
    return None, request


def _handle(handlers: Sequence[Json], request: Request) -> tuple[Outcome | None, Request]:
    for handler in handlers:
        kind = str(handler.get("handler") or "")
        if kind == "subroute":
            outcome, request = _walk(handler.get("routes") or [], request)
            if outcome:
                return outcome, request
        elif kind == "rewrite":
            request = _rewritten(handler, request)
        elif kind not in _PASSING:
            return _ending(kind, handler), request
    return None, request


def _rewritten(handler: Json, request: Request) -> Request:
    if prefix := handler.get("strip_path_prefix"):
        return replace(request, path="/" + request.path.removeprefix(str(prefix)).lstrip("/"))
    uri = str(handler.get("uri") or "")
    if uri.startswith("/") and "{" not in uri:
        return replace(request, path=uri.partition("?")[0])
    # Made of placeholders, or by a pattern: what it comes to is not known.
    return replace(request, path="")


def _ending(kind: str, handler: Json) -> Outcome:
    if kind in {"static_response", "error"}:
        return _static(handler)
    if kind == "authentication":
        return Fate.SERVED, "a password is asked for, of everybody"
    if kind in _SERVING:
        return Fate.SERVED, f"{kind}: everybody is let in"
    return Fate.UNCLEAR, one_line(f"handler {kind} decides", 80)


def _static(handler: Json) -> Outcome:
    status = str(handler.get("status_code") or "200")
    if handler.get("abort") or status.startswith("4"):
        return Fate.REFUSED, "abort" if handler.get("abort") else f"respond {status}"
    if status.startswith("3"):
        return Fate.REDIRECTED, f"redirect {status}"
    return Fate.SERVED, f"respond {status}"


def _any(sets: Sequence[Json] | None, request: Request) -> bool | None:
    """Whether one of the matcher sets fits; None where that cannot be told. No sets fit everything."""
    if not sets:
        return True
    answers = [_all(matchers, request) for matchers in sets]
    return True if True in answers else None if None in answers else False


def _all(matchers: Json, request: Request) -> bool | None:
    answers = [_fits(name, about, request) for name, about in matchers.items()]
    return False if False in answers else None if None in answers else True


def _fits(name: str, about: Any, request: Request) -> bool | None:
    match name:
        case "host":
            return any(_name_fits(str(pattern), request.host) for pattern in about)
        case "path" | "path_regexp" if not request.path:
            return None
        case "path":
            return any(_path_fits(str(pattern), request.path) for pattern in about)
        case "path_regexp":
            return _regexp_fits(str(about.get("pattern") or ""), request.path)
        case "method":
            return "GET" in about
        case "protocol":
            return str(about) == ("https" if request.https else "http")
        case "remote_ip":
            return _address_fits(about, request, believed=bool(about.get("forwarded")))
        case "client_ip":
            return _address_fits(about, request, believed=request.believed)
        case "not":
            answer = _any(about, request)
            return None if answer is None else not answer
        case _:
            return None


def _name_fits(pattern: str, host: str) -> bool:
    """A star stands for one label."""
    given, wanted = host.lower().split("."), pattern.lower().split(".")
    return len(given) == len(wanted) and all(
        fnmatchcase(label, want) for label, want in zip(given, wanted, strict=True)
    )


def _path_fits(pattern: str, path: str) -> bool:
    """Case does not count, and a star only at an end, or as a glob (caddyhttp.MatchPath)."""
    return fnmatchcase(path.lower(), pattern.lower().replace("[", "[[]"))


def _regexp_fits(pattern: str, path: str) -> bool | None:
    try:
        return bool(re.search(pattern, path))
    except re.error:
        return None


def _address_fits(about: Json, request: Request, *, believed: bool) -> bool | None:
    address = request.claimed if believed and request.claimed else request.source
    nets = [network(str(text)) for text in about.get("ranges") or []]
    if any(net is not None and address.version == net.version and address in net for net in nets):
        return True
    return None if None in nets else False

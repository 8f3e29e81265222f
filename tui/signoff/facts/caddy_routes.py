"""How a request runs through Caddy's routes.

Source: caddyserver.com/docs/json: routes are tried in order; the matcher sets of a route are alternatives,
the matchers of a set must all fit. What cannot be known here (an expression, a header) is neither yes nor no.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from signoff.facts.budget import Budget
from signoff.facts.ruling import Fate, network, too_slow
from signoff.text import one_line

Json = Mapping[str, Any]

# An address of a stranger: from the blocks kept for documentation (RFC 5737), let in by nobody's rule.
STRANGER = ip_address("203.0.113.213")
_SERVING = {"reverse_proxy", "file_server", "php_fastcgi", "templates", "push", "metrics", "acme_server"}
_PASSING = {"headers", "encode", "request_body", "copy_response_headers", "intercept"}
_PASSING |= {"vars", "map", "log_append", "tracing"}
_MOST_STEPS = 300_000


def steps() -> Budget:
    """Return how many routes, names and networks may be looked at for one question."""
    return Budget(_MOST_STEPS, "Caddy's configuration")


@dataclass(frozen=True)
class Request:
    """A request. ``claimed`` is what its X-Forwarded-For names; an empty ``path`` is not known."""

    host: str
    path: str
    method: str = "GET"
    source: IPv4Address | IPv6Address = STRANGER
    claimed: IPv4Address | IPv6Address | None = None
    believed: bool = False
    """Whether the server takes ``claimed`` for the client's address (trusted_proxies)."""
    budget: Budget = field(default_factory=steps, compare=False, repr=False)


Outcome = tuple[Fate, str]


def end(routes: Sequence[Json] | None, request: Request) -> Outcome:
    """Return how a request ends; Caddy gives an empty answer to what no route takes."""
    try:
        return _walk(routes or [], request)[0] or (Fate.REFUSED, "no route: an empty answer")
    except (AttributeError, TypeError, RecursionError):
        return Fate.UNCLEAR, "a configuration that cannot be judged"


def _walk(routes: Sequence[Json], request: Request) -> tuple[Outcome | None, Request]:
    """Return how a request ends in these routes, None where it runs through them; and what it became."""
    taken: set[str] = set()
    for index, route in enumerate(routes):
        request.budget.spend()
        group = str(route.get("group") or "")
        fits = group not in taken and _any(route.get("match"), request)
        if fits is False:
            continue
        outcome, became = _handle(route.get("handle") or [], request)
        if fits is None:
            rest, after = _walk(routes[index + 1 :], request)
            if (outcome, became) == (rest, after):
                return rest, after
            return (Fate.UNCLEAR, "a matcher that cannot be judged decides"), request
        request = became
        taken |= {group} - {""}
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
            request = replace(request, path=_rewritten(handler, request.path))
        elif kind not in _PASSING:
            return _ending(kind, handler), request
    return None, request


def _rewritten(handler: Json, path: str) -> str:
    """Return what a path becomes; empty where it is made of placeholders, or by a pattern."""
    if prefix := handler.get("strip_path_prefix"):
        return path and "/" + path.removeprefix(str(prefix)).lstrip("/")
    uri = str(handler.get("uri") or "")
    return uri.partition("?")[0] if uri.startswith("/") and "{" not in uri else ""


def _ending(kind: str, handler: Json) -> Outcome:
    if kind in {"static_response", "error"}:
        status = str(handler.get("status_code") or "200")
        if handler.get("abort"):
            return Fate.REFUSED, "abort"
        fates = {"4": (Fate.REFUSED, f"respond {status}"), "3": (Fate.REDIRECTED, f"redirect {status}")}
        return fates.get(status[0], (Fate.SERVED, f"respond {status}"))
    if kind == "authentication":
        return Fate.SERVED, "a password is asked for, of everybody"
    dials = ", ".join(str(upstream.get("dial") or "") for upstream in handler.get("upstreams") or [])
    if dials or kind in _SERVING:
        return Fate.SERVED, one_line(f"{kind}{' to ' if dials else ''}{dials}: everybody is let in", 120)
    return Fate.UNCLEAR, one_line(f"handler {kind} decides", 80)


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
            return any(_name_fits(str(pattern), request.host) for pattern in about)
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


def _name_fits(pattern: str, host: str) -> bool:
    """A star stands for one label."""
    given, wanted = host.lower().split("."), pattern.lower().split(".")
    return len(given) == len(wanted) and all(
        fnmatchcase(label, want) for label, want in zip(given, wanted, strict=True)
    )


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

"""Caddy's running configuration (its JSON), and what it does with a request from outside."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any

from signoff.facts.base import Malformed
from signoff.facts.caddy_routes import STRANGER, Json, Request, end, steps
from signoff.facts.ruling import Fate, Network, Ruling, is_everybody, network
from signoff.message import say
from signoff.text import one_line


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
        return any(map(is_everybody, _ranges(self.about.get("trusted_proxies") or {})))


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
    senders = [STRANGER, *(net[0] for net in allowed_anywhere(servers))]
    asked = Request(host, path, budget=steps())
    own = [replace(asked, path=at, source=sender) for at in (path, "/") for sender in senders]
    ours = {_led(server, request) for server in outside for request in own} - {""}
    others = [(server, name) for server in outside for name in names((server,)) if name != host]
    return tuple(
        Ruling(Fate.SERVED, one_line(f"caddy server {server.name} as {name}", 160), why)
        for server, name in others
        if (why := _led(server, Request(name.replace("*", "any"), path, budget=asked.budget))) in ours
    )


def _led(server: Server, request: Request) -> str:
    """Return in words to which application a request comes; empty where to none."""
    fate, why = end(server.about.get("routes"), request)
    return why if fate is Fate.SERVED and " to " in why else ""


def names(servers: tuple[Server, ...]) -> tuple[str, ...]:
    """Return the host names that are served from outside."""
    routes = [route for server in servers if server.outside for route in server.about.get("routes") or []]
    sets = (matchers for route in routes for matchers in route.get("match") or [])
    return tuple(dict.fromkeys(str(name) for matchers in sets for name in matchers.get("host") or []))


def allowed_anywhere(servers: tuple[Server, ...]) -> tuple[Network, ...]:
    """Return every network that a matcher names, loopback and all."""
    found = (about for server in servers for about in _said(server.about, "remote_ip", "client_ip"))
    return tuple(dict.fromkeys(net for about in found for net in _ranges(about)))


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
    request = Request(host, path, believed=server.believes_everybody)

    def fate(**other: Any) -> tuple[Fate, str]:
        return end(server.about.get("routes"), replace(request, **other))

    refused, why = fate()
    if refused is Fate.SERVED:
        return Ruling(refused, where, why)
    sent, to = fate(method="POST")
    if sent is Fate.SERVED:
        return Ruling(sent, where, f"what is sent by POST is let through: {to}")
    allowed = tuple(net for net in allowed_anywhere((server,)) if fate(source=net[0])[0] is Fate.SERVED)
    if wide := [net for net in allowed if is_everybody(net)]:
        return Ruling(Fate.SERVED, where, f"{wide[0]} is let in: everybody, or nearly")
    # The same request again, with a claimed address: a header may open what is closed.
    claims = [*(net[0] for net in allowed), ip_address("127.0.0.1"), ip_address("10.0.0.1")]
    spoofed = ""
    if refused is Fate.REFUSED and any(fate(claimed=claim)[0] is not Fate.REFUSED for claim in claims):
        if request.believed:
            spoofed = "trusted_proxies takes X-Forwarded-For from everybody"
        else:
            spoofed = "remote_ip forwarded believes X-Forwarded-For"
    return Ruling(refused, where, why, allowed, spoofed)

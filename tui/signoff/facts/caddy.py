"""Caddy's running configuration (its JSON), and what it does with a request from outside."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
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
        raise Malformed(say("Caddy's configuration is not what Caddy prints")) from None


def rulings(servers: tuple[Server, ...], host: str, path: str) -> tuple[Ruling, ...]:
    """Return what each server that listens outside does with a path of a host."""
    return tuple(_ruling(server, host, path) for server in servers if server.outside)


def elsewhere(servers: tuple[Server, ...], host: str, path: str) -> tuple[Ruling, ...]:
    """Return where the host's own application serves a path to everybody under another name."""
    outside = [server for server in servers if server.outside]
    senders = [STRANGER, *(net[0] for net in allowed_anywhere(servers))]
    budget = steps()
    ours = {
        why
        for server in outside
        for at in (path, "/")
        for sender in senders
        if (why := _led(server, Request(host, at, source=sender, budget=budget)))
    }
    return tuple(
        Ruling(Fate.SERVED, one_line(f"caddy server {server.name} as {name}", 160), why)
        for server in outside
        for name in names((server,))
        if name != host
        and (why := _led(server, Request(name.replace("*", "any"), path, budget=budget))) in ours
    )


def _led(server: Server, request: Request) -> str:
    """Return in words to which application a request comes; empty where to none."""
    try:
        fate, why = end(server.about.get("routes") or [], request)
    except (AttributeError, TypeError, RecursionError):
        return ""
    return why if fate is Fate.SERVED and " to " in why else ""


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
        fate, why = end(routes, request)
        if fate is Fate.SERVED:
            return Ruling(fate, where, why)
        sent, to = end(routes, replace(request, method="POST"))
        if sent is Fate.SERVED:
            return Ruling(sent, where, f"what is sent by POST is let through: {to}")
        allowed = tuple(
            net
            for net in dict.fromkeys(_networks(server.about))
            if end(routes, replace(request, source=net[0]))[0] is Fate.SERVED
        )
        if wide := [net for net in allowed if is_everybody(net)]:
            return Ruling(Fate.SERVED, where, f"{wide[0]} is let in: everybody, or nearly")
        return Ruling(fate, where, why, allowed, _spoofed(routes, request, fate, allowed))
    except (AttributeError, TypeError, RecursionError):
        return Ruling(Fate.UNCLEAR, where, "a configuration that cannot be judged")


def _spoofed(routes: Sequence[Json], request: Request, fate: Fate, allowed: tuple[Network, ...]) -> str:
    """Return why a header opens what is closed: the same request again, with a claimed address."""
    if fate is not Fate.REFUSED:
        return ""
    claims = [*(net[0] for net in allowed), ip_address("127.0.0.1"), ip_address("10.0.0.1")]
    if all(end(routes, replace(request, claimed=claim))[0] is Fate.REFUSED for claim in claims):
        return ""
    if request.believed:
        return "trusted_proxies takes X-Forwarded-For from everybody"
    return "remote_ip forwarded believes X-Forwarded-For"

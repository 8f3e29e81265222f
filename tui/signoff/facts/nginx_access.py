"""What nginx does with a path: who is let in, who is turned away, and whose word is taken for an address."""

from __future__ import annotations

import re
from collections.abc import Iterator

from signoff.facts.base import Malformed
from signoff.facts.nginx import Directive, Server, is_sent_to_slash, locations_for, server_for
from signoff.facts.ruling import Fate, Network, Ruling, is_everybody, network
from signoff.text import one_line

_REFUSALS = frozenset({"400", "401", "403", "404", "405", "410", "418", "444"})
_ACCESS = frozenset({"allow", "deny"})
_VARIABLE = re.compile(r"\$\w+")


def rulings(servers: tuple[Server, ...], host: str, path: str) -> tuple[Ruling, ...]:
    """Return what each server that answers for a host does with a path."""
    listens = dict.fromkeys(listen for server in servers for listen in server.outside)
    found = dict.fromkeys(server_for(servers, listen, host) for listen in listens)
    return tuple(_ruling(server, path) for server in found if server)


def names(servers: tuple[Server, ...]) -> tuple[str, ...]:
    """Return every name that a server answers to from outside."""
    return tuple(dict.fromkeys(name for server in servers if server.outside for name in server.names))


def allowed_anywhere(servers: tuple[Server, ...]) -> tuple[Network, ...]:
    """Return every network that some rule lets in by name."""

    def walk(directive: Directive) -> Iterator[Network]:
        for inner in directive.block:
            if inner.name == "allow" and inner.args and (net := network(inner.args[0])):
                yield net
            yield from walk(inner)

    return tuple(
        dict.fromkeys(net for server in servers for net in (*walk(server.block), *walk(server.http)))
    )


_ALTERNATIVES = re.compile(r"\^?/\((?:\?(?:<\w+>|:))?([\w/|.-]+)\)")


def admin_locations(servers: tuple[Server, ...]) -> tuple[str, ...]:
    """Return the paths called ``admin`` that locations name, as prefixes or as ``^/(one|other)``."""

    def walk(directive: Directive) -> Iterator[str]:
        for location in directive.all("location"):
            pattern = location.args[-1] if location.args else ""
            if found := _ALTERNATIVES.match(pattern):
                yield from (f"/{name}/" for name in found[1].split("|"))
            elif re.fullmatch(r"\^?/[\w/.-]+", pattern):
                yield pattern.lstrip("^")
            yield from walk(location)

    named = dict.fromkeys(path for server in servers for path in walk(server.block))
    return tuple(path for path in named if "admin" in path.lower())


def _ruling(server: Server, path: str) -> Ruling:
    try:
        chain = (server.http, server.block, *locations_for(server, path))
    except Malformed as garbled:
        return Ruling(Fate.UNCLEAR, _named(server, ()), garbled.reason)
    where = _named(server, chain[2:])
    if is_sent_to_slash(server, path):
        return Ruling(Fate.REDIRECTED, where, f"sent on to {path}/")
    allowed, closed = _rules(chain)
    fate, why = _fate(chain, closed)
    if fate is Fate.SERVED and all(map(_is_private, server.outside)):
        fate, why = Fate.UNCLEAR, "it listens on a private address only: who reaches that is not known"
    # Where everybody is let in, nobody is let in by name.
    return Ruling(fate, where, why, allowed if fate is not Fate.SERVED else (), _spoofable(chain))


def _is_private(listen: str) -> bool:
    net = network(listen.rpartition(":")[0].strip("[]"))
    return net is not None and net.is_private and not is_everybody(net)


def _named(server: Server, locations: tuple[Directive, ...]) -> str:
    name = (server.names or ("_",))[0]
    places = "".join(f" location {' '.join(location.args)}" for location in locations[-1:])
    return one_line(f"nginx server {name} on {', '.join(server.outside)}{places}", 160)


def _innermost(chain: tuple[Directive, ...], wanted: frozenset[str]) -> tuple[Directive, ...]:
    """Directives of a level hide those of the levels above it."""
    for level in reversed(chain):
        if found := tuple(inner for inner in level.block if inner.name in wanted):
            return found
    return ()


def _value(chain: tuple[Directive, ...], name: str) -> str:
    found = _innermost(chain, frozenset({name}))
    return found[-1].args[0] if found and found[-1].args else ""


def _rules(chain: tuple[Directive, ...]) -> tuple[tuple[Network, ...], bool]:
    """Return the networks let in, and whether strangers are turned away: the first rule that fits decides."""
    allowed: list[Network] = []
    denied: set[int] = set()
    for rule in _innermost(chain, _ACCESS):
        argument = rule.args[0] if rule.args else ""
        net = network(argument)
        if argument == "all" or (net is not None and is_everybody(net)):
            if rule.name == "allow":
                return tuple(allowed), False
            denied |= {4, 6} if net is None else {net.version}
        elif rule.name == "allow" and net:
            allowed.append(net)
        if denied == {4, 6}:
            return tuple(allowed), True
    return tuple(allowed), False


def _fate(chain: tuple[Directive, ...], closed: bool) -> tuple[Fate, str]:
    # The rewrite phase, with return, comes before the access phase: server first, then location.
    for level in chain[1:]:
        for directive in level.all("return"):
            return _returned(directive.args)
    if any(level.all("internal") for level in chain[2:]):
        return Fate.REFUSED, "internal"
    if closed:
        return _closed(chain)
    conditional = [inner for level in chain[1:] for inner in level.all("if") if inner.all("return")]
    if conditional:
        # What it is compared with may be a secret, as of a header that a content network sends.
        asked = ", ".join(dict.fromkeys(_VARIABLE.findall(" ".join(conditional[0].args))))
        return Fate.UNCLEAR, one_line(f"an if on {asked or 'something'} decides", 120)
    if any(level.all("rewrite") for level in chain[1:]):
        return Fate.UNCLEAR, "rewrite may lead elsewhere"
    if _value(chain, "auth_request") not in {"", "off"}:
        return Fate.UNCLEAR, "auth_request decides"
    return Fate.SERVED, "no deny all: everybody is let in"


def _closed(chain: tuple[Directive, ...]) -> tuple[Fate, str]:
    if _value(chain, "satisfy") == "any" and _value(chain, "auth_basic") not in {"", "off"}:
        return Fate.SERVED, "satisfy any: a password is enough"
    if _value(chain, "satisfy") == "any" and _value(chain, "auth_request") not in {"", "off"}:
        return Fate.UNCLEAR, "satisfy any: auth_request may be enough"
    for page in _innermost(chain, frozenset({"error_page"})):
        if "403" in page.args and any(word.startswith(("=", "@")) for word in page.args):
            return Fate.UNCLEAR, "error_page turns the refusal into another answer"
    return Fate.REFUSED, "deny all"


def _returned(args: tuple[str, ...]) -> tuple[Fate, str]:
    status = args[0] if args else ""
    if status in _REFUSALS:
        return Fate.REFUSED, f"return {status}"
    if status.startswith(("3", "http", "$")):
        return Fate.REDIRECTED, "return " + " ".join(args).partition("?")[0]
    return Fate.SERVED, f"return {status}, before any deny"


def _spoofable(chain: tuple[Directive, ...]) -> str:
    """Return why anybody can choose the address that the rules see (ngx_http_realip_module)."""
    header = _value(chain, "real_ip_header") or "X-Real-IP"
    if header.lower() == "proxy_protocol":
        return ""
    for trusted in _innermost(chain, frozenset({"set_real_ip_from"})):
        net = network(trusted.args[0]) if trusted.args else None
        if net and is_everybody(net):
            return f"set_real_ip_from {net} takes {one_line(header)} from everybody"
    return ""

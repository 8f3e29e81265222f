"""What nginx does with a path: who is let in, who is turned away, and whose word is taken for an address."""

from __future__ import annotations

import re
from collections.abc import Iterator

from signoff.facts.base import Malformed
from signoff.facts.nginx import Directive, Server, is_sent_to_slash, locations_for, search, server_for
from signoff.facts.ruling import Fate, Network, Ruling, is_everybody, network
from signoff.text import one_line

_REFUSALS = frozenset({"400", "401", "403", "404", "405", "410", "418", "444"})
_ACCESS = frozenset({"allow", "deny"})
_PASSING = frozenset({"proxy_pass", "uwsgi_pass", "grpc_pass"})
_VARIABLE = re.compile(r"\$\w+")


def rulings(servers: tuple[Server, ...], host: str, path: str) -> tuple[Ruling, ...]:
    """Return what each server that answers for a host does with a path."""
    return tuple(_ruling(server, path) for server in _answering(servers, host))


def elsewhere(servers: tuple[Server, ...], host: str, path: str) -> tuple[Ruling, ...]:
    """Return where the host's own application serves a path to everybody under another name."""
    own = _answering(servers, host)
    ours = frozenset().union(*(_upstreams(server, at) for server in own for at in (path, "/")))
    others = (server for server in servers if server.outside and server not in own)
    found = (_ruling(server, path) for server in others if _upstreams(server, path) & ours)
    return tuple(ruling for ruling in found if ruling.fate is Fate.SERVED)


def _answering(servers: tuple[Server, ...], host: str) -> tuple[Server, ...]:
    listens = dict.fromkeys(listen for server in servers for listen in server.outside)
    found = dict.fromkeys(server_for(servers, listen, host) for listen in listens)
    return tuple(server for server in found if server)


def _upstreams(server: Server, path: str) -> frozenset[str]:
    """Return the applications that a path is passed on to, each by where it listens."""
    try:
        chain = (server.http, server.block, *locations_for(server, path))
    except Malformed:
        return frozenset()
    # Not what is passed to FastCGI: one PHP serves many sites.
    named = [_place(inner.args[0]) for inner in chain[-1].block if inner.name in _PASSING and inner.args]
    pools = {pool.args[0]: pool.all("server") for pool in server.http.all("upstream") if pool.args}
    members = (one.args[0] for name in named for one in pools.get(name, ()) if one.args)
    places = (*members, *(name for name in named if name not in pools))
    return frozenset(re.sub(r"^localhost\b", "127.0.0.1", place) for place in places if "$" not in place)


def _place(passed: str) -> str:
    """Return the address, the socket or the name that a request is passed to, without scheme and path."""
    place = passed.rpartition("://")[2]
    if place.startswith("unix:"):
        return "unix:" + place.removeprefix("unix:").partition(":")[0]
    return place.partition("/")[0]


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
        moved = _rewritten(chain, path)
    except Malformed as garbled:
        return Ruling(Fate.UNCLEAR, _named(server, ()), garbled.reason)
    where = _named(server, chain[2:])
    if is_sent_to_slash(server, path):
        return Ruling(Fate.REDIRECTED, where, f"sent on to {path}/")
    allowed, closed = _rules(chain)
    fate, why = moved or _fate(chain, closed)
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
            if directive.args and _has_page(chain, directive.args[0]):
                return Fate.UNCLEAR, "error_page turns the refusal into another answer"
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
    if _value(chain, "auth_request") not in {"", "off"}:
        return Fate.UNCLEAR, "auth_request decides"
    return Fate.SERVED, "no deny all: everybody is let in"


def _rewritten(chain: tuple[Directive, ...], path: str) -> tuple[Fate, str] | None:
    """Return what leads a path elsewhere, to other rules: that comes before any allow and deny."""
    for level in chain[1:]:
        moved = None
        for directive in level.block:
            if directive.name == "return":
                return None
            pattern, target, flag = (*directive.args, "", "", "")[:3]
            if directive.name != "rewrite" or not search(pattern, path):
                continue
            if flag in {"permanent", "redirect"} or target.startswith(("http://", "https://", "$scheme")):
                return Fate.REDIRECTED, "rewrite " + target.partition("?")[0]
            if level.name == "location" and flag == "break":
                break
            moved = Fate.UNCLEAR, one_line(f"rewrite {pattern} leads to other rules", 120)
            if flag:
                return moved
        if moved:
            return moved
    return None


def _closed(chain: tuple[Directive, ...]) -> tuple[Fate, str]:
    if _value(chain, "satisfy") == "any" and _value(chain, "auth_basic") not in {"", "off"}:
        return Fate.SERVED, "satisfy any: a password is enough"
    if _value(chain, "satisfy") == "any" and _value(chain, "auth_request") not in {"", "off"}:
        return Fate.UNCLEAR, "satisfy any: auth_request may be enough"
    if _has_page(chain, "403"):
        return Fate.UNCLEAR, "error_page turns the refusal into another answer"
    return Fate.REFUSED, "deny all"


def _returned(args: tuple[str, ...]) -> tuple[Fate, str]:
    status = args[0] if args else ""
    if status in _REFUSALS:
        return Fate.REFUSED, f"return {status}"
    if status.startswith(("3", "http", "$")):
        return Fate.REDIRECTED, "return " + " ".join(args).partition("?")[0]
    return Fate.SERVED, f"return {status}, before any deny"


def _has_page(chain: tuple[Directive, ...], status: str) -> bool:
    return any(
        status in page.args and any(word.startswith(("=", "@")) for word in page.args)
        for page in _innermost(chain, frozenset({"error_page"}))
    )


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

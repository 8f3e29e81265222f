"""What nginx does with a path: who is let in, who is turned away, and whose word is taken for an address."""

from __future__ import annotations

import re
from collections.abc import Iterator

from signoff.facts.base import Malformed
from signoff.facts.nginx import Directive, Server, is_sent_to_slash, locations_for, search, server_for
from signoff.facts.ruling import Fate, Network, Ruling, is_everybody, network
from signoff.message import NOTHING, Message, say
from signoff.text import one_line

_REFUSALS = frozenset({"400", "401", "403", "404", "405", "410", "418", "444"})
_PLACE = re.compile(r"(?:(?!unix:)[^/]*://)?(unix:[^:]*|[^/]*).*", re.DOTALL)
_OWN_PAGE = say("error_page turns the refusal into another answer")
_ALTERNATIVES = re.compile(r"\^?/\((?:\?(?:<\w+>|:))?([\w/|.-]+)\)")

Chain = tuple[Directive, ...]
"""``http``, ``server`` and the locations that a path falls into."""


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
        chain = _chain(server, path)
    except Malformed:
        return frozenset()
    # Not what is passed to FastCGI: one PHP serves many sites.
    passing = chain[-1].all("proxy_pass", "uwsgi_pass", "grpc_pass")
    pools = {pool.first: pool.all("server") for pool in server.http.all("upstream")}
    named = {_place(one): one for one in passing}
    members = [one for place, passed in named.items() for one in pools.get(place, (passed,))]
    return frozenset(place for place in map(_place, members) if "$" not in place)


def _place(passed: Directive) -> str:
    """Return the address, the socket or the name that requests go to, without scheme and path."""
    return re.sub(r"^localhost\b", "127.0.0.1", _PLACE.sub(r"\1", passed.first))


def upstreams(servers: tuple[Server, ...]) -> tuple[str, ...]:
    """Return the places that any request is passed on to."""
    passing = _everywhere(servers, "proxy_pass", "uwsgi_pass", "server")
    return tuple(_place(one) for one in passing if one.first)


def _everywhere(servers: tuple[Server, ...], *names: str) -> Iterator[Directive]:
    wholes = dict.fromkeys(server.http for server in servers)
    return (one for http in wholes for one in http.within() if one.name in names)


def names(servers: tuple[Server, ...]) -> tuple[str, ...]:
    """Return every name that a server answers to from outside."""
    return tuple(dict.fromkeys(name for server in servers if server.outside for name in server.names))


def allowed_anywhere(servers: tuple[Server, ...]) -> tuple[Network, ...]:
    """Return every network that some rule lets in by name."""
    found = (network(rule.first) for rule in _everywhere(servers, "allow"))
    return tuple(dict.fromkeys(net for net in found if net))


def admin_locations(servers: tuple[Server, ...]) -> tuple[str, ...]:
    """Return the paths called ``admin`` that locations name, as prefixes or as ``^/(one|other)``."""

    def paths(pattern: str) -> list[str]:
        if found := _ALTERNATIVES.match(pattern):
            return [f"/{name}/" for name in found[1].split("|")]
        return [pattern.lstrip("^")] if re.fullmatch(r"\^?/[\w/.-]+", pattern) else []

    inner = (one for server in servers for one in server.block.within() if one.name == "location")
    named = dict.fromkeys(path for location in inner for path in paths("".join(location.args[-1:])))
    return tuple(path for path in named if "admin" in path.lower())


def _chain(server: Server, path: str) -> Chain:
    return (server.http, server.block, *locations_for(server.block, path))


def _ruling(server: Server, path: str) -> Ruling:
    where = f"nginx server {(server.names or ('_',))[0]} on {', '.join(server.outside)}"
    try:
        chain = _chain(server, path)
        moved = _rewritten(chain, path)
    except Malformed as garbled:
        return Ruling(Fate.UNCLEAR, one_line(where, 160), garbled.reason)
    where = one_line(" location ".join([where, *(" ".join(one.args) for one in chain[2:][-1:])]), 160)
    if is_sent_to_slash(server, path):
        return Ruling(Fate.REDIRECTED, where, say("sent on to {path}/", path=path))
    allowed, closed = _rules(chain)
    fate, why = moved or _fate(chain, closed=closed)
    if fate is Fate.SERVED and all(map(_is_private, server.outside)):
        fate, why = Fate.UNCLEAR, say("it listens on a private address only: who reaches it is not known")
    # Where everybody is let in, nobody is let in by name.
    return Ruling(fate, where, why, allowed if fate is not Fate.SERVED else (), _spoofable(chain))


def _is_private(listen: str) -> bool:
    net = network(listen.rpartition(":")[0].strip("[]"))
    return net is not None and net.is_private and not net.is_unspecified


def _innermost(chain: Chain, *names: str) -> Chain:
    """Directives of a level hide those of the levels above it."""
    return next((found for level in reversed(chain) if (found := level.all(*names))), ())


def _value(chain: Chain, name: str) -> str:
    return "".join(directive.first for directive in _innermost(chain, name)[-1:])


def _is_on(chain: Chain, name: str) -> bool:
    return _value(chain, name) not in {"", "off"}


def _rules(chain: Chain) -> tuple[tuple[Network, ...], bool]:
    """Return the networks let in, and whether strangers are turned away: the first rule that fits decides."""
    allowed: list[Network] = []
    denied: set[int] = set()
    for rule in _innermost(chain, "allow", "deny"):
        net = network(rule.first)
        if rule.first == "all" or (net is not None and is_everybody(net)):
            if rule.name == "allow":
                break
            denied |= {net.version} if net else {4, 6}
        elif rule.name == "allow" and net:
            allowed.append(net)
        if denied == {4, 6}:
            return tuple(allowed), True
    return tuple(allowed), False


def _fate(chain: Chain, *, closed: bool) -> tuple[Fate, Message]:
    """Return what becomes of strangers in a chain that leads nowhere else: the first that holds."""
    # The rewrite phase, with return, comes before the access phase: server first, then location.
    for one in (one for level in chain[1:] for one in level.all("return")):
        return _returned(chain, one)
    conditions = [one.args for level in chain[1:] for one in level.all("if") if one.all("return")]
    # What it is compared with may be a secret, as of a header that a content network sends.
    asked = ", ".join(dict.fromkeys(re.findall(r"\$\w+", " ".join(conditions[0] if conditions else ()))))
    asked = one_line(asked, 100) or "something"
    either = closed and _value(chain, "satisfy") == "any"
    is_asked = _is_on(chain, "auth_request")
    table = (
        (any(level.all("internal") for level in chain[2:]), Fate.REFUSED, say("internal")),
        (either and _is_on(chain, "auth_basic"), Fate.SERVED, say("satisfy any: a password is enough")),
        (either and is_asked, Fate.UNCLEAR, say("satisfy any: auth_request may be enough")),
        (closed and _has_page(chain, "403"), Fate.UNCLEAR, _OWN_PAGE),
        (closed, Fate.REFUSED, say("deny all")),
        (bool(conditions), Fate.UNCLEAR, say("an if on {asked} decides", asked=asked)),
        (is_asked, Fate.UNCLEAR, say("auth_request decides")),
        (True, Fate.SERVED, say("no deny all: everybody is let in")),
    )
    return next((fate, why) for holds, fate, why in table if holds)


def _returned(chain: Chain, returned: Directive) -> tuple[Fate, Message]:
    status = returned.first
    if status and _has_page(chain, status):
        return Fate.UNCLEAR, _OWN_PAGE
    if status in _REFUSALS:
        return Fate.REFUSED, say("return {status}", status=status)
    if status.startswith(("3", "http", "$")):
        return Fate.REDIRECTED, say("return {target}", target=" ".join(returned.args).partition("?")[0])
    return Fate.SERVED, say("return {status}, before any deny", status=status)


def _has_page(chain: Chain, status: str) -> bool:
    pages = [page.args for page in _innermost(chain, "error_page") if status in page.args]
    return any(word.startswith(("=", "@")) for args in pages for word in args)


def _rewritten(chain: Chain, path: str) -> tuple[Fate, Message] | None:
    """Return what leads a path elsewhere, to other rules: that comes before any allow and deny."""
    for level in chain[1:]:
        for directive in level.all("return", "rewrite"):
            pattern, target, flag = (*directive.args, "", "", "")[:3]
            if directive.name == "return":
                return None
            if not search(pattern, path):
                continue
            if level.name == "location" and flag == "break":
                break
            if flag in {"permanent", "redirect"} or target.startswith(("http://", "https://", "$scheme")):
                return Fate.REDIRECTED, say("rewrite {target}", target=target.partition("?")[0])
            return Fate.UNCLEAR, say("rewrite {pattern} leads to other rules", pattern=one_line(pattern, 100))
    return None


def _spoofable(chain: Chain) -> Message:
    """Return why anybody can choose the address that the rules see (ngx_http_realip_module)."""
    header = _value(chain, "real_ip_header") or "X-Real-IP"
    trusted = [network(one.first) for one in _innermost(chain, "set_real_ip_from")]
    wide = [net for net in trusted if net and is_everybody(net)]
    if not wide or header.lower() == "proxy_protocol":
        return NOTHING
    return say("set_real_ip_from {net} takes {name} from everybody", net=wide[0], name=one_line(header))

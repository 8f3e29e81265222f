"""nginx's configuration as ``nginx -T`` prints it, and what it does with a request.

Sources: nginx.org/en/docs: ngx_http_core_module (server_name, location), ngx_http_access_module,
ngx_http_realip_module, ngx_http_rewrite_module, and "How nginx processes a request".
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from posixpath import dirname, join

from signoff.facts.base import Malformed
from signoff.facts.budget import Budget
from signoff.facts.ruling import too_slow
from signoff.message import say

_FILE = re.compile(r"^# configuration file (.+):$", re.MULTILINE)
_DEEPEST = 64
_MOST_STEPS = 1_000_000
_INSIDE = ("127.", "[::1]", "localhost", "unix:")
_TOKEN = re.compile(
    r"""
      \s+ | \#[^\n]*                                                       # blanks, comments
    | (?P<quoted> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' )
    | (?P<mark> [;{}] )
    | (?P<word> (?: \$\{[^}\s;{]*\} | \\. | [^\s;{}\\] | (?<=\$)\{ )+ )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, eq=False)
class Directive:
    """One directive with its arguments; ``block`` is what its braces hold."""

    name: str
    args: tuple[str, ...]
    block: tuple[Directive, ...] = ()

    @property
    def first(self) -> str:
        """Its first argument; empty where it has none."""
        return self.args[0] if self.args else ""

    def all(self, *names: str) -> tuple[Directive, ...]:
        """Return the directives of these names directly inside."""
        return tuple(inner for inner in self.block if inner.name in names)

    def within(self) -> Iterator[Directive]:
        """Yield the directives at any depth inside."""
        for inner in self.block:
            yield inner
            yield from inner.within()


@dataclass(frozen=True, eq=False)
class Server:
    """One ``server`` block, with what it inherits from ``http``."""

    http: Directive
    block: Directive

    @property
    def names(self) -> tuple[str, ...]:
        """The names it answers to."""
        return tuple(name for directive in self.block.all("server_name") for name in directive.args)

    @property
    def outside(self) -> dict[str, bool]:
        """Where it can be reached from outside, and whether it answers there for names that no server has."""
        listens = [one.args for one in self.block.all("listen") if one.args] or [("80",)]
        outside = [args for args in listens if not args[0].startswith(_INSIDE)]
        return {_plain(args[0]): not {"default_server", "default"}.isdisjoint(args) for args in outside}


def _plain(listen: str) -> str:
    """Return an address and port in one spelling: 80, *:80 and 0.0.0.0:80 are the same."""
    listen = re.sub(r"^(\*|0\.0\.0\.0):", "", listen)
    return listen if ":" in listen or listen.isdecimal() else f"{listen}:80"


def parse(dump: str) -> tuple[Server, ...]:
    """Return the servers of ``nginx -T``'s output, in order; raise Malformed where it is not such.

    Also where it is more than can be judged: files may include each other again and again, and every name and
    every upstream is looked for at every address and in every server.
    """
    _, *pieces = _FILE.split(dump)
    if not pieces:
        raise Malformed(say("nginx -T: no configuration file in its output"))
    main, files = pieces[0], dict(zip(pieces[::2], pieces[1::2], strict=True))
    budget = Budget(_MOST_STEPS, "nginx -T")

    @cache
    def read(name: str) -> tuple[Directive, ...]:
        return tuple(_block(_TOKEN.finditer(files[name]), budget))

    def whole(directives: tuple[Directive, ...], depth: int = 0) -> Iterator[Directive]:
        """Yield directives with those of the included files in their places."""
        if depth > _DEEPEST:
            raise Malformed(say("nginx -T: the files include each other"))
        for directive in directives:
            budget.spend()
            if directive.name == "include":
                pattern = join(dirname(main), directive.first)
                budget.spend(1 if pattern in files else len(files))
                for name in [pattern] if pattern in files else sorted(fnmatch.filter(files, pattern)):
                    yield from whole(read(name), depth + 1)
            else:
                yield Directive(directive.name, directive.args, tuple(whole(directive.block, depth + 1)))

    found = tuple(whole(read(main)))
    servers = tuple(Server(http, one) for http in found if http.name == "http" for one in http.all("server"))
    places = {listen for server in servers for listen in server.outside}
    names = sum(len(server.names) + len(server.outside) for server in servers)
    upstreams = sum(len(http.all("upstream")) for http in found)
    budget.spend(len(places) * names + len(servers) * upstreams)
    return servers


def _block(tokens: Iterator[re.Match[str]], budget: Budget, depth: int = 0) -> Iterator[Directive]:
    """Yield the directives up to the end of a block; what is quoted is no mark."""
    words: list[str] = []
    for token in tokens:
        budget.spend()
        match token.lastgroup, token[0]:
            case "quoted", text:
                words.append(re.sub(r"\\([\"'\\])", r"\1", text[1:-1]))
            case "word", text:
                words.append(text)
            case "mark", "}":
                return
            case "mark", mark if words:
                if depth > _DEEPEST:
                    raise Malformed(say("nginx -T: blocks nested too deep"))
                block = tuple(_block(tokens, budget, depth + 1)) if mark == "{" else ()
                yield Directive(words[0], tuple(words[1:]), block)
                words = []
            case "other", _:
                raise Malformed(say("nginx -T: not the syntax of nginx"))


def server_for(servers: tuple[Server, ...], listen: str, host: str) -> Server | None:
    """Return the server that answers for a host name on one address and port."""
    here = [server for server in servers if listen in server.outside]
    fits = [(fit, server) for server in here for name in server.names if (fit := _fit(name, host.lower()))]
    if fits:
        return min(fits, key=itemgetter(0))[1]
    return next((server for server in here if server.outside[listen]), here[0] if here else None)


def _fit(name: str, host: str) -> tuple[int, int] | None:
    """Return how well a name fits: exact, leading star, trailing star, expression; the longer the better."""
    if name.startswith("~"):
        return (3, 0) if search(name[1:], host) else None
    name = name.lower()
    if host in {name, name.removeprefix(".")}:
        return 0, 0
    if name.startswith(("*.", ".")) and host.endswith(name.lstrip("*")):
        return 1, -len(name)
    return (2, -len(name)) if name.endswith(".*") and host.startswith(name[:-1]) else None


def locations_for(parent: Directive, path: str) -> tuple[Directive, ...]:
    """Return the chain of locations that a path falls into, the outermost first; empty for none.

    Exact, then the longest prefix, unless a regular expression fits and the prefix is not ``^~``.
    """
    locations = [(*_modifier(one), one) for one in parent.all("location")]
    if exact := [one for modifier, pattern, one in locations if (modifier, pattern) == ("=", path)]:
        return (exact[0],)
    prefixes = [
        (pattern, modifier, one)
        for modifier, pattern, one in locations
        if modifier in {"", "^~"} and path.startswith(pattern)
    ]
    _, held, prefix = max(prefixes, key=lambda found: len(found[0]), default=("", "", None))
    by_prefix = (prefix, *locations_for(prefix, path)) if prefix else ()
    if held == "^~" or any(_modifier(inner)[0] in {"=", "~", "~*"} for inner in by_prefix[1:2]):
        return by_prefix
    for modifier, pattern, one in locations:
        if modifier in {"~", "~*"} and search("(?i)" * (modifier == "~*") + pattern, path):
            return (one, *locations_for(one, path))
    return by_prefix


def is_sent_to_slash(server: Server, path: str) -> bool:
    """Tell whether nginx itself redirects a path to itself with a slash (core module, location)."""
    places = {_modifier(location): location.block for location in server.block.all("location")}
    passing = [inner.name for kind in ("", "^~") for inner in places.get((kind, f"{path}/"), ())]
    return ("=", path) not in places and any(name.endswith("_pass") for name in passing)


def _modifier(location: Directive) -> tuple[str, str]:
    """Return a location's modifier and pattern, a blank between or not; a named one (@) fits nothing."""
    whole = "".join(location.args)
    modifier = next(one for one in ("=", "^~", "~*", "~", "@", "") if whole.startswith(one))
    return modifier, whole.removeprefix(modifier)


def search(pattern: str, text: str) -> bool:
    """Search with a PCRE as Python reads it; raise Malformed where Python cannot."""
    # Python spells a named group otherwise.
    pattern = re.sub(r"\(\?<(?![=!])", "(?P<", pattern)
    if too_slow(pattern, text):
        raise Malformed(say("nginx -T: a regular expression that takes too long"))
    try:
        return bool(re.search(pattern, text))
    except re.error:
        raise Malformed(say("nginx -T: a regular expression that cannot be judged")) from None

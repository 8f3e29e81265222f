"""nginx's configuration as ``nginx -T`` prints it, and what it does with a request.

Sources: nginx.org/en/docs: ngx_http_core_module (server_name, location), ngx_http_access_module,
ngx_http_realip_module, ngx_http_rewrite_module, and "How nginx processes a request".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from posixpath import dirname, join

from signoff.facts.base import Malformed
from signoff.facts.budget import Budget
from signoff.facts.ruling import too_slow
from signoff.message import say

_FILE = re.compile(r"^# configuration file (.+):$", re.MULTILINE)
_DEEPEST = 64
_MOST_STEPS = 1_000_000
_MARKS = frozenset({";", "{", "}"})


@dataclass(frozen=True)
class Directive:
    """One directive with its arguments; ``block`` is what its braces hold."""

    name: str
    args: tuple[str, ...]
    block: tuple[Directive, ...] = ()

    def all(self, name: str) -> tuple[Directive, ...]:
        """Return the directives of this name directly inside."""
        return tuple(inner for inner in self.block if inner.name == name)


@dataclass(frozen=True)
class Server:
    """One ``server`` block, with what it inherits from ``http``."""

    http: Directive
    block: Directive

    @property
    def names(self) -> tuple[str, ...]:
        """The names it answers to."""
        return tuple(name for directive in self.block.all("server_name") for name in directive.args)

    @property
    def listens(self) -> tuple[tuple[str, ...], ...]:
        """The arguments of its ``listen`` directives; of the default where it has none."""
        return tuple(directive.args for directive in self.block.all("listen")) or (("80",),)

    @property
    def outside(self) -> tuple[str, ...]:
        """The addresses and ports on which it can be reached from outside."""
        return tuple(_plain(args[0]) for args in self.listens if args and not _is_inside(args[0]))

    def is_default_on(self, listen: str) -> bool:
        """Tell whether it answers there for names that no server has."""
        return any(
            _plain(args[0]) == listen and {"default_server", "default"} & set(args) for args in self.listens
        )


def _plain(listen: str) -> str:
    """Return an address and port in one spelling: 80, *:80 and 0.0.0.0:80 are the same."""
    listen = re.sub(r"^(\*|0\.0\.0\.0):", "", listen)
    return listen if ":" in listen or listen.isdecimal() else f"{listen}:80"


def _is_inside(listen: str) -> bool:
    return listen.startswith(("127.", "[::1]", "localhost", "unix:"))


def parse(dump: str) -> tuple[Server, ...]:
    """Return the servers of ``nginx -T``'s output, in order; raise Malformed where it is not such.

    Also where it is more than can be judged: files may include each other again and again.
    """
    pieces = _FILE.split(dump)
    files = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    if not files:
        raise Malformed(say("nginx -T: no configuration file in its output"))
    main = pieces[1]
    found = tuple(_Files(files, dirname(main)).directives(main, 0))
    servers = tuple(
        Server(http, server) for http in found if http.name == "http" for server in http.all("server")
    )
    _stay_judgeable(found, servers)
    return servers


def _stay_judgeable(found: tuple[Directive, ...], servers: tuple[Server, ...]) -> None:
    """Every name and every upstream is looked for at every address and in every server."""
    places = {listen for server in servers for listen in server.outside}
    named = sum(len(server.names) + len(server.listens) for server in servers)
    upstreams = sum(len(http.all("upstream")) for http in found)
    Budget(_MOST_STEPS, "nginx -T").spend(len(places) * named + len(servers) * upstreams)


class _Files:
    """The files of a configuration, each read once; ``folder`` is where relative names begin."""

    def __init__(self, files: dict[str, str], folder: str) -> None:
        self._files = files
        self._names = sorted(files)
        self._folder = folder
        self._read: dict[str, tuple[Directive, ...]] = {}
        self._budget = Budget(_MOST_STEPS, "nginx -T")

    def directives(self, name: str, depth: int) -> Iterator[Directive]:
        """Yield the directives of a file with those of the included files in their places."""
        if name not in self._read:
            self._read[name] = tuple(_block(_tokens(self._files[name], self._budget), 0))
        return self._included(self._read[name], depth)

    def _included(self, directives: tuple[Directive, ...], depth: int) -> Iterator[Directive]:
        if depth > _DEEPEST:
            raise Malformed(say("nginx -T: the files include each other"))
        for directive in directives:
            self._budget.spend()
            if directive.name == "include" and directive.args:
                for name in self._named(join(self._folder, directive.args[0])):
                    yield from self.directives(name, depth + 1)
            else:
                block = tuple(self._included(directive.block, depth + 1))
                yield Directive(directive.name, directive.args, block)

    def _named(self, pattern: str) -> list[str]:
        if not set(pattern) & set("*?["):
            return [pattern] if pattern in self._files else []
        self._budget.spend(len(self._names))
        return [name for name in self._names if fnmatchcase(name, pattern)]


def _block(tokens: Iterator[tuple[str, bool]], depth: int) -> Iterator[Directive]:
    words: list[str] = []
    for word, quoted in tokens:
        if quoted or word not in _MARKS:
            words.append(word)
        elif word == "}":
            return
        elif words:
            if depth > _DEEPEST:
                raise Malformed(say("nginx -T: blocks nested too deep"))
            block = tuple(_block(tokens, depth + 1)) if word == "{" else ()
            yield Directive(words[0], tuple(words[1:]), block)
            words = []


_TOKEN = re.compile(
    r"""
      \s+ | \#[^\n]*                                                       # blanks, comments
    | (?P<quoted> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' )
    | (?P<mark> [;{}] )
    | (?P<word> (?: \$\{[^}\s;{]*\} | \\. | [^\s;{}\\] | (?<=\$)\{ )+ )
    """,
    re.VERBOSE | re.DOTALL,
)


def _tokens(text: str, budget: Budget) -> Iterator[tuple[str, bool]]:
    """Yield words and marks; a quoted word is told from a mark."""
    at = 0
    while at < len(text):
        budget.spend()
        found = _TOKEN.match(text, at)
        if not found:
            raise Malformed(say("nginx -T: not the syntax of nginx"))
        at = found.end()
        if quoted := found["quoted"]:
            yield re.sub(r"\\([\"'\\])", r"\1", quoted[1:-1]), True
        elif word := found["mark"] or found["word"]:
            yield word, False


def server_for(servers: tuple[Server, ...], listen: str, host: str) -> Server | None:
    """Return the server that answers for a host name on one address and port."""
    here = [server for server in servers if listen in server.outside]
    host = host.lower()
    ranked = sorted(
        (
            (rank, -length, order)
            for order, server in enumerate(here)
            for rank, length in _matches(server, host)
        ),
    )
    if ranked:
        return here[ranked[0][2]]
    return next((server for server in here if server.is_default_on(listen)), here[0] if here else None)


def _matches(server: Server, host: str) -> Iterator[tuple[int, int]]:
    """Yield how well a server's names fit: exact, leading star, trailing star, regular expression."""
    for name in server.names:
        if name.startswith("~"):
            if search(name[1:], host):
                yield 3, 0
        elif name.lower() == host or (name.startswith(".") and host == name[1:].lower()):
            yield 0, 0
        elif name.startswith(("*.", ".")) and host.endswith(name.lstrip("*").lower()):
            yield 1, len(name)
        elif name.endswith(".*") and host.startswith(name[:-1].lower()):
            yield 2, len(name)


def locations_for(server: Server, path: str) -> tuple[Directive, ...]:
    """Return the chain of locations that a path falls into, the outermost first; empty for none."""
    return tuple(_find(server.block, path))


def is_sent_to_slash(server: Server, path: str) -> bool:
    """Tell whether nginx itself redirects a path to itself with a slash (core module, location)."""
    if any(_modifier(location) == ("=", path) for location in server.block.all("location")):
        return False
    return any(
        _modifier(location) in {("", f"{path}/"), ("^~", f"{path}/")}
        and any(inner.name.endswith("_pass") for inner in location.block)
        for location in server.block.all("location")
    )


def _find(parent: Directive, path: str) -> list[Directive]:
    """Exact, then the longest prefix, unless a regular expression fits and the prefix is not ``^~``."""
    locations = [(*_modifier(location), location) for location in parent.all("location")]
    for modifier, pattern, location in locations:
        if modifier == "=" and pattern == path:
            return [location]
    prefixes = [
        (len(pattern), modifier, location)
        for modifier, pattern, location in locations
        if modifier in {"", "^~"} and path.startswith(pattern)
    ]
    _, held, prefix = max(prefixes, key=lambda found: found[0], default=(0, "", None))
    inner = _find(prefix, path) if prefix else []
    if inner and _modifier(inner[0])[0] not in {"", "^~"} and prefix:
        return [prefix, *inner]
    if held != "^~":
        for modifier, pattern, location in locations:
            if modifier in {"~", "~*"} and search(pattern, path, ignore_case=modifier == "~*"):
                return [location, *_find(location, path)]
    return [prefix, *inner] if prefix else []


def _modifier(location: Directive) -> tuple[str, str]:
    """Return a location's modifier and pattern; a named one fits nothing."""
    if len(location.args) == 2:
        return location.args[0], location.args[1]
    pattern = location.args[0] if location.args else ""
    for modifier in ("=", "^~", "~*", "~"):
        if pattern.startswith(modifier):
            return modifier, pattern.removeprefix(modifier)
    return ("@", pattern) if pattern.startswith("@") else ("", pattern)


def search(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Search with a PCRE as Python reads it; raise Malformed where Python cannot."""
    # Python spells a named group otherwise.
    pattern = re.sub(r"\(\?<(?![=!])", "(?P<", pattern)
    if too_slow(pattern, text):
        raise Malformed(say("nginx -T: a regular expression that takes too long"))
    try:
        return bool(re.search(pattern, text, re.IGNORECASE if ignore_case else 0))
    except re.error:
        raise Malformed(say("nginx -T: a regular expression that cannot be judged")) from None

"""Requests to the admin panel, and what is kept of each answer."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from signoff.target.outside import HungUpError, NotAskedError, Outside, OutsideError
from signoff.text import one_line

MOST_FORGED = 4
"""Paths that forged headers and other spellings are tried with."""
BELOW = "a page below it"
_HOPS = 2

# What an application says that refuses for want of a login, and not for the address.
_LOGIN = re.compile(rb"(?i)credential|authenticat|log ?in|sign ?in|csrf|token|session|permission|unauthori")
_SERVERS_OWN = re.compile(rb"(?i)<center>(nginx|openresty)|<address>Apache")

_FORWARDED = ("X-Forwarded-For", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "X-Originating-IP")

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Answer:
    """What one request came to."""

    address: str
    url: str
    path: str
    status: int = 0  # 0 where there was no answer
    location: str = ""
    digest: str = ""  # of the body without the path and numbers in it
    empty: bool = False
    asks_login: bool = False
    servers_own: bool = False  # the web server's own refusal, and not of what is behind it
    how: str = ""  # what was special about the request; empty for an ordinary one
    error: str = ""  # why there was no answer
    hung_up: bool = False  # tells a refusal from an answer that did not come in time
    asked: bool = True  # neither, where it is not

    def __str__(self) -> str:
        said = f"{self.status}" if self.status else f"no answer ({self.error})"
        led = f" to {self.location}" if self.location else ""
        how = f" with {self.how}" if self.how else ""
        return one_line(f"{self.url} at {self.address}{how}: {said}{led}")


@dataclass(frozen=True)
class View:
    """One way in: the front page, a path that cannot exist, and the admin paths, all asked alike."""

    address: str
    base: str
    front: Answer
    random: Answer
    answers: tuple[Answer, ...] = ()


class Want(NamedTuple):
    """A request that stands in for one for ``path``; ``how`` says what is special about it."""

    path: str
    asked: str
    how: str
    headers: Headers = ()


@dataclass(frozen=True)
class Asker:
    """Makes the requests, several at a time, and keeps of each answer what is judged."""

    outside: Outside
    host: str
    pool: ThreadPoolExecutor
    nowhere: str = field(default_factory=lambda: f"/{secrets.token_hex(8)}/")

    def views(self, ways: Iterable[tuple[str, str, str]], paths: tuple[str, ...]) -> tuple[View, ...]:
        """Ask each way in (address, base URL, Host) for the front page, for nothing, and for the paths."""

        def view(way: tuple[str, str, str]) -> View:
            ask = partial(self._ask, *way)
            front = ask("/")
            if not front.status:
                # Nothing answers here, or it hangs up on strangers: one more request tells which.
                return View(*way[:2], front, replace(front, path=self.nowhere), (ask(paths[0]),))
            return View(*way[:2], front, ask(self.nowhere), tuple(map(ask, paths)))

        return tuple(self.pool.map(view, ways))

    def forged(self, view: View, refused: Sequence[str], claims: Iterable[str]) -> View:
        """Ask again for what was not let in, as somebody else."""
        named = [headers for claim in claims for headers in _naming(claim)]
        closed = refused[:MOST_FORGED]
        return self._again(
            view, [Want(path, path, ": ".join(one[0]), one) for path in closed for one in named]
        )

    def spelt(self, view: View, refused: Sequence[str]) -> View:
        """Ask for what was not let in under other spellings, and for a page below it that cannot exist."""
        below = f"{self.nowhere.rstrip('/')}.php"
        wanted = [Want(path, path.rstrip("/") + below, BELOW) for path in refused]
        for path in refused[:MOST_FORGED]:
            slash = path.rstrip("/") if path.endswith("/") else f"{path}/"
            wanted += [Want(path, other, "another spelling") for other in (slash, path.swapcase())]
        return self._again(view, wanted)

    def _again(self, view: View, wanted: Iterable[Want]) -> View:
        def ask(want: Want) -> Answer:
            answer = self._ask(view.address, view.base, self.host, want.asked, want.headers)
            return replace(answer, path=want.path, how=want.how)

        return replace(view, answers=tuple(self.pool.map(ask, wanted)))

    def _ask(self, address: str, base: str, host: str, path: str, headers: Headers = ()) -> Answer:
        """Make one request, and follow it where it leads to the same place under another spelling."""
        how = f"Host: {host}" if host not in {"", urlsplit(base).hostname} else ""
        made = partial(Answer, address, path=path, how=how)
        url = base + path
        for _ in range(_HOPS + 1):
            try:
                response = self.outside.request(url, address=address, host=host, headers=headers)
            except OutsideError as failure:
                asked, hung_up = not isinstance(failure, NotAskedError), isinstance(failure, HungUpError)
                return made(url, error=one_line(failure.message, 120), hung_up=hung_up, asked=asked)
            said, body = dict(reversed(response.headers)), response.body
            answer = made(
                url,
                status=response.status,
                # What follows the question mark may be a token, and plays no part.
                location=one_line(said.get("location", "").partition("?")[0]),
                digest=_digest(body, path),
                empty=not body,
                asks_login="www-authenticate" in said
                or (response.status == 403 and bool(_LOGIN.search(body))),
                servers_own=bool(_SERVERS_OWN.search(body)),
            )
            onward = urljoin(url, answer.location)
            if not _same_place(url, onward, self.host):
                return answer
            url = onward
        return answer


def _naming(claim: str) -> tuple[Headers, Headers]:
    """Return the headers that name somebody else as the client, those of content networks apart.

    Such a network may refuse a request for having one.
    """
    quoted = f'"[{claim}]"' if ":" in claim else claim
    return (
        (*((name, claim) for name in (*_FORWARDED, "True-Client-IP")), ("Forwarded", f"for={quoted}")),
        (("CF-Connecting-IP", claim), ("Fastly-Client-IP", claim)),
    )


def _same_place(url: str, onward: str, host: str) -> bool:
    """Whether a redirect only corrects the spelling: https for http, a slash at the end, the same host."""
    before, after = urlsplit(url), urlsplit(onward)
    there = before.path.rstrip("/") == after.path.rstrip("/") and after.hostname in {before.hostname, host}
    return there and url != onward and after.scheme in {before.scheme, "https"}


def _digest(body: bytes, path: str) -> str:
    """Two pages count as the same when they differ only in their own path, in numbers and in random words."""
    text = body.replace(path.encode(), b"").replace(path.strip("/").encode() or b"/", b"")
    return hashlib.sha256(re.sub(rb"[0-9a-fA-F]{16,}|\d+|nonce-?[\w+/=\"'-]+", b"", text)).hexdigest()[:16]

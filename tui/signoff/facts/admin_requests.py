"""Requests to the admin panel, and what is kept of each answer."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from signoff.target.outside import HungUpError, NotAskedError, Outside, OutsideError, Response
from signoff.text import one_line

MOST_FORGED = 4
"""Paths that forged headers and other spellings are tried with."""
_AT_ONCE = 6
BELOW = "a page below it"
_HOPS = 2

_FORWARDED = (
    "X-Forwarded-For",
    "X-Real-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "True-Client-IP",
    "X-Originating-IP",
)
"""Sent together. Those of content networks go apart: such a network may refuse a request for having one."""
_OF_NETWORKS = ("CF-Connecting-IP", "Fastly-Client-IP")

# What an application says that refuses for want of a login, and not for the address.
_LOGIN = re.compile(
    rb"credential|authenticat|log ?in|sign ?in|csrf|token|session|permission|unauthori",
    re.IGNORECASE,
)
# The refusal of a web server itself, and not of what is behind it.
_SERVERS_OWN = re.compile(rb"<center>(nginx|openresty)|<address>Apache", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """What one request came to. ``status`` is 0 where there was no answer, and ``error`` says why.
    Then ``hung_up`` tells a refusal from an answer that did not come in time; not ``asked`` is neither.

    ``digest`` is of the body without the path and numbers in it. ``how`` says what was special about the
    request; empty for an ordinary one.
    """

    address: str
    url: str
    path: str
    status: int = 0
    location: str = ""
    digest: str = ""
    server: str = ""
    empty: bool = False
    asks_login: bool = False
    servers_own: bool = False
    how: str = ""
    error: str = ""
    hung_up: bool = False
    asked: bool = True

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

    @property
    def refused(self) -> tuple[str, ...]:
        """The paths that were not let in."""
        return tuple(answer.path for answer in self.answers if answer.status in {0, 403, 404, 410})

    def only(self, paths: Iterable[str]) -> View:
        """Return the same way in with the answers of these paths alone."""
        wanted = frozenset(paths)
        return replace(self, answers=tuple(answer for answer in self.answers if answer.path in wanted))


class Asker:
    """Makes the requests, several at a time, and keeps of each answer what is judged."""

    def __init__(self, outside: Outside, host: str) -> None:
        self._outside = outside
        self._host = host
        self._nowhere = f"/{secrets.token_hex(8)}/"

    def views(self, ways: Iterable[tuple[str, str, str]], paths: tuple[str, ...]) -> tuple[View, ...]:
        """Ask each way in (address, base URL, Host) for the front page, for nothing, and for the paths."""
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="admin") as pool:
            return tuple(pool.map(lambda way: self._view(*way, paths=paths), ways))

    def _view(self, address: str, base: str, host: str, *, paths: tuple[str, ...]) -> View:
        how = f"Host: {host}" if host and host != urlsplit(base).hostname else ""
        front = self.ask(address, base, "/", host, how=how)
        if not front.status:
            # Nothing answers here, or it hangs up on strangers: one more request tells which.
            random = replace(front, path=self._nowhere)
            answers = (self.ask(address, base, paths[0], host, how=how),)
            return View(address, base, front, random, answers)
        random = self.ask(address, base, self._nowhere, host, how=how)
        return View(
            address,
            base,
            front,
            random,
            tuple(self.ask(address, base, path, host, how=how) for path in paths),
        )

    def forged(self, view: View, claims: tuple[str, ...]) -> tuple[tuple[View, Answer], ...]:
        """Ask again for what was not let in, as somebody else."""
        closed = [answer for answer in view.answers if answer.path in view.refused[:MOST_FORGED]]
        wanted = [
            (answer.path, names, claim)
            for answer in closed
            for claim in claims
            for names in (_FORWARDED, _OF_NETWORKS)
        ]
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="admin") as pool:
            found = pool.map(lambda want: self._forge(view, *want), wanted)
        return tuple((view, answer) for answer in found)

    def spelt(self, view: View) -> tuple[tuple[View, Answer], ...]:
        """Ask for what was not let in under other spellings, and for a page below it that cannot exist."""
        closed = view.refused
        wanted = [(path, f"{path.rstrip('/')}{self._nowhere.rstrip('/')}.php", BELOW) for path in closed]
        for path in closed[:MOST_FORGED]:
            slash = path.rstrip("/") if path.endswith("/") else f"{path}/"
            wanted += [(path, other, "another spelling") for other in (slash, path.swapcase())]
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="admin") as pool:
            found = pool.map(lambda want: self.ask(view.address, view.base, want[1], self._host), wanted)
            return tuple(
                (view, replace(answer, path=path, how=how))
                for (path, _, how), answer in zip(wanted, found, strict=True)
            )

    def _forge(self, view: View, path: str, names: tuple[str, ...], claim: str) -> Answer:
        headers = [(name, claim) for name in names]
        if names is _FORWARDED:
            quoted = f'"[{claim}]"' if ":" in claim else claim
            headers.append(("Forwarded", f"for={quoted}"))
        return self.ask(view.address, view.base, path, self._host, headers, f"{names[0]}: {claim}")

    def ask(
        self,
        address: str,
        base: str,
        path: str,
        host: str,
        headers: Iterable[tuple[str, str]] = (),
        how: str = "",
    ) -> Answer:
        """Make one request, and follow it where it leads to the same place under another spelling."""
        url = base + path
        given = list(headers)
        for _ in range(_HOPS + 1):
            try:
                response = self._outside.request(url, address=address, host=host or None, headers=given)
            except OutsideError as failure:
                return Answer(
                    address,
                    url,
                    path,
                    how=how,
                    error=one_line(failure.message, 120),
                    hung_up=isinstance(failure, HungUpError),
                    asked=not isinstance(failure, NotAskedError),
                )
            answer = _answer(response, path, how)
            onward = urljoin(url, answer.location) if answer.location else ""
            if not _same_place(url, onward, self._host):
                return answer
            url = onward
        return answer


def _same_place(url: str, onward: str, host: str) -> bool:
    """Whether a redirect only corrects the spelling: https for http, a slash at the end, the same host."""
    before, after = urlsplit(url), urlsplit(onward)
    return (
        bool(onward)
        and url != onward
        and after.hostname in {before.hostname, host}
        and before.path.rstrip("/") == after.path.rstrip("/")
        and after.scheme in {before.scheme, "https"}
    )


def _answer(response: Response, path: str, how: str) -> Answer:
    headers = dict(reversed(response.headers))
    body = response.body
    return Answer(
        address=response.address,
        url=response.url,
        path=path,
        status=response.status,
        # What follows the question mark may be a token, and plays no part.
        location=one_line(headers.get("location", "").partition("?")[0]),
        digest=_digest(body, path),
        empty=not body,
        server=one_line(headers.get("server", ""), 60),
        asks_login="www-authenticate" in headers or (response.status == 403 and bool(_LOGIN.search(body))),
        servers_own=bool(_SERVERS_OWN.search(body)),
        how=how,
    )


def _digest(body: bytes, path: str) -> str:
    """Two pages count as the same when they differ only in their own path, in numbers and in random words."""
    text = body.replace(path.encode(), b"").replace(path.strip("/").encode() or b"/", b"")
    return hashlib.sha256(re.sub(rb"[0-9a-fA-F]{16,}|\d+|nonce-?[\w+/=\"'-]+", b"", text)).hexdigest()[:16]

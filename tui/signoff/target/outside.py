"""The target as the operator's machine sees it: connections and requests, bounded, and to the target only."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from threading import Event, Lock
from typing import Literal
from urllib.parse import quote, urlsplit, urlunsplit

from signoff import __version__
from signoff.errors import TargetError
from signoff.message import Message, say
from signoff.target.http import Answer, fetch
from signoff.text import one_line

State = Literal["open", "refused", "filtered", "unreachable"]

CONNECTION_BUDGET = 2000
REQUEST_BUDGET = 300
BODY_CAP = 256 * 1024
BANNER_CAP = 512
BANNER_WAIT = 1.0
"""Seconds given to a server that speaks first (SSH, SMTP, MySQL)."""
AT_ONCE = 256

# What connect(2) says, in the words of a port scan. Anything else is a fault of this machine, not an answer.
_STATES: dict[int, State] = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "refused",
    errno.ETIMEDOUT: "filtered",
    errno.EHOSTUNREACH: "unreachable",
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTDOWN: "unreachable",
    errno.EACCES: "unreachable",  # ICMPv6 "administratively prohibited"
}


class OutsideError(TargetError):
    """A connection or a request was not possible, or not allowed."""


class HungUpError(OutsideError):
    """A connection that was refused, or ended without an answer: somebody was there, and said no."""


class NotAskedError(OutsideError):
    """Nothing was sent, for the budget is used up: that says nothing of the target."""


@dataclass(frozen=True)
class Connection:
    """What one TCP connection came to.

    ``filtered`` is no answer at all; ``unreachable`` an ICMP refusal, or no route from here. ``banner`` is
    what an open port said first, unasked.
    """

    address: str
    port: int
    state: State
    banner: bytes = b""


@dataclass(frozen=True)
class Response:
    """One HTTP answer, redirects not followed.

    ``headers`` have lower-cased names, in order, repeated ones repeated. ``body`` is as sent (no
    content coding is asked for), capped. ``tls_error`` says why the certificate was not accepted; empty
    where it was, or where there is none.
    """

    url: str
    address: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    tls_error: str = ""


@dataclass(slots=True)
class _Budget:
    """What may still be sent, and why no more."""

    connections: int
    requests: int
    reason: Message


class Outside:
    """Looks at the target's own addresses from this machine; within a fixed budget, and nowhere else.

    Every method raises OutsideError for another address, and once the budget is used up. Methods may
    be called from several threads.
    """

    def __init__(self, addresses: Sequence[str], *, cancel: Event | None = None) -> None:
        self.addresses = tuple(addresses)
        self._allowed = frozenset(ip_address(address) for address in addresses)
        self._cancel = cancel or Event()
        reason = say(
            "The limit of {connections} connections and {requests} requests to a target in a run is reached.",
            connections=CONNECTION_BUDGET,
            requests=REQUEST_BUDGET,
        )
        self._budgets = [_Budget(CONNECTION_BUDGET, REQUEST_BUDGET, reason)]
        self._session = ""
        self._lock = Lock()

    def marked(self, session: str, most: int) -> Outside:
        """Return it for a look that does more than look: marked requests, and at ``most`` so many.

        They are a part of the whole run's budget too.
        """
        marked = copy(self)
        marked._session = session
        reason = say(
            "The limit of {count} request in an active check is reached.",
            "The limit of {count} requests in an active check is reached.",
            count=most,
        )
        # A certificate that is not accepted takes a second connection.
        marked._budgets = [*self._budgets, _Budget(2 * most, most, reason)]
        return marked

    def connect(
        self, pairs: Iterable[tuple[str, int]], timeout: float = 3.0, banner_wait: float = BANNER_WAIT
    ) -> tuple[Connection, ...]:
        """Try TCP connections to (address, port) pairs, several at once; the answers keep their order."""
        wanted = tuple(pairs)
        for address, _ in wanted:
            self._check(address)
        self._spend(connections=len(wanted))
        if not wanted:
            return ()

        def try_one(pair: tuple[str, int]) -> Connection:
            return _connect(*pair, timeout, banner_wait)

        with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(wanted)), thread_name_prefix="outside") as pool:
            return tuple(pool.map(try_one, wanted))

    def exchange(self, address: str, port: int, message: bytes, timeout: float = 2.0) -> bytes:
        """Send one message on a connection of its own; return the first bytes of the answer, if any."""
        self._check(address)
        self._spend(connections=1, requests=bool(self._session))
        try:
            with socket.create_connection((address, port), timeout) as connection:
                connection.sendall(message)
                return connection.recv(BANNER_CAP)
        except OSError:
            return b""

    def request(
        self,
        url: str,
        *,
        address: str,
        host: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        method: str = "GET",
        timeout: float = 5.0,
    ) -> Response:
        """Make one HTTP request to ``address``, with the SNI and Host of the URL, or of ``host``.

        Redirects are not followed, proxies of the environment not used. TLS is verified with the default
        trust store; where that fails, the request is made unverified and ``tls_error`` says why.
        ``timeout`` is for the whole of it, in seconds.
        """
        self._check(address)
        try:
            target, netloc = _ascii(url), _ascii_host(host or urlsplit(url).netloc)
            name = urlsplit(f"//{netloc}").hostname
        except ValueError:  # UnicodeError is one
            name = None
        if not name:
            raise OutsideError(say("{url} is not an http or https address.", url=one_line(url)))
        self._spend(connections=1, requests=1)
        fields = [
            ("Host", netloc),
            ("User-Agent", agent(self._session)),
            ("Accept", "*/*"),
            ("Connection", "close"),
        ]
        given = [field for field in headers if not (self._session and field[0].lower() == "user-agent")]
        names = {key.lower() for key, _ in given}
        fields = [field for field in fields if field[0].lower() not in names] + given
        try:
            answer, tls_error = self._fetch(method, target, address, name, fields, timeout)
        except OSError as failure:
            kind = HungUpError if isinstance(failure, ConnectionError) else OutsideError
            raise kind(
                say(
                    "No answer to {method} {url} from {address}: {failure}.",
                    method=method,
                    url=one_line(url),
                    address=address,
                    failure=one_line(str(failure)),
                )
            ) from None
        return Response(url, address, answer.status, answer.headers, answer.body, tls_error)

    def _fetch(
        self, method: str, url: str, address: str, name: str, headers: list[tuple[str, str]], timeout: float
    ) -> tuple[Answer, str]:
        try:
            return fetch(method, url, address, name, headers, timeout, BODY_CAP, self._verifying), ""
        except ssl.SSLCertVerificationError as refusal:
            reason = refusal.verify_message or str(refusal)
        self._spend(connections=1)
        return fetch(method, url, address, name, headers, timeout, BODY_CAP, _unverifying()), reason

    @cached_property
    def _verifying(self) -> ssl.SSLContext:
        # Made once: to read a machine's trust store takes some 30 ms.
        return verifying()

    def _check(self, address: str) -> None:
        if ip_address(address) not in self._allowed:
            raise OutsideError(
                say("{address} is not an address of this target; nothing was sent to it.", address=address)
            )

    def _spend(self, *, connections: int, requests: int = 0) -> None:
        if self._cancel.is_set():
            raise NotAskedError(say("Stopped: nothing more is sent."))
        with self._lock:
            for budget in self._budgets:
                if connections > budget.connections or requests > budget.requests:
                    raise NotAskedError(budget.reason)
            for budget in self._budgets:
                budget.connections -= connections
                budget.requests -= requests


def agent(session: str = "") -> str:
    """Return how signoff names itself to web servers; in a look that does more, with the session."""
    product = f"signoff/{__version__}"
    return f"{product} (active check, session {session})" if session else product


def _connect(address: str, port: int, timeout: float, banner_wait: float) -> Connection:
    try:
        connection = socket.create_connection((address, port), timeout)
    except TimeoutError:
        return Connection(address, port, "filtered")
    except OSError as refusal:
        state = _STATES.get(refusal.errno or 0)
        if state is None:
            raise OutsideError(
                say(
                    "This machine could not connect to {address} port {port}: {refusal}.",
                    address=address,
                    port=port,
                    refusal=refusal,
                )
            ) from None
        return Connection(address, port, state)
    with connection:
        connection.settimeout(banner_wait)
        try:
            banner = connection.recv(BANNER_CAP) if banner_wait else b""
        except OSError:
            banner = b""
    return Connection(address, port, "open", banner)


def _ascii_host(netloc: str) -> str:
    """Return host and port as they are written in a header: no user, names beyond ASCII by IDNA."""
    host, colon, port = netloc.rpartition("@")[2].partition(":")
    return (host if host.isascii() else host.encode("idna").decode()) + colon + port


def _ascii(url: str) -> str:
    """Return the URL as it goes over the wire (RFC 3987, 3.1); raise ValueError where it is none."""
    parts = urlsplit(url)
    _ = parts.port  # raises ValueError
    if parts.scheme not in {"http", "https"}:
        raise ValueError(parts.scheme)
    path, query = (quote(part, safe="%/:=&?~#+!$,;'@()*[]") for part in (parts.path or "/", parts.query))
    return urlunsplit((parts.scheme, _ascii_host(parts.netloc), path, query, ""))


def verifying() -> ssl.SSLContext:
    """Return TLS with this machine's trust store."""
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        # A Python without the system's store (python.org on macOS): the bundle that httpcore brings.
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _unverifying() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context

"""Asking a time-stamping authority over HTTP (RFC 3161, 3.4): bounded in size and time."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import time
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from signoff import __version__
from signoff.durable import write_new
from signoff.errors import RecordError, UsageError
from signoff.message import reason, say
from signoff.session.bundle import JOURNAL, SEAL_SIGNATURE, TIMESTAMP
from signoff.session.files import open_regular, record_error
from signoff.session.timestamp import MAX_TOKEN, Stamp, StampError, certificates, check, request
from signoff.target.http import Answer, fetch
from signoff.target.outside import verifying
from signoff.text import one_line, tidy

_PLAIN = re.compile(r"[!-~]+", re.ASCII)
TIMEOUT = 20.0
"""Seconds for the whole of it."""


def stamp(directory: Path, url: str, authorities: Path) -> Stamp:
    """Have a sealed record stamped, and keep the answer with it if it holds. Raises RecordError, UsageError.

    A time-stamp that is there already is left: an older one is worth more.
    """
    path = directory / TIMESTAMP
    if os.path.lexists(path):
        raise RecordError(
            say("The record has a time-stamp already: {path}.", path=path), say("signoff verify judges it.")
        )
    trusted = certificates(authorities)
    try:
        with open_regular(directory / JOURNAL) as journal, open_regular(directory / SEAL_SIGNATURE) as seal:
            record = journal.read() + seal.read()
        query = request(record)
        answer = ask(url, query.as_bytes())
        made = check(answer, hashlib.sha256(record).digest(), trusted, query.nonce)
        write_new(path, answer)
    except OSError as problem:
        raise record_error(problem, say("The time-stamp could not be kept"), path) from None
    except StampError as problem:
        raise _failed(url, reason(problem)) from None
    return made


def ask(url: str, query: bytes, timeout: float = TIMEOUT) -> bytes:
    """Return the authority's answer to a query. It says nothing until it has been checked.

    The authority learns a digest and nothing else, and its answer is signed: plain HTTP will do, and is what
    most of them offer. Redirects are not followed. Raises UsageError where there is no proper answer.
    """
    parts = _parts(url)
    try:
        answer = _post(url, parts, query, time.monotonic() + timeout)
    except (OSError, UnicodeError) as problem:  # UnicodeError: a name that DNS cannot have
        raise _failed(url, tidy(reason(problem)) or type(problem).__name__) from None
    kind = dict(answer.headers).get("content-type", "").partition(";")[0].strip().lower()
    if answer.status != 200:
        raise _failed(url, say("it answered with HTTP status {status}", status=answer.status))
    if kind != "application/timestamp-reply":
        raise _failed(
            url,
            say(
                "its answer is {kind}, not a time-stamp",
                kind=one_line(kind) or say("nothing in particular"),
            ),
        )
    if len(answer.body) > MAX_TOKEN:
        raise _failed(url, say("its answer is longer than {max_token} bytes", max_token=MAX_TOKEN))
    return answer.body


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError
        proper = parts.scheme in {"http", "https"} and parts.hostname and _PLAIN.fullmatch(url)
    except ValueError:
        proper = None
    if not proper:
        raise UsageError(
            say("{url} is not an authority's http or https address.", url=ascii(one_line(url))),
            say("--tsa URL"),
        )
    return parts


def _post(url: str, parts: SplitResult, query: bytes, deadline: float) -> Answer:
    name = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    headers = [
        ("Host", parts.netloc.rpartition("@")[2]),
        ("User-Agent", f"signoff/{__version__}"),
        ("Content-Type", "application/timestamp-query"),
        ("Accept", "application/timestamp-reply"),
        ("Connection", "close"),
    ]
    found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    problem: OSError = ConnectionError(say("it has no address"))
    for address in dict.fromkeys(str(one[4][0]) for one in found):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            return fetch("POST", url, address, name, headers, left, MAX_TOKEN + 1, verifying(), query)
        except OSError as refusal:
            problem = refusal
    raise problem


def _failed(url: str, reason: str) -> UsageError:
    return UsageError(
        say("No time-stamp from {url}: {reason}.", url=ascii(one_line(url)), reason=reason),
        say("The record is as it was. Try again later, or another authority: --tsa URL"),
    )

"""Kinds of facts: what most programs and servers say, so that a fact is its script or its paths alone.

Whatever is asked for and not there is never an empty value: a program that does not answer makes the fact
unavailable (``ask`` of lib.sh), and what is not of the kind is malformed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, TypedDict, TypeVar, Unpack, cast
from urllib.parse import urlsplit

import msgspec

from signoff.facts.base import Fact, Facts, HostFact, Malformed, OutsideFact, Unavailable
from signoff.facts.sections import Section, assigned, read_script, sections
from signoff.message import Message, say
from signoff.target.command import Output, Root
from signoff.target.outside import Outside, OutsideError
from signoff.target.profile import Profile
from signoff.text import one_line

T = TypeVar("T")

Lines = Mapping[str, tuple[str, ...]]
"""The lines that a program printed, by the name it was asked under; or a key's values, by the key."""

Rows = Mapping[str, tuple[T, ...]]
"""Rows of one type, by the name they were asked under."""

RANDOM = "/{random}"
"""A path that nothing can be at."""


class Options(TypedDict, total=False):
    """What a fact of a kind may say beside its name, title and scripts."""

    root: Root
    by_hand: str
    timeout: float
    kept: Any
    needs: tuple[Fact[Any], ...]
    given: Callable[[Facts, Profile], Mapping[str, Iterable[str]]]


def lines(name: str, title: Message, *scripts: str, **options: Unpack[Options]) -> HostFact[Lines]:
    """What programs print, line by line."""
    return _fact(name, title, scripts, lambda one: one.lines, options)


def key_values(
    name: str, title: Message, *scripts: str, **options: Unpack[Options]
) -> HostFact[Mapping[str, Lines]]:
    """Keys with their values, as ``sshd -T`` (a space between) and ``systemctl show`` (=) print them.

    A key that comes several times has several values.
    """
    return _fact(name, title, scripts, _keys, options)


def json_value(
    name: str, title: Message, model: type[T], *scripts: str, **options: Unpack[Options]
) -> HostFact[Mapping[str, T]]:
    """A JSON value of a type of msgspec's. What it says beside may be secret."""
    return _fact(name, title, scripts, lambda one: _json(one.text, model), options, sensitive=True)


def json_rows(
    name: str, title: Message, row: type[T], *scripts: str, **options: Unpack[Options]
) -> HostFact[Mapping[str, tuple[T, ...]]]:
    """Rows of one type: a JSON list, or a JSON value a line, as ``docker inspect --format`` prints them."""
    whole: Any = tuple[row, ...]  # type: ignore[valid-type]

    def read(section: Section) -> tuple[T, ...]:
        if section.text.startswith("["):
            return cast("tuple[T, ...]", _json(section.text, whole))
        return tuple(_json(line, row) for line in section.lines)

    return _fact(name, title, scripts, read, options, sensitive=True)


def _fact(
    name: str,
    title: Message,
    scripts: tuple[str, ...],
    read: Callable[[Section], T],
    options: Options,
    *,
    sensitive: bool = False,
) -> HostFact[Mapping[str, T]]:
    """Make a fact of what ``ask`` printed, by the names it was asked under."""

    def parse(output: Output) -> Mapping[str, T]:
        found: dict[str, T] = {}
        for section in sections(output):
            if section.name in found:
                raise Malformed(say("{name} came twice", name=one_line(section.name)))
            if section.fields and not _whole(section):
                raise Malformed(say("{name}: a part of the answer is missing", name=one_line(section.name)))
            found[section.name] = read(section)
        return found

    text = read_script("trust.sh", *scripts)
    return HostFact(
        id=name,
        title=title,
        script=lambda profile: assigned(project=profile.project) + text,
        parse=parse,
        cap=4 << 20,
        sensitive=sensitive,
        **({"root": Root.PREFER, "timeout": 20.0} | options),
    )


def _whole(section: Section) -> bool:
    """Tell whether as much came as ``ask`` says; what is not UTF-8 cannot be counted any more."""
    return section.field(0) == str(len(section.text.encode())) or "\ufffd" in section.text


def _keys(section: Section) -> Lines:
    found: dict[str, tuple[str, ...]] = {}
    for line in section.lines:
        key, *value = re.split("[ =]", line, maxsplit=1)
        found[key] = (*found.get(key, ()), *value)
    return found


def _json(text: str, model: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=model)
    except msgspec.DecodeError as problem:
        # No excerpt: the text may hold a secret.
        raise Malformed(say("not the expected JSON: {problem}", problem=one_line(str(problem)))) from None


@dataclass(frozen=True)
class Reply:
    """What one request came to. ``status`` is 0 where there was no answer, and ``error`` says why.

    ``headers`` are pairs, for a header can come twice; their names are in small letters. ``verified`` tells
    that it came by TLS with a certificate that is accepted.
    """

    url: str
    address: str
    path: str
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    verified: bool = False
    error: str = ""

    def header(self, name: str) -> tuple[str, ...]:
        """Return a header's values, in order."""
        return tuple(value.strip() for key, value in self.headers if key == name.lower())

    def __str__(self) -> str:
        return f"{self.path} at {self.address}"


@cache
def http(*paths: str) -> OutsideFact[tuple[Reply, ...]]:
    """Requests for paths of the target's URL at every address of it. Redirects are not followed."""
    return OutsideFact(
        id=f"http {' '.join(paths)}",
        title=say("Answers to {paths} from outside", paths=", ".join(paths)),
        look=lambda outside, profile, facts: _ask(outside, profile, paths),
    )


def _ask(outside: Outside, profile: Profile, paths: tuple[str, ...]) -> tuple[Reply, ...]:
    base = urlsplit(profile.url)
    if not base.hostname:
        raise Unavailable(say("the target's public URL is not known: set url in its profile"))
    if not outside.addresses:
        raise Unavailable(
            say("the target has no address that this machine reaches directly"), f"curl -i {profile.url}"
        )
    nowhere = f"/{secrets.token_hex(8)}"
    wanted = [(address, path) for address in outside.addresses for path in paths]

    def one(pair: tuple[str, str]) -> Reply:
        address, path = pair
        url = f"{base.scheme}://{base.netloc}{nowhere if path == RANDOM else path}"
        try:
            answer = outside.request(url, address=address)
        except OutsideError as failure:
            return Reply(url, address, path, error=one_line(failure.message, 200))
        verified = base.scheme == "https" and not answer.tls_error
        return Reply(url, address, path, answer.status, answer.headers, verified)

    with ThreadPoolExecutor(max_workers=6, thread_name_prefix="http") as pool:
        return tuple(pool.map(one, wanted))

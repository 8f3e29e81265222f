"""Whom to believe: the ALLOWED SIGNERS format of ssh-keygen(1), read as ssh-keygen reads it."""

from __future__ import annotations

import re
from calendar import timegm
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import mktime
from typing import Final

from signoff.message import say
from signoff.session.files import read_named
from signoff.session.keys import PublicKey
from signoff.session.wire import SignatureError

_LONGEST_PATTERN: Final = 1022
_STAMP: Final = re.compile(r"([0-9]{8})(?:([0-9]{4})([0-9]{2})?)?(Z|UTC)?", re.ASCII | re.IGNORECASE)
_OPTION: Final = re.compile(r'([A-Za-z-]+)(?:="((?:[^"\\]|\\"|\\(?!"))*)")?', re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: who may sign with a key, what for, and when."""

    line: int
    principals: str
    key: PublicKey
    namespaces: str | None = None
    valid_after: datetime | None = None
    valid_before: datetime | None = None
    authority: bool = False


@dataclass(frozen=True, slots=True)
class AllowedSigners:
    """A file's entries. As for ssh-keygen, a malformed line does not count; ``note`` tells of the first.

    Whatever the entries say, a key that is ``revoked`` counts at no time.
    """

    entries: tuple[Entry, ...] = ()
    note: str = ""
    revoked: frozenset[PublicKey] = frozenset()

    def refusal(self, name: str, key: PublicKey, namespace: str, at: datetime) -> str:
        """Return why ``name`` may not sign with ``key`` for ``namespace`` at a time; empty where they may."""
        if key in self.revoked:
            return say("the key {fingerprint} is revoked: it counts at no time", fingerprint=key.fingerprint)
        at = at.replace(microsecond=0)  # ssh-keygen reckons in seconds
        reasons = [
            _refusal(entry, namespace, at)
            for entry in self.entries
            if entry.key == key and matches(entry.principals, name)
        ]
        if "" in reasons:
            return ""
        unknown = say(
            "the key {fingerprint} is not among the allowed signers under the name {name}",
            fingerprint=key.fingerprint,
            name=name,
        )
        return "; ".join(filter(None, [reasons[0] if reasons else unknown, self.note]))


def _refusal(entry: Entry, namespace: str, at: datetime) -> str:
    where = say("line {line} of the allowed signers", line=entry.line)
    if entry.authority:
        return say("{where} names a certificate authority, which signoff does not accept", where=where)
    if entry.namespaces is not None and not matches(entry.namespaces, namespace):
        return say("{where} does not allow the key to sign for {namespace}", where=where, namespace=namespace)
    if entry.valid_after is not None and at < entry.valid_after:
        return say(
            "{where} allows the key only from {valid_after} on",
            where=where,
            valid_after=entry.valid_after.isoformat(),
        )
    if entry.valid_before is not None and at > entry.valid_before:
        return say(
            "{where} allowed the key until {valid_before}",
            where=where,
            valid_before=entry.valid_before.isoformat(),
        )
    return ""


def read(path: Path) -> AllowedSigners:
    """Read an allowed_signers file. Raises RecordError where it cannot be read at all."""
    return parse(read_named(path, say("the allowed signers")))


def parse(data: bytes) -> AllowedSigners:
    """Read an allowed_signers file's bytes."""
    entries, note = [], ""
    for number, raw in enumerate(data.split(b"\n"), 1):
        line = raw.decode("utf-8", "replace").rstrip("\r").lstrip(" \t")
        if not line or line.startswith("#"):
            continue
        try:
            entries.append(_entry(number, line))
        except ValueError as problem:
            note = note or say(
                "line {number} of the allowed signers does not count: {problem}",
                number=number,
                problem=problem,
            )
    return AllowedSigners(tuple(entries), note)


@dataclass(frozen=True, slots=True)
class Line:
    """A line taken apart, its options as they are written."""

    principals: str
    key: PublicKey
    options: dict[str, str]


def read_line(line: str) -> Line:
    """Take a line apart. Raises ValueError, whose text says why."""
    if "\0" in line:
        raise ValueError(say("it holds a NUL"))
    principals, rest = _word(line)
    try:
        return Line(principals, PublicKey.from_line(rest), {})
    except SignatureError:
        options, rest = _options(rest)
    return Line(principals, PublicKey.from_line(rest), options)


def _entry(number: int, text: str) -> Entry:
    line = read_line(text)
    options = line.options
    entry = Entry(
        number,
        line.principals,
        line.key,
        namespaces=options.get("namespaces"),
        valid_after=_time(options.get("valid-after")),
        valid_before=_time(options.get("valid-before")),
        authority="cert-authority" in options,
    )
    if entry.valid_after and entry.valid_before and entry.valid_before <= entry.valid_after:
        raise ValueError(say("it ends before it begins"))
    return entry


def _word(text: str) -> tuple[str, str]:
    """Split off the first word, which may stand in double quotes."""
    if text.startswith('"'):
        word, quote, rest = text[1:].partition('"')
        if not quote:
            raise ValueError(say("a quote is not closed"))
        return word, rest.lstrip(" \t")
    found = re.match(r"([^ \t]*)[ \t]*", text)
    return (found[1], text[found.end() :]) if found else ("", "")


def _options(text: str) -> tuple[dict[str, str], str]:
    """Split off the options. A name that ssh-keygen does not know, or one given twice, is an error."""
    options: dict[str, str] = {}
    at = 0
    while found := _OPTION.match(text, at):
        name = found[1].lower()
        plain = found[2] is None
        if name not in {"cert-authority", "namespaces", "valid-after", "valid-before"}:
            break
        if name in options or plain != (name == "cert-authority"):
            raise ValueError(say("the option {name} is given twice, or not as it should be", name=name))
        options[name] = (found[2] or "").replace('\\"', '"')
        at = found.end()
        if text[at : at + 1] != ",":
            break
        at += 1
    rest = text[at:]
    if not options or not rest.startswith((" ", "\t")):
        raise ValueError(say("it holds neither a key nor an option where one should be"))
    return options, rest.lstrip(" \t")


def from_stamp(text: str) -> datetime:
    """Read ``YYYYMMDD[HHMM[SS]][Z]``: UTC with the Z, the local time without (ssh-keygen(1)).

    Raises ValueError, whose text says why.
    """
    found = _STAMP.fullmatch(text)
    if found is None:
        raise ValueError(say("a time is not written as YYYYMMDD[HHMM[SS]][Z]"))
    try:
        moment = datetime.strptime(found[1] + (found[2] or "0000") + (found[3] or "00"), "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        raise ValueError(say("a time is no day or hour of the calendar")) from None
    try:
        # As ssh-keygen does it, summer time or not: a local time is the zone's standard time.
        seconds = timegm(moment.timetuple()) if found[4] else mktime((*moment.timetuple()[:8], 0))
    except OverflowError:
        seconds = 0
    if seconds <= 0:
        raise ValueError(say("a time lies outside of what can be reckoned with"))
    return datetime.fromtimestamp(seconds, UTC)


def _time(text: str | None) -> datetime | None:
    return None if text is None else from_stamp(text)


def matches(patterns: str, text: str) -> bool:
    """Tell whether a comma-separated pattern list matches: ``*``, ``?``, ``!`` (ssh_config(5), PATTERNS)."""
    matched = False
    for pattern in patterns.split(","):
        negated = pattern.startswith("!")
        if len(pattern) - negated > _LONGEST_PATTERN:
            return False
        if _glob(pattern[1:] if negated else pattern).fullmatch(text):
            if negated:
                return False
            matched = True
    return matched


def _glob(pattern: str) -> re.Pattern[str]:
    pieces = (re.escape(piece) for piece in re.split(r"([*?])", re.sub(r"\*+", "*", pattern)))
    return re.compile("".join({r"\*": ".*", r"\?": "."}.get(piece, piece) for piece in pieces), re.DOTALL)

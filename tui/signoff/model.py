"""The words every room shares: result, severity, vantage, finding."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from signoff.message import Said, recorded, say, translated


class Result(StrEnum):
    """What a machine found. The words of XCCDF 1.2 (NISTIR 7275r4, table 26)."""

    FAIL = "fail"
    ERROR = "error"
    UNKNOWN = "unknown"
    NOTCHECKED = "notchecked"
    PASS = "pass"  # noqa: S105 - a result, not a password
    FIXED = "fixed"
    INFORMATIONAL = "informational"
    NOTAPPLICABLE = "notapplicable"


class Severity(StrEnum):
    """How much it matters, gravest first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Vantage(StrEnum):
    """Where an observation was made from."""

    HOST = "host"
    OUTSIDE = "outside"
    PROJECT = "project"


class Command(msgspec.Struct, frozen=True, tag_field="kind", tag="command"):
    """A remedy that is one command, exact and whole."""

    command: str


class Edit(msgspec.Struct, frozen=True, tag_field="kind", tag="edit", omit_defaults=True):
    """A remedy that is a change of a file: ``before`` (empty: a new line) becomes ``after``.

    ``then`` is the command that makes it count.
    """

    file: str
    before: str
    after: str
    then: str = ""


class Decision(msgspec.Struct, frozen=True, tag_field="kind", tag="decision"):
    """A remedy that only a person can choose; the finding's words say why."""


Fix = Command | Edit | Decision


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A probe's judgement: what was seen, what was expected, and how to put it right.

    ``subject`` tells apart the findings of one probe that judges several things (one per port, say), ``use``
    those of one probe that a step uses with several parameters; the three together are the finding's
    identity within a step. ``proves`` is what a pass is worth: configured, ... ``remedy`` says in words
    what to do, ``fix`` has the exact command or edit. ``said`` has what the texts are made of, by the field's
    name (``evidence.0`` for the first line of evidence).
    """

    probe: str
    title: str
    result: Result
    vantage: Vantage
    observed: str
    expected: str = ""
    subject: str = ""
    use: str = ""
    items: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    remedy: str = ""
    proves: str = ""
    fix: Fix | None = None
    said: dict[str, Said] = {}


_WORDS: dict[str, str] = {
    Result.FAIL: say("fail"),
    Result.ERROR: say("error"),
    Result.UNKNOWN: say("unknown"),
    Result.NOTCHECKED: say("notchecked"),
    Result.PASS: say("pass"),
    Result.FIXED: say("fixed"),
    Result.INFORMATIONAL: say("informational"),
    Result.NOTAPPLICABLE: say("notapplicable"),
    Severity.CRITICAL: say("critical"),
    Severity.HIGH: say("high"),
    Severity.MEDIUM: say("medium"),
    Severity.LOW: say("low"),
    Vantage.HOST: say("host"),
    Vantage.OUTSIDE: say("outside"),
    Vantage.PROJECT: say("project"),
}


def word(one: str) -> str:
    """Return a result, a severity or a vantage in the operator's language."""
    return translated(_WORDS.get(one, one))


def in_words(finding: Finding) -> Finding:
    """Return a finding with its texts in the operator's language. A record has them in English.

    A line of evidence is what a host said, unless it was recorded as a message: it stays as it is.
    """

    def told(name: str, english: str) -> str:
        return recorded(english, finding.said.get(name))

    return msgspec.structs.replace(
        finding,
        title=told("title", finding.title),
        observed=told("observed", finding.observed),
        expected=told("expected", finding.expected),
        remedy=told("remedy", finding.remedy),
        evidence=tuple(
            told(f"evidence.{number}", line) if f"evidence.{number}" in finding.said else line
            for number, line in enumerate(finding.evidence)
        ),
    )


# The gravest result speaks for the step. A thing not seen outranks a thing seen to be right, and what is only
# told (informational) changes nothing: it comes last.
GRAVITY: tuple[Result, ...] = (
    *(result for result in Result if result is not Result.INFORMATIONAL),
    Result.INFORMATIONAL,
)


def worst(results: Iterable[Result]) -> Result:
    """Return the gravest of ``results``; ``notchecked`` when there are none."""
    return min(results, key=GRAVITY.index, default=Result.NOTCHECKED)


SYMBOLS: dict[Result, str] = {
    Result.FAIL: "✗",
    Result.ERROR: "!",
    Result.UNKNOWN: "?",
    Result.NOTCHECKED: "·",
    Result.PASS: "✓",
    Result.FIXED: "✓",
    Result.INFORMATIONAL: "i",
    Result.NOTAPPLICABLE: "-",
}
"""A result is always shown by symbol *and* word, never by colour alone."""

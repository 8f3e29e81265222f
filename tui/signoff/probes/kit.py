"""The judge kit: what every judgement has to say, and what none may claim.

A pass says what it proves and shows what it rests on. Where no subject was inspected, or one could not be
seen, there is none: it is `unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple, TypeVar

from signoff.facts.base import Unavailable
from signoff.model import Result
from signoff.probes.base import Judgement
from signoff.text import one_line

T = TypeVar("T")

_TOLD, _SHOWN = 3, 40


class Proves(StrEnum):
    """What a pass is worth."""

    CONFIGURED = "configured"
    """So it stands in what the service reads: what runs may be older."""
    RUNNING = "running"
    """So it runs now: the next start may change it."""
    RESTART = "survives a restart"
    OUTSIDE = "seen from outside"


class Seen(NamedTuple):
    """What a subject is like; ``right`` is None where that could not be seen."""

    right: bool | None
    text: str


def right(text: str) -> Seen:
    """A subject that is as required."""
    return Seen(True, text)


def wrong(text: str) -> Seen:
    """A subject that is not as required."""
    return Seen(False, text)


def unseen(reason: str) -> Seen:
    """A subject that could not be seen, or of which nothing can be claimed."""
    return Seen(None, reason)


def passed(observed: str, *, proves: Proves, evidence: Iterable[str]) -> Judgement:
    """As required, by evidence; unknown where there is none."""
    shown = tuple(evidence)
    if not shown:
        return unknown(f"{observed}; but nothing was inspected")
    return Judgement(result=Result.PASS, observed=observed, evidence=shown, proves=proves.value)


def fail(observed: str, *, evidence: Iterable[str] = (), remedy: str = "") -> Judgement:
    """Not as required."""
    return Judgement(result=Result.FAIL, observed=observed, evidence=tuple(evidence), remedy=remedy)


def unknown(observed: str, *, evidence: Iterable[str] = (), remedy: str = "") -> Judgement:
    """It cannot be told."""
    return Judgement(result=Result.UNKNOWN, observed=observed, evidence=tuple(evidence), remedy=remedy)


def notapplicable(observed: str) -> Judgement:
    """There is nothing to judge, and that is proved."""
    return Judgement(result=Result.NOTAPPLICABLE, observed=observed)


def informational(observed: str, subject: str) -> Judgement:
    """What is no part of the question, and should be known."""
    return Judgement(result=Result.INFORMATIONAL, observed=observed, subject=subject)


def each(
    what: str,
    subjects: Iterable[T],
    look: Callable[[T], Seen],
    *,
    proves: Proves,
    name: Callable[[T], str] = str,
) -> Judgement:
    """Require something of every subject; ``what`` are they, in the plural.

    ``look`` judges one, or raises Unavailable where it cannot. The worst counts: one that is wrong is a
    failure, one that could not be seen leaves the whole unknown, and so does none at all.
    """
    seen = [(one_line(name(subject)), _look(look, subject)) for subject in subjects]
    if not seen:
        return unknown(f"no {what} seen: there is nothing to judge by")
    evidence = _some([f"{who}: {one.text}" for who, one in seen], _SHOWN, "\n").split("\n")
    for verdict, judged in ((False, fail), (None, unknown)):
        if found := [f"{who}: {one.text}" for who, one in seen if one.right is verdict]:
            word = "wrong" if verdict is False else "not seen"
            observed = f"{len(found)} of {len(seen)} {what} {word}: {_some(found, _TOLD, '; ')}"
            return judged(observed, evidence=evidence)
    texts = list(dict.fromkeys(one.text for _, one in seen))
    return passed(f"all {what} ({len(seen)}): {_some(texts, _TOLD, '; ')}", proves=proves, evidence=evidence)


def _look(look: Callable[[T], Seen], subject: T) -> Seen:
    try:
        return look(subject)
    except Unavailable as absent:
        return unseen(absent.reason)


def _some(texts: list[str], most: int, between: str) -> str:
    more = [f"and {len(texts) - most} more"] if len(texts) > most else []
    return between.join(texts[:most] + more)

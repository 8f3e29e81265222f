"""The judge kit: what every judgement has to say, and what none may claim.

A pass says what it proves and shows what it rests on. Where no subject was inspected, or one could not be
seen, there is none: it is `unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import NamedTuple, TypedDict, TypeVar, Unpack

from signoff.facts.base import Unavailable
from signoff.message import Message, listed, say
from signoff.model import Command, Decision, Edit, Result, Vantage
from signoff.probes.base import Judgement, Remedy
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


class About(TypedDict, total=False):
    """What a judgement may say beside: what is left out is taken from its probe."""

    title: Message
    subject: str
    expected: Message
    vantage: Vantage


def command(text: str, words: Message) -> Remedy:
    """A remedy that is one command; ``words`` say what it does."""
    return Remedy(words, Command(text))


def edit(file: str, before: str, after: str, words: Message, *, then: str = "") -> Remedy:
    """A remedy that is a change of a file, and the command that makes it count."""
    return Remedy(words, Edit(file, before, after, then))


def decision(words: Message) -> Remedy:
    """A remedy that only a person can choose; ``words`` say what to decide, and why."""
    return Remedy(words, Decision())


def passed(
    observed: Message, *, proves: Proves, evidence: Iterable[str], **about: Unpack[About]
) -> Judgement:
    """As required, by evidence; unknown where there is none."""
    shown = tuple(evidence)
    if not shown:
        return unknown(say("{observed}; but nothing was inspected", observed=observed), **about)
    return Judgement(result=Result.PASS, observed=observed, evidence=shown, proves=proves.value, **about)


def fail(
    observed: Message, *, evidence: Iterable[str] = (), remedy: Remedy | None = None, **about: Unpack[About]
) -> Judgement:
    """Not as required."""
    return Judgement(result=Result.FAIL, observed=observed, evidence=tuple(evidence), remedy=remedy, **about)


def unknown(
    observed: Message, *, evidence: Iterable[str] = (), remedy: Remedy | None = None, **about: Unpack[About]
) -> Judgement:
    """It cannot be told."""
    return Judgement(
        result=Result.UNKNOWN, observed=observed, evidence=tuple(evidence), remedy=remedy, **about
    )


def notapplicable(observed: Message, *, evidence: Iterable[str] = (), **about: Unpack[About]) -> Judgement:
    """There is nothing to judge, and that is proved."""
    return Judgement(result=Result.NOTAPPLICABLE, observed=observed, evidence=tuple(evidence), **about)


def informational(
    observed: Message, *, evidence: Iterable[str] = (), remedy: Remedy | None = None, **about: Unpack[About]
) -> Judgement:
    """What is no part of the question, and should be known."""
    return Judgement(
        result=Result.INFORMATIONAL, observed=observed, evidence=tuple(evidence), remedy=remedy, **about
    )


class Seen(NamedTuple):
    """What a subject is like; ``right`` is None where that could not be seen."""

    right: bool | None
    text: Message


def right(text: Message) -> Seen:
    """A subject that is as required."""
    return Seen(True, text)


def wrong(text: Message) -> Seen:
    """A subject that is not as required."""
    return Seen(False, text)


def unseen(reason: Message) -> Seen:
    """A subject that could not be seen, or of which nothing can be claimed."""
    return Seen(None, reason)


def each(
    what: Message,
    subjects: Iterable[T],
    look: Callable[[T], Seen],
    *,
    proves: Proves,
    name: Callable[[T], str] = str,
    remedy: Remedy | None = None,
    **about: Unpack[About],
) -> Judgement:
    """Require something of every subject; ``what`` are they, in the plural.

    ``look`` judges one, or raises Unavailable where it cannot. The worst counts: one that is wrong is a
    failure, one that could not be seen leaves the whole unknown, and so does none at all.
    """
    seen = [(one_line(name(subject)), _look(look, subject)) for subject in subjects]
    if not seen:
        return unknown(say("no {what} seen: there is nothing to judge by", what=what), **about)
    evidence = [_line(who, one) for who, one in seen[:_SHOWN]]
    if len(seen) > _SHOWN:
        evidence.append(say("and {count} more", count=len(seen) - _SHOWN))
    total = len(seen)
    for verdict, judged in ((False, fail), (None, unknown)):
        if found := [_line(who, one) for who, one in seen if one.right is verdict]:
            template = "{n} of {total} {what} wrong: {found}"
            if verdict is None:
                template = "{n} of {total} {what} not seen: {found}"
            observed = say(template, n=len(found), total=total, what=what, found=listed(found, most=_TOLD))
            return judged(observed, evidence=evidence, remedy=remedy, **about)
    texts = listed(dict.fromkeys(one.text for _, one in seen), most=_TOLD)
    observed = say("all {what} ({total}): {texts}", what=what, total=total, texts=texts)
    return passed(observed, proves=proves, evidence=evidence, **about)


def _line(who: str, one: Seen) -> Message:
    return listed((who, one.text), ": ")


def _look(look: Callable[[T], Seen], subject: T) -> Seen:
    try:
        return look(subject)
    except Unavailable as absent:
        return unseen(absent.reason)

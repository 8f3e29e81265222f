"""A session's timeline as text and as plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from signoff.checklist.model import Checklist, Language
from signoff.message import say, tr, translated
from signoff.model import GRAVITY, SYMBOLS, Finding, Result, in_words, word
from signoff.report.summary import timestamp
from signoff.report.text import enrolled_line
from signoff.session.events import (
    Attested,
    Consented,
    Done,
    Enrolled,
    Genesis,
    Intended,
    Looked,
    Noted,
    Probed,
    Recovered,
    Resumed,
    Sealed,
)
from signoff.session.timeline import By, Happening, Key, Timeline
from signoff.session.verdict import Verdict
from signoff.text import one_line

KINDS = {
    "confirmed": say("confirmed"),
    "skipped": say("skipped"),
    "notapplicable": say("does not apply"),
    "accepted": say("risk accepted"),
    "withdrawn": say("withdrawn"),
}


def titles(checklists: Sequence[Checklist], language: Language) -> dict[Key, str]:
    """Return the steps' titles."""
    return {(one.id, step.id): step.title.to(language) for one in checklists for step in one.steps}


def told(happening: Happening) -> tuple[str, str]:
    """Return what happened: a word or two, and the rest on one line. Inert."""
    what = happening.what
    match what:
        case Finding():
            finding = in_words(what)
            return word(what.result), one_line(f"{finding.title}: {finding.observed}", 400)
        case Attested():
            until = tr("until {until}", until=what.until) if what.until else ""
            return translated(KINDS[what.kind]), one_line(
                "; ".join(filter(None, (what.value, what.reason, until))), 400
            )
        case Consented():
            return tr("permitted") if what.given else tr("consent withdrawn"), one_line(what.name, 400)
        case Noted():
            return tr("note"), one_line(what.text, 400)
        case Probed():
            return tr("broken off"), tr("the machine stopped looking before it had seen everything")
        case Enrolled():
            return tr("second factor"), enrolled_line(what)
        case _:
            return _of_session(happening)


def _of_session(happening: Happening) -> tuple[str, str]:
    what, of = happening.what, happening.of
    match what:
        case Intended():
            return tr("action begins"), one_line(f"{what.action}, {what.subject}", 400)
        case Done():
            name = (
                f"{of.action}, {of.subject}"
                if isinstance(of, Intended)
                else tr("line {intent}", intent=what.intent)
            )
            detail = f": {what.detail}" if what.detail else ""
            return tr("action {outcome}", outcome=what.outcome), one_line(f"{name}{detail}", 400)
        case Genesis():
            return tr("begun"), one_line(
                tr(
                    "by {name}, with signoff {signoff}, {mode}",
                    name=what.operator.name,
                    signoff=what.signoff,
                    mode=what.mode,
                ),
                400,
            )
        case Resumed():
            return tr("resumed"), _resumed(what, of)
        case Looked():
            return tr("profile"), one_line(
                tr(
                    "read again from {fact}: {command}",
                    fact=what.fact,
                    command=what.command or tr("withheld"),
                ),
                400,
            )
        case Recovered():
            return tr("recovered"), tr(
                "a torn last line of {size} bytes was cut off: it was interrupted there", size=what.size
            )
        case Sealed():
            return tr("sealed"), tr(
                "left open: {open}", open=one_line(", ".join(what.open), 400) or tr("nothing")
            )
        case _:
            raise AssertionError(what)


def _resumed(event: Resumed, genesis: object) -> str:
    if not isinstance(genesis, Genesis):
        return tr("after an interruption")
    target = genesis.target
    if (event.host_key, event.machine_id) == (target.host_key, target.machine_id):
        return tr("after an interruption, on the same machine")
    return tr(
        "after an interruption, ON ANOTHER MACHINE: its host key or machine-id is not the one of line 1"
    )


def timeline_lines(timeline: Timeline, names: Mapping[Key, str]) -> Iterator[str]:
    """Yield the timeline, what a person said beside what the machine had seen by then."""
    for one in timeline.happenings:
        word, rest = told(one)
        where = f"  [{one_line(names.get(one.step, one.step[1]), 60)}]" if one.step else ""
        yield f"{timestamp(one.time)}  {translated(_LABELS[one.by])}  {word}  {rest}{where}"
        if isinstance(one.what, Finding) and one.what.expected and one.what.result is not Result.PASS:
            yield tr("    expected  {expected}", expected=one_line(in_words(one.what).expected, 400))
        if isinstance(one.what, Attested) and one.step:
            if one.what.statement:
                yield tr("    the words  {statement}", statement=one_line(one.what.statement, 400))
            yield tr("    beside it  {saw}", saw=saw(timeline, one.step, one.line))


_LABELS = {
    By.MACHINE: say("the machine saw"),
    By.PERSON: say("A PERSON SAID "),
    By.SESSION: say("the session   "),
}


def saw(timeline: Timeline, step: Key, line: int) -> str:
    """Return what the machine had seen of a step by a line of the record."""
    state = timeline.standing(step, line)
    if not state.findings:
        return tr("the machine had seen nothing")
    gravest = in_words(min(state.findings, key=lambda one: GRAVITY.index(one.result)))
    more = tr(" (of {count} findings)", count=len(state.findings)) if len(state.findings) > 1 else ""
    return tr(
        "the machine saw  {symbol} {result}{more}  {finding}",
        symbol=SYMBOLS[state.result],
        result=word(state.result),
        more=more,
        finding=one_line(f"{gravest.title}: {gravest.observed}", 400),
    )


def timeline_data(timeline: Timeline) -> list[dict[str, Any]]:
    """Return the timeline as plain data."""
    return [_datum(one) for one in timeline.happenings]


def _datum(one: Happening) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(one.what)
    kind = "finding" if isinstance(one.what, Finding) else plain.pop("type")
    for name in ("checklist", "step"):
        plain.pop(name, None)
    checklist, step = one.step or (None, None)
    return {
        "line": one.line,
        "time": timestamp(one.time),
        "by": one.by.value,
        "checklist": checklist,
        "step": step,
        "kind": kind,
        "what": plain,
    }


def verdict_data(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as plain data."""
    return {
        "status": verdict.status.value,
        "reason": verdict.reason,
        "line": verdict.line,
        "operator": verdict.operator,
        "key": verdict.key,
        "lines": verdict.lines,
        "covered": verdict.covered,
        "sealed": verdict.sealed,
        "ledger": verdict.ledger.value,
        "nonce": verdict.nonce,
        "judged": {"at": timestamp(verdict.when.at), "by": verdict.when.by.value},
        "witnesses": [
            {
                "kind": one.kind,
                "file": one.file,
                "bearing": one.bearing.value,
                "who": one.who,
                "time": timestamp(one.time),
                "reason": one.reason,
            }
            for one in verdict.witnesses
        ],
        "remarks": list(verdict.remarks),
    }

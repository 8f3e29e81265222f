"""A past session, drawn: the verdict on it, a line for each thing that happened, and what lies behind one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import TYPE_CHECKING

from textual.content import Content

from signoff.app.theme import STYLES
from signoff.app.view import KINDS, MARKS, moment
from signoff.app.widgets.content import joined, line, text
from signoff.app.widgets.finding import rows_of
from signoff.app.widgets.rows import Row
from signoff.message import say, tr, translated
from signoff.model import GRAVITY, SYMBOLS, Finding, Result, in_words, word
from signoff.report.remedies import parts
from signoff.report.timeline import told
from signoff.session.events import Attested, Consented, Noted, Recovered, Resumed
from signoff.session.timeline import By
from signoff.session.verdict import Bearing, Standing, Status, Verdict

if TYPE_CHECKING:
    from signoff.session.state import SessionState, StepState
    from signoff.session.timeline import Happening

_LABEL = 13
_STATUS = {
    Status.VALID: "$success",
    Status.UNSEALED: "$warning",
    Status.UNTRUSTED: "$warning",
    Status.NEWER: "$warning",
    Status.INVALID: "$error",
}
_LEDGER = {
    Standing.LISTED: (say("the ledger lists it"), "$muted"),
    Standing.ABSENT: (say("the ledger does not know it"), "$warning"),
    Standing.CONTRADICTS: (say("the ledger contradicts it"), "$error"),
    Standing.UNKNOWN: (say("no ledger knows it"), "$muted"),
}


def verdict_rows(verdict: Verdict | None, state: SessionState) -> Iterator[Row]:
    """Yield the verdict, and whose and of what the record is; None is not known yet."""
    yield Row(*_status(verdict), _LABEL)
    genesis = state.genesis
    if genesis:
        target = genesis.target
        names = f"{target.name}, {target.address}" if target.name else target.address
        yield Row(
            _label(tr("who, where")),
            line(tr("{name} on {names}", name=genesis.operator.name, names=names)),
            _LABEL,
        )
    if state.started and state.last:
        until = (
            tr(" to {last}", last=moment(state.last)) if moment(state.last) != moment(state.started) else ""
        )
        yield Row(
            _label(tr("when")),
            Content(
                tr(
                    "{started}{until}, {events} lines",
                    started=moment(state.started),
                    until=until,
                    events=state.events,
                )
            ),
            _LABEL,
        )
    yield Row(_label(tr("steps")), _counts(state), _LABEL)
    if verdict:
        yield Row(_label(tr("witnesses")), _witnesses(verdict), _LABEL)


def _label(label: str) -> Content:
    return Content.styled(label, "$muted")


def _status(verdict: Verdict | None) -> tuple[Content, Content]:
    if verdict is None:
        return _label(tr("verifying …")), Content("")
    style = _STATUS[verdict.status]
    reason = translated(verdict.reason) or tr(
        "sealed and unchanged since, signed by a key that is trusted here"
    )
    at = tr(" (line {line})", line=verdict.line) if verdict.line else ""
    broken = tr("; BUT {broken} does not hold", broken=", ".join(verdict.broken)) if verdict.broken else ""
    return (
        Content.styled(verdict.status.value, f"bold {style}"),
        joined(line(f"{reason}{at}"), (broken, "bold $error")),
    )


def _counts(state: SessionState) -> Content:
    counted = state.counts()
    parts = [
        joined((f"{SYMBOLS[result]} {counted[result.value]} {word(result)}", STYLES[result]))
        for result in Result
        if counted.get(result.value)
    ]
    return Content("   ").join(parts)


def _witnesses(verdict: Verdict) -> Content:
    judged = verdict.status not in {Status.INVALID, Status.NEWER}
    asked = verdict.ledger is not Standing.UNKNOWN or judged
    said, style = _LEDGER[verdict.ledger] if asked else (say("not asked: it does not hold"), "$muted")
    parts = [line(said, style)]
    for one in verdict.witnesses:
        if one.bearing is Bearing.BROKEN:
            parts.append(line(tr("{kind} DOES NOT HOLD", kind=one.kind), "bold $error"))
        elif one.bearing is Bearing.UNTRUSTED:
            parts.append(line(tr("{kind} counts for nothing here", kind=one.kind), "$warning"))
        elif one.time:
            parts.append(line(tr("time-stamp {time}, {who}", time=moment(one.time), who=one.who), "$success"))
        else:
            parts.append(line(" ".join(filter(None, (one.kind, one.who))), "$success"))
    return Content(" · ").join(parts)


def verdict_page(verdict: Verdict) -> Iterator[Content]:
    """Yield all that the verification found, line by line."""
    from signoff.report.text import verdict_lines

    yield from (text(one) for one in verdict_lines(verdict))


def sign(one: Happening) -> tuple[str, str]:
    """Return a happening's sign and its style: a machine's, a person's and the session's are never alike."""
    what = one.what
    if isinstance(what, Finding):
        return SYMBOLS[what.result], f"bold {STYLES[what.result]}"
    if isinstance(what, Attested):
        return MARKS.get(what.kind, "◇"), "bold $accent"
    if isinstance(what, Noted):
        return "✎", "bold $accent"
    if isinstance(what, Consented):
        return "◇", "bold $accent"
    grave = isinstance(what, (Recovered, Resumed))
    return "─", "$warning" if grave else "$muted"


def happening_line(one: Happening, title: str, day: bool, width: int) -> Content:
    """Return a happening on one line. A person's word says that it is one."""
    at = one.time.astimezone(UTC)
    when = at.strftime("%m-%d %H:%M:%S" if day else "%H:%M:%S")
    mark, style = sign(one)
    word, rest = told(one)
    if one.by is By.PERSON:
        word, rest = tr("a person"), f"{word}: {rest}" if rest else word
    room = max(12, width // 4)
    step = line(title, "$muted").truncate(room, ellipsis=True) if title else Content("")
    return joined(
        (f"{when} ", "$muted"),
        (f"{mark} ", style),
        (f"{word:<13} ", style),
        step.pad_right(room - step.cell_length + 2) if title else step,
        line(rest, "$accent" if one.by is By.PERSON else ""),
    )


def machine_rows(one: Happening, standing: StepState | None) -> Iterator[Row]:
    """Yield what the machine saw: the finding itself, or else all that stood by then, the gravest first."""
    if isinstance(one.what, Finding):
        finding = in_words(one.what)
        yield from rows_of(finding, unfolded=True).rows
        if finding.remedy:
            yield Row(joined("  ", (tr("do"), "$muted")), text(finding.remedy), 12)
        for label, exact in parts(finding.fix):
            yield Row(joined("  ", (translated(label), "$muted")), text(exact), 12)
        return
    findings = sorted(standing.findings if standing else (), key=lambda each: GRAVITY.index(each.result))
    for finding in map(in_words, findings[:20]):
        head = joined((f"{SYMBOLS[finding.result]} {word(finding.result)}", STYLES[finding.result]))
        body = joined(line(finding.title), "  ", line(finding.observed, "$muted"))
        yield Row(head, body, max(12, head.cell_length + 2))
    if len(findings) > 20:
        yield Row(Content(""), Content.styled(tr("{count} more", count=len(findings) - 20), "$muted"), 12)
    if not findings:
        yield Row(Content(""), Content.styled(tr("Nothing, by then."), "$muted"), 0)


def person_rows(one: Happening, standing: StepState | None) -> Iterator[Row]:
    """Yield what a person had said of the step by then, and what they say here."""
    attested = one.what if isinstance(one.what, Attested) else None
    if attested is None and standing and standing.answer:
        attested = standing.answer.attested
    if attested:
        mark, kind = MARKS.get(attested.kind, "◇"), translated(KINDS.get(attested.kind, attested.kind))
        until = tr(" until {until}", until=attested.until) if attested.until else ""
        yield Row(Content.styled(mark, "bold $accent"), line(kind + until, "bold $accent"), 2)
        for label, value in (
            (tr("the words"), attested.statement),
            (tr("seen"), attested.value),
            (tr("because"), attested.reason),
        ):
            if value:
                yield Row(joined("  ", (label, "$muted")), text(value), 13)
    if isinstance(one.what, Consented):
        yield Row(Content.styled("◇", "bold $accent"), line(": ".join(told(one)), "bold $accent"), 2)
        return
    for _, note in standing.notes if standing else ():
        yield Row(Content.styled("✎", "bold $accent"), text(note), 2)
    if not attested and not (standing and standing.notes):
        yield Row(Content(""), Content.styled(tr("Nothing, by then."), "$muted"), 0)

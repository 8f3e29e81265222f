"""What a step looks like: read from the walk each time, and kept nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from signoff.message import say, tr, translated
from signoff.model import GRAVITY, SYMBOLS, Finding, Fix, Result, Severity, in_words, word
from signoff.report.remedies import to_copy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from signoff.checklist.model import Checklist, Language, Step
    from signoff.engine import Key
    from signoff.session.events import Enrolled
    from signoff.session.state import Answer, SessionState, StepState

_WANTS_REMEDY = frozenset({Result.FAIL, Result.ERROR, Result.UNKNOWN, Result.NOTCHECKED})

# A person's word has signs of its own: nobody shall take it for what a machine saw.
MARKS = {"confirmed": "◆", "skipped": "»", "notapplicable": "○", "accepted": "▲"}
KINDS = {
    "confirmed": say("confirmed"),
    "skipped": say("skipped"),
    "notapplicable": say("does not apply"),
    "accepted": say("risk accepted"),
}


@dataclass(frozen=True, slots=True)
class Remedy:
    """How to put something right: for which findings, what to do in words, and exactly."""

    title: str
    text: str
    fix: Fix | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """A step as it is now. Its texts are as they came; whoever draws them makes them inert."""

    key: Key
    number: int
    total: int
    title: str
    severity: Severity
    ask: str
    why: str
    result: Result
    findings: tuple[Finding, ...]
    remedies: tuple[Remedy, ...]
    has_probes: bool
    probed: bool
    open: bool
    statement: str
    value_asked: str
    actions: tuple[str, ...]
    answer: Answer | None
    notes: tuple[tuple[datetime, str], ...]
    enrolled: tuple[tuple[datetime, Enrolled], ...]
    permit: str = ""
    """What there is to permit, or to withdraw; empty where every probe only looks."""

    @property
    def symbol(self) -> str:
        """The machine's sign."""
        return SYMBOLS[self.result]

    @property
    def mark(self) -> str:
        """The person's sign; a space where nobody has said anything."""
        return MARKS[self.answer.attested.kind] if self.answer else " "

    @property
    def to_copy(self) -> str:
        """The exact remedy, to be pasted, of the gravest finding that has one; empty where none has."""
        wanted = (to_copy(one.fix) for one in self.findings if one.result in _WANTS_REMEDY)
        return next(filter(None, wanted), "")

    @property
    def words(self) -> str:
        """The step's state in words: what the machine saw, what a person said, what is still to do."""
        return " · ".join(self._words())

    def _words(self) -> Iterator[str]:
        if self.has_probes:
            yield word(self.result)
        if self.answer:
            until = self.answer.attested.until
            yield translated(KINDS[self.answer.attested.kind]) + (
                tr(" until {until}", until=until) if until else ""
            )
        if self.open:
            yield self.to_do

    @property
    def to_do(self) -> str:
        """What an open step waits for."""
        if self.result is Result.FAIL:
            return tr("to put right")
        if self.result in {Result.ERROR, Result.UNKNOWN}:
            return tr("to be judged")
        if self.statement and not (self.answer and self.answer.attested.kind == "confirmed"):
            return tr("to confirm")
        return tr("to look at")


def step_views(
    state: SessionState, checklists: Iterable[Checklist], language: Language
) -> tuple[StepView, ...]:
    """Read all steps from a session's state."""
    known: Mapping[Key, Step] = {(one.id, step.id): step for one in checklists for step in one.steps}
    keys = [key for key in state.steps if key in known]
    return tuple(
        step_view(known[key], state.steps[key], number, len(keys), language)
        for number, key in enumerate(keys, 1)
    )


def step_view(step: Step, state: StepState, number: int, total: int, language: Language) -> StepView:
    """Read one step."""
    findings = tuple(map(in_words, sorted(state.findings, key=lambda finding: GRAVITY.index(finding.result))))
    is_open = state.is_open(wants_confirmation=step.confirm is not None)
    return StepView(
        key=(state.checklist, state.step),
        number=number,
        total=total,
        title=step.title.to(language),
        severity=step.severity,
        ask=step.ask.to(language),
        why=step.why.to(language),
        result=state.result,
        findings=findings,
        remedies=tuple(_remedies(findings, step.remedy.to(language), is_open=is_open)),
        has_probes=bool(step.probes),
        probed=state.probed,
        open=is_open,
        statement=step.confirm.statement.to(language) if step.confirm else "",
        value_asked=step.confirm.value.to(language) if step.confirm else "",
        actions=step.actions,
        answer=state.answer,
        notes=tuple(state.notes),
        enrolled=tuple(state.enrolled),
    )


def _remedies(findings: Iterable[Finding], general: str, *, is_open: bool) -> Iterator[Remedy]:
    titles: dict[tuple[str, Fix | None], list[str]] = {}
    wanted = is_open
    for finding in findings:
        wanted = wanted or finding.result in _WANTS_REMEDY
        if finding.remedy and finding.result in _WANTS_REMEDY:
            titles.setdefault((finding.remedy, finding.fix), []).append(finding.title)
    above = ""
    for (text, fix), named in titles.items():
        more = tr(" (and {count} more)", count=len(named) - 1) if len(named) > 1 else ""
        title = named[0] + more
        yield Remedy("" if title == above else title, text, fix)
        above = title
    if wanted and general.strip():
        yield Remedy(tr("The whole step") if titles else "", general)


def moment(time: datetime) -> str:
    """Return a time for people: to the minute, in UTC, as the record has it."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def ago(time: datetime, now: datetime) -> str:
    """Return how long ago something was, roughly."""
    minutes = int((now - time).total_seconds() // 60)
    if minutes >= 60 * 24:
        return tr("{days} d ago", days=minutes // (60 * 24))
    if minutes >= 60:
        return tr("{hours} h ago", hours=minutes // 60)
    if minutes >= 1:
        return tr("{minutes} min ago", minutes=minutes)
    return tr("just now")

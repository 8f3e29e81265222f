"""A whole session, as it is looked over at its end or later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content

from signoff.app.theme import STYLES
from signoff.app.view import MARKS, StepView, moment, step_views
from signoff.app.widgets.content import joined, line, text
from signoff.app.widgets.rows import Row
from signoff.message import say, tr
from signoff.model import SYMBOLS, Result, word

if TYPE_CHECKING:
    from signoff.checklist.model import Checklist
    from signoff.session.state import SessionState

NO_RECORD_CAN_PROVE = say(
    "No record can prove that what a person said is true, that a target controlled by somebody else did not "
    "lie, or when exactly something happened; and without a witness outside this machine, its operator could "
    "make a session again and sign it anew. The seal shows who signed, and that nothing was changed since."
)

_LABEL = 13


@dataclass(frozen=True, slots=True)
class Closing:
    """What is shown of a session. ``damage`` says why its record could not be read to the end."""

    state: SessionState
    checklists: Sequence[Checklist]
    directory: Path
    sealed: bool
    damage: str = ""

    def views(self, language: str) -> tuple[StepView, ...]:
        """Read the steps."""
        return step_views(self.state, self.checklists, language)

    @property
    def operator(self) -> str:
        """Who walked."""
        return self.state.genesis.operator.name if self.state.genesis else ""


def counts(views: Sequence[StepView]) -> Content:
    """Return how many steps have which result, and how many are open."""
    parts: list[Content | str | tuple[str, str]] = []
    for result in Result:
        count = sum(view.result is result for view in views if view.has_probes)
        if count:
            parts += [(f"{SYMBOLS[result]} {count} {word(result)}", STYLES[result]), "   "]
    alone = sum(not view.has_probes for view in views)
    if alone:
        parts += [(tr("{alone} for a person alone", alone=alone), "$muted"), "   "]
    still = sum(view.open for view in views)
    parts.append((tr("{still} open", still=still), "bold") if still else (tr("nothing open"), "$muted"))
    return joined(*parts)


def step_rows(views: Sequence[StepView]) -> Iterator[Row]:
    """Yield each step: what the machine saw, and beside it what a person said."""
    digits = len(str(len(views)))
    indent = digits + 5
    for view in views:
        symbol = view.symbol if view.has_probes else " "
        head = joined(
            (symbol, f"bold {STYLES[view.result]}"),
            f"{view.mark} ",
            (f"{view.number:>{digits}}", "$muted"),
        )
        style = STYLES[view.result] if view.open and view.has_probes else "$muted"
        yield Row(
            head, line(view.title, "bold" if view.open else ""), indent, Content.styled(view.words, style)
        )
        yield from _answer(view, indent)


def _answer(view: StepView, indent: int) -> Iterator[Row]:
    bad = sum(one.result in {Result.FAIL, Result.ERROR, Result.UNKNOWN} for one in view.findings)
    if bad and view.result is not Result.PASS:
        worst = view.findings[0]
        more = tr(" (and {bad} more)", bad=bad - 1) if bad > 1 else ""
        yield Row(
            joined(" " * indent, (tr("the machine saw"), "$muted")),
            joined(line(worst.observed, width=200), (more, "$muted")),
            indent + 17,
        )
    if view.answer:
        attested = view.answer.attested
        said = attested.value or attested.reason
        yield Row(
            joined(" " * indent, (tr("a person says"), "$muted")),
            joined(f"{MARKS[attested.kind]} ", text(said)),
            indent + 17,
        )


def record_rows(closing: Closing) -> Iterator[Row]:
    """Yield where the record lies, whose it is, and of what."""
    state, genesis = closing.state, closing.state.genesis
    target = genesis.target if genesis else None
    operator = genesis.operator if genesis else None
    for label, value in (
        (tr("session"), state.session),
        (tr("target"), f"{target.name}  {target.address}" if target else ""),
        (tr("host key"), target.host_key if target else ""),
        (tr("operator"), operator.name if operator else ""),
        (tr("signed by"), operator.key if operator else ""),
        (tr("started"), moment(state.started) if state.started else ""),
        (tr("last"), moment(state.last) if state.last else ""),
        (tr("record"), str(closing.directory)),
        (tr("damaged"), closing.damage),
    ):
        if value:
            yield Row(Content.styled(label, "$muted"), text(value), _LABEL)

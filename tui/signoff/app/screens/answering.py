"""What an operator can say of a step: one word of a key, one dialog, one thing that the walk is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from signoff.app.screens.answers import AnswerDialog, Said
from signoff.app.view import KINDS, StepView
from signoff.app.widgets.content import joined, text
from signoff.message import tr
from signoff.model import Result

if TYPE_CHECKING:
    from signoff.checklist.model import Language
    from signoff.engine import Key
    from signoff.walk import Walk


@dataclass(frozen=True, slots=True)
class Answering:
    """A way of answering: the dialog that asks, None where there is nothing to ask, and what is said then."""

    dialog: Callable[[StepView], AnswerDialog | None]
    tell: Callable[[Walk, Key, Said, Language], None]


def _confirm_dialog(view: StepView) -> AnswerDialog:
    """Ask for the value that was seen: that is how a step is confirmed."""
    warning = tr("The machine saw a failure here. Confirming does not change that: the step stays open.")
    return AnswerDialog(
        tr("You confirm, in your name"),
        joined(text(view.title, "$muted"), "\n\n", text(view.statement, "bold")),
        tr("What did you see? {value_asked}", value_asked=view.value_asked),
        warning=warning if view.result is Result.FAIL else "",
    )


def _skip_dialog(view: StepView) -> AnswerDialog:
    """Ask why a step is skipped."""
    return AnswerDialog(tr("Skip this step"), text(view.title), tr("Why is it skipped?"))


def _not_applicable_dialog(view: StepView) -> AnswerDialog:
    """Ask why a step does not apply."""
    return AnswerDialog(tr("This step does not apply"), text(view.title), tr("Why does it not apply here?"))


def _accept_dialog(view: StepView) -> AnswerDialog:
    """Ask why a risk is accepted, and until when."""
    lead = joined(
        text(view.title),
        (tr("\nWhat the machine saw stays as it is; you take the risk until a day you name."), "$muted"),
    )
    return AnswerDialog(tr("Accept the risk"), lead, tr("Why is the risk accepted?"), with_date=True)


def _withdraw_dialog(view: StepView) -> AnswerDialog | None:
    """Ask why an answer is taken back."""
    if view.answer is None:
        return None
    answer = text(KINDS[view.answer.attested.kind], "bold")
    lead = joined(
        text(view.title), tr("\nYour answer: "), answer, (tr("\nBoth stay in the record."), "$muted")
    )
    return AnswerDialog(tr("Take your answer back"), lead, tr("Why is it taken back?"))


def _note_dialog(view: StepView) -> AnswerDialog:
    """Ask for a remark."""
    return AnswerDialog(
        tr("Note"), text(view.title), tr("A remark, for whoever reads the record. No secrets.")
    )


def _accept(walk: Walk, key: Key, said: Said, _language: Language) -> None:
    if said.until is not None:
        walk.accept_risk(key, said.text, said.until)


ANSWERINGS: Final[Mapping[str, Answering]] = {
    "confirm": Answering(
        _confirm_dialog, lambda walk, key, said, language: walk.confirm(key, said.text, language)
    ),
    "skip": Answering(_skip_dialog, lambda walk, key, said, _: walk.skip(key, said.text)),
    "not_applicable": Answering(
        _not_applicable_dialog, lambda walk, key, said, _: walk.not_applicable(key, said.text)
    ),
    "accept": Answering(_accept_dialog, _accept),
    "withdraw": Answering(_withdraw_dialog, lambda walk, key, said, _: walk.withdraw(key, said.text)),
    "note": Answering(_note_dialog, lambda walk, key, said, _: walk.note(key, said.text)),
}
"""By the words of the keys' actions: ``say('skip')``."""

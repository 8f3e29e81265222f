"""The dialog in which an operator says something of a step.

Enter never records anything here: in a text it begins a new line. What records is a key of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static, TextArea

from signoff.app.screens.base import Dialog
from signoff.app.widgets.content import joined, text
from signoff.errors import UsageError
from signoff.message import tr
from signoff.saying import LONGEST, day, today
from signoff.text import one_line


@dataclass(frozen=True, slots=True)
class Said:
    """What was typed: a text, and a date where one was asked."""

    text: str
    until: date | None = None


class AnswerDialog(Dialog[Said]):
    """Asks for a text, and records it with a deliberate key. Dismissed with None, nothing was said."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+s",
            "record",
            "Record",
            id="record",
            priority=True,
            tooltip="Record this in your name",
        ),
        Binding("escape", "back", "Back", id="back", tooltip="Go back; nothing is recorded"),
    ]

    def __init__(
        self,
        title: str,
        lead: Content,
        label: str,
        *,
        warning: str = "",
        with_date: bool = False,
    ) -> None:
        super().__init__()
        self._title = title
        self._lead = lead
        self._label = label
        self._warning = warning
        self._with_date = with_date

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        with Vertical(classes="dialog"):
            yield Static(self._title, classes="dialog-title", markup=False)
            with VerticalScroll(classes="dialog-body", can_focus=False):
                yield Static(self._lead, markup=False)
                if self._warning:
                    yield Static(self._warning, classes="dialog-warning", markup=False)
            yield Static(text(self._label), classes="dialog-label", markup=False)
            yield TextArea(id="said", compact=True, highlight_cursor_line=False)
            if self._with_date:
                with Horizontal(classes="dialog-row"):
                    yield Static(tr("Until"), classes="dialog-label", markup=False)
                    yield Input(id="until", placeholder="YYYY-MM-DD", compact=True, max_length=10)
            yield Static(id="problem", markup=False)
            yield Static(self._keys(), classes="dialog-keys", markup=False)

    def on_mount(self) -> None:
        """Start in the text."""
        self.query_one("#said", TextArea).focus()

    def _keys(self) -> Content:
        record = self.signoff.key_name(self, "record")
        back = self.signoff.key_name(self, "back")
        return joined(
            (record, "bold $accent"),
            tr(" records this in your name   "),
            (back, "bold $accent"),
            tr(" goes back"),
        )

    def on_input_submitted(self, _event: Input.Submitted) -> None:
        """Enter in the date field records nothing."""
        self._complain(
            tr("{key_name} records; Enter does not.", key_name=self.signoff.key_name(self, "record"))
        )

    def action_record(self) -> None:
        """Record what was typed, if it is enough."""
        if self.has_class("-too-small"):
            return  # nobody puts their name to what cannot be seen
        said = self.query_one("#said", TextArea).text.strip()
        problems = list(self._problems(said))
        if problems:
            self._complain(problems[0])
        else:
            self.dismiss(Said(said, self._date() if self._with_date else None))

    def action_back(self) -> None:
        """Go back without an answer."""
        self.dismiss(None)

    def _problems(self, said: str) -> Iterator[str]:
        if not said:
            yield tr("Nothing is typed yet.")
        if len(said) > LONGEST:
            yield tr("That is longer than {longest} characters: {count}.", longest=LONGEST, count=len(said))
        if self._with_date:
            until = self._date()
            typed = self.query_one("#until", Input).value.strip()
            if not typed:
                yield tr("Say until when the risk is accepted.")
            elif until is None:
                yield tr("{typed} is no date; write it as YYYY-MM-DD.", typed=one_line(typed, 20))
            elif until <= today():
                yield tr("{until} is not in the future.", until=until)

    def _date(self) -> date | None:
        try:
            return day(self.query_one("#until", Input).value)
        except UsageError:
            return None

    def _complain(self, problem: str) -> None:
        self.query_one("#problem", Static).update(Content.styled(problem, "$error"))

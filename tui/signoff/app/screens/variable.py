"""Dialogs on the way into a variable of a .env file: which one, and whether what it has is replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input, Static

from signoff.app.screens.base import Dialog
from signoff.app.screens.prompts import TypedWord
from signoff.app.widgets.content import joined, line, text
from signoff.message import tr

if TYPE_CHECKING:
    from signoff.credentials.delivery import HeldError


class VariableDialog(Dialog[tuple[str, str]]):
    """Asks for a file and a variable's name."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="back", tooltip="Go back; nothing is written"),
    ]

    def __init__(self, place: str, file: str) -> None:
        super().__init__()
        self._place = place
        self._file = file

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        back = self.signoff.key_name(self, "back")
        with Vertical(classes="dialog"):
            yield Static(tr("Into a .env file"), classes="dialog-title", markup=False)
            yield Static(
                joined(tr("Only the value's bytes change. What will happen is shown first.")), markup=False
            )
            yield Static(
                joined(tr("File on "), line(self._place, "bold")), classes="dialog-label", markup=False
            )
            yield Input(self._file, id="file", compact=True)
            yield Static(tr("Variable"), classes="dialog-label", markup=False)
            yield Input(id="variable", placeholder="SECRET_KEY", compact=True, max_length=200)
            yield Static(id="problem", markup=False)
            yield Static(
                joined(
                    (tr("Enter"), "bold $accent"), tr(" goes on   "), (back, "bold $accent"), tr(" goes back")
                ),
                classes="dialog-keys",
                markup=False,
            )

    def on_mount(self) -> None:
        """Start with the variable: the file is likely the right one."""
        self.query_one("#variable").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hand over both, or go to the one that is missing."""
        file, name = (self.query_one(field, Input) for field in ("#file", "#variable"))
        if event.input is file and file.value.strip() and not name.value:
            name.focus()
        elif not file.value.strip():
            self._complain(tr("Which file?"))
            file.focus()
        elif not name.value.strip():
            self._complain(tr("Which variable?"))
        else:
            self.dismiss((file.value.strip(), name.value.strip()))

    def _complain(self, problem: str) -> None:
        self.query_one("#problem", Static).update(text(problem, "$error"))

    def action_back(self) -> None:
        """Write nothing."""
        self.dismiss(None)


def held_dialog(held: HeldError, name: str) -> TypedWord:
    """Say that there is a value, and what that means; going on takes a word."""
    body = joined(
        line(held.message, "bold"),
        tr(
            "\n\nRotation is the way: it gives databases and caches the new value first, starts anew what "
            "uses "
            "it, and puts everything back if that fails. From a shell:\n  "
        ),
        line(tr("signoff env rotate FILE {name}", name=name), "$accent"),
        tr("\n\nHere nothing but the file would change. Whatever knows the old value only is locked out."),
    )
    return TypedWord(tr("There is a value already"), body, "replace", tr("replace it in the file alone"))

"""A dialog with something to read, and nothing to answer."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from signoff.app.screens.base import Dialog
from signoff.app.widgets.content import joined
from signoff.message import tr


class ReadingDialog(Dialog[None]):
    """Shows a text; the arrows scroll it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "back", "Back", id="back", tooltip="Go back"),
    ]

    def __init__(self, title: str, body: Content) -> None:
        super().__init__()
        self._title = title
        self._body = body

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        back = self.signoff.key_name(self, "back")
        with Vertical(classes="dialog -tall"):
            yield Static(self._title, classes="dialog-title", markup=False)
            with VerticalScroll(classes="dialog-body"):
                yield Static(self._body, markup=False)
            yield Static(
                joined((back, "bold $accent"), tr(" goes back")), classes="dialog-keys", markup=False
            )

    def on_mount(self) -> None:
        """Let the arrows scroll."""
        self.query_one(".dialog-body").focus()

    def action_back(self) -> None:
        """Close."""
        self.dismiss(None)

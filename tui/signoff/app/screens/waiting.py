"""The dialog that is shown while a signature waits for a person."""

from __future__ import annotations

from math import ceil
from threading import Event
from time import monotonic
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from signoff.app.screens.base import Dialog
from signoff.app.widgets.content import joined, text
from signoff.message import tr


class WaitingDialog(Dialog[None]):
    """Says what the operator is to do, while it is waited for; goes by itself once ``over`` is set."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop", "Stop", id="stop-waiting", tooltip="Wait no longer"),
        Binding("ctrl+c", "stop", "Stop", id="stop-waiting-too", show=False, tooltip="Wait no longer"),
    ]

    def __init__(self, what: str, seconds: float, stopped: Event, over: Event) -> None:
        super().__init__()
        self._what = what
        self._until = monotonic() + seconds
        self._stopped = stopped
        self._over = over

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        with Vertical(classes="dialog"):
            yield Static(tr("Your signature"), classes="dialog-title", markup=False)
            with VerticalScroll(classes="dialog-body", can_focus=False):
                yield Static(text(self._what, "bold"), markup=False)
            yield Static(id="left", classes="dialog-label", markup=False)
            yield Static(
                joined(
                    (self.signoff.key_name(self, "stop-waiting"), "bold $accent"),
                    tr(" stops; nothing is signed"),
                ),
                classes="dialog-keys",
                markup=False,
            )

    def on_mount(self) -> None:
        """Count down."""
        self._tick()
        self.set_interval(0.1, self._tick)

    def on_unmount(self) -> None:
        """Have nobody wait on when the app goes."""
        self._stopped.set()

    def _tick(self) -> None:
        if self._over.is_set() and self.is_current:
            self.dismiss(None)
            return
        left = max(0, ceil(self._until - monotonic()))
        self.query_one("#left", Static).update(tr("Waiting for up to {left} s more", left=left))

    def action_stop(self) -> None:
        """Tell whoever waits to stop; the dialog goes when they have."""
        self._stopped.set()

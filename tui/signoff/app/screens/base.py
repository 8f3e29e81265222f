"""What every screen of signoff shares: its size, its troubles, its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from textual import events
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from signoff.defect import where
from signoff.errors import SignoffError, StoppedError
from signoff.message import say, tr

if TYPE_CHECKING:
    from signoff.app.app import SignoffApp

R = TypeVar("R")

SMALLEST = (34, 8)
"""Columns and rows below which a screen says that it is too small, instead of showing half of something."""
WIDE = 100
"""Columns from which two columns are shown."""


class TooSmall(Static):
    """Covers a screen that has no room."""

    def render(self) -> Content:
        """Say how much room there is and how much is wanted."""
        width, height = self.app.size
        return Content(
            tr(
                "Too small: {width}x{height}.\nsignoff wants 80x24.\nq quits; nothing is lost.",
                width=width,
                height=height,
            )
        )


class _Sized(Screen[R]):
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - declared so by Textual

    def on_mount(self) -> None:
        self._fit()

    def on_resize(self, _event: events.Resize) -> None:
        self._fit()

    def _fit(self) -> None:
        width, height = self.app.size
        too_small = width < SMALLEST[0] or height < SMALLEST[1]
        self.set_class(too_small, "-too-small")
        covers = self.query(TooSmall)
        if too_small and not covers:
            self.mount(TooSmall(classes="too-small"))
        for cover in covers:
            cover.refresh(layout=True)

    @property
    def signoff(self) -> SignoffApp:
        """The app, by its own type."""
        return cast("SignoffApp", self.app)

    def trouble(self, error: Exception) -> None:
        """Show what went wrong in a dialog; the app goes on."""
        if isinstance(error, StoppedError):
            return
        if isinstance(error, SignoffError):
            self.signoff.show_error(error.message, error.hint)
        elif isinstance(error, OSError):
            self.signoff.show_error(
                tr(
                    "{filename}: {strerror}",
                    filename=error.filename or say("The system"),
                    strerror=error.strerror or type(error).__name__,
                ),
                tr("Nothing that was answered is lost."),
            )
        else:
            self.signoff.show_error(
                tr("A defect in the program ({name}).", name=type(error).__name__),
                "\n".join([tr("Nothing is lost; the app goes on. Please report:"), *where(error)]),
            )


class SignoffScreen(_Sized[R]):
    """A screen that fills the terminal."""

    @property
    def would_be_lost(self) -> str:
        """What is lost by leaving it now, in a sentence; empty where nothing is."""
        return ""


class Dialog(_Sized[R], ModalScreen[R]):
    """A question in front of a screen. Escape always goes back, and answers nothing."""

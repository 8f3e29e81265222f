"""The QR code of a new second factor, and a code from the device that has scanned it.

The code on this screen is the secret. It is drawn only while this screen is in front, and forgotten after.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from signoff.app.screens.base import SignoffScreen
from signoff.app.screens.leaving import LeavingDialog
from signoff.app.widgets.content import joined, line, text
from signoff.app.widgets.key_bar import KeyBar
from signoff.app.widgets.qr_code import QrCode
from signoff.credentials.qr import fits, qr_rows
from signoff.credentials.totp import DRIFT_STEPS, STEP_SECONDS, Checked, Enrolment, Verifier
from signoff.message import say, tr

SIDE: Final = 33
"""Columns of words beside the code, at least."""
LOST: Final = say(
    "No code was right yet: the key is nowhere but here, and is forgotten. "
    "Delete the entry in the authenticator app, if it has one already."
)
_ABOUT: Final = say(
    "A code holds for {seconds} s, and is taken up to {drift} s before and after: so far may "
    "the clocks differ. None is taken twice.",
    seconds=STEP_SECONDS,
    drift=STEP_SECONDS * DRIFT_STEPS,
)


class CodeInput(Input):
    """A field for a code. Every key that is no part of one is left to the screen."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Take what a code is made of."""
        return character is not None and (character.isdecimal() or character in " -")

    def _on_key(self, event: events.Key) -> None:  # type: ignore[override]  # Textual calls the base's after it
        if event.is_printable and not self.check_consume_key(event.key, event.character):
            event.prevent_default()


class CodeScreen(SignoffScreen[Checked]):
    """Shows the key, and takes codes until one is right. None: the operator left without one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "as_text", "Text or QR", id="as-text", tooltip="Show the key as text, or as a QR code"),
        Binding("escape", "back", "Back", id="back", tooltip="Go back; asks where the key would be lost"),
    ]

    def __init__(self, enrolment: Enrolment, verifier: Verifier) -> None:
        super().__init__()
        self._enrolment = enrolment
        self._verifier = verifier
        self._as_text = False
        self._in_front = False

    @property
    def would_be_lost(self) -> str:
        """What leaving now loses; empty where a code was right before."""
        return LOST if self._verifier.last is None else ""

    def compose(self) -> ComposeResult:
        """Make the screen."""
        with Horizontal(id="enrolling"):
            yield QrCode()
            with VerticalScroll(id="beside", can_focus=False):
                yield Static(id="key", markup=False)
                yield Static(tr("Code from the app"), classes="dialog-label", markup=False)
                yield CodeInput(id="typed", compact=True, max_length=12)
                yield Static(id="said", markup=False)
                yield Static(id="about", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        """Start in the field."""
        self.query_one("#about", Static).update(text(_ABOUT, "$muted"))
        self.query_one(CodeInput).focus()

    def on_screen_resume(self) -> None:
        """Show the key."""
        self._in_front = True
        self._draw()

    def on_screen_suspend(self) -> None:
        """Hide it, also from what is drawn behind a dialog."""
        self._in_front = False
        self._draw()

    def on_resize(self, _event: events.Resize) -> None:
        """See whether the code fits."""
        self._draw()

    def _draw(self) -> None:
        rows = qr_rows(self._enrolment.uri) if self._in_front and not self._as_text else ()
        width, height = self.app.size
        room = not rows or fits(rows, width - SIDE, height)
        self.query_one(QrCode).show(rows if room else ())
        lacks = "" if room else _lacks(rows, width, height)
        as_text = self._as_text or not room
        lines = self._key_lines(lacks) if as_text else self._lines()
        self.query_one("#key", Static).update(joined(*lines) if self._in_front else "")

    def _lines(self) -> Iterator[Content | str]:
        yield text(tr("Scan this with the authenticator app, then type the code that it shows."), "bold")
        yield from self._labels()
        key = self.signoff.key_name(self, "as-text")
        yield joined(tr("\n\nNo camera? "), (key, "bold $accent"), tr(" shows it as text."))

    def _key_lines(self, lacks: str) -> Iterator[Content | str]:
        if lacks:
            yield text(lacks, "$warning")
            yield "\n\n"
        yield text(tr("Type this key into the authenticator app, then the code that it shows here."), "bold")
        yield joined("\n\n  ", (self._enrolment.text.reveal(), "bold $accent"))
        yield joined(
            (tr("\n\nTime based, SHA-1, 6 digits, 30 seconds: what an app takes for granted."), "$muted")
        )
        yield from self._labels()

    def _labels(self) -> Iterator[Content]:
        yield joined((tr("\n\nissuer   "), "$muted"), line(self._enrolment.issuer, "bold"))
        yield joined((tr("\naccount  "), "$muted"), line(self._enrolment.account, "bold"))
        if self._enrolment.shortened:
            yield joined((tr("\nShortened, so that the QR code fits a terminal."), "$muted"))

    def action_as_text(self) -> None:
        """Show the key as text, or as a QR code again."""
        self._as_text = not self._as_text
        self._draw()

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if not event.value.strip():
            return
        checked = self._verifier.check(event.value)
        if checked:
            self.dismiss(checked)
            return
        event.input.value = ""
        self.query_one("#said", Static).update(
            text(tr("{words} Nothing is lost.", words=checked.words()), "$error")
        )

    def action_back(self) -> None:
        """Go back; ask first where the key would be lost."""
        if not self.would_be_lost:
            self.dismiss(None)
            return

        def leave(yes: bool | None) -> None:
            if yes:
                self.dismiss(None)

        self.app.push_screen(LeavingDialog(self.would_be_lost), leave)


def _lacks(rows: tuple[str, ...], width: int, height: int) -> str:
    return tr(
        "The QR code wants {needed_width}x{needed_height}; this terminal has {width}x{height}. Make it "
        "larger, or go on "
        "with the text.",
        needed_width=len(rows[0]) + SIDE,
        needed_height=len(rows) + 1,
        width=width,
        height=height,
    )

"""Secrets on a screen: masked, shown only while asked for, copied or written to a file of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from signoff.app.screens.base import Dialog, SignoffScreen
from signoff.app.widgets.content import joined, text
from signoff.app.work import background, in_thread
from signoff.credentials.secret import HIDDEN, Secret
from signoff.credentials.secret_file import write_new
from signoff.message import say, tr

R = TypeVar("R")

SHOWN_SECONDS = 20
COPIED_SECONDS = 60


class MaskedScreen(SignoffScreen[R]):
    """Has ``values``, and draws them with ``draw``. ``taken`` tells whether anybody has had them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "v",
            "reveal",
            "Show",
            id="reveal",
            tooltip=say("Show the values for {seconds} seconds, or hide them", seconds=SHOWN_SECONDS),
        ),
        Binding(
            "y", "copy", "Copy", id="copy", tooltip="Copy the values; the clipboard is cleared after a minute"
        ),
        Binding(
            "w",
            "write",
            "To a file",
            id="write",
            tooltip="Write the values to a new file that only you can read",
        ),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.values: tuple[Secret, ...] = ()
        self.taken = False
        self._shown = False
        self._hiding: Timer | None = None

    def on_unmount(self) -> None:
        """Forget everything."""
        self.values = ()

    def draw(self) -> None:
        """Draw the values, by ``masked`` and ``state``."""

    @property
    def masked(self) -> str:
        """The values as they may be seen now, one a line."""
        return "\n".join(value.reveal() if self._shown else HIDDEN for value in self.values)

    @property
    def state(self) -> Content:
        """Whether they are shown, and the key that changes that."""
        if not self.values:
            return Content("")
        key = self.signoff.key_name(self, "reveal")
        does = tr("hides") if self._shown else tr("shows")
        # In a field a letter is typed, and shows nothing.
        press, effect = (key, does) if key else ("tab", tr("leaves the field"))
        hint = joined((press, "bold $accent"), f" {effect}")
        if self._shown:
            return joined(
                (tr("shown"), "bold $warning"),
                tr(" for {shown_seconds} s  ", shown_seconds=SHOWN_SECONDS),
                hint,
            )
        return joined(tr("hidden  "), hint)

    def hide(self) -> None:
        """Hide the values."""
        self._shown = False
        if self._hiding is not None:
            self._hiding.stop()
        self.draw()

    def take(self) -> tuple[Secret, ...]:
        """Return the values for the operator to have: from now on no note may hold them."""
        self.signoff.know(self.values)
        self.taken = True
        return self.values

    def action_reveal(self) -> None:
        """Show the values for a while, or hide them."""
        if self._shown or not self.values:
            self.hide()
            return
        self.take()
        self._shown = True
        self._hiding = self.set_timer(SHOWN_SECONDS, self.hide)
        self.draw()

    def action_copy(self) -> None:
        """Send the values to the terminal's clipboard, and clear it after a while."""
        if self.values:
            self.signoff.copy_secret(self.take(), COPIED_SECONDS)

    def action_write(self) -> None:
        """Ask for a file."""
        if self.values:
            self.app.push_screen(FileDialog(), self._writing)

    def _writing(self, path: Path | None) -> None:
        if path is not None:
            self.write(path)

    @background("write")
    async def write(self, path: Path) -> None:
        """Write the values to a new file."""
        self.signoff.know(self.values)
        values = Secret("\n".join(value.reveal() for value in self.values))
        await in_thread(lambda: write_new(path, values))
        self.taken = True
        self.notify(tr("Written to {name}, readable by you only.", name=path.name), markup=False)


class FileDialog(Dialog[Path]):
    """Asks where to write the values."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="back", tooltip="Go back; nothing is written"),
    ]

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        back = self.signoff.key_name(self, "back")
        with Vertical(classes="dialog"):
            yield Static(tr("Write to a new file"), classes="dialog-title", markup=False)
            yield Static(
                tr("Only you will be able to read it (mode 0600). A file that exists is not touched."),
                markup=False,
            )
            yield Static(tr("Path"), classes="dialog-label", markup=False)
            yield Input(id="path", compact=True)
            yield Static(id="problem", markup=False)
            yield Static(
                joined(
                    (tr("Enter"), "bold $accent"), tr(" writes   "), (back, "bold $accent"), tr(" goes back")
                ),
                classes="dialog-keys",
                markup=False,
            )

    def on_mount(self) -> None:
        """Start in the field."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hand over the path, where a file can be made there."""
        typed = event.value.strip()
        path = Path(typed).expanduser()
        if not typed:
            return
        if path.exists():
            self._complain(tr("There is something already."))
        elif not path.parent.is_dir():
            self._complain(tr("There is no folder {parent}.", parent=path.parent))
        else:
            self.dismiss(path)

    def _complain(self, problem: str) -> None:
        self.query_one("#problem", Static).update(text(problem, "$error"))

    def action_back(self) -> None:
        """Write nothing."""
        self.dismiss(None)

"""Strong keys and passwords: masked, shown only while asked for, copied or written to a file of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from signoff.app.screens.base import Dialog, SignoffScreen
from signoff.app.widgets.bars import StatusLine, TitleBar
from signoff.app.widgets.content import joined, text
from signoff.app.widgets.key_bar import KeyBar
from signoff.app.work import background, in_thread
from signoff.credentials.generate import KINDS, generate
from signoff.credentials.secret import HIDDEN, Secret
from signoff.credentials.secret_file import write_new
from signoff.errors import UsageError

if TYPE_CHECKING:
    from signoff.credentials.generate import Generated

SHOWN_SECONDS = 20
COPIED_SECONDS = 60
MOST = 50


class GenerateScreen(SignoffScreen[None]):
    """Makes secrets. They live as long as this screen, and nowhere else."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g,ctrl+r", "again", "Make new ones", id="generate", tooltip="Make new values of this kind"),
        Binding(
            "v",
            "reveal",
            "Show",
            id="reveal",
            tooltip=f"Show the values for {SHOWN_SECONDS} seconds, or hide them",
        ),
        Binding(
            "y", "copy", "Copy", id="copy", tooltip="Copy the values; the clipboard is cleared after a minute"
        ),
        Binding(
            "w",
            "write",
            "Write to file",
            id="write",
            tooltip="Write the values to a new file that only you can read",
        ),
        Binding("escape", "back", "Back", id="back", tooltip="Forget the values, and go back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._kind = next(iter(KINDS))
        self._made: tuple[Generated, ...] = ()
        self._shown = False
        self._hiding: Timer | None = None

    def compose(self) -> ComposeResult:
        """Make the screen."""
        yield TitleBar("Generate")
        with Horizontal(id="columns"):
            yield OptionList(*(Option(name) for name in KINDS), id="kinds", markup=False, compact=True)
            with VerticalScroll(id="making", can_focus=False):
                yield Static(id="about", markup=False)
                with Horizontal(classes="fields"):
                    yield Static("Length", classes="label", markup=False)
                    yield Input(id="length", compact=True, restrict=r"\d*", max_length=4)
                    yield Static("How many", classes="label", markup=False)
                    yield Input("1", id="count", compact=True, restrict=r"\d*", max_length=2)
                yield Static(id="problem", markup=False)
                yield Static(id="values", markup=False)
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        """Start in the list."""
        self.query_one("#kinds").focus()

    def on_unmount(self) -> None:
        """Forget everything, the clipboard too where it has one of the values."""
        self._made = ()

    @on(OptionList.OptionHighlighted, "#kinds")
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self._kind = list(KINDS)[event.option_index]
        with self.prevent(Input.Changed):
            self.query_one("#length", Input).value = str(KINDS[self._kind].default)
        self._make()

    @on(OptionList.OptionSelected, "#kinds")
    @on(Input.Changed)
    def _make(self) -> None:
        """Make new values as the fields say."""
        kind = KINDS[self._kind]
        about = joined(
            text(kind.about, "bold"), (f"\n{kind.shortest} to {kind.longest} {kind.unit}", "$muted")
        )
        self.query_one("#about", Static).update(about)
        problem = self.query_one("#problem", Static)
        try:
            self._made = tuple(generate(self._kind, self._number("#length")) for _ in range(self._count()))
            problem.update("")
        except UsageError as error:
            self._made = ()
            problem.update(text(f"{error.message} {error.hint}", "$error"))
        self._hide()

    def _number(self, field: str) -> int:
        return int(self.query_one(field, Input).value or 0)

    def _count(self) -> int:
        count = self._number("#count")
        if not 1 <= count <= MOST:
            raise UsageError(f"How many: 1 to {MOST}.")
        return count

    # showing

    def _hide(self) -> None:
        self._shown = False
        if self._hiding is not None:
            self._hiding.stop()
        self._draw()

    def _draw(self) -> None:
        values = self.query_one("#values", Static)
        if not self._made:
            values.update("")
        else:
            one = self._made[0]
            each = " each" if len(self._made) > 1 else ""
            note = f"\n{one.note}" if one.note else ""
            shown = [made.value.reveal() if self._shown else HIDDEN for made in self._made]
            values.update(
                joined(
                    text("\n".join(shown), "bold $accent"), (f"\n\n{one.bits:.0f} bits{each}{note}", "$muted")
                )
            )
        self.query_one(StatusLine).idle(self._state())

    def _state(self) -> Content:
        if not self._made:
            return Content("")
        key = self.signoff.key_name(self, "reveal")
        if self._shown:
            return joined(
                ("shown", "bold $warning"), f" for {SHOWN_SECONDS} s  ", (key, "bold $accent"), " hides"
            )
        return joined("hidden  ", (key, "bold $accent"), " shows")

    def _take(self) -> tuple[Secret, ...]:
        """Return the values for the operator to have: from now on no note may hold them."""
        values = tuple(made.value for made in self._made)
        self.signoff.know(values)
        return values

    def action_reveal(self) -> None:
        """Show the values for a while, or hide them."""
        if self._shown or not self._made:
            self._hide()
            return
        self._take()
        self._shown = True
        self._hiding = self.set_timer(SHOWN_SECONDS, self._hide)
        self._draw()

    def action_again(self) -> None:
        """Make new values."""
        self._make()

    # taking them

    def action_copy(self) -> None:
        """Send the values to the terminal's clipboard, and clear it after a while."""
        if self._made:
            self.signoff.copy_secret(self._take(), COPIED_SECONDS)

    def action_write(self) -> None:
        """Ask for a file."""
        if self._made:
            self.app.push_screen(FileDialog(), self._writing)

    def _writing(self, path: Path | None) -> None:
        if path is not None:
            self.write(path)

    @background("write")
    async def write(self, path: Path) -> None:
        """Write the values to a new file."""
        values = Secret("\n".join(value.reveal() for value in self._take()))
        await in_thread(lambda: write_new(path, values))
        self.notify(f"Written to {path.name}, readable by you only.", markup=False)

    def action_back(self) -> None:
        """Forget the values, and go back."""
        self._made = ()
        self.dismiss(None)


class FileDialog(Dialog[Path]):
    """Asks where to write the values."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="back", tooltip="Go back; nothing is written"),
    ]

    def compose(self) -> ComposeResult:
        """Make the dialog."""
        back = self.signoff.key_name(self, "back")
        with Vertical(classes="dialog"):
            yield Static("Write to a new file", classes="dialog-title", markup=False)
            yield Static(
                "Only you will be able to read it (mode 0600). A file that exists is not touched.",
                markup=False,
            )
            yield Static("Path", classes="dialog-label", markup=False)
            yield Input(id="path", compact=True)
            yield Static(id="problem", markup=False)
            yield Static(
                joined(("Enter", "bold $accent"), " writes   ", (back, "bold $accent"), " goes back"),
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
            self._complain("There is something already.")
        elif not path.parent.is_dir():
            self._complain(f"There is no folder {path.parent}.")
        else:
            self.dismiss(path)

    def _complain(self, problem: str) -> None:
        self.query_one("#problem", Static).update(text(problem, "$error"))

    def action_back(self) -> None:
        """Write nothing."""
        self.dismiss(None)

"""Strong keys and passwords: masked, shown only while asked for, copied or written to a file of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from signoff.actions.base import Ending
from signoff.app.keeping import Keeping, open_walk, usual_file
from signoff.app.screens.carrying_out import CarryingOut
from signoff.app.screens.masked import MaskedScreen
from signoff.app.screens.prompts import TypedWord
from signoff.app.screens.variable import VariableDialog, held_dialog
from signoff.app.undertaking import Undertaking
from signoff.app.widgets.bars import StatusLine, TitleBar
from signoff.app.widgets.content import joined, text
from signoff.app.widgets.key_bar import KeyBar
from signoff.app.work import background, in_thread
from signoff.credentials.delivery import HeldError
from signoff.credentials.generate import KINDS, generate
from signoff.errors import UsageError
from signoff.message import listed, say, tr, translated

if TYPE_CHECKING:
    from signoff.credentials.generate import Generated
    from signoff.credentials.secret import Secret
    from signoff.walk import Walk

MOST = 50


class GenerateScreen(MaskedScreen[None]):
    """Makes secrets. They live as long as this screen, and nowhere else."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g,ctrl+r", "again", "New ones", id="generate", tooltip="Make new values of this kind"),
        Binding(
            "e",
            "put",
            "Into .env",
            id="put-away",
            tooltip="Put the value straight into a variable of a .env file",
        ),
        Binding("escape", "back", "Back", id="back", tooltip="Forget the values, and go back"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._kind = next(iter(KINDS))
        self._made: tuple[Generated, ...] = ()

    def compose(self) -> ComposeResult:
        """Make the screen."""
        yield TitleBar(tr("Generate"))
        with Horizontal(id="columns"):
            yield OptionList(*(Option(name) for name in KINDS), id="kinds", markup=False, compact=True)
            with VerticalScroll(id="making", can_focus=False):
                yield Static(id="about", markup=False)
                with Horizontal(classes="fields"):
                    yield Static(tr("Length"), classes="label", markup=False)
                    yield Input(id="length", compact=True, restrict=r"\d*", max_length=4)
                    yield Static(tr("How many"), classes="label", markup=False)
                    yield Input("1", id="count", compact=True, restrict=r"\d*", max_length=2)
                yield Static(id="problem", markup=False)
                yield Static(id="values", markup=False)
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        """Start in the list."""
        self.query_one("#kinds").focus()

    def on_unmount(self) -> None:
        """Forget everything."""
        self._made = ()

    @on(OptionList.OptionHighlighted, "#kinds")
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        self._kind = list(KINDS)[event.option_index]
        with self.prevent(Input.Changed):
            self.query_one("#length", Input).value = str(KINDS[self._kind].default)
        self._make()

    def on_descendant_focus(self) -> None:
        """In a field other keys are at hand than in the list."""
        if self.is_mounted:
            self.query_one(StatusLine).idle(self.state)

    @on(Input.Submitted)
    def _entered(self) -> None:
        """Go back to the list, where the values can be shown."""
        self.query_one("#kinds").focus()

    @on(OptionList.OptionSelected, "#kinds")
    @on(Input.Changed)
    def _make(self) -> None:
        """Make new values as the fields say."""
        kind = KINDS[self._kind]
        about = joined(
            text(kind.about, "bold"),
            (
                tr(
                    "\n{shortest} to {longest} {unit}",
                    shortest=kind.shortest,
                    longest=kind.longest,
                    unit=kind.unit,
                ),
                "$muted",
            ),
        )
        self.query_one("#about", Static).update(about)
        problem = self.query_one("#problem", Static)
        try:
            self._made = tuple(generate(self._kind, self._number("#length")) for _ in range(self._count()))
            problem.update("")
        except UsageError as error:
            self._made = ()
            problem.update(text(listed((error.message, error.hint), " "), "$error"))
        self.values = tuple(made.value for made in self._made)
        self.hide()

    def _number(self, field: str) -> int:
        return int(self.query_one(field, Input).value or 0)

    def _count(self) -> int:
        count = self._number("#count")
        if not 1 <= count <= MOST:
            raise UsageError(say("How many: 1 to {most}.", most=MOST))
        return count

    def draw(self) -> None:
        """Draw the values, and what there is to know of them."""
        values = self.query_one("#values", Static)
        if not self._made:
            values.update("")
        else:
            one = self._made[0]
            each = tr(" each") if len(self._made) > 1 else ""
            note = f"\n{translated(one.note)}" if one.note else ""
            values.update(
                joined(
                    text(self.masked, "bold $accent"),
                    (
                        tr("\n\n{bits} bits{each}{note}", bits=f"{one.bits:.0f}", each=each, note=note),
                        "$muted",
                    ),
                )
            )
        self.query_one(StatusLine).idle(self.state)

    def action_again(self) -> None:
        """Make new values."""
        self._make()

    def action_back(self) -> None:
        """Forget the values, and go back."""
        self._made = self.values = ()
        self.dismiss(None)

    # into a .env file

    def action_put(self) -> None:
        """Ask for a file and a variable."""
        if len(self.values) != 1 or len(self.values[0].reveal().splitlines()) != 1:
            self.notify(tr("One value goes into a variable; make one, on one line."), markup=False)
            return
        walk = open_walk(self.signoff.walk)
        if walk is not None and not walk.connected:
            self.signoff.show_error(
                tr("The target is not connected."), tr("Go back, and connect to it first.")
            )
            return
        place = walk.target.address if walk else tr("this machine")
        value = self.values[0]

        def asked(variable: tuple[str, str] | None) -> None:
            if variable is not None:
                self.look(walk, *variable, value)

        self.app.push_screen(VariableDialog(place, usual_file(walk)), asked)

    @background("put")
    async def look(self, walk: Walk | None, path: str, name: str, value: Secret, again: bool = False) -> None:
        """See whether the file can take the value, and show what will happen."""
        self.signoff.know((value,))
        keeping = Keeping(walk, path, name, value, replaces=again)
        self.query_one(StatusLine).busy(tr("Looking at {path}", path=path))
        try:
            await in_thread(keeping.prepare)
        except HeldError as held:

            def replace(yes: bool | None) -> None:
                if yes:
                    self.look(walk, path, name, value, again=True)

            self.app.push_screen(held_dialog(held, name), replace)
            return
        finally:
            self.query_one(StatusLine).idle(self.state)

        def put(yes: bool | None) -> None:
            if yes:
                self._put(keeping)

        body = text("\n".join(keeping.preview))
        self.app.push_screen(TypedWord(tr("Put it into the file"), body, "yes", tr("write this")), put)

    def _put(self, keeping: Keeping) -> None:
        """Put the value into its variable."""
        undertaking = Undertaking(keeping.carry_out)

        def over(_: None) -> None:
            if undertaking.outcome and undertaking.outcome.ending is Ending.DONE:
                self.taken = True

        said = tr(
            "{name} has the value. What runs keeps the old one until it starts anew.", name=keeping.name
        )
        self.app.push_screen(CarryingOut(tr("Into the file"), undertaking, (said,), lambda: None), over)

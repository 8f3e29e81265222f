"""The end of a walk, and any session later: what was seen and said, what is open, how to verify it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from signoff.app.closing import NO_RECORD_CAN_PROVE, Closing, counts, record_rows, step_rows
from signoff.app.screens.base import SignoffScreen
from signoff.app.screens.prompts import Choice, TypedWord
from signoff.app.widgets.bars import StatusLine, TitleBar
from signoff.app.widgets.content import joined, line, text
from signoff.app.widgets.key_bar import KeyBar
from signoff.app.widgets.rows import Rows
from signoff.app.work import background, in_thread
from signoff.message import tr

if TYPE_CHECKING:
    from signoff.walk import Walk


class FinishScreen(SignoffScreen[None]):
    """Looks a session over. With a walk that is not sealed yet, it can be sealed here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+s", "seal", "Seal", id="seal", tooltip="Sign the record and close it; asks for a word first"
        ),
        Binding("y", "copy", "Copy", id="copy", tooltip="Copy a command that verifies the record"),
        Binding("escape", "back", "Back", id="back", tooltip="Go back"),
        Binding("pagedown,space", "page(1)", "Page down", id="page-down", show=False, tooltip="Read on"),
        Binding("pageup", "page(-1)", "Page up", id="page-up", show=False, tooltip="Read back"),
    ]

    def __init__(self, closing: Closing, walk: Walk | None = None) -> None:
        super().__init__()
        self._session = closing
        self._walk = walk

    @classmethod
    def of_walk(cls, walk: Walk) -> FinishScreen:
        """Look over the walk that is open."""
        return cls(_closing(walk), walk)

    def compose(self) -> ComposeResult:
        """Make the screen."""
        yield TitleBar()
        with VerticalScroll(id="page"):
            yield Static(id="counts", markup=False)
            yield Static(id="table", markup=False)
            yield Static(tr("The record"), classes="heading", markup=False)
            yield Static(id="record", markup=False)
            yield Static(tr("Verify it anywhere, without signoff"), classes="heading", markup=False)
            yield Static(id="commands", classes="remedy", markup=False)
            yield Static(tr("What no record can prove"), classes="heading", markup=False)
            yield Static(text(NO_RECORD_CAN_PROVE, "$muted"), markup=False)
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        """Show the session."""
        self._show()
        self.query_one("#page").focus()

    def _show(self) -> None:
        closing = self._session
        views = closing.views(self.signoff.language)
        target = closing.state.genesis.target.name if closing.state.genesis else ""
        self.query_one(TitleBar).show(tr("Sealed") if closing.sealed else tr("Finish"), target)
        self.query_one("#counts", Static).update(counts(views))
        self.query_one("#table", Static).update(Rows(*step_rows(views)))
        self.query_one("#record", Static).update(Rows(*record_rows(closing)))
        self.query_one("#commands", Static).update(
            Content("\n").join([text(one) for one in self._commands()])
        )
        self.query_one(StatusLine).idle(self._state(sum(view.open for view in views)))
        self.refresh_bindings()

    def _state(self, still: int) -> Content:
        closing = self._session
        if closing.sealed:
            return joined((tr("sealed"), "bold $success"), tr("  nothing can be added or changed unseen"))
        if closing.damage:
            return joined((tr("damaged"), "bold $error"), "  ", line(closing.damage))
        if self._walk is None:
            return joined(
                (tr("not sealed"), "bold $warning"),
                tr("  go on with: signoff run --resume {session}", session=closing.state.session),
            )
        key = self.signoff.key_name(self, "seal")
        left = (
            tr("{still} steps are still open; ", still=still)
            if still > 1
            else tr("one step is still open; ")
            if still
            else ""
        )
        return joined(
            (tr("not sealed"), "bold $warning"),
            f"  {left}",
            (key, "bold $accent"),
            tr(" signs and closes it"),
        )

    def _commands(self) -> tuple[str, ...]:
        from signoff.session.stock import commands

        return commands(self._session.directory, self._session.operator, sealed=self._session.sealed)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only an open walk can be sealed."""
        if action == "seal":
            return self._walk is not None and not self._session.sealed
        return True

    def action_seal(self) -> None:
        """Ask for the word that seals."""
        views = self._session.views(self.signoff.language)
        still = [view for view in views if view.open]
        body: list[Content | str | tuple[str, str]] = [
            tr("Your key signs the whole record. Nothing can be added after.")
        ]
        if still:
            body.append((tr("\n\nStill open, and recorded as such:"), "$warning"))
            for view in still[:12]:
                body += ["\n  ", line(view.title, width=60), (f"  {view.words}", "$muted")]
            if len(still) > 12:
                body.append(tr("\n  and {count} more", count=len(still) - 12))
        dialog = TypedWord(tr("Seal the record"), joined(*body), "seal", tr("sign it"))
        self.app.push_screen(dialog, self._sealing)

    def _sealing(self, sure: bool | None) -> None:
        if sure:
            self.seal()

    @background("seal")
    async def seal(self) -> None:
        """Sign and close; the key may want a passphrase or a touch, so it can take its time."""
        walk = self._walk
        if walk is None:
            return
        self.query_one(StatusLine).busy(tr("Signing"))
        try:
            await in_thread(walk.finish)
        finally:
            self._session = _closing(walk)
            self._show()

    def action_copy(self) -> None:
        """Choose a command, and copy it."""
        commands = self._commands()

        def copy(number: int | None) -> None:
            if number is not None:
                self.signoff.copy(commands[number])

        self.app.push_screen(Choice(tr("Copy"), [line(one) for one in commands], verb=tr("copies")), copy)

    def action_page(self, by: int) -> None:
        """Scroll by a page."""
        page = self.query_one("#page", VerticalScroll)
        page.scroll_page_down(animate=False) if by > 0 else page.scroll_page_up(animate=False)

    def action_back(self) -> None:
        """Go back."""
        self.dismiss(None)


def _closing(walk: Walk) -> Closing:
    state = walk.session.state
    checklists = [one.checklist for one in walk.checklists]
    return Closing(state, checklists, walk.session.directory, sealed=state.sealed is not None)

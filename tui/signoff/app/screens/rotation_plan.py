"""What replacing secrets takes, before it is done: nothing happens without a yes that is typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static

from signoff.app.screens.base import SignoffScreen
from signoff.app.widgets.bars import StatusLine, TitleBar
from signoff.app.widgets.content import joined, line, text
from signoff.app.widgets.key_bar import KeyBar
from signoff.app.widgets.rows import Row, Rows
from signoff.message import tr
from signoff.text import one_line

if TYPE_CHECKING:
    from signoff.actions.rotation import RotationPlan


class RotationPlanScreen(SignoffScreen[bool]):
    """Shows a plan, and asks. True only after ``yes``, and each name whose change loses data, were typed."""

    # The field would take them for itself.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "up", "scroll_up", "Up", id="read-up", show=False, priority=True, tooltip="Read back by a line"
        ),
        Binding(
            "down",
            "scroll_down",
            "Down",
            id="read-down",
            show=False,
            priority=True,
            tooltip="Read on by a line",
        ),
        Binding("pagedown", "page(1)", "Read on", id="page-down", priority=True, tooltip="Read on by a page"),
        Binding(
            "pageup", "page(-1)", "Read back", id="page-up", priority=True, tooltip="Read back by a page"
        ),
        Binding("escape", "back", "Change nothing", id="back", tooltip="Go back; nothing is changed"),
    ]

    def __init__(self, plan: RotationPlan) -> None:
        super().__init__()
        self._plan = plan
        self._asked = [*plan.orphaning, "yes"]

    def compose(self) -> ComposeResult:
        """Make the screen."""
        plan = self._plan
        yield TitleBar(tr("What will happen"), tr("no value is shown, here or later"))
        with VerticalScroll(id="page", can_focus=False):
            for title, lines, style in (
                (tr("To be seen to by yourself"), plan.warnings, "$warning"),
                (tr("What it brings about"), plan.entails, ""),
                (
                    tr("What is done, in this order; if any of it fails, all of it is put back"),
                    plan.preview,
                    "",
                ),
            ):
                if lines:
                    yield Static(title, classes="heading", markup=False)
                    yield Static(Rows(*_rows(lines, style)), markup=False)
        with Vertical(id="yes"):
            yield Static(id="question", markup=False)
            yield Input(id="word", compact=True)
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        """Start in the field."""
        self.query_one(Input).focus()
        self._ask()
        self.call_after_refresh(self._tell_more)

    def _ask(self) -> None:
        word = self._asked[0]
        if word == "yes" and len(self._asked) == 1:
            question = joined(tr("Type "), ("yes", "bold $accent"), tr(" and press Enter to do all of this."))
        else:
            question = joined(
                (tr("Data is lost with the old "), "bold $error"),
                line(word, "bold $accent", width=60),
                (". ", "bold $error"),
                tr("Type its name and press Enter to go on."),
            )
        self.query_one("#question", Static).update(question)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on only where the word is there."""
        typed = event.value.strip()
        # Enter pressed again, on a terminal that lags, comes after the answer.
        answered = not self._asked
        if answered or not typed or self.has_class("-too-small"):
            return
        word = self._asked[0]
        if typed not in {word, one_line(word, 60)}:
            refusal = joined(tr("That is not "), line(word, width=60), tr("; nothing was done."))
            self.query_one(StatusLine).idle(refusal.stylize("$error"))
            return
        del self._asked[0]
        event.input.clear()
        self._tell_more()
        if self._asked:
            self._ask()
        else:
            self.dismiss(True)

    def _tell_more(self) -> None:
        page = self.query_one("#page", VerticalScroll)
        more = page.max_scroll_y > page.scroll_offset.y
        self.query_one(StatusLine).idle(
            Content.styled(tr("There is more below.") if more else "", "$warning")
        )

    def action_scroll_up(self) -> None:
        """Read back by a line."""
        self._scroll(lambda page: page.scroll_up(animate=False))

    def action_scroll_down(self) -> None:
        """Read on by a line."""
        self._scroll(lambda page: page.scroll_down(animate=False))

    def action_page(self, by: int) -> None:
        """Scroll by a page."""
        self._scroll(
            lambda page: (
                page.scroll_page_down(animate=False) if by > 0 else page.scroll_page_up(animate=False)
            )
        )

    def _scroll(self, scroll: Callable[[VerticalScroll], object]) -> None:
        scroll(self.query_one("#page", VerticalScroll))
        self.call_after_refresh(self._tell_more)

    def action_back(self) -> None:
        """Answer no."""
        self.dismiss(False)


def _rows(lines: Iterable[str], style: str) -> Iterator[Row]:
    for one in lines:
        yield Row(Content("" if one.startswith(" ") else "·"), text(one, style), 2)

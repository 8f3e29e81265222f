"""A change under way: what it says as it goes, and how it ended. It can be stopped, not left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import RichLog, Static

from signoff.actions.base import Ending
from signoff.app.screens.base import SignoffScreen
from signoff.app.undertaking import stays
from signoff.app.widgets.bars import StatusLine, TitleBar
from signoff.app.widgets.content import joined, text
from signoff.app.widgets.key_bar import KeyBar
from signoff.message import tr, translated
from signoff.text import inert

if TYPE_CHECKING:
    from signoff.app.offers import Changed
    from signoff.app.undertaking import Undertaking

_DRAW_SECONDS = 0.1
_MOST_LINES = 5000
_STYLES = {Ending.DONE: "bold $success", Ending.STUCK: "bold $error"}


class CarryingOut(SignoffScreen[None]):
    """Shows an undertaking from its first line to its end, and holds the app until then."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "put_back", "Stop", id="put-back", tooltip="Stop, and put everything back"),
        Binding("escape,enter", "leave", "Go on", id="leave", tooltip="Go back, once it is over"),
    ]

    def __init__(
        self, title: str, undertaking: Undertaking, afterwards: Sequence[str], changed: Changed
    ) -> None:
        super().__init__()
        self._title = title
        self._undertaking = undertaking
        self._afterwards = afterwards
        self._changed = changed
        self._drawn = 0
        self._begun = monotonic()
        self._over = False

    def compose(self) -> ComposeResult:
        """Make the screen."""
        yield TitleBar(self._title)
        yield RichLog(id="log", wrap=True, min_width=1, max_lines=_MOST_LINES)
        with VerticalScroll(id="ending"):
            yield Static(id="how", markup=False)
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        """Begin, and look at it from time to time."""
        self.query_one("#ending").display = False
        self.query_one(RichLog).focus()
        self.signoff.undertaking = self._undertaking
        self._undertaking.start()
        self.set_interval(_DRAW_SECONDS, self._draw)

    def _draw(self) -> None:
        if self._over:
            return
        ended = self._undertaking.ended  # asked first: what is said before the end is drawn with it
        self._write()
        if ended:
            self._end()
        elif self._undertaking.stopping:
            self.query_one(StatusLine).busy(tr("Stopping, and putting everything back"))
        else:
            seconds = int(monotonic() - self._begun)
            stop = self.signoff.key_name(self, "put-back")
            self.query_one(StatusLine).busy(tr("Under way, {seconds} s", seconds=seconds), stop=stop)

    def _write(self) -> None:
        log = self.query_one(RichLog)
        said = self._undertaking.said[self._drawn :]
        self._drawn += len(said)
        for one in said:
            log.write(Text(inert(translated(one))))

    def _end(self) -> None:
        self._over = True
        box = self.query_one("#ending")
        box.display = True
        self.query_one("#how", Static).update(Content("\n").join(self._ending()))
        leave = self.signoff.key_name(self, "leave")
        self.query_one(StatusLine).idle(joined((leave, "bold $accent"), tr(" goes on: it is over")))
        self.call_after_refresh(self.query_one(RichLog).scroll_end, animate=False)
        self.refresh_bindings()
        self._changed()

    def _ending(self) -> Iterator[Content]:
        outcome = self._undertaking.outcome
        first, *rest = self._undertaking.ending()
        ending = outcome.ending if outcome else Ending.STUCK
        yield text(first, _STYLES.get(ending, "bold $warning"))
        for one in self._afterwards if ending is Ending.DONE else rest:
            yield text(one)

    def stop(self) -> bool:
        """Stop, for the app's stop key. False where it is over."""
        if self._over:
            return False
        self._undertaking.stop()
        self._draw()
        return True

    def action_put_back(self) -> None:
        """Stop, and put everything back."""
        self.stop()

    def action_leave(self) -> None:
        """Go back, once it is over."""
        if self._over:
            self.signoff.undertaking = None
            self.dismiss(None)
        else:
            self.notify(stays(self.signoff.key_name(self, "put-back")), markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer what can be done now."""
        if action in {"put_back", "leave"}:
            return True if self._over == (action == "leave") else None
        return True

"""The line at the top, and the line that says what is going on."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from signoff.app.widgets.content import joined, line
from signoff.message import tr


class TitleBar(Static):
    """The program's name, what is shown, and to the right where it is."""

    def __init__(self, title: str = "", right: str = "") -> None:
        super().__init__(classes="title-bar", markup=False)
        self._title = title
        self._right = right

    def show(self, title: str, right: str = "") -> None:
        """Show another title."""
        if (title, right) != (self._title, self._right):
            self._title, self._right = title, right
            self.refresh()

    def render(self) -> Content:
        """Draw the line; the right side stays whole for longer than the title."""
        width = self.content_size.width
        name = joined(("signoff", "bold $accent"), "  ")
        right = line(self._right, "$muted").truncate(max(0, width - name.cell_length - 2), ellipsis=True)
        room = max(0, width - name.cell_length - right.cell_length - 2)
        title = line(self._title, "bold").truncate(room, ellipsis=True)
        return joined(name, title.pad_right(max(0, room - title.cell_length)), "  ", right)


class StatusLine(Static):
    """What is going on, or what the counts are."""

    def __init__(self) -> None:
        super().__init__(id="status", markup=False)

    def idle(self, content: Content) -> None:
        """Nothing is going on: show ``content``."""
        self.update(content, layout=False)

    def busy(self, doing: str, done: int = 0, total: int = 0, *, stop: str = "") -> None:
        """Show what is being done, how far it is, and which key stops it."""
        bar = _bar(done, total)
        hint = joined("  ", (stop, "bold $accent"), tr(" stops")) if stop else Content("")
        count = tr(" {done} of {total} ", done=done, total=total) if total else " "
        self.update(joined(bar, (count, "$muted"), line(doing, width=60), hint), layout=False)


def _bar(done: int, total: int) -> Content:
    width = 12
    filled = round(width * done / total) if total else 0
    return joined(("━" * filled, "$primary"), ("━" * (width - filled), "$border-blurred"))

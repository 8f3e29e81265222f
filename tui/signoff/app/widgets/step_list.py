"""The steps: a list beside the panel where there is room, a strip above it where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from signoff.app.theme import STYLES
from signoff.app.view import StepView
from signoff.app.widgets.content import joined, line


def _entry(view: StepView, digits: int, *, plain: bool = False) -> Content:
    style = "" if plain else STYLES[view.result]
    symbol = view.symbol if view.has_probes else " "
    muted = "" if plain else "$muted"
    title = line(view.title, "" if view.open else muted, width=80)
    return joined(
        (symbol, f"bold {style}"),
        f"{view.mark} ",
        (f"{view.number:>{digits}} ", muted),
        title,
        "\n",
        " " * (digits + 4),
        (view.words, style if view.open and view.has_probes else muted),
    )


def step_entry(view: StepView) -> Content:
    """Return a step as it is drawn where there is no list beside it, and room for its whole title."""
    return joined(
        (view.symbol if view.has_probes else " ", f"bold {STYLES[view.result]}"),
        f"{view.mark} {view.number}  ",
        line(view.title, "bold"),
        (f"\n      {view.words}", "$muted"),
    )


class StepList(OptionList):
    """Every step with its symbols, its title, and its state in words."""

    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self) -> None:
        super().__init__(id="steps", markup=False, compact=True)
        self._entries: list[Content] = []

    def show(self, views: Sequence[StepView], current: int) -> None:
        """Show the steps as they are now, with the current one highlighted."""
        digits = len(str(len(views)))
        # On the terminal's own colours nobody knows which of them can be read on the highlight.
        ansi = self.app.native_ansi_color
        entries = [
            _entry(view, digits, plain=ansi and number == current) for number, view in enumerate(views)
        ]
        if len(entries) != self.option_count:
            self.set_options([Option(entry) for entry in entries])
        else:
            for number, (new, old) in enumerate(zip(entries, self._entries, strict=True)):
                if not new.is_same(old):
                    self.replace_option_prompt_at_index(number, new)
        self._entries = entries
        if self.highlighted != current:
            with self.prevent(OptionList.OptionHighlighted):
                self.highlighted = current


class StepStrip(Static):
    """The steps on one line, as many around the current one as fit."""

    class Chosen(Message):
        """A step was clicked."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self) -> None:
        super().__init__(id="strip", markup=False)
        self._views: tuple[StepView, ...] = ()
        self._current = 0
        self._first = 0

    def show(self, views: Sequence[StepView], current: int) -> None:
        """Show the steps as they are now."""
        self._views, self._current = tuple(views), current
        self.refresh()

    @property
    def _cell(self) -> int:
        return len(str(len(self._views))) + 4

    def render(self) -> Content:
        """Draw the steps: number, the machine's sign and the person's."""
        room = max(1, self.size.width // self._cell)
        last = max(0, len(self._views) - room)
        self._first = min(last, max(0, self._current - room // 2))
        shown = self._views[self._first : self._first + room]
        cells = [self._draw(view) for view in shown]
        return joined(*cells)

    def _draw(self, view: StepView) -> Content:
        here = view.number - 1 == self._current
        digits = len(str(len(self._views)))
        symbol = view.symbol if view.has_probes else "·"
        style = f"bold {STYLES[view.result]}"
        cell = joined(
            (f" {view.number:>{digits}}", "bold" if here else "$muted"),
            (symbol, style),
            (f"{view.mark} ", ""),
        )
        return cell.stylize("$block-cursor-foreground on $block-cursor-background") if here else cell

    def on_click(self, event: events.Click) -> None:
        """Choose a step with the mouse."""
        number = self._first + event.x // self._cell
        if number < len(self._views):
            self.post_message(self.Chosen(number))

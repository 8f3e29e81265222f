"""A list of very many lines: only those in sight are ever drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

Draw = Callable[[int, int], Content]
"""Makes the line with a number, for a width."""


class LongList(ScrollView, can_focus=True):
    """Lines of one row each, one of them highlighted."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"long-list--highlighted"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", id="line-up", show=False, tooltip="Go up a line"),
        Binding("down,j", "move(1)", "Down", id="line-down", show=False, tooltip="Go down a line"),
        Binding("pageup", "turn(-1)", "Page up", id="lines-up", show=False, tooltip="Go up a page"),
        Binding("pagedown", "turn(1)", "Page down", id="lines-down", show=False, tooltip="Go down a page"),
        Binding("home", "to_end(-1)", "First", id="line-first", show=False, tooltip="Go to the first line"),
        Binding("end", "to_end(1)", "Last", id="line-last", show=False, tooltip="Go to the last line"),
    ]

    highlighted: reactive[int] = reactive(0, always_update=True)

    class Highlighted(Message):
        """Another line is highlighted, or the lines are others."""

    def __init__(self, draw: Draw, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._draw = draw
        self.count = 0

    def show(self, count: int, highlighted: int) -> None:
        """Show as many lines, others than before."""
        self.count = count
        self.virtual_size = Size(0, count)
        self.highlighted = highlighted
        self.refresh()

    def validate_highlighted(self, number: int) -> int:
        """Stay within the lines."""
        return max(0, min(number, self.count - 1))

    def watch_highlighted(self) -> None:
        """Keep the line in sight, and tell."""
        self.scroll_to_region(Region(0, self.highlighted, 1, 1), animate=False, force=True, immediate=True)
        self.refresh()
        self.post_message(self.Highlighted())

    def on_resize(self) -> None:
        """Keep the line in sight."""
        self.call_after_refresh(self.scroll_to_region, Region(0, self.highlighted, 1, 1), animate=False)

    def render_line(self, y: int) -> Strip:
        """Draw a line that is in sight."""
        width, number = self.scrollable_content_region.width, y + self.scroll_offset.y
        style = self.visual_style
        if number >= self.count or width < 1:
            return Strip.blank(max(0, width), style.rich_style)
        if number == self.highlighted:
            style = self.get_visual_style("long-list--highlighted")
        content = self._draw(number, width).truncate(width, ellipsis=True)
        strips = Visual.to_strips(self, content, width, 1, style, apply_selection=False)
        return strips[0].adjust_cell_length(width, style.rich_style)

    def on_click(self, event: events.Click) -> None:
        """Highlight with the mouse."""
        number = event.y + self.scroll_offset.y
        if number < self.count:
            self.highlighted = number

    def action_move(self, by: int) -> None:
        """Go some lines up or down."""
        self.highlighted += by

    def action_turn(self, by: int) -> None:
        """Go a page up or down."""
        self.highlighted += by * max(1, self.scrollable_content_region.height - 1)

    def action_to_end(self, by: int) -> None:
        """Go to the first or to the last line."""
        self.highlighted = 0 if by < 0 else self.count - 1

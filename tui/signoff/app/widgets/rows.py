"""Rows with a narrow head and a wide body: the body wraps in its own column."""

from __future__ import annotations

from dataclasses import dataclass, replace

from textual.content import Content
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual

_NARROWEST = 8
_NOTHING = Content("")


@dataclass(frozen=True, slots=True)
class Row:
    """A head of at most ``indent`` columns, the body beside it, and a tail at the end of its first line."""

    head: Content
    body: Content
    indent: int
    tail: Content = _NOTHING


class Rows(Visual):
    """Draws rows one below the other."""

    def __init__(self, *rows: Row) -> None:
        self.rows = rows

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows) and self.plain == other.plain

    def __hash__(self) -> int:
        return hash(self.plain)

    @property
    def plain(self) -> str:
        """The rows as text, for copying and for tests."""
        return "\n".join(
            f"{row.head.plain:<{row.indent}}{row.body.plain}".rstrip()
            + (f"  {row.tail.plain}" if row.tail else "")
            for row in self.rows
        )

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """Part of the Visual protocol."""
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        """Part of the Visual protocol."""
        return sum(row.body.get_height(rules, self._widths(row, width)[1]) or 1 for row in self.rows)

    def render_strips(
        self, width: int, height: int | None, style: Style, options: RenderOptions
    ) -> list[Strip]:
        """Part of the Visual protocol."""
        unselected = replace(options, selection=None, selection_style=None)
        strips: list[Strip] = []
        for row in self.rows:
            strips.extend(self._strips(row, width, style, unselected))
        return strips if height is None else strips[:height]

    def _widths(self, row: Row, width: int) -> tuple[int, int]:
        # Where it gets too narrow for two columns, the head takes what it needs of one.
        indent = row.indent if width - row.indent >= _NARROWEST else min(row.indent, max(0, width // 2))
        tail = row.tail.cell_length + 1 if row.tail else 0
        body = width - indent - tail
        return indent, body if body >= _NARROWEST else max(1, width - indent)

    def _strips(self, row: Row, width: int, style: Style, options: RenderOptions) -> list[Strip]:
        indent, body = self._widths(row, width)
        drawn = row.body.render_strips(body, None, style, options) or [Strip.blank(body)]
        ground = style.rich_style
        blank = Strip.blank(indent, ground)
        head = row.head.truncate(indent).render_strips(indent, 1, style, options) if indent else []
        strips = [
            Strip.join([(head[0] if head and not number else blank).adjust_cell_length(indent, ground), one])
            for number, one in enumerate(drawn)
        ]
        if row.tail and indent + body + row.tail.cell_length < width + 1:
            first = strips[0].adjust_cell_length(width - row.tail.cell_length, ground)
            (tail,) = row.tail.render_strips(row.tail.cell_length, 1, style, options)
            strips[0] = Strip.join([first, tail])
        return strips

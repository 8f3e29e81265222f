"""A QR code: black on white, whatever the theme, the terminal's colours or NO_COLOR say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

_BLACK_ON_WHITE: Final = Style(color=Color.from_rgb(0, 0, 0), bgcolor=Color.from_rgb(255, 255, 255))


class QrCode(Widget):
    """Draws the rows of `signoff.credentials.qr.qr_rows`. They show a secret: ``show(())`` forgets them."""

    def __init__(self) -> None:
        super().__init__(id="code")
        self._rows: Sequence[str] = ()

    def show(self, rows: Sequence[str]) -> None:
        """Show other rows; none hide the widget."""
        self._rows = rows
        self.display = bool(rows)
        if rows:
            self.styles.width, self.styles.height = len(rows[0]), len(rows)
        self.refresh()

    def on_unmount(self) -> None:
        """Forget them."""
        self._rows = ()

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        if y >= len(self._rows):
            return Strip.blank(self.size.width, self.rich_style)
        return Strip([Segment(self._rows[y], _BLACK_ON_WHITE)])

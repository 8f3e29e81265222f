"""QR codes for a terminal: half blocks, black on white whatever the terminal's own colours are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final

import segno

from signoff.credentials.secret import Secret

QUIET: Final = 4
"""Modules of white around the code (ISO/IEC 18004, 9.1)."""
LEAST_QUIET: Final = 2
"""What is left of it where the code would not fit otherwise; the readers in use need no more."""
ROWS: Final = 23
"""Of a terminal of 24, less a line for the question."""

_BLOCKS: Final = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
# Of the 256 colours 16 and 231 are the corners of the colour cube: unlike the first 16, no theme shifts them.
_BLACK_ON_WHITE: Final = "\x1b[38;5;16;48;5;231m"
_RESET: Final = "\x1b[0m"


def modules(content: Secret, quiet: int | None = None) -> tuple[tuple[bool, ...], ...]:
    """Return a QR code as rows of modules, black ones True, the quiet zone among them.

    Without ``quiet`` the zone is as wide as the standard wants it, or narrower where that fits 80x24.
    """
    code = segno.make(content.reveal(), error="l", micro=False)
    side = len(code.matrix)
    if quiet is None:
        quiet = min(QUIET, max(LEAST_QUIET, (2 * ROWS - side) // 2))
    return tuple(tuple(bool(module) for module in row) for row in code.matrix_iter(border=quiet))


def qr_rows(uri: Secret) -> tuple[str, ...]:
    """Return a QR code in half blocks, to be drawn in black on white: two modules a character.

    The rows show the secret that they hold: they must not outlive the screen.
    """
    drawn = modules(uri)
    white = (False,) * len(drawn[0])
    pairs = zip_longest(drawn[::2], drawn[1::2], fillvalue=white)
    return tuple("".join(_BLOCKS[pair] for pair in zip(*rows, strict=True)) for rows in pairs)


def fits(rows: Sequence[str], columns: int, lines: int) -> bool:
    """Tell whether a terminal has room for a code and one line more."""
    return len(rows) < lines and len(rows[0]) <= columns


def coloured(rows: Sequence[str]) -> str:
    """Return the rows as text for a terminal, in black on white by escape codes.

    Also where NO_COLOR is set: the two colours are what is shown here, not its decoration.
    """
    return "\n".join(f"{_BLACK_ON_WHITE}{row}{_RESET}" for row in rows)

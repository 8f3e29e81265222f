"""Text from outside, and messages, as content that the screen draws as it is: inert, never read as markup."""

from __future__ import annotations

from textual.content import Content

from signoff.message import tr, translated
from signoff.text import inert, one_line

LONGEST = 2000
"""Characters of one text that are drawn: as long as an answer may be. A finding is no log file."""


def text(value: str, style: str = "") -> Content:
    """Return a text that may have several lines."""
    # Cut before it is made inert: a finding may quote megabytes.
    value = translated(value)
    shown = inert(value[: 2 * LONGEST]).replace("\t", "    ").strip("\n")
    if len(shown) > LONGEST or len(value) > 2 * LONGEST:
        shown = tr("{shown}… (cut; the record has it)", shown=shown[:LONGEST])
    return Content.styled(shown, style)


def line(value: str, style: str = "", *, width: int = 400) -> Content:
    """Return a text on one line."""
    return Content.styled(one_line(translated(value)[: 2 * LONGEST], width), style)


def joined(*parts: Content | str | tuple[str, str]) -> Content:
    """Put together what is ours (plain texts, and texts with a style) and contents made here."""
    return Content.assemble(*parts)

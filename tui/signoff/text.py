"""Text from outside, made inert."""

from __future__ import annotations

import re
import unicodedata

from signoff.message import translated

# Whole escape sequences first, so that their printable tails ("[31m", the text of an OSC title) go with them.
# A string ends where the next one begins: else many beginnings without an end take time beyond all bounds.
_SEQUENCES = re.compile(
    r"""
      (?:\x1b\]|\x9d) [^\x07\x1b\x9c\x9d]*+ (?:\x07|\x1b\\|\x9c|$)                # OSC
    | (?:\x1b[PX^_]|[\x90\x98\x9e\x9f]) [^\x1b\x9c\x90\x98\x9e\x9f]*+ (?:\x1b\\|\x9c|$) # DCS, SOS, PM, APC
    | (?:\x1b\[|\x9b) [0-?]* [ -/]* [@-~]?                              # CSI
    | \x1b [ -/]* [0-~]?                                                # other escapes
    """,
    re.VERBOSE,
)
_KEPT = frozenset("\n\t")


def _harmful(character: str) -> bool:
    # Cc: C0, DEL, C1. Cf: bidi controls, zero-width characters, tags. Cs: lone surrogates. Zl, Zp: breaks.
    return character not in _KEPT and unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def inert(value: str | bytes) -> str:
    """Return ``value`` without anything a terminal would act on.

    Removes escape sequences (ECMA-48), C0 and C1 controls, bidirectional and other format controls; keeps
    line feeds and tabs. Bytes are read as UTF-8, undecodable ones shown as U+FFFD.
    """
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    text = _SEQUENCES.sub("", text.replace("\r\n", "\n"))
    if text.isascii() and text.isprintable():
        return text
    return "".join(character for character in text if not _harmful(character))


def tidy(text: str) -> str:
    """Return a text on one inert line of at most 400 characters; a message that is so already stays one."""
    line = one_line(text, 400)
    return text if text == line else line


def spoken(text: str) -> str:
    """Return a message in the operator's language, or any other text as it is; both inert."""
    return inert(translated(text))


def one_line(value: str | bytes, width: int = 200) -> str:
    """Return ``value`` inert, on one line of at most ``width`` characters."""
    line = " ".join(inert(value).split())
    return line if len(line) <= width else line[: width - 1] + "…"

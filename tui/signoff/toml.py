"""TOML with line numbers: plain values, and where each of them stands in the file."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from typing import Any, Final

from signoff.message import say
from signoff.misfit import MisfitError, Place, in_our_words

_AT: Final = re.compile(r"\(at line (\d+), column \d+\)")
_WORDS: Final = {
    "Expected '=' after a key": say("a key needs = and a value"),
    "Cannot overwrite": say("this key stands here twice"),
    "Duplicate inline table key": say("this key stands here twice"),
    "Cannot declare": say("this table stands here twice"),
    "Invalid value": say("a value is missing, or lacks its quotes"),
    """Expected "'""": say("the quotes are not closed"),
    "Unterminated string": say("the quotes are not closed"),
    "Illegal character": say("the quotes are not closed, or a character is not allowed here"),
    "Unescaped": say("a backslash in quotes must be doubled; in single quotes it need not"),
    "Unclosed array": say("the bracket is not closed"),
    "Unclosed inline table": say("the brace is not closed"),
    "table declaration": say("a table's name goes in brackets, like [shop]"),
    "after a statement": say("only one key goes on a line; text needs quotes"),
}


class TomlFile:
    """A TOML text as plain values, that knows their lines. Raises MisfitError."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines(keepends=True)
        try:
            self.value: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            said = str(error)
            found = _AT.search(said)
            line = int(found[1]) if found else max(len(self._lines), 1)
            reason = in_our_words(said, _WORDS, say("see https://toml.io"))
            raise MisfitError([(line, say("not TOML: {reason}", reason=reason))]) from None
        except RecursionError:
            raise MisfitError([(0, say("nested too deeply"))]) from None

    def line(self, place: Place) -> int:
        """Return the line (from 1) of a value, or of its nearest parent; 0 for the whole file.

        The text up to some line is TOML too wherever that line ends a statement: a value stands in the first
        statement with which it is there.
        """
        ends = range(1, len(self._lines) + 1)
        for keys in (place[:length] for length in range(len(place), 0, -1)):
            there = bisect_left(ends, True, key=lambda end, keys=keys: _has(self._upto(end)[1], keys))  # type: ignore[misc]
            if there < len(ends):
                return self._upto(there)[0] + 1
        return 0

    def _upto(self, end: int) -> tuple[int, dict[str, Any]]:
        """Return what the longest beginning of the text says that ends by a line, and where that ends."""
        while end:
            try:
                return end, tomllib.loads("".join(self._lines[:end]))
            except tomllib.TOMLDecodeError:
                end -= 1
        return 0, {}


def _has(value: Any, place: Place) -> bool:
    for key in place:
        if isinstance(key, int):
            if not isinstance(value, list) or key >= len(value):
                return False
        elif not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True

"""Text from outside is inert: nothing in it moves a cursor, sets a title or turns a line around."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signoff.text import inert, one_line


@pytest.mark.parametrize(
    ("hostile", "left"),
    [
        ("\x1b[2J\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mc1\x9d0;t\x9cx", "c1x"),
        ("\x1bP+q544e\x1b\\dcs", "dcs"),
        ("\x1b]52;c;never ended", ""),
        ("a\x00b\x08c\x7fd", "abcd"),
        ("abc\u202edcba\u2066x\u2069", "abcdcbax"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("line\r\nnext\tcell", "line\nnext\tcell"),
        ("\ud800 lone", " lone"),
        ("привет ✓", "привет ✓"),
    ],
)
def test_takes_out_what_a_terminal_acts_on(hostile: str, left: str) -> None:
    assert inert(hostile) == left


def test_reads_bytes_and_shows_what_is_no_utf8() -> None:
    assert inert(b"caf\xc3\xa9 \xff") == "café �"


@given(st.text())
def test_leaves_no_control_whatever_comes(text: str) -> None:
    harmful = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not [c for c in inert(text) if c not in "\n\t" and unicodedata.category(c) in harmful]


@given(st.text())
def test_is_the_same_the_second_time(text: str) -> None:
    assert inert(inert(text)) == inert(text)


def test_one_line_is_one_line_and_no_longer() -> None:
    assert one_line("a\n\n  b\tc") == "a b c"
    assert one_line("x" * 500, 10) == "x" * 9 + "…"

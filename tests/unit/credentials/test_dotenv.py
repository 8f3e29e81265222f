"""Reading .env: values, duplicates, broken lines, and where the programs disagree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from signoff.credentials.dotenv import Reader, read
from signoff.credentials.secret import Secret

RECORDED = Path(__file__).parent.parent / "recorded/env/readings.json"
"""What bash 5.2, systemd 252 and Docker 20.10 made of one line each, on Debian 12."""

CASES: list[dict[str, Any]] = json.loads(RECORDED.read_text("utf-8"))
# What runs or expands something has no fixed value: read as none.
RUNS = {"DOLLAR_BARE", "DOLLAR_BRACE", "DOLLAR_DOUBLE", "DOLLAR_DOUBLED", "DOLLAR_DIGIT", "BACKTICK", "TILDE"}
RUNS |= {"SEMICOLON", "LESS"}


def reading(case: dict[str, Any], reader: Reader) -> str | None:
    variable = read(f"{case['line']}\n".encode()).variables.get(case["name"])
    value = variable.readings[reader] if variable else None
    return None if value is None else value.reveal()


@pytest.mark.parametrize(
    "case", [case for case in CASES if case["name"] != "AFTER_QUOTE"], ids=lambda c: c["name"]
)
@pytest.mark.parametrize(
    ("reader", "program"), [(Reader.BASH, "bash"), (Reader.SYSTEMD, "systemd"), (Reader.DOCKER, "docker")]
)
def test_each_program_is_foretold(case: dict[str, Any], reader: Reader, program: str) -> None:
    expected = None if program == "bash" and case["name"] in RUNS else case["readings"][program]
    assert reading(case, reader) == expected


@pytest.mark.parametrize("name", ["DOLLAR_BARE", "DOLLAR_BRACE", "DOLLAR_DOUBLE"])
def test_compose_expands_dollars(name: str) -> None:
    case = next(case for case in CASES if case["name"] == name)
    assert Reader.COMPOSE in read(case["line"].encode()).variables[name].disputed


def test_compose_leaves_single_quotes_alone() -> None:
    assert Reader.COMPOSE not in read(b"A='abc$HOME'").variables["A"].disputed


def test_what_generate_makes_is_disputed_by_nobody() -> None:
    assert read(b"KEY=aB3_x-9Zq\nHEX=0f3a\nFERNET=abc_-DEF=\n").variables["KEY"].disputed == ()


def test_the_last_of_two_counts_and_is_told() -> None:
    found = read(b"A=one\nB=same\nA=two\nB=same\n")
    assert found.variables["A"].value == Secret("two")
    assert found.variables["A"].line == 3
    assert found.repeated == ("A",)


def test_broken_lines_are_told_by_number() -> None:
    found = read(b'A=1\n\nthis is no assignment\nB="never closed\nC=3\nNOVALUE\n\n\nD=4\n')
    assert 3 in found.broken
    assert 4 in found.broken
    assert 6 in found.broken
    assert {"A", "D"} <= found.variables.keys()
    assert found.variables["D"].line == 9


def test_windows_line_ends_are_a_dispute() -> None:
    variable = read(b"A=abc\r\nB=def\r\n").variables["A"]
    assert variable.value == Secret("abc")
    assert set(variable.disputed) == {Reader.BASH, Reader.DOCKER}


def test_a_byte_order_mark_is_no_part_of_the_name() -> None:
    assert read(b"\xef\xbb\xbfA=abc\n").variables["A"].value == Secret("abc")


def test_several_lines_in_quotes_are_one_value() -> None:
    found = read(b'KEY="-----BEGIN\nabc\n-----END"\nB=2\n')
    assert found.variables["KEY"].value == Secret("-----BEGIN\nabc\n-----END")
    assert found.variables["KEY"].disputed == (Reader.DOCKER,)
    assert found.variables["B"].line == 4


def test_a_running_value_may_be_any_programs_reading() -> None:
    variable = read(b'A="abc def"\n').variables["A"]
    assert variable.may_be(Secret('"abc def"'))
    assert variable.may_be(Secret("abc def"))
    assert not variable.may_be(Secret("abc"))


def test_bytes_that_are_no_utf8_are_kept() -> None:
    assert read(b"A=caf\xe9\n").variables["A"].value == Secret(b"caf\xe9".decode("utf-8", "surrogateescape"))


def test_nothing_is_shown() -> None:
    assert "hunter2" not in repr(read(b"A=hunter2\nB='hunter2'\n"))

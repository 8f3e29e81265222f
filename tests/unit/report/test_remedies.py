"""Remedies as data: the exact command or edit is shown whole, and counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from signoff.model import Command, Decision, Edit, Finding, Fix, Result, Vantage
from signoff.report.remedies import counted, counted_line, to_copy
from signoff.report.summary import summary
from signoff.report.text import finding_lines, session_lines
from signoff.session.events import Found
from signoff.session.state import SessionState
from unit.report.test_summary import state

LONG = f"chmod 600 {'x' * 500}"


def found(fix: Fix | None, result: Result = Result.FAIL, subject: str = "") -> Finding:
    return Finding(
        probe="env.mode",
        title="T",
        result=result,
        vantage=Vantage.HOST,
        observed="o",
        subject=subject,
        remedy="Do this.",
        fix=fix,
    )


def failing(*fixes: Fix | None, result: Result = Result.FAIL) -> SessionState:
    findings = tuple(found(fix, result, str(number)) for number, fix in enumerate(fixes))
    return state(Found(checklist="quick-production", step="backups", probe="env.mode", findings=findings))


@pytest.mark.parametrize(
    ("fix", "lines", "copied"),
    [
        (None, [], ""),
        (Decision(), [], ""),
        (Command(LONG), [f"    run       {LONG}"], LONG),
        (
            Edit("a.conf", "x  on", "x  off", "reload a"),
            ["    file      a.conf", "    from      x  on", "    to        x  off", "    then      reload a"],
            "x  off",
        ),
        (
            Edit("a.conf", "", "x\x1b[31m off"),
            ["    file      a.conf", "    add       x off"],
            "x\x1b[31m off",
        ),
    ],
)
def test_the_exact_remedy_follows_the_words(fix: Fix | None, lines: list[str], copied: str) -> None:
    assert list(finding_lines(found(fix)))[2:] == ["    do        Do this.", *lines]
    assert to_copy(fix) == copied


EDIT = Edit("f", "a", "b")


@pytest.mark.parametrize(
    ("fixes", "line"),
    [
        ((), ""),
        ((None,), ""),
        ((Command("a"), EDIT, Decision()), "How to fix it: 1 command, 1 edit, 1 decision"),
        (
            (*[Command("a")] * 3, EDIT, *[Decision()] * 2, None),
            "How to fix it: 3 commands, 1 edit, 2 decisions",
        ),
        ((EDIT, EDIT), "How to fix it: 2 edits"),
    ],
)
def test_failing_findings_remedies_are_counted(fixes: tuple[Fix | None, ...], line: str) -> None:
    assert counted_line(failing(*fixes)) == line
    text = list(session_lines(failing(*fixes), [], "en"))
    assert text[-1:] == [line] if line else not any("How to fix it" in one for one in text)


def test_the_json_counts_them_and_has_each() -> None:
    report = summary(failing(Command("a"), Command("b"), EDIT), Path("/r"), [])
    assert report["remedies"] == {"command": 2, "edit": 1, "decision": 0}
    (step,) = [one for one in report["steps"] if one["findings"]]
    assert [one["fix"]["kind"] for one in step["findings"]] == ["command", "command", "edit"]
    assert counted(failing(Command("a"), result=Result.UNKNOWN)) == {"command": 0, "edit": 0, "decision": 0}

"""All sessions and ledgers, as text and as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from signoff.message import tr, translated
from signoff.report import text
from signoff.report.gaps import gap_word, problem_line
from signoff.report.summary import FAILED, NOT_CHECKED, PASSED, SCHEMA, timestamp
from signoff.session.ledgers import Known
from signoff.session.survey import Row, Survey
from signoff.text import one_line


def listing_lines(survey: Survey) -> Iterator[str]:
    """Yield the sessions, the newest first, what is wrong below each, and then the ledgers."""
    several = any(not one.own for one in survey.ledgers)
    for row in survey.rows:
        yield from _row_lines(row, several=several)
    if several:
        yield ""
        yield from (_ledger_line(one) for one in survey.ledgers)
    yield from (f"! {one_line(translated(trouble), 600)}" for trouble in survey.troubles)


def _row_lines(row: Row, *, several: bool) -> Iterator[str]:
    if row.summary:
        (line,) = text.sessions_lines([row.summary])
    else:
        line = f"{row.session}  {gap_word(row.problems[0].gap) if row.problems else tr('not here')}"
    known = ", ".join(one.name for one in row.ledgers) or tr("no ledger")
    yield tr("{line}  known by: {known}", line=line, known=known) if several else line
    for problem in row.problems:
        if not (row.summary and problem.reason == row.summary.damage):  # that stands in the line already
            yield f"  ! {problem_line(problem)}"


def _ledger_line(one: Known) -> str:
    entries = one.reading.entries
    until = tr(", until {at}", at=timestamp(entries[-1].at)) if entries else ""
    return tr("ledger {name}: {lines} lines{until}", name=one.name, lines=one.reading.lines, until=until)


def listing(survey: Survey) -> dict[str, Any]:
    """Return the sessions and the ledgers as plain data (schema 1)."""
    return {
        "schema": SCHEMA,
        "sessions": [_row(row) for row in survey.rows],
        "ledgers": [_ledger(one) for one in survey.ledgers],
        "problems": list(survey.troubles),
    }


def _row(row: Row) -> dict[str, Any]:
    one = row.summary
    return {
        "session": row.session,
        "record": str(one.directory) if one else None,
        "target": {"name": one.target, "address": one.address} if one else None,
        "checklists": list(one.checklists) if one else [],
        "mode": one.mode if one else "",
        "started": timestamp(one.started) if one else None,
        "last": timestamp(one.last) if one else None,
        "sealed": one.sealed if one else None,
        "counts": one.counts if one else {},
        "ledgers": [ledger.name for ledger in row.ledgers],
        "problems": [{"kind": problem.gap.value, "reason": problem.reason} for problem in row.problems],
    }


def _ledger(one: Known) -> dict[str, Any]:
    reading = one.reading
    return {
        "name": one.name,
        "path": str(one.path),
        "own": one.own,
        "lines": reading.lines,
        "first": reading.first,
        "head": reading.head,
        "damage": [{"line": damage.line, "reason": damage.reason} for damage in reading.damage],
    }


def exit_code(survey: Survey) -> int:
    """Return the exit code that a survey earns: 1 where something is missing or does not hold."""
    if survey.failed:
        return FAILED
    return NOT_CHECKED if survey.uncertain else PASSED

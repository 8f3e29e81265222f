"""Tables made by the run itself: ``pytest --matrix`` prints what became of every attack and every fault.

A test parametrized with a ``row`` (anything with a ``row`` and a ``what``) takes the fixture ``result``
and calls it with what it saw. With ``--matrix`` a row without a result fails the run, whatever the reason.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

Result = Callable[..., None]

_ROW, _RESULT = "matrix-row", "matrix-result"
_LINE = 150


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--matrix``."""
    parser.addoption("--matrix", action="store_true", help="print the tables of attacks and faults")


@pytest.fixture
def result(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Result:
    """Record what was seen of the row that the test is about, as texts by column."""
    row = request.node.callspec.params["row"]
    record_property(_ROW, [request.node.path.stem.removeprefix("test_"), row.row, row.what])

    def record(**seen: str) -> None:
        record_property(_RESULT, list(seen.items()))

    return record


class _Tables:
    """Every row that was reached, by its test, and what was seen of it."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[list[str], dict[str, str]]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test recorded, here or in another process of the run."""
        properties = dict(report.user_properties)
        if _ROW in properties:
            passed = report.passed and _RESULT in properties
            seen = dict(properties[_RESULT]) if passed else {"": "NO RESULT"}  # type: ignore[call-overload]
            self._rows[report.nodeid] = (properties[_ROW], seen)  # type: ignore[assignment]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail where a row has no result."""
        if session.exitstatus == pytest.ExitCode.OK and any("" in seen for _, seen in self._rows.values()):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the tables."""
        before = ("", "")
        for (table, row, what), seen in self._rows.values():
            if table != before[0]:
                terminalreporter.section(f"{table}: what was done, and what came of it")
            if (table, row) != before:
                terminalreporter.write_line(row, bold=True)
            before = (table, row)
            said = "; ".join(f"{column}: {text}" if column else text for column, text in seen.items() if text)
            for line in textwrap.wrap(f"{what} -> {said}", _LINE, subsequent_indent="      "):
                terminalreporter.write_line(f"  {line}")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Make the tables where they are asked for, in the process that prints."""
    if config.getoption("--matrix") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Tables(), "matrix-tables")

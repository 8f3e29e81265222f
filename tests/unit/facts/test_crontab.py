"""Crontabs as Debian's cron reads them."""

from __future__ import annotations

from datetime import datetime

import pytest

from signoff.facts.crontab import parse_crontab

# /etc/crontab of Debian 12.
SYSTEM = """\
# /etc/crontab: system-wide crontab
SHELL=/bin/sh
PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin

17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly
25 6\t* * *\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
47 6\t* * 7\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.weekly; }
52 6\t1 * *\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.monthly; }
"""


def test_the_system_crontab() -> None:
    entries, faults = parse_crontab(SYSTEM)
    assert faults == ()
    assert [entry.line for entry in entries] == [5, 6, 7, 8]
    assert [entry.schedule.daily for entry in entries] == [True, True, False, False]
    assert {entry.user for entry in entries} == {"root"}
    assert entries[0].command == "cd / && run-parts --report /etc/cron.hourly"
    assert entries[0].path.startswith("/usr/local/sbin:")


@pytest.mark.parametrize(
    ("line", "daily"),
    [
        ("15 3 * * *", True),
        ("*/5 * * * *", True),
        ("0 3 * * 0-7", True),
        ("0 3 */1 * *", True),
        ("0 3 1-31 jan-dec *", True),
        ("@daily", True),
        ("@hourly", True),
        ("0 3 * * mon-fri", False),
        ("0 3 1 * *", False),
        ("0 3 */2 * *", False),
        ("0 3 31 * *", False),
        # Either field is enough when neither is a star: the first of a month, and every day of a week.
        ("0 3 1 * 0-6", True),
        ("0 3 * 1-11 *", False),
        ("@weekly", False),
        ("@monthly", False),
        ("@reboot", False),
    ],
)
def test_daily(line: str, daily: bool) -> None:
    (entry,) = parse_crontab(f"{line} root true\n").entries
    assert entry.schedule.daily is daily


def test_last_due() -> None:
    now = datetime.fromisoformat("2026-11-22T15:05:56+00:00")
    (entry,) = parse_crontab("15 3 * * * root true\n").entries
    assert entry.schedule.last_due(now) == datetime.fromisoformat("2026-11-22T03:15:00+00:00")
    (entry,) = parse_crontab("15 3 1 1 * root true\n").entries
    assert entry.schedule.last_due(now) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1/5 3 * * * root true\n", "bad minute"),
        ("60 3 * * * root true\n", "bad minute"),
        ("0 24 * * * root true\n", "bad hour"),
        ("0 3 0 * * root true\n", "bad day-of-month"),
        ("0 3 * foo * root true\n", "bad month"),
        ("0 3 * * 8 root true\n", "bad day-of-week"),
        ("@dayly root true\n", "bad time specifier"),
        ("0 3 * * * nobody-here true\n", "bad username"),
        ("0 3 * * * root\n", "bad command"),
        (f"0 3 * * * root {'x' * 999}\n", "command too long"),
    ],
)
def test_one_bad_line_and_cron_ignores_the_file(text: str, why: str) -> None:
    (fault,) = parse_crontab(f"15 3 * * * root true\n{text}", users={"root"}).faults
    assert fault == f"line 2: {why}; cron ignores the whole file"


def test_without_a_line_feed_at_its_end_cron_ignores_the_file() -> None:
    assert "line feed" in parse_crontab("15 3 * * * root true", ends_with_newline=False).faults[0]
    assert parse_crontab("\n", ends_with_newline=False).faults == ()


@pytest.mark.parametrize(
    ("command", "cut"),
    [
        ("pg_dump shop > /b/$(date +%F).sql", True),
        (r"pg_dump shop > /b/$(date +\%F).sql", False),
        ("pg_dump shop", False),
    ],
)
def test_percent(command: str, cut: bool) -> None:
    (entry,) = parse_crontab(f"15 3 * * * {command}\n", "postgres").entries
    assert entry.cut is cut
    assert entry.user == "postgres"

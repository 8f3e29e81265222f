"""Crontabs as Debian's cron reads them: crontab(5), cron(8), and entry.c of cron 3.0pl1.

One line that cron cannot read makes it ignore the whole file, and so does a last line without a line feed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_NICKNAMES = {
    "yearly": "0 0 1 1 *",
    "annually": "0 0 1 1 *",
    "monthly": "0 0 1 * *",
    "weekly": "0 0 * * 0",
    "daily": "0 0 * * *",
    "midnight": "0 0 * * *",
    "hourly": "0 * * * *",
}
_NO_NAMES: list[str] = []
_FIELDS = (
    ("minute", 0, 59, _NO_NAMES),
    ("hour", 0, 23, _NO_NAMES),
    ("day-of-month", 1, 31, _NO_NAMES),
    ("month", 1, 12, _MONTHS),
    ("day-of-week", 0, 7, _DAYS),
)
_ASSIGNMENT = re.compile(r"""(?:"([^"=]*)"|'([^'=]*)'|([^\s="']+))\s*=\s*(.*)""")
_LONGEST_COMMAND = 998  # MAX_COMMAND of cron.h, less its end
_UNESCAPED_PERCENT = re.compile(r"(?<!\\)%")
_LOOK_BACK = timedelta(days=8)

DEFAULT_PATH = "/usr/bin:/bin"
"""Where cron looks for programs unless the crontab says otherwise (crontab(5))."""


class CrontabError(ValueError):
    """A crontab that cron ignores as a whole; the text says why, and quotes no command."""


@dataclass(frozen=True)
class Schedule:
    """When a line runs. ``text`` is as it was written; ``reboot`` is ``@reboot``."""

    text: str
    reboot: bool = False
    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    any_day: bool = False
    """Either day field begins with a star: then both must match, else one is enough (crontab(5))."""

    def runs_on(self, moment: datetime) -> bool:
        """Tell whether it runs in this minute of the host's own time."""
        if self.reboot or moment.minute not in self.minutes or moment.hour not in self.hours:
            return False
        return self.runs_on_day(moment)

    def runs_on_day(self, moment: datetime) -> bool:
        """Tell whether it runs on this day at all."""
        if self.reboot or moment.month not in self.months:
            return False
        day, weekday = moment.day in self.days, moment.isoweekday() % 7 in self.weekdays
        return day and weekday if self.any_day else day or weekday

    @property
    def daily(self) -> bool:
        """Whether it runs on every day of any year."""
        start = datetime(2024, 1, 1)  # noqa: DTZ001 - any leap year, without a zone
        return all(self.runs_on_day(start + timedelta(days=day)) for day in range(366))

    def last_due(self, now: datetime) -> datetime | None:
        """Return when it was last due before ``now``, the host's own time; None where that is 8 days ago."""
        latest = now.replace(second=0, microsecond=0)
        for back in range(_LOOK_BACK.days + 1):
            day = latest - timedelta(days=back)
            if self.reboot or not self.runs_on_day(day):
                continue
            for hour in sorted(self.hours, reverse=True):
                for minute in sorted(self.minutes, reverse=True):
                    moment = day.replace(hour=hour, minute=minute)
                    if moment <= latest and now - moment < _LOOK_BACK:
                        return moment
        return None


@dataclass(frozen=True)
class Entry:
    """One line: when, as whom, and what. ``cut`` tells that an unescaped ``%`` ends the command early."""

    line: int
    schedule: Schedule
    user: str
    path: str
    command: str = field(repr=False)
    cut: bool = False


def parse_crontab(
    text: str, owner: str = "", users: Collection[str] | None = None, *, ends_with_newline: bool = True
) -> tuple[Entry, ...]:
    """Return the entries of a crontab; raise CrontabError where cron would ignore it.

    Without an ``owner`` it is a system crontab, whose lines name the user: one of ``users``, where those
    are known.
    """
    if text.strip() and not ends_with_newline:
        raise CrontabError("the last line does not end with a line feed: cron ignores the whole file")
    return tuple(_entries(text, owner, users))


def _entries(text: str, owner: str, users: Collection[str] | None) -> Iterator[Entry]:
    path = DEFAULT_PATH
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.lstrip(" \t")
        if not line or line.startswith("#"):
            continue
        if assigned := _ASSIGNMENT.fullmatch(line):
            if (assigned[1] or assigned[2] or assigned[3]) == "PATH":
                path = assigned[4].strip().strip("\"'")
            continue
        try:
            schedule, rest = _schedule(line)
            user, command = (owner, rest) if owner else _user(rest, users)
        except ValueError as bad:
            raise CrontabError(f"line {number}: {bad}; cron ignores the whole file") from None
        if len(command) > _LONGEST_COMMAND:
            raise CrontabError(f"line {number}: command too long; cron ignores the whole file")
        yield Entry(number, schedule, user, path, command, bool(_UNESCAPED_PERCENT.search(command)))


def _user(rest: str, users: Collection[str] | None) -> tuple[str, str]:
    match rest.split(maxsplit=1):
        case [user, command]:
            if users is not None and user not in users:
                raise ValueError("bad username")
            return user, command
        case _:
            raise ValueError("bad command")


def _schedule(line: str) -> tuple[Schedule, str]:
    """Split a line into its schedule and what follows; raise ValueError in cron's own words."""
    if line.startswith("@"):
        nickname, _, rest = line[1:].replace("\t", " ").partition(" ")
        if nickname == "reboot":
            return Schedule("@reboot", reboot=True), rest.lstrip()
        if nickname not in _NICKNAMES:
            raise ValueError("bad time specifier")
        return _fields(_NICKNAMES[nickname].split(), f"@{nickname}"), rest.lstrip()
    words = line.split(maxsplit=5)
    if len(words) < 6:
        raise ValueError("bad command" if len(words) == 5 else "bad time specifier")
    return _fields(words[:5], " ".join(words[:5])), words[5]


def _fields(words: list[str], text: str) -> Schedule:
    minutes, hours, days, months, weekdays = (
        _values(word, *about) for word, about in zip(words, _FIELDS, strict=True)
    )
    return Schedule(
        text=text,
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=frozenset(day % 7 for day in weekdays),
        any_day=words[2].startswith("*") or words[4].startswith("*"),
    )


def _values(word: str, name: str, low: int, high: int, names: list[str]) -> frozenset[int]:
    found: set[int] = set()
    for part in word.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        try:
            if span == "*":
                start, end, dash = low, high, "-"
            else:
                start = _number(first, low, names)
                end = _number(last, low, names) if dash else start
            stride = int(step) if slash else 1
        except ValueError:
            raise ValueError(f"bad {name}") from None
        # A step without a range (1/20) is not cron's syntax.
        if not low <= start <= high or not low <= end <= high or stride < 1 or (slash and not dash):
            raise ValueError(f"bad {name}")
        found.update(range(start, end + 1, stride))
    return frozenset(found)


def _number(text: str, low: int, names: list[str]) -> int:
    if text.isdecimal():
        return int(text)
    return names.index(text.lower()) + low

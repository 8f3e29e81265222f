"""Crontabs as Debian's cron reads them: crontab(5), cron(8), and entry.c of cron 3.0pl1.

One line that cron cannot read makes it ignore the whole file, and so does a last line without a line feed.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from signoff.message import Message, say

_NICKNAMES = (
    {"@hourly": "0 * * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *"}
    | dict.fromkeys(("@daily", "@midnight"), "0 0 * * *")
    | dict.fromkeys(("@yearly", "@annually"), "0 0 1 1 *")
)


def _numbers(low: int, high: int, names: str = "") -> dict[str, int]:
    named = {name: low + index for index, name in enumerate(names.split())}
    return {str(number): number for number in range(low, high + 1)} | named


_FIELDS = (
    ("minute", _numbers(0, 59)),
    ("hour", _numbers(0, 23)),
    ("day-of-month", _numbers(1, 31)),
    ("month", _numbers(1, 12, "jan feb mar apr may jun jul aug sep oct nov dec")),
    ("day-of-week", _numbers(0, 7, "sun mon tue wed thu fri sat")),
)
# A step without a range (1/20) is not cron's syntax.
_PART = re.compile(r"(\w+)(?:-(\w+)(?:/([1-9]\d*))?)?")
_ZEROS = re.compile(r"\b0+(?=\d)")
_ASSIGNMENT = re.compile(r"""(?:"([^"=]*)"|'([^'=]*)'|([^\s="']+))\s*=\s*(.*)""")
_LONGEST_COMMAND = 998  # MAX_COMMAND of cron.h, less its end
_PERCENT = re.compile(r"(?<!\\)%")
_LEAP_YEAR = [date(2024, 1, 1) + timedelta(days=day) for day in range(366)]
_LOOK_BACK = timedelta(days=8)

DEFAULT_PATH = "/usr/bin:/bin"
"""Where cron looks for programs unless the crontab says otherwise (crontab(5))."""


@dataclass(frozen=True)
class Schedule:
    """When a line runs. ``text`` is as it was written. ``fields`` are the minutes, hours, days, months and
    weekdays; ``@reboot`` has none.
    """

    text: str
    fields: tuple[frozenset[int], ...] = ()
    any_day: bool = False
    """Either day field begins with a star: then both must match, else one is enough (crontab(5))."""

    def runs_on(self, day: date) -> bool:
        """Tell whether it runs on this day at all."""
        if not self.fields:
            return False
        _, _, days, months, weekdays = self.fields
        # Sunday is 0 and 7.
        matches = (day.day in days, not weekdays.isdisjoint({day.isoweekday(), day.isoweekday() % 7}))
        return day.month in months and (all(matches) if self.any_day else any(matches))

    @property
    def daily(self) -> bool:
        """Whether it runs on every day of any year."""
        return all(map(self.runs_on, _LEAP_YEAR))

    def last_due(self, now: datetime) -> datetime | None:
        """Return when it was last due before ``now``, the host's own time; None where that is 8 days ago."""
        days = (now.date() - timedelta(days=back) for back in range(_LOOK_BACK.days + 1))
        due = (
            datetime.combine(day, time(hour, minute), now.tzinfo)
            for day in days
            if self.runs_on(day)
            for hour in sorted(self.fields[1], reverse=True)
            for minute in sorted(self.fields[0], reverse=True)
        )
        return next((moment for moment in due if timedelta() <= now - moment < _LOOK_BACK), None)


@dataclass(frozen=True)
class Entry:
    """One line: when, as whom, and what; ``path`` is where cron looks for its program."""

    line: int
    path: str
    schedule: Schedule
    user: str
    command: str = field(repr=False)

    @property
    def cut(self) -> bool:
        """Whether an unescaped ``%`` ends the command early."""
        return bool(_PERCENT.search(self.command))

    @property
    def logged(self) -> str:
        """The command as cron logs it: up to the first bare ``%``, an escaped one without its backslash."""
        return _PERCENT.split(self.command)[0].replace(r"\%", "%")


class Crontab(NamedTuple):
    """The entries that can be read. For the first of the ``faults`` cron ignores all of them; none quotes a
    command.
    """

    entries: tuple[Entry, ...]
    faults: tuple[Message, ...]


def parse_crontab(
    text: str, owner: str = "", users: Collection[str] | None = None, *, ends_with_newline: bool = True
) -> Crontab:
    """Read a crontab.

    Without an ``owner`` it is a system crontab, whose lines name the user: one of ``users``, where those
    are known.
    """
    entries, faults, path = list[Entry](), list[Message](), DEFAULT_PATH
    if text.strip() and not ends_with_newline:
        faults.append(say("the last line does not end with a line feed"))
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.lstrip(" \t")
        if not line or line.startswith("#"):
            continue
        if assigned := _ASSIGNMENT.fullmatch(line):
            if "PATH" in assigned.groups()[:3]:
                path = assigned[4].strip().strip("\"'")
            continue
        try:
            entry = Entry(number, path, *_split(line, owner))
        except ValueError as bad:
            faults.append(say("line {number}: {words}", number=number, words=bad))
            continue
        entries.append(entry)
        if users is not None and entry.user not in users:
            faults.append(say("line {number}: {words}", number=number, words="bad username"))
    return Crontab(
        tuple(entries), tuple(say("{fault}; cron ignores the whole file", fault=fault) for fault in faults)
    )


def _split(line: str, owner: str) -> tuple[Schedule, str, str]:
    """Return a line's schedule, user and command; raise ValueError in cron's own words."""
    match line.split(maxsplit=1 if line.startswith("@") else 5):
        case [*times, command] if line.startswith("@") or len(times) == 5:
            schedule = _schedule(" ".join(times))
        case _:
            raise ValueError("bad command")
    user, command = (owner, command) if owner else [*command.split(maxsplit=1), ""][:2]
    if not command or len(command) > _LONGEST_COMMAND:
        raise ValueError("command too long" if command else "bad command")
    return schedule, user, command


def _schedule(text: str) -> Schedule:
    if text == "@reboot":
        return Schedule(text)
    if text.startswith("@") and text not in _NICKNAMES:
        raise ValueError("bad time specifier")
    words = _NICKNAMES.get(text, text).split()
    fields = tuple(_values(word, *field) for word, field in zip(words, _FIELDS, strict=True))
    return Schedule(text, fields, any_day="*" in {words[2][0], words[4][0]})


def _values(word: str, name: str, numbers: dict[str, int]) -> frozenset[int]:
    """Return the numbers that a field stands for: a list of numbers and of ranges, by a step or not."""
    found: set[int] = set()
    whole = f"{min(numbers.values())}-{max(numbers.values())}"
    for part in _ZEROS.sub("", word.lower()).split(","):
        span = _PART.fullmatch(f"{whole}{part[1:]}" if part.startswith("*") else part)
        if not span or not {span[1], span[2] or span[1]} <= numbers.keys():
            raise ValueError(f"bad {name}")
        found.update(range(numbers[span[1]], numbers[span[2] or span[1]] + 1, int(span[3] or 1)))
    return frozenset(found)

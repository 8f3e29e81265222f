"""What cron makes of crontabs, /etc/cron.d and /etc/cron.{hourly,daily,weekly,monthly}: jobs, and faults.

The rules are those of Debian's cron (cron(8), database.c of cron 3.0pl1-162) and of run-parts(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from signoff.facts.budget import Budget
from signoff.facts.called import called
from signoff.facts.crontab import CrontabError, Entry, parse_crontab
from signoff.facts.job import Job, Run, without_comments
from signoff.facts.sections import Section
from signoff.text import one_line

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_PERIODS = {"hourly": "each hour", "daily": "each day", "weekly": "each week", "monthly": "each month"}
_MANY_DAYS = frozenset({"weekly", "monthly"})
_GRACE = timedelta(minutes=2)
_BLANKS = re.compile(r"\s+")
_MOST_JOBS = 2_000
_LONG = 10_000
"""So many characters of scripts count as one more job."""


@dataclass(frozen=True)
class Programs:
    """The scripts that jobs run, and the paths named in jobs where there is no file."""

    texts: Mapping[str, str] = field(repr=False)
    modes: Mapping[str, int]
    unreadable: frozenset[str]
    absent: frozenset[str]

    def behind(self, command: str) -> tuple[str, tuple[str, ...]]:
        """Return a command with the text of the scripts that it names, and the unreadable ones' names."""
        text, unread, seen, todo = command, [], set[str](), [command]
        while todo:
            for path in self._named(todo.pop()) - seen:
                seen.add(path)
                if path in self.unreadable:
                    unread.append(path)
                elif found := self.texts.get(path):
                    text += "\n" + without_comments(found)
                    todo.append(without_comments(found))
        return text, tuple(sorted(unread))

    def _named(self, text: str) -> set[str]:
        words = set(re.split(r"[\s;|&()<>\"'`={},]+", text)) - {""}
        bare = {word for word in words if "/" not in word}
        relative = {word.lstrip(".") for word in words if "/" in word and not word.startswith("/")}
        return {
            path
            for path in {*self.texts, *self.unreadable}
            if path in words
            or any(path[start:] in relative for start in range(len(path)))
            or (path.rpartition("/")[2] in bare and not path.startswith("/etc/cron."))
        }


@dataclass(frozen=True)
class Said:
    """What cron said in the journal: each message with its last time; ``since`` is where that begins."""

    since: datetime | None = None
    messages: Mapping[str, datetime] = field(default_factory=dict, repr=False)

    @cached_property
    def started(self) -> Mapping[str, datetime]:
        """The messages without their blanks, each with its last time."""
        found: dict[str, datetime] = {}
        for message, time in self.messages.items():
            plain = _BLANKS.sub("", message)
            found[plain] = max(time, found.get(plain, time))
        return found


@dataclass(frozen=True)
class Cron:
    """The daemon and its surroundings: all that decides whether an entry runs."""

    daemon: tuple[str, ...]
    """Why no entry runs at all; empty where the daemon is alive and starts at boot."""
    debian: bool
    users: Mapping[str, int]
    programs: Programs
    said: Said
    now: datetime
    as_root: bool
    anacron: tuple[str, ...] = ()
    """Why anacron, where it is installed, does not run."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """The users whose jobs cron does not start, and why."""


def jobs(found: tuple[Section, ...], cron: Cron) -> Iterator[Job]:
    """Yield every job of cron's."""
    periodic: dict[str, Entry] = {}
    budget = Budget(_MOST_JOBS, "cron's jobs, with the scripts that they run")
    for section in found:
        if section.name not in {"system", "user"}:
            continue
        for entry, job, read in _from_crontab(section, cron):
            budget.spend(1 + len(job.text) // _LONG)
            yield job
            for period in _PERIODS:
                if read and f"/etc/cron.{period}" in entry.command:
                    periodic[period] = entry
    yield from _periodic(found, periodic, cron)


def _from_crontab(section: Section, cron: Cron) -> Iterator[tuple[Entry, Job, bool]]:
    """Yield each entry with its job, and whether cron reads the file at all."""
    system = section.name == "system"
    where = section.field(0) if system else f"crontab of {section.field(0)}"
    if system and section.field(5) == "unreadable":
        return
    faults = list(_file_faults(section, cron) if cron.debian else ())
    newline = section.fields[-1] == "newline"
    text = section.text if newline or not section.lines else section.text.rstrip("\n")
    owner = "" if system else section.field(0)
    users = cron.users if system else None
    try:
        entries = parse_crontab(text, owner, users, ends_with_newline=newline)
    except CrontabError as bad:
        faults.append(str(bad))
        # What the file would have done tells whether it matters.
        entries = _readable_lines(section.lines, owner)
    for entry in entries:
        yield entry, _job(entry, where, tuple(faults), cron), not faults


def _readable_lines(lines: tuple[str, ...], owner: str) -> tuple[Entry, ...]:
    found: list[Entry] = []
    for line in lines:
        try:
            found += parse_crontab(f"{line}\n", owner)
        except CrontabError:
            continue
    return tuple(found)


def _file_faults(section: Section, cron: Cron) -> Iterator[str]:
    """Yield why cron does not read a file: its name, owner, mode or links (process_crontab of database.c)."""
    if section.name == "system":
        path, mode, owner, links, link_owner = section.fields[:5]
        if path.startswith("/etc/cron.d/") and not _NAME.fullmatch(path.removeprefix("/etc/cron.d/")):
            yield "cron skips the file: its name may hold letters, digits, - and _ only, and no dot"
        if owner != "0" or link_owner != "0":
            yield "cron skips the file: it must belong to root"
        if mode.isdecimal() and int(mode, 8) & 0o022:
            yield f"cron skips the file: mode {mode}, writable by others than root"
    else:
        user, mode, owner, links = section.fields[:4]
        if user not in cron.users:
            yield "cron skips it: there is no such user"
        elif owner not in {"0", str(cron.users[user])}:
            yield "cron skips it: it does not belong to its user"
        if mode != "600":
            yield f"cron skips it: mode {mode}, and it must be 600"
    if links.isdecimal() and int(links) > 1:
        yield "cron skips it: it has more than one hard link"


def _job(entry: Entry, where: str, faults: tuple[str, ...], cron: Cron) -> Job:
    text, unread = cron.programs.behind(entry.command)
    return Job(
        where=f"{where} line {entry.line}" if not faults else where,
        scheduler="cron",
        schedule=entry.schedule.text,
        # Where the field was forgotten, the command's first word stands there: PGPASSWORD=..., perhaps.
        user=entry.user if entry.user in cron.users else "an unknown user",
        command=entry.command,
        text=text,
        faults=(*cron.daemon, *faults, *_schedule_faults(entry), *_command_faults(entry, where, cron)),
        unread=unread,
        run=_last_run(entry, cron),
    )


def _schedule_faults(entry: Entry) -> Iterator[str]:
    if entry.schedule.reboot:
        yield "it runs at boot only, not each day"
    elif not entry.schedule.daily:
        yield "it does not run each day"
    if entry.cut:
        yield r"an unescaped % ends the command there (crontab(5)): write \%"


def _command_faults(entry: Entry, where: str, cron: Cron) -> Iterator[str]:
    first, programs = (entry.command.split() or [""])[0], cron.programs
    if entry.user in cron.refused:
        yield f"cron does not start jobs of {one_line(entry.user)}: {cron.refused[entry.user]}"
    for path in called(entry.command):
        if path in programs.absent and cron.as_root:
            yield f"there is no {one_line(path)}"
        elif path in programs.modes and not programs.modes[path] & 0o111:
            yield f"{one_line(path)} is not executable"
    if first in cron.users and where.startswith("crontab of "):
        yield f"a user's crontab has no user field: cron would run a program called {one_line(first)}"
    elif "/" not in first and "=" not in first and (lost := _out_of_path(first, entry.path, programs)):
        yield f"cron does not find {one_line(first)}: {lost} is not in its PATH ({one_line(entry.path)})"


def _out_of_path(name: str, path: str, programs: Programs) -> str:
    """Return the folder of a script that the crontab's PATH does not name; empty where it is found."""
    folders = {known.rpartition("/")[0] for known in programs.modes if known.rpartition("/")[2] == name}
    return "" if not folders or folders & set(path.split(":")) else min(folders)


def _last_run(entry: Entry, cron: Cron) -> Run:
    """Return when the journal says that cron last started this entry: ``(root) CMD (...)``."""
    said = cron.said
    if said.since is None:
        return Run(unknown="the system's journal cannot be read")
    started = f"({entry.user})CMD({_logged(entry.command)})"
    if started in said.started:
        return Run(last=said.started[started])
    due = entry.schedule.last_due(cron.now)
    if due is not None and said.since < due - _GRACE:
        return Run(certain=True)
    return Run(unknown=f"the journal reaches back to {said.since:%Y-%m-%d %H:%M} only")


def _logged(command: str) -> str:
    """Return a command as cron logs it: up to the first bare ``%``, an escaped one without its backslash."""
    return _BLANKS.sub("", re.split(r"(?<!\\)%", command)[0].replace(r"\%", "%"))


def _periodic(found: tuple[Section, ...], periodic: Mapping[str, Entry], cron: Cron) -> Iterator[Job]:
    """Yield the scripts in /etc/cron.daily and the like: run-parts runs those whose names it accepts."""
    accepted = {section.field(0): set(section.lines) for section in found if section.name == "run-parts"}
    anacron = any(section.name == "anacron" for section in found)
    stamps = {section.field(0): section.field(1) for section in found if section.name == "anacron-ran"}
    for section in found:
        if section.name != "part":
            continue
        period, path = section.field(0), section.field(1)
        if anacron and period != "hourly":
            faults, run = list(cron.anacron), _anacron_run(stamps.get(f"cron.{period}", ""), cron)
        elif entry := periodic.get(period):
            faults, run = list(cron.daemon), _last_run(entry, cron)
        else:
            faults, run = [f"nothing in /etc/crontab runs /etc/cron.{period}"], Run()
        if path not in accepted.get(period, set()):
            faults.append(_refused(path))
        if period in _MANY_DAYS:
            faults.append(f"it runs {_PERIODS[period]}, not each day")
        text, unread = cron.programs.behind(without_comments(section.text))
        closed = (path,) if section.field(2) == "unreadable" else ()
        yield Job(
            where=path,
            scheduler="run-parts",
            schedule=_PERIODS[period],
            user="root",
            command=path,
            text=text,
            faults=tuple(faults),
            unread=(*closed, *unread),
            run=run,
        )


def _refused(path: str) -> str:
    if not _NAME.fullmatch(path.rpartition("/")[2]):
        return "run-parts skips it: its name may hold letters, digits, - and _ only, and no dot"
    return "run-parts skips it: it is not executable"


def _anacron_run(stamp: str, cron: Cron) -> Run:
    try:
        day = datetime.strptime(stamp, "%Y%m%d").replace(tzinfo=cron.now.tzinfo)
    except ValueError:
        return Run(certain=cron.as_root)
    return Run(last=day)


def users_of(found: tuple[Section, ...]) -> dict[str, int]:
    """Return the accounts that the host knows, with their numbers."""
    pairs = (line.partition(":") for section in found if section.name == "users" for line in section.lines)
    return {name: int(number) for name, _, number in pairs if number.isdecimal()}


def refused_of(found: tuple[Section, ...]) -> dict[str, str]:
    """Return the accounts for which PAM lets no job run, with the reason."""
    pairs = (line.partition("\t") for one in found if one.name == "refused" for line in one.lines)
    return {name: one_line(reason) for name, tab, reason in pairs if tab}


def programs_of(found: tuple[Section, ...]) -> Programs:
    """Return the scripts that the jobs name."""
    given = [section for section in found if section.name == "program"]
    return Programs(
        texts={section.field(0): section.text for section in given if section.field(2) == "readable"},
        modes={
            section.field(0): int(section.field(1), 8) for section in given if section.field(1).isdecimal()
        },
        unreadable=frozenset(section.field(0) for section in given if section.field(2) == "unreadable"),
        absent=frozenset(section.field(0) for section in found if section.name == "absent"),
    )

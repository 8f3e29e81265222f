"""What cron makes of crontabs, /etc/cron.d and /etc/cron.{hourly,daily,weekly,monthly}: jobs, and faults.

The rules are those of Debian's cron (cron(8), database.c of cron 3.0pl1-162) and of run-parts(8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from signoff.facts.called import called
from signoff.facts.crontab import Entry, parse_crontab
from signoff.facts.job import Job, Programs, Run
from signoff.facts.sections import Named, Section, moment
from signoff.facts.timers import units_of
from signoff.message import Message, say
from signoff.text import one_line

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_PERIODS = ("hourly", "daily", "weekly", "monthly")
_NOT_DAILY = {
    "weekly": (say("it runs each week, not each day"),),
    "monthly": (say("it runs each month, not each day"),),
}
_ODD_NAME = say("its name may hold letters, digits, - and _ only, and no dot")
_GRACE = timedelta(minutes=2)
_BLANKS = re.compile(r"\s+")


class Cron:
    """The daemon and its surroundings: all that decides whether an entry runs, and what it said of that."""

    def __init__(self, found: Named, programs: Programs, now: datetime, *, as_root: bool) -> None:
        users = [line.partition(":") for section in found["users"] for line in section.lines]
        refused = [line.partition("\t") for section in found["refused"] for line in section.lines]
        # By its time, so that the last of each message counts.
        said = [line.split("\t", 2) for section in found["journal"] for line in sorted(section.lines)]
        self.now, self.as_root, self.programs = now, as_root, programs
        # Why no entry runs at all; empty where the daemon is alive and starts at boot.
        self.daemon = _daemon_faults(found)
        # Debian's daemon is called cron; cronie, crond, has laxer rules of its own.
        self.debian = any(section.field(0) for section in found["flavour"])
        self.users = {name: int(number) for name, _, number in users if number.isdecimal()}
        # The users whose jobs cron does not start, and why.
        self.refused = {name: one_line(reason) for name, _, reason in refused if name}
        # Where the journal begins, and what cron said in it, without its blanks, and when last.
        self.since = moment("".join(section.field(0) for section in found["journal"]), now.tzinfo)
        self.started = {
            _BLANKS.sub("", words[-1]): time for words in said if (time := moment(words[0], now.tzinfo))
        }


def _daemon_faults(found: Named) -> tuple[Message, ...]:
    """Return why cron runs nothing at all, or not after the next boot."""
    if found["cron-process"]:
        return ()
    units = units_of(found, "cron-units").values()
    loaded = {unit["LoadState"]: unit for unit in units if unit["LoadState"] != "not-found"}
    for unit in units:
        if unit["ActiveState"] == "active":
            enabled = unit["UnitFileState"] in {"enabled", "static", "alias", "generated"}
            return () if enabled else (say("cron is not enabled: it does not come back after a boot"),)
    if "masked" in loaded:
        return (say("cron is masked and does not run"),)
    return (say("cron does not run") if loaded else say("no cron daemon runs"),)


def jobs(found: Named, cron: Cron) -> Iterator[Job]:
    """Yield every job of cron's."""
    periodic: dict[str, Entry] = {}
    for section in (*found["system"], *found["user"]):
        system, name, newline = section.name == "system", section.field(0), section.fields[-1] == "newline"
        if system and section.field(5) == "unreadable":
            continue
        users, owner, where = (cron.users, "", name) if system else (None, name, f"crontab of {name}")
        entries, bad = parse_crontab(section.text, owner, users, ends_with_newline=newline)
        # What a file would have done that cron ignores tells whether it matters.
        faults = (*(_file_faults(section, cron) if cron.debian else ()), *bad[:1])
        for entry in entries:
            found_at = where if faults else f"{where} line {entry.line}"
            # Where the field was forgotten, the command's first word stands there: PGPASSWORD=..., perhaps.
            user = entry.user if entry.user in cron.users else say("an unknown user")
            why = (*cron.daemon, *faults, *_entry_faults(entry, owner, cron))
            run = _last_run(entry, cron)
            yield Job(found_at, "cron", entry.schedule.text, user, entry.command, why, run)
            if not faults:
                periodic |= {period: entry for period in _PERIODS if f"/etc/cron.{period}" in entry.command}
    yield from _periodic(found, periodic, cron)


def _file_faults(section: Section, cron: Cron) -> Iterator[Message]:
    """Yield why cron does not read a file: its name, owner, mode or links (process_crontab of database.c)."""
    name, mode, owner, links, link_owner = section.fields[:5]
    if section.name == "system":
        rules = {
            _ODD_NAME: name.startswith("/etc/cron.d/")
            and not _NAME.fullmatch(name.removeprefix("/etc/cron.d/")),
            say("it must belong to root"): {owner, link_owner} != {"0"},
            say("mode {mode}, writable by others than root", mode=mode): mode.isdecimal()
            and int(mode, 8) & 0o022,
        }
    else:
        rules = {
            say("there is no such user"): name not in cron.users,
            say("it does not belong to its user"): owner not in {"0", str(cron.users.get(name, owner))},
            say("mode {mode}, and it must be 600", mode=mode): mode != "600",
        }
    rules[say("it has more than one hard link")] = links.isdecimal() and int(links) > 1
    yield from (say("cron skips it: {why}", why=why) for why, broken in rules.items() if broken)


def _entry_faults(entry: Entry, owner: str, cron: Cron) -> Iterator[Message]:
    if not entry.schedule.daily:
        boot = not entry.schedule.fields
        yield say("it runs at boot only, not each day") if boot else say("it does not run each day")
    if entry.cut:
        yield say(r"an unescaped % ends the command there (crontab(5)): write \%")
    if entry.user in cron.refused:
        user = one_line(entry.user)
        yield say("cron does not start jobs of {user}: {why}", user=user, why=cron.refused[entry.user])
    # Without root what is not seen may be there.
    paths = (path for path in called(entry.command) if cron.as_root or path not in cron.programs.absent)
    yield from cron.programs.faults(paths)
    first = one_line(entry.command.split()[0])
    if owner and first in cron.users:
        yield say("a user's crontab has no user field: cron would run a program called {name}", name=first)
    elif "/" not in first and "=" not in first:
        folders = {path.rpartition("/")[0] for path in cron.programs.modes if path.endswith(f"/{first}")}
        if folders and folders.isdisjoint(entry.path.split(":")):
            yield say(
                "cron does not find {name}: {folder} is not in its PATH", name=first, folder=min(folders)
            )


def _last_run(entry: Entry, cron: Cron) -> Run:
    """Return when the journal says that cron last started this entry: ``(root) CMD (...)``."""
    if cron.since is None:
        return Run(unknown=say("the system's journal cannot be read"))
    if last := cron.started.get(_BLANKS.sub("", f"({entry.user}) CMD ({entry.logged})")):
        return Run(last=last)
    due = entry.schedule.last_due(cron.now)
    if due is not None and cron.since < due - _GRACE:
        return Run(certain=True)
    since = f"{cron.since:%Y-%m-%d %H:%M}"
    return Run(unknown=say("the journal reaches back to {since} only", since=since))


def _periodic(found: Named, periodic: Mapping[str, Entry], cron: Cron) -> Iterator[Job]:
    """Yield the scripts in /etc/cron.daily and the like: run-parts runs those whose names it accepts."""
    accepted = {path for section in found["run-parts"] for path in section.lines}
    for section in found["part"]:
        period, path = section.fields[:2]
        faults, run = _period(found, period, periodic, cron)
        if path not in accepted:
            named = _NAME.fullmatch(path.rpartition("/")[2])
            why = say("it is not executable") if named else _ODD_NAME
            faults += (say("run-parts skips it: {why}", why=why),)
        faults += _NOT_DAILY.get(period, ())
        yield Job(path, "run-parts", f"/etc/cron.{period}", "root", path, faults, run)


def _period(
    found: Named, period: str, periodic: Mapping[str, Entry], cron: Cron
) -> tuple[tuple[Message, ...], Run]:
    """Return what keeps a period's folder from being run, and when that last was done."""
    if found["anacron"] and period != "hourly":
        waits = units_of(found, "timers")["anacron.timer"]["ActiveState"] == "active"
        stamps = {section.field(0): section.field(1) for section in found["anacron-ran"]}
        last = moment(stamps.get(f"cron.{period}", ""), cron.now.tzinfo)
        return () if waits else cron.daemon, Run(last=last, certain=cron.as_root)
    if entry := periodic.get(period):
        return cron.daemon, _last_run(entry, cron)
    return (say("nothing in /etc/crontab runs /etc/cron.{period}", period=period),), Run()

"""Containers that make dumps by a schedule of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from signoff.facts.crontab import CrontabError, parse_crontab
from signoff.facts.job import Job, Run
from signoff.facts.sections import Section
from signoff.text import one_line

# Images whose whole purpose is to dump a PostgreSQL database.
_IMAGES = re.compile(r"postgres-backup|pg-?backup|pgbackup|db-backup|pg-?dump", re.IGNORECASE)
_DAILY_SLEEP = re.compile(r"\bsleep\s+(?:86400|24h|1d|\d{1,4}m?|\d{1,5}s?|(?:1?\d|2[0-3])h)\b")
_LOOP = re.compile(r"\b(?:while|until)\b")
_SCHEDULE = re.compile(r'^"SCHEDULE=(.*)"$')


def jobs(found: tuple[Section, ...]) -> Iterator[Job]:
    """Yield every container that is seen to make dumps."""
    for section in found:
        if section.name != "container":
            continue
        name, running, restart, image = (section.field(index) for index in range(4))
        command = _command(section.lines)
        text = f"{command}\npg_dump" if _IMAGES.search(image) else command
        schedule, faults, doubts = _schedule(section.lines, command)
        yield Job(
            where=f"container {name.lstrip('/')}",
            scheduler="container",
            schedule=schedule,
            user=one_line(image),
            command=command,
            text=text,
            faults=(*_state(running, restart), *faults),
            doubts=doubts,
            run=Run(unknown="a container's own schedule leaves no trace of its runs"),
        )


def _command(lines: tuple[str, ...]) -> str:
    """Return what the container runs: its path, and its arguments as Docker gives them, in JSON."""
    path, _, arguments = (lines[0] if lines else "").partition(" ")
    try:
        return " ".join([path, *map(str, json.loads(arguments) or [])])
    except ValueError:
        return f"{path} {arguments}"


def _state(running: str, restart: str) -> Iterator[str]:
    if running != "true":
        yield "the container does not run"
    if restart not in {"always", "unless-stopped"}:
        yield f"the container is not started at boot (restart policy {one_line(restart) or 'no'})"


def _schedule(lines: tuple[str, ...], command: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return the schedule, why it is not daily, and why that cannot be told."""
    for line in lines:
        if given := _SCHEDULE.match(line):
            text = given[1].strip()
            # Go's cron has a field for seconds in front.
            fields = text.split()
            line = " ".join(fields[1:]) if len(fields) == 6 else text
            try:
                daily = all(entry.schedule.daily for entry in parse_crontab(f"{line} root x\n"))
            except CrontabError:
                return one_line(text), (), ("its schedule is not understood",)
            return one_line(text), () if daily else ("it does not run each day",), ()
    if _LOOP.search(command) and _DAILY_SLEEP.search(command):
        return "a loop of at most a day", (), ()
    return "its own", (), ("whether it runs each day is not known",)

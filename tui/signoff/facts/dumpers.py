"""Containers that make dumps by a schedule of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from signoff.facts.crontab import parse_crontab
from signoff.facts.job import Job, Run
from signoff.facts.sections import Named
from signoff.message import NOTHING, Message, say
from signoff.text import one_line

# Images whose whole purpose is to dump a PostgreSQL database.
_IMAGES = re.compile(r"postgres-backup|pg-?backup|pgbackup|db-backup|pg-?dump", re.IGNORECASE)
_DAILY_SLEEP = re.compile(r"\bsleep\s+(?:86400|24h|1d|\d{1,4}m?|\d{1,5}s?|(?:1?\d|2[0-3])h)\b")
_LOOP = re.compile(r"\b(?:while|until)\b")
_SCHEDULE = re.compile(r'^"SCHEDULE=(.*)"$', re.MULTILINE)


def jobs(found: Named) -> Iterator[Job]:
    """Yield every container that is seen to make dumps."""
    for section in found["container"]:
        name, running, restart, image = (one_line(section.field(index)) for index in range(4))
        command = _command(section.lines[0] if section.lines else "")
        schedule, fault, doubt = _schedule(section.text, command)
        if running != "true":
            fault = say("the container does not run")
        elif restart not in {"always", "unless-stopped"}:
            policy = restart or "no"
            fault = say("the container is not started at boot (restart policy {policy})", policy=policy)
        yield Job(
            f"container {name.lstrip('/')}",
            "container",
            schedule,
            image,
            command,
            faults=(fault,) if fault else (),
            doubts=(doubt,) if doubt else (),
            run=Run(unknown=say("a container's own schedule leaves no trace of its runs")),
            text=f"{command}\npg_dump" if _IMAGES.search(image) else command,
        )


def _command(line: str) -> str:
    """Return what the container runs: its path, and its arguments as Docker gives them, in JSON."""
    path, _, arguments = line.partition(" ")
    try:
        return " ".join([path, *map(str, json.loads(arguments) or [])])
    except ValueError:
        return line


def _schedule(text: str, command: str) -> tuple[str, Message, Message]:
    """Return the schedule, why it is not daily, and why that cannot be told."""
    if given := _SCHEDULE.search(text):
        fields = given[1].split()
        # Go's cron has a field for seconds in front.
        line = " ".join(fields[1:] if len(fields) == 6 else fields)
        entries, faults = parse_crontab(f"{line} root x\n")
        if faults:
            return one_line(given[1]), NOTHING, say("its schedule is not understood")
        daily = all(entry.schedule.daily for entry in entries)
        return one_line(given[1]), NOTHING if daily else say("it does not run each day"), NOTHING
    if _LOOP.search(command) and _DAILY_SLEEP.search(command):
        return say("a loop of at most a day"), NOTHING, NOTHING
    return say("its own"), NOTHING, say("whether it runs each day is not known")

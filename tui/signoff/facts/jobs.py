"""Everything that is scheduled on the target: cron in every place, and systemd's timers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from signoff.facts import cron, dumpers, timers
from signoff.facts.base import HostFact
from signoff.facts.budget import Budget
from signoff.facts.job import BETWEEN_WORDS, Job, Programs
from signoff.facts.sections import assigned, by_name, clock, read_script, sections
from signoff.message import say
from signoff.target.command import Output, Root

BY_HAND = (
    "systemctl list-timers --all; sudo crontab -l; ls -l /etc/cron.d /etc/cron.daily; "
    "sudo ls /var/spool/cron/crontabs"
)
_BACKUPS = re.compile(r"pg_dump|pgbackrest|pg_basebackup|borg|restic|dbbackup|autopostgresqlbackup")
_PATH = re.compile(r"/[A-Za-z0-9._/@+-]+")
_MOST_JOBS = 2_000
_LONG = 10_000
"""So many characters of scripts count as one more job."""


@dataclass(frozen=True)
class Jobs:
    """The scheduled jobs. ``now`` is the host's clock and zone; ``gaps`` are what could not be seen."""

    now: datetime
    jobs: tuple[Job, ...]
    gaps: tuple[str, ...]

    @property
    def paths(self) -> list[str]:
        """The paths that the jobs name which may make dumps: of their programs, files and folders."""
        texts = "\n".join(job.text for job in self.jobs if _BACKUPS.search(job.text))
        return sorted(set(filter(_PATH.fullmatch, BETWEEN_WORDS.split(texts))))

    @property
    def containers(self) -> tuple[str, ...]:
        """The containers that may make dumps."""
        return tuple(
            job.where.removeprefix("container ") for job in self.jobs if job.scheduler == "container"
        )


def parse_jobs(output: Output) -> Jobs:
    """Return the jobs; raise Malformed where the script did not run to its end."""
    found = by_name(sections(output))
    now, up = clock(found)
    booted = now - timedelta(seconds=int(up)) if up.isdecimal() else None
    programs = Programs(found)
    around = cron.Cron(found, programs, now, as_root=output.as_root)
    unreadable = [section for section in found["system"] if section.field(5) == "unreadable"]
    jobs, budget = list[Job](), Budget(_MOST_JOBS, "jobs, with the scripts that they run")
    for job in chain(cron.jobs(found, around), timers.jobs(found, programs, booted, now)):
        jobs.append(programs.read(job))
        budget.spend(1 + len(jobs[-1].text) // _LONG)
    return Jobs(
        now=now,
        jobs=(*jobs, *dumpers.jobs(found)),
        gaps=tuple(section.field(0) for section in (*found["gap"], *unreadable)),
    )


_SCRIPT = read_script("trust.sh", "scheduled.sh")

JOBS: HostFact[Jobs] = HostFact(
    id="jobs",
    title=say("scheduled jobs"),
    script=lambda profile: assigned(project=profile.project) + _SCRIPT,
    parse=parse_jobs,
    root=Root.PREFER,
    timeout=30.0,
    cap=4 << 20,
    sensitive=True,
    by_hand=BY_HAND,
)

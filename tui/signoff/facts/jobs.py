"""Everything that is scheduled on the target: cron in every place, and systemd's timers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from signoff.facts import cron, dumpers, timers
from signoff.facts.base import HostFact, Malformed
from signoff.facts.job import Job
from signoff.facts.sections import Section, assigned, read_script, sections
from signoff.message import say
from signoff.target.command import Output, Root

BY_HAND = (
    "systemctl list-timers --all; sudo crontab -l; ls -l /etc/cron.d /etc/cron.daily; "
    "sudo ls /var/spool/cron/crontabs"
)


@dataclass(frozen=True)
class Jobs:
    """The scheduled jobs. ``now`` is the host's clock and zone; ``gaps`` are what could not be seen."""

    now: datetime
    jobs: tuple[Job, ...]
    gaps: tuple[str, ...]


def parse_jobs(output: Output) -> Jobs:
    """Return the jobs; raise Malformed where the script did not run to its end."""
    found = sections(output)
    now, booted = _clock(found)
    programs = cron.programs_of(found)
    flavour = _first(found, "flavour")
    surroundings = cron.Cron(
        daemon=_daemon_faults(found),
        # Debian's daemon is called cron; cronie, crond, has laxer rules of its own.
        debian=bool(flavour and flavour.field(0)),
        users=cron.users_of(found),
        programs=programs,
        said=_said(found, now),
        now=now,
        as_root=output.as_root,
        refused=cron.refused_of(found),
        anacron=() if timers.active(found, "anacron.timer") else _daemon_faults(found),
    )
    gaps = [section.field(0) for section in found if section.name == "gap"]
    gaps += [
        section.field(0) for section in found if section.name == "system" and section.field(5) == "unreadable"
    ]
    return Jobs(
        now=now,
        jobs=(
            *cron.jobs(found, surroundings),
            *timers.jobs(found, programs, booted, now),
            *dumpers.jobs(found),
        ),
        gaps=tuple(gaps),
    )


def _first(found: tuple[Section, ...], name: str) -> Section | None:
    return next((section for section in found if section.name == name), None)


def _clock(found: tuple[Section, ...]) -> tuple[datetime, datetime | None]:
    """Return the host's time in its own zone, and when it booted."""
    section = _first(found, "now")
    try:
        epoch, zone, up = section.fields if section else ()
        offset = datetime.strptime(zone, "%z").tzinfo or UTC
        now = datetime.fromtimestamp(int(epoch), offset)
    except (ValueError, OverflowError, OSError):
        raise Malformed(say("the host's clock could not be read")) from None
    return now, now - timedelta(seconds=int(up)) if up.isdecimal() else None


def _daemon_faults(found: tuple[Section, ...]) -> tuple[str, ...]:
    """Return why cron runs nothing at all, or not after the next boot."""
    if any(section.name == "cron-process" for section in found):
        return ()
    units = timers.units_of(found, "cron-units")
    loaded = [unit for unit in units.values() if unit.get("LoadState") != ("not-found",)]
    if not loaded:
        return ("no cron daemon runs",)
    for unit in loaded:
        if unit.get("ActiveState") == ("active",):
            enabled = unit.get("UnitFileState", ("",))[0] in {"enabled", "static", "alias", "generated"}
            return () if enabled else ("cron is not enabled: it does not come back after a boot",)
    masked = any(unit.get("LoadState") == ("masked",) for unit in loaded)
    return ("cron is masked and does not run",) if masked else ("cron does not run",)


def _said(found: tuple[Section, ...], now: datetime) -> cron.Said:
    journal = _first(found, "journal")
    if journal is None or not journal.field(0).isdecimal():
        return cron.Said()
    messages = {}
    for line in journal.lines:
        last, _, rest = line.partition("\t")
        if last.isdecimal():
            messages[rest.partition("\t")[2]] = datetime.fromtimestamp(int(last), now.tzinfo)
    return cron.Said(datetime.fromtimestamp(int(journal.field(0)), now.tzinfo), messages)


_SCRIPT = read_script("trust.sh", "scheduled.sh", "jobs.sh")

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

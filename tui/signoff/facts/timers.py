"""systemd's timers as ``systemctl show`` tells of them: jobs, faults, and how the last run ended."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from signoff.facts.job import Job, Programs, Run
from signoff.facts.sections import Named
from signoff.message import Message, listed, say
from signoff.text import one_line

Unit = Mapping[str, str]
"""A unit's properties, empty where there is none; of what systemctl prints on several lines a line each."""

# OnCalendar as systemd normalises it (systemd.time(7)): weekday, date, time. A daily one has no weekday.
_EACH_DAY = re.compile(r"\*-\*-\* .*")
_CALENDAR = re.compile(r"OnCalendar=([^;=]*) ; ")
_PROGRAM = re.compile(r"\{ path=(\S+) ;")
_MONOTONIC = re.compile(r"On(?:UnitActive|UnitInactive)USec=([^;=]*) ; ")
_SPAN = re.compile(r"(?<![\d.])([\d.]++)\s*(y|month|w|d|h|min|s|ms|us)\b")
_SECONDS = {"y": 31557600, "month": 2629800, "w": 604800, "d": 86400, "h": 3600, "min": 60, "s": 1}
_DAY_AND_A_BIT = timedelta(hours=26)
_ENABLED = frozenset({"enabled", "static", "enabled-runtime", "generated", "indirect", "alias", "linked"})


def units_of(found: Named, name: str) -> Mapping[str, Unit]:
    """Return the units of a section by their names; one without properties for any other name."""
    units = defaultdict[str, Unit](lambda: defaultdict(str))
    for block in "\n".join(section.text for section in found[name]).split("\n\n"):
        unit = defaultdict[str, str](str)
        for key, _, value in (line.partition("=") for line in block.splitlines()):
            unit[key] = "\n".join(filter(None, (unit[key], value)))
        if unit["Id"]:
            units[unit["Id"]] = unit
    return units


def jobs(found: Named, programs: Programs, booted: datetime | None, now: datetime) -> Iterator[Job]:
    """Yield every timer with the service that it starts."""
    services = units_of(found, "services")
    for name, timer in units_of(found, "timers").items():
        starts = timer["Unit"] or f"{name.removesuffix('.timer')}.service"
        service = services[starts]
        command, user = service["ExecStart"], service["User"] or "root"
        faults = (*_faults(timer, starts, service), *programs.faults(_PROGRAM.findall(command)))
        run = _run(timer, service, booted is not None and now - booted > _DAY_AND_A_BIT)
        yield Job(name, "timer", _schedule(timer)[0], user, command, faults, run)


def _schedule(timer: Unit) -> tuple[Message, bool]:
    """Return when it runs, for people, and whether one of its schedules is at least daily."""
    calendar, spans = _CALENDAR.findall(timer["TimersCalendar"]), _MONOTONIC.findall(timer["TimersMonotonic"])
    times = [*map(one_line, calendar), *(say("every {span}", span=one_line(span)) for span in spans)]
    often = (timedelta() < _span(span) <= _DAY_AND_A_BIT for span in spans)
    return listed(times, ", "), any(often) or any(map(_EACH_DAY.fullmatch, calendar))


def _span(text: str) -> timedelta:
    """Read a time span as systemd prints it (``1d 2h``)."""
    parts = _SPAN.findall(text)
    return timedelta(seconds=sum(float(number) * _SECONDS.get(unit, 0) for number, unit in parts))


def _faults(timer: Unit, starts: str, service: Unit) -> Iterator[Message]:
    load, state, file = (timer[key] for key in ("LoadState", "ActiveState", "UnitFileState"))
    if "masked" in {load, file}:
        yield say("the timer is masked")
    elif load != "loaded":
        yield say("systemd cannot load the timer ({state})", state=one_line(load))
    elif state != "active":
        yield say("the timer is not active ({state})", state=one_line(state))
    elif timer["SubState"] == "elapsed":
        yield say("the timer has elapsed, and its schedule leads to no further run")
    if file not in _ENABLED:
        enabled = one_line(file) or say("no unit file")
        yield say("the timer is not enabled ({state}): gone after the next boot", state=enabled)
    if service["LoadState"] not in {"loaded", ""}:
        name, load = one_line(starts), one_line(service["LoadState"])
        yield say("its service {name} cannot run ({state})", name=name, state=load)
    if _unmet(service):
        yield say(
            "its service was not started, for a condition of it is not met (systemctl status says which)"
        )
    when, daily = _schedule(timer)
    if not daily:
        yield say("it does not run each day ({schedule})", schedule=when or say("no schedule"))


def _unmet(service: Unit) -> bool:
    """Whether the last start came to nothing by a Condition or an Assert of the unit (systemd.unit(5))."""
    return any(
        service[f"{kind}Result"] == "no" and _time(service, f"{kind}Timestamp") is not None
        for kind in ("Condition", "Assert")
    )


def _run(timer: Unit, service: Unit, up_for_a_day: bool) -> Run:
    started, ended = _time(service, "ExecMainStartTimestamp"), _time(service, "ExecMainExitTimestamp")
    last = max(filter(None, (_time(timer, "LastTriggerUSec"), started)), default=None)
    if last is None:
        # Of a timer that is not Persistent=, systemd remembers nothing before the boot.
        if timer["Persistent"] == "yes" or up_for_a_day:
            return Run(certain=True)
        why = say("the machine booted less than a day ago, and systemd remembers no run before that")
        return Run(unknown=why)
    if _unmet(service):
        return Run(last=last, failed=say("a condition of the service is not met, and it was not started"))
    if started is None:
        return Run(last=last, unknown=say("systemd does not remember how it ended"))
    if ended is None or ended < started:
        return Run(last=last, running=True)
    result, status = one_line(service["Result"]), one_line(service["ExecMainStatus"])
    if (result, status) == ("success", "0"):
        return Run(last=last, finished=True)
    failed = say("{result}, exit status {status}", result=result, status=status)
    return Run(last=last, finished=True, failed=failed)


def _time(unit: Unit, key: str) -> datetime | None:
    """Read ``Sun 2026-11-22 15:05:29 UTC``; None for an empty text and for ``n/a``."""
    try:
        return datetime.strptime(unit[key], "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    except ValueError:
        return None

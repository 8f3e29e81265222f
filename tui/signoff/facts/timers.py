"""systemd's timers as ``systemctl show`` tells of them: jobs, faults, and how the last run ended."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from signoff.facts.cron import Programs
from signoff.facts.job import Job, Run
from signoff.facts.sections import Section
from signoff.text import one_line

Unit = Mapping[str, tuple[str, ...]]
"""A unit's properties; those that systemctl prints on several lines have several values."""

# OnCalendar as systemd normalises it (systemd.time(7)): weekday, date, time. A daily one has no weekday.
_EACH_DAY = re.compile(r"\*-\*-\* .*")
_CALENDAR = re.compile(r"OnCalendar=([^;=]*) ; ")
_PROGRAM = re.compile(r"\{ path=(\S+) ;")
_MONOTONIC = re.compile(r"On(?:UnitActive|UnitInactive)USec=([^;=]*) ; ")
_SPAN = re.compile(r"(?<![\d.])([\d.]++)\s*(y|month|w|d|h|min|s|ms|us)\b")
_SECONDS = {
    "y": 31557600.0,
    "month": 2629800.0,
    "w": 604800.0,
    "d": 86400.0,
    "h": 3600.0,
    "min": 60.0,
    "s": 1.0,
}
_DAY_AND_A_BIT = timedelta(hours=26)
_ENABLED = frozenset({"enabled", "static", "enabled-runtime", "generated", "indirect", "alias", "linked"})


def units_of(found: tuple[Section, ...], name: str) -> dict[str, Unit]:
    """Return the units of a section by their names."""
    units: dict[str, Unit] = {}
    for section in found:
        if section.name != name:
            continue
        for block in section.text.split("\n\n"):
            unit = defaultdict[str, list[str]](list)
            for line in block.splitlines():
                key, equals, value = line.partition("=")
                if equals:
                    unit[key].append(value)
            if unit["Id"]:
                units[unit["Id"][0]] = {key: tuple(values) for key, values in unit.items()}
    return units


def jobs(
    found: tuple[Section, ...], programs: Programs, booted: datetime | None, now: datetime
) -> Iterator[Job]:
    """Yield every timer with the service that it starts."""
    services = units_of(found, "services")
    for name, timer in units_of(found, "timers").items():
        starts = _one(timer, "Unit") or f"{name.removesuffix('.timer')}.service"
        service = services.get(starts, {})
        command = "\n".join(service.get("ExecStart", ()))
        text, unread = programs.behind(command)
        yield Job(
            where=name,
            scheduler="timer",
            schedule=_schedule(timer),
            user=_one(service, "User") or "root",
            command=command,
            text=text,
            faults=(*_faults(timer, starts, service), *_not_startable(service, programs)),
            unread=unread,
            run=_run(timer, service, booted is not None and now - booted > _DAY_AND_A_BIT),
        )


def active(found: tuple[Section, ...], name: str) -> bool | None:
    """Tell whether a timer is waiting for its time; None where there is no such timer."""
    timer = units_of(found, "timers").get(name)
    return None if timer is None else _one(timer, "ActiveState") == "active"


def _one(unit: Unit, key: str) -> str:
    return unit.get(key, ("",))[0]


def _schedule(timer: Unit) -> str:
    calendar = [found[1] for value in timer.get("TimersCalendar", ()) for found in _CALENDAR.finditer(value)]
    spans = [found[1] for value in timer.get("TimersMonotonic", ()) for found in _MONOTONIC.finditer(value)]
    return one_line(", ".join([*calendar, *(f"every {span}" for span in spans)]))


def _faults(timer: Unit, starts: str, service: Unit) -> Iterator[str]:
    load, state, file = (_one(timer, key) for key in ("LoadState", "ActiveState", "UnitFileState"))
    if "masked" in {load, file}:
        yield "the timer is masked"
        return
    if load != "loaded":
        yield f"systemd cannot load the timer ({one_line(load)})"
        return
    if state != "active":
        yield f"the timer is not active ({one_line(state)})"
    elif _one(timer, "SubState") == "elapsed":
        yield "the timer has elapsed, and its schedule leads to no further run"
    if file not in _ENABLED:
        yield f"the timer is not enabled ({one_line(file) or 'no unit file'}): gone after the next boot"
    if _one(service, "LoadState") not in {"loaded", ""}:
        yield f"its service {one_line(starts)} cannot run ({one_line(_one(service, 'LoadState'))})"
    if not _daily(timer):
        yield f"it does not run each day ({_schedule(timer) or 'no schedule'})"


def _not_startable(service: Unit, programs: Programs) -> Iterator[str]:
    if _unmet(service):
        yield "its service was not started, for a condition of it is not met (systemctl status says which)"
    for path in _PROGRAM.findall("\n".join(service.get("ExecStart", ()))):
        if path in programs.absent:
            yield f"there is no {one_line(path)}"
        elif path in programs.modes and not programs.modes[path] & 0o111:
            yield f"{one_line(path)} is not executable"


def _unmet(service: Unit) -> bool:
    """Whether the last start came to nothing by a Condition or an Assert of the unit (systemd.unit(5))."""
    return any(
        _one(service, f"{kind}Result") == "no" and _time(_one(service, f"{kind}Timestamp")) is not None
        for kind in ("Condition", "Assert")
    )


def _daily(timer: Unit) -> bool:
    """Whether one of the timer's schedules is at least daily."""
    calendar = (found[1] for value in timer.get("TimersCalendar", ()) for found in _CALENDAR.finditer(value))
    spans = (found[1] for value in timer.get("TimersMonotonic", ()) for found in _MONOTONIC.finditer(value))
    return any(_EACH_DAY.fullmatch(when) for when in calendar) or any(
        timedelta() < _span(span) <= _DAY_AND_A_BIT for span in spans
    )


def _span(text: str) -> timedelta:
    """Read a time span as systemd prints it (``1d 2h``)."""
    return timedelta(
        seconds=sum(float(found[1]) * _SECONDS.get(found[2], 0.0) for found in _SPAN.finditer(text))
    )


def _run(timer: Unit, service: Unit, up_for_a_day: bool) -> Run:
    triggered = _time(_one(timer, "LastTriggerUSec"))
    started = _time(_one(service, "ExecMainStartTimestamp"))
    ended = _time(_one(service, "ExecMainExitTimestamp"))
    last = max((time for time in (triggered, started) if time), default=None)
    if last is None:
        # Of a timer that is not Persistent=, systemd remembers nothing before the boot.
        if _one(timer, "Persistent") == "yes" or up_for_a_day:
            return Run(certain=True)
        return Run(unknown="the machine booted less than a day ago, and systemd remembers no run before that")
    if _unmet(service):
        return Run(last=last, failed="a condition of the service is not met, and it was not started")
    if started is None:
        return Run(last=last, unknown="systemd does not remember how it ended")
    if ended is None or ended < started:
        return Run(last=last, running=True)
    result, status = _one(service, "Result"), _one(service, "ExecMainStatus")
    if result != "success" or status != "0":
        return Run(last=last, finished=True, failed=f"{one_line(result)}, exit status {one_line(status)}")
    return Run(last=last, finished=True)


def _time(text: str) -> datetime | None:
    """Read ``Sun 2026-11-22 15:05:29 UTC``; None for an empty text and for ``n/a``."""
    try:
        return datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    except ValueError:
        return None

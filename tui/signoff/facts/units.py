"""The project's systemd services, and the environments that its processes run with."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from shlex import quote

from signoff.credentials.secret import Secret
from signoff.facts.base import HostFact, Malformed
from signoff.facts.compose import EnvReference, written_in
from signoff.facts.environment import decoded, moment, script_for
from signoff.facts.sections import Section, sections
from signoff.target.command import Output, Root
from signoff.text import one_line


@dataclass(frozen=True, slots=True)
class Process:
    """A running process. ``environment`` is what it was started with; None where that may not be read.

    A program that gives itself a title (setproctitle) may write it over its environment: then what is not
    there says nothing, and the environment is not ``whole``.
    """

    pid: int
    name: str
    started: datetime | None
    environment: Mapping[str, Secret] | None = field(repr=False)
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Unit:
    """A service that belongs to the project by its directory, its files, its command, or by name.

    ``environment`` is what ``Environment=`` says, ``written`` what its commands do; any user of the machine
    can ask systemd for that.
    """

    name: str
    exists: bool
    active: bool
    user: str
    group: str
    env_files: tuple[EnvReference, ...]
    environment: Mapping[str, Secret] = field(repr=False)
    started: datetime | None
    processes: tuple[Process, ...]
    written: Mapping[str, Secret] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Units:
    """``strays`` are processes in the project's directory that no unit accounts for; those of other users are
    not seen where ``hidden``.
    """

    units: tuple[Unit, ...]
    strays: tuple[Process, ...] = ()
    hidden: bool = False


def parse_units(output: Output) -> Units:
    """Return the project's services and processes."""
    found = sections(output)
    if all(one.name != "systemd" for one in found):
        raise Malformed("the look at the services did not run to its end")
    processes = [(one.field(0), _process(one)) for one in found if one.name == "process"]
    return Units(
        units=tuple(
            _unit(one, tuple(process for unit, process in processes if unit == one.field(0)))
            for one in found
            if one.name == "unit"
        ),
        strays=tuple(process for unit, process in processes if not unit),
        hidden=any(one.name == "hidden" for one in found),
    )


def _unit(section: Section, processes: tuple[Process, ...]) -> Unit:
    pairs = [line.partition("=")[::2] for line in section.lines if line]
    shown = defaultdict(str, pairs)
    files = [
        value.partition(" (ignore_errors=") for key, value in pairs if key == "EnvironmentFiles" and value
    ]
    # { path=... ; argv[]=the words ; ignore_errors=no ; ... }, several of them in a line.
    told = [
        one
        for key, value in pairs
        if key.startswith("ExecStart")
        for one in value.split(" ; ignore_errors=")[:-1]
    ]
    return Unit(
        name=shown["Id"] or section.field(0),
        exists=shown["LoadState"] not in {"not-found", ""},
        active=shown["ActiveState"] in {"active", "reloading", "activating"},
        user=shown["User"],
        group=shown["Group"],
        env_files=tuple(EnvReference(path, required=flag != "yes)") for path, _, flag in files),
        environment=_assignments(shown["Environment"]),
        started=_time(shown["ExecMainStartTimestamp"]),
        processes=processes,
        written=dict(pair for one in told for pair in written_in(one.partition("argv[]=")[2])),
    )


def _assignments(text: str) -> dict[str, Secret]:
    """Read systemctl's list of assignments, quoted as for a shell (``A=b "C=d e"``)."""
    try:
        return _secrets(shlex.split(text))
    except ValueError:
        raise Malformed("systemctl show: Environment cannot be read") from None


def _secrets(assignments: list[str]) -> dict[str, Secret]:
    pairs = (one.partition("=") for one in assignments)
    return {name: Secret(value) for name, equals, value in pairs if equals}


def _time(text: str) -> datetime | None:
    """Read systemctl's time stamp; the script asks for UTC (``Sun 2026-11-22 15:06:12 UTC``)."""
    try:
        return datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    except ValueError:
        return None


def _process(section: Section) -> Process:
    _, pid, name, started = section.fields[:4]
    raw = decoded(section).removesuffix(b"\0").decode("utf-8", "surrogateescape")
    entries = raw.split("\0")
    return Process(
        pid=int(pid),
        name=one_line(name),
        started=moment(started),
        environment=_secrets(entries) if raw else None,
        whole=all("=" in entry for entry in entries) and any(entry.startswith("PATH=") for entry in entries),
    )


UNITS: HostFact[Units] = HostFact(
    id="units",
    title="the project's systemd services and processes",
    script=script_for("units.sh"),
    parse=parse_units,
    root=Root.PREFER,
    timeout=20.0,
    cap=8 << 20,
    sensitive=True,
    by_hand=lambda profile: (
        f"systemctl status {' '.join(map(quote, profile.services)) or quote('*.service')}"
    ),
)

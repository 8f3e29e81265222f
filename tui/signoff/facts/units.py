"""The project's systemd services, and the environments that its processes run with."""

from __future__ import annotations

import base64
import re
import shlex
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from signoff.credentials.secret import Secret
from signoff.facts.base import HostFact
from signoff.facts.compose import EnvReference, written_in
from signoff.facts.sections import Section, assigned, by_name, moment, read_script, sections
from signoff.message import say
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
    found = by_name(sections(output))

    def processes(unit: str) -> tuple[Process, ...]:
        return tuple(_process(one) for one in found["process"] if one.field(0) == unit)

    units = tuple(_unit(one, processes(one.field(0))) for one in found["unit"])
    return Units(units, strays=processes(""), hidden=bool(found["hidden"]))


def _unit(section: Section, processes: tuple[Process, ...]) -> Unit:
    shown = defaultdict(str, (line.partition("=")[::2] for line in section.lines))
    files = re.findall(r"^EnvironmentFiles=(.+?)(?: \(ignore_errors=(\w+)\))?$", section.text, re.MULTILINE)
    # { path=... ; argv[]=the words ; ignore_errors=no ; ... }, several of them in a line.
    started = re.findall(r"^ExecStart.*", section.text, re.MULTILINE)
    told = [one.partition("argv[]=")[2] for line in started for one in line.split(" ; ignore_errors=")[:-1]]
    return Unit(
        name=shown["Id"] or section.field(0),
        exists=shown["LoadState"] not in {"not-found", ""},
        active=shown["ActiveState"] in {"active", "reloading", "activating"},
        user=shown["User"],
        group=shown["Group"],
        env_files=tuple(EnvReference(path, required=ignored != "yes") for path, ignored in files),
        environment=_secrets(shlex.split(shown["Environment"])),  # A=b "C=d e"
        started=_time(shown["ExecMainStartTimestamp"]),
        processes=processes,
        written=dict(pair for one in told for pair in written_in(one)),
    )


def _secrets(assignments: list[str]) -> dict[str, Secret]:
    pairs = (one.partition("=") for one in assignments)
    return {name: Secret(value) for name, equals, value in pairs if equals}


def _time(text: str) -> datetime | None:
    """Read systemctl's time stamp; the script asks for UTC (``Sun 2026-11-22 15:06:12 UTC``)."""
    return datetime.strptime(f"{text}+0000", "%a %Y-%m-%d %H:%M:%S UTC%z") if text.endswith("UTC") else None


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


def decoded(section: Section) -> bytes:
    """Return the content that a script sent in base64."""
    return base64.b64decode("".join(section.lines), validate=True)


_SCRIPT = read_script("trust.sh", "units.sh")

UNITS: HostFact[Units] = HostFact(
    id="units",
    title=say("the project's systemd services and processes"),
    script=lambda profile: assigned(project=profile.project, services="\n".join(profile.services)) + _SCRIPT,
    parse=parse_units,
    root=Root.PREFER,
    timeout=20.0,
    cap=8 << 20,
    sensitive=True,
    by_hand=lambda profile: f"systemctl status {shlex.join(profile.services or ('*.service',))}",
)

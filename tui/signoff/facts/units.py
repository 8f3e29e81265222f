"""The project's systemd services, and the environments that its processes run with."""

from __future__ import annotations

import base64
import binascii
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from shlex import quote

from signoff.credentials.secret import Secret
from signoff.facts.base import HostFact, Malformed
from signoff.facts.compose import EnvReference, written_in
from signoff.facts.environment import script_for
from signoff.facts.sections import Section, sections
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
    directory: str
    env_files: tuple[EnvReference, ...]
    environment: Mapping[str, Secret] = field(repr=False)
    file: str
    started: datetime | None
    processes: tuple[Process, ...]
    written: Mapping[str, Secret] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Units:
    """``systemd`` tells whether it runs here. ``strays`` are processes in the project's directory that no
    unit accounts for; those of other users are not seen where ``hidden``.
    """

    systemd: bool
    units: tuple[Unit, ...]
    strays: tuple[Process, ...] = ()
    hidden: bool = False


def parse_units(output: Output) -> Units:
    """Return the project's services and processes."""
    found = sections(output)
    systemd = next((section for section in found if section.name == "systemd"), None)
    if systemd is None:
        raise Malformed(say("the look at the services did not run to its end"))
    processes = [(section.field(0), _process(section)) for section in found if section.name == "process"]
    return Units(
        systemd=systemd.field(0) == "yes",
        units=tuple(
            _unit(section, tuple(process for unit, process in processes if unit == section.field(0)))
            for section in found
            if section.name == "unit"
        ),
        strays=tuple(process for unit, process in processes if not unit),
        hidden=any(section.name == "hidden" for section in found),
    )


def _unit(section: Section, processes: tuple[Process, ...]) -> Unit:
    pairs = [line.partition("=") for line in section.lines if line]
    properties = {key: value for key, _, value in pairs}
    files = [value for key, _, value in pairs if key == "EnvironmentFiles"]
    return Unit(
        name=properties.get("Id", section.field(0)),
        exists=properties.get("LoadState") not in {"not-found", None},
        active=properties.get("ActiveState") in {"active", "reloading", "activating"},
        user=properties.get("User", ""),
        group=properties.get("Group", ""),
        directory=properties.get("WorkingDirectory", "").lstrip("!-"),
        env_files=tuple(_reference(value) for value in files if value),
        environment=dict(_assignments(properties.get("Environment", ""))),
        file=properties.get("FragmentPath", ""),
        started=_time(properties.get("ExecMainStartTimestamp", "")),
        processes=processes,
        written=dict(
            pair
            for key, _, value in pairs
            if key.startswith("ExecStart")
            for command in _commands(value)
            for pair in written_in(command)
        ),
    )


def _commands(value: str) -> Iterator[str]:
    """Yield the words that systemctl tells: ``{ path=... ; argv[]=the words ; ignore_errors=no ; ... }``."""
    while value:
        _, _, value = value.partition("argv[]=")
        command, ends, value = value.partition(" ; ignore_errors=")
        if ends:
            yield command


def _reference(value: str) -> EnvReference:
    path, _, flag = value.partition(" (ignore_errors=")
    return EnvReference(path, required=flag != "yes)")


def _assignments(text: str) -> Iterator[tuple[str, Secret]]:
    """Read systemctl's list of assignments, quoted as for a shell (``A=b "C=d e"``)."""
    try:
        words = shlex.split(text)
    except ValueError:
        raise Malformed(say("systemctl show: Environment cannot be read")) from None
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            yield name, Secret(value)


def _time(text: str) -> datetime | None:
    """Read systemctl's time stamp; the script asks for UTC (``Sun 2026-11-22 15:06:12 UTC``)."""
    try:
        return datetime.strptime(text, "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    except ValueError:
        return None


def _process(section: Section) -> Process:
    _, pid, name, started, readable = (section.field(index) for index in range(5))
    entries = _entries(section) if readable == "yes" else []
    pairs = [entry.partition("=") for entry in entries]
    return Process(
        pid=int(pid),
        name=one_line(name),
        started=datetime.fromtimestamp(int(started), UTC) if started else None,
        environment={key: Secret(value) for key, equals, value in pairs if equals} if entries else None,
        whole=all(equals for _, equals, _ in pairs) and any(key == "PATH" for key, _, _ in pairs),
    )


def _entries(section: Section) -> list[str]:
    try:
        raw = base64.b64decode("".join(section.lines), validate=True)
    except binascii.Error:
        raise Malformed(say("a process's environment did not come through")) from None
    return raw.removesuffix(b"\0").decode("utf-8", "surrogateescape").split("\0") if raw else []


UNITS: HostFact[Units] = HostFact(
    id="units",
    title=say("the project's systemd services and processes"),
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

"""Starting services anew so that they take new secrets, and waiting until they are healthy.

Healthy is what a container's own health check says; without one, and for units, it is to run on without
ending for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from shlex import join, quote
from threading import Event
from typing import ClassVar, Final

from signoff.actions.base import ActionError, LastingError, StepRecord, Tell
from signoff.actions.hands import Hands, failed
from signoff.actions.restart_plan import ComposeServices, RestartPlan
from signoff.errors import StoppedError
from signoff.facts.composed import LABEL
from signoff.facts.sections import assigned, read_script, sections
from signoff.message import Message, listed, say
from signoff.probes.secretfiles import listing
from signoff.text import inert, one_line

HEALTHY_WITHIN: Final = 120.0
"""How long services may take until they are well, in seconds."""
STEADY_FOR: Final = 5.0
"""How long what has no health check must run on, in seconds."""
_PAUSE: Final = 1.0
_CRASHES: Final = 3


@dataclass(frozen=True)
class _State:
    """How one service is. ``token`` changes when it ends and starts; ``crashes`` counts that."""

    name: str
    well: bool
    steady: bool
    broken: str
    token: str
    crashes: int = 0


@dataclass(eq=False)
class Restart:
    """The action. See `signoff.actions.base.Action`."""

    plan: RestartPlan
    hands: Hands
    record: StepRecord
    _begun: bool = field(default=False, init=False)
    _tokens: Mapping[str, str] = field(default_factory=dict, init=False)

    id: ClassVar[str] = "services.restart"

    @property
    def subject(self) -> str:
        """The services."""
        return self.plan.subject

    @property
    def preview(self) -> tuple[str, ...]:
        """What will happen."""
        return self.plan.preview

    @property
    def digests(self) -> Mapping[str, str]:
        """Nothing: what matters is in their files."""
        return {}

    def prepare(self, tell: Tell) -> None:
        """See that the programs are there, and that root is where it is needed."""
        if self.plan.units and not self.hands.root:
            raise LastingError(say("Units are restarted by root only, and there is no root to be had."))
        for one in self.plan.compose:
            self._ask(one)
        for state in self._states():
            if state.broken:
                tell(say("{name} is not well as it is: {broken}.", name=state.name, broken=state.broken))

    def _ask(self, one: ComposeServices) -> None:
        """Have compose tell what it would make: it may once have been given more than what lies in files."""
        program, directory = join(one.made.program), one_line(one.made.directory)
        self._trust(one)
        script = f"cd {quote(one.made.directory)} && {one.question}"
        output = self.hands.run(say("{program} could not be asked", program=program), script)
        if output.status != 0:
            raise failed(
                say("{program} does not work in {directory}", program=program, directory=directory), output
            )
        lost = one.lost(output.stdout)
        if lost:
            raise LastingError(
                say(
                    "{program} in {directory} would leave {listing} empty, which is not empty now: the "
                    "containers were made with variables that are in no file which compose reads there.",
                    program=program,
                    directory=directory,
                    listing=listing(lost),
                ),
                say(
                    "Put them into .env beside the compose file, or make the containers anew as they "
                    "were made."
                ),
            )

    def _trust(self, one: ComposeServices) -> None:
        """See that nobody else has a say in what compose starts: labels of containers name its files."""
        # Compose reads .env beside them unasked.
        paths = (one.made.directory, f"{one.made.directory}/.env", *one.made.files, *one.made.env_files)
        known = assigned(project=self.plan.project, paths="\n".join(paths))
        output = self.hands.run(say("The compose files could not be looked at"), known + _KEPT)
        if output.status != 0:
            raise failed(say("Who can change the compose files could not be seen"), output)
        if foreign := [section.field(0) for section in sections(output) if section.name == "foreign"]:
            names = listing(foreign)
            raise LastingError(
                say(
                    "Others than root and the project's owner can change {names}: compose is not run on "
                    "that.",
                    names=names,
                ),
                say("See who: namei -l {foreign}", foreign=quote(foreign[0])),
            )

    def run(self, tell: Tell, cancel: Event) -> None:
        """Start them anew, and wait."""
        self._begun = True
        self._start(tell, cancel)

    def check(self, tell: Tell) -> None:
        """See that they are well now."""
        for state in self._states():
            if state.broken or not (state.well or state.steady):
                raise ActionError(
                    say(
                        "{name} is not well: {broken}.",
                        name=state.name,
                        broken=state.broken or say("it does not run"),
                    )
                )

    def undo(self, tell: Tell) -> None:
        """Start them anew once more, with what was put back."""
        if self._begun:
            tell(say("Starting the services anew, with the old secrets."))
            self._start(tell, Event(), again=True)

    def _start(self, tell: Tell, cancel: Event, *, again: bool = False) -> None:
        before = {state.name: state.token for state in self._states()}
        for one in self.plan.compose:
            self._shell(
                f"cd {quote(one.made.directory)} || exit\n{_UNBROKEN.format(command=one.command)}",
                tell,
                cancel,
            )
        if self.plan.units:
            units = join(self.plan.units)
            # A unit that has failed too often would be refused another start.
            reset = f"systemctl reset-failed {units} 2> /dev/null\n" if again else ""
            self._shell(f"{reset}systemctl restart {units}", tell, cancel)
        self._wait(before, tell, cancel)

    def _shell(self, script: str, tell: Tell, cancel: Event) -> None:
        lines = _Lines(tell)
        what = say("{subject} could not be started anew", subject=self.subject)
        output = self.hands.run(what, script, timeout=300, cancel=cancel, on_output=lines.feed)
        lines.end()
        if output.status != 0:
            raise failed(what, output)

    def _wait(self, before: Mapping[str, str], tell: Tell, cancel: Event) -> None:
        tell(say("Waiting until they are healthy."))
        start = time.monotonic()
        since: dict[str, tuple[str, float]] = {}
        while True:
            states, now = self._states(), time.monotonic()
            for state in states:
                if since.get(state.name, ("",))[0] != state.token:
                    since[state.name] = state.token, now
            waiting = [one for one in states if not _is_ready(one, now - since[one.name][1])]
            stale = [one.name for one in states if before.get(one.name) == one.token]
            if not waiting and states and not stale:
                tell(say("{states}: running, and healthy.", states=", ".join(one.name for one in states)))
                return
            _give_up(waiting, stale, now - start)
            if cancel.wait(_PAUSE):
                raise StoppedError(say("Stopped on request."))

    def _states(self) -> list[_State]:
        return [*self._unit_states(), *self._container_states()]

    def _unit_states(self) -> Iterator[_State]:
        if not self.plan.units:
            return
        properties = ("Id", "ActiveState", "SubState", "MainPID", "NRestarts", "InvocationID")
        script = f"systemctl show {' '.join(f'-p {one}' for one in properties)} {join(self.plan.units)}"
        output = self.hands.run(say("The units could not be looked at"), script)
        for block in output.stdout.decode("utf-8", "replace").strip().split("\n\n"):
            unit = dict(line.partition("=")[::2] for line in block.splitlines())
            active = unit.get("ActiveState", "")
            crashes = unit.get("NRestarts", "")
            yield _State(
                name=one_line(unit.get("Id", "")),
                well=False,
                steady=active == "active",
                broken=say("it has failed") if active == "failed" else "",
                token=f"{unit.get('MainPID')} {unit.get('InvocationID')}",
                crashes=int(crashes) if crashes.isdecimal() else 0,
            )

    def _container_states(self) -> Iterator[_State]:
        for one in self.plan.compose:
            for service in one.services:
                yield from self._of_service(one.made.project, service)

    def _of_service(self, project: str, service: str) -> Iterator[_State]:
        filters = (f"label={LABEL}project={project}", f"label={LABEL}service={service}")
        # One-off containers (docker compose run) are nobody's service.
        listing = join(
            ["docker", "ps", "-aq", *(f"--filter={one}" for one in (*filters, f"label={LABEL}oneoff=False"))]
        )
        script = (
            f"ids=$({listing}) || exit\n"
            f'[ -z "$ids" ] || docker inspect --type container --format {quote(_INSPECTED)} $ids'
        )
        what = say("The containers of {service} could not be looked at", service=one_line(service))
        output = self.hands.run(what, script)
        if output.status != 0:
            raise failed(what, output)
        found = [line.split("|") for line in output.stdout.decode("utf-8", "replace").splitlines() if line]
        if not found:
            yield _State(
                say("service {service}", service=one_line(service)),
                False,
                False,
                say("it has no container"),
                "",
            )
        for identifier, name, status, health, crashes, started in found:
            broken = health == "unhealthy" or status in {"exited", "dead"}
            yield _State(
                name=say("container {name}", name=one_line(name.lstrip("/"))),
                well=health == "healthy" and status == "running",
                steady=not health and status == "running",
                broken=say("it is {health}", health=health if status == "running" else status)
                if broken
                else "",
                token=f"{identifier} {started}",
                crashes=int(crashes) if crashes.isdecimal() else 0,
            )


_KEPT: Final = read_script("trust.sh", "kept.sh")

# ID, not Id: an unknown name makes docker read its JSON instead, in which what is not there is an error.
_INSPECTED: Final = (
    "{{.ID}}|{{.Name}}|{{.State.Status}}|{{if .State.Health}}{{.State.Health.Status}}{{end}}"
    "|{{.RestartCount}}|{{.State.StartedAt}}"
)

# Should the connection break, compose must not: it would stop between removing a container and making it.
_UNBROKEN: Final = r"""export COMPOSE_ANSI=never COMPOSE_PROGRESS=plain
{{ status=$({{ {{ {command} 2>&1 3>&-; echo "$?" >&3; }} | {{
  trap '' PIPE
  while IFS= read -r line; do printf '%s\n' "$line" || :; done >&4
}}; }} 3>&1); }} 4>&1
exit "$status"
"""


def _is_ready(state: _State, steady: float) -> bool:
    return state.well or (state.steady and steady >= STEADY_FOR)


def _give_up(waiting: list[_State], stale: list[str], waited: float) -> None:
    """Raise where waiting longer is of no use."""
    for state in waiting:
        if state.broken:
            raise ActionError(
                say("{name} did not become healthy: {broken}.", name=state.name, broken=state.broken),
                _logs(state.name),
            )
        if state.crashes >= _CRASHES:
            raise ActionError(say("{name} ends again and again.", name=state.name), _logs(state.name))
    if waited > HEALTHY_WITHIN:
        names = ", ".join([*(state.name for state in waiting), *stale]) or "nothing"
        reason = say("still run as before") if stale and not waiting else say("did not become healthy")
        raise ActionError(
            say(
                "{names} {reason} within {healthy_within} s.",
                names=names,
                reason=reason,
                healthy_within=format(HEALTHY_WITHIN, ".0f"),
            )
        )


def _logs(name: str) -> Message:
    container = name.removeprefix("container ")
    command = f"docker logs {container}" if container != name else f"journalctl -u {name}"
    return listed((command,))


class _Lines:
    """Cuts what a program prints into lines."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take in the next bytes."""
        *lines, self._rest = (self._rest + data.replace(b"\r", b"\n")).split(b"\n")
        for line in lines:
            if shown := inert(line).strip():
                self._tell(shown)

    def end(self) -> None:
        """Say what is left."""
        self.feed(b"\n")

"""Running many commands on a target: the login user's in one shell, root's in another, at the same time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Final, Protocol

from signoff.errors import TargetError
from signoff.message import say
from signoff.target.batch import Batch
from signoff.target.command import Command, Output, Problem, Root
from signoff.target.shell import (
    OPENING_PATIENCE,
    TICK,
    ConnectionLostError,
    NoShell,
    Process,
    Shell,
    Stop,
    Stopped,
    open_shell,
)
from signoff.target.sudo import Refused, Sudo

_GRACE: Final = 8.0  # seconds beyond a command's timeout: then the host's own timeout(1) has failed
_LOSSES: Final = 2  # how often a broken shell is opened again
_PAUSE: Final = 1.0  # seconds before that, where the host is not there at all
_STUCK: Final = 3  # how many commands may hang a shell before the rest is given up


class Host(Protocol):
    """What collecting needs of a target."""

    is_root: bool
    """Whether the login user is root already."""
    sudo: Sudo

    def start(self, arguments: Sequence[str]) -> Process:
        """Start a program; reconnect first where the connection was lost. Raise TargetError."""

    def is_reachable(self) -> bool:
        """Tell whether the connection still carries anything."""


def collect(host: Host, commands: Sequence[Command], cancel: Event) -> Iterator[Output]:
    """Do what `Target.collect` promises."""
    owed = {command.id: command for command in commands}
    if len(owed) != len(commands):
        raise ValueError(say("two commands have the same id"))
    lanes = _Lanes(host, commands, cancel)
    try:
        for output in lanes.outputs():
            if owed.pop(output.id, None):
                yield output
    finally:
        lanes.stop.set()
    problem = Problem.CANCELLED if cancel.is_set() else Problem.LOST
    for identifier in owed:
        yield Output(id=identifier, problem=problem)


class _Lanes:
    """The shells of one collection, each in a thread of its own; outputs meet in a queue."""

    def __init__(self, host: Host, commands: Sequence[Command], cancel: Event) -> None:
        self._host = host
        self._cancel = cancel
        self._queue: SimpleQueue[Output | Exception] = SimpleQueue()
        self.stop = Event()
        wants_root = [command for command in commands if command.root is not Root.NO and not host.is_root]
        as_user = [command for command in commands if command.root is Root.NO or host.is_root]
        self._threads = [
            Thread(target=self._in_thread, args=(work, chosen), daemon=True)
            for work, chosen in ((self._as_user, as_user), (self._as_root, wants_root))
            if chosen
        ]

    def outputs(self) -> Iterator[Output]:
        for thread in self._threads:
            thread.start()
        while not self._cancel.is_set():
            working = any(thread.is_alive() for thread in self._threads)
            try:
                output = self._queue.get(timeout=TICK if working else 0)
            except Empty:
                if not working:
                    return
                continue
            if isinstance(output, Exception):
                raise output
            yield output

    def _in_thread(self, work: Callable[[Sequence[Command]], None], commands: Sequence[Command]) -> None:
        try:
            work(commands)
        except Exception as defect:  # noqa: BLE001 - raised again where the outputs are read
            self._queue.put(defect)

    def _stopped(self) -> bool:
        return self.stop.is_set() or self._cancel.is_set()

    def _as_user(self, commands: Sequence[Command]) -> None:
        self._work(commands, lambda: open_shell(self._host.start, self._stopped))

    def _as_root(self, commands: Sequence[Command]) -> None:
        try:
            self._work(commands, lambda: self._host.sudo.shell(self._host.start, self._stopped))
        except Refused as refused:
            reason = refused.reason.encode()
            for command in commands:
                if command.root is Root.REQUIRE:
                    self._queue.put(Output(command.id, stderr=reason, problem=Problem.NEEDS_ROOT))
            self._as_user([command for command in commands if command.root is Root.PREFER])

    def _work(self, commands: Sequence[Command], open_: Callable[[], Shell]) -> None:
        _Lane(self._host, open_, self._queue.put, self._stopped).work(commands)


class _Lane:
    """One shell after another until every command has its output, or it is clear that it will have none."""

    def __init__(
        self, host: Host, open_: Callable[[], Shell], emit: Callable[[Output], None], stopped: Stop
    ) -> None:
        self._host = host
        self._open = open_
        self._emit = emit
        self._stopped = stopped

    def work(self, commands: Sequence[Command]) -> None:
        waiting = tuple(commands)
        losses = stuck = 0
        while waiting and losses <= _LOSSES and stuck <= _STUCK:
            try:
                waiting, hung = self._once(waiting)
            except Stopped:
                return
            except (ConnectionLostError, NoShell):
                losses += 1
                continue
            except TargetError:
                losses += 1
                self._pause()
                continue
            stuck += hung
            losses += bool(waiting) and not hung

    def _pause(self) -> None:
        end = time.monotonic() + _PAUSE
        while time.monotonic() < end and not self._stopped():
            time.sleep(TICK)

    def _once(self, waiting: Sequence[Command]) -> tuple[tuple[Command, ...], bool]:
        """Open a shell and run the batch. Return what is still without an output, and whether one hung."""
        shell = self._open()
        batch = Batch(waiting, as_root=shell.is_root)
        try:
            shell.process.send(batch.script)
            hung = self._read(shell, batch)
        except ConnectionLostError:
            hung = False
        finally:
            shell.process.close()
        if hung and self._host.is_reachable():
            abandoned = batch.give_up()
            if abandoned:
                self._emit(abandoned)
            return batch.unanswered, True
        return batch.unanswered, False

    def _read(self, shell: Shell, batch: Batch) -> bool:
        """Pass the outputs on until all are there (or the shell has ended); True when a command hangs."""
        heard = time.monotonic()
        while batch.unanswered:
            if self._stopped():
                raise Stopped
            received = shell.process.receive(TICK)
            if received is None:
                return False
            for output in batch.feed(*received):
                self._emit(output)
            running = batch.running
            patience = running.timeout + _GRACE if running else OPENING_PATIENCE
            if received[0]:
                heard = time.monotonic()
            elif time.monotonic() - heard > patience:
                return True
        return False

"""This machine as a target."""

from __future__ import annotations

import contextlib
import getpass
import os
import selectors
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from threading import Event, Thread
from typing import IO, Final

from signoff.target import shell
from signoff.target.base import Prompter
from signoff.target.collecting import collect
from signoff.target.command import Command, Output
from signoff.target.executing import execute
from signoff.target.shell import Process
from signoff.target.sudo import Sudo

_CHUNK: Final = 1 << 16


class LocalTarget:
    """This machine: no connection, root where signoff itself is root, else by sudo."""

    def __init__(self, prompter: Prompter) -> None:
        self.is_root = os.geteuid() == 0
        self.sudo = Sudo(prompter, _user(), socket.gethostname())
        self.round_trips = 0

    @property
    def address(self) -> str:
        """Always ``local``."""
        return "local"

    @property
    def host_key(self) -> str:
        """Nothing: there is no connection to vouch for."""
        return ""

    @property
    def outside_addresses(self) -> tuple[str, ...]:
        """Nothing: from here the machine is not seen from outside."""
        return ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing is lost on the way."""
        return ()

    def collect(self, commands: Sequence[Command], cancel: Event) -> Iterator[Output]:
        """Run the commands; see `signoff.target.base.Target.collect`."""
        return collect(self, commands, cancel)

    def execute(
        self,
        script: str,
        payload: bytes = b"",
        *,
        root: bool = False,
        timeout: float = 60.0,
        cancel: Event | None = None,
        on_output: Callable[[bytes], None] | None = None,
    ) -> Output:
        """Run a script that changes something; see `signoff.target.executing.execute`."""
        return execute(self, script, payload, root=root, timeout=timeout, cancel=cancel, on_output=on_output)

    def close(self) -> None:
        """Forget the password."""
        self.sudo.forget()

    def start(self, arguments: Sequence[str]) -> Process:
        """Start a program here."""
        return _LocalProcess(arguments)

    def is_reachable(self) -> bool:
        """Tell that this machine is always there."""
        return True


class _LocalProcess:
    """A child in a session of its own, so that neither it nor sudo can ask anything on our terminal."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._selector = selectors.DefaultSelector()
        try:
            self._child: subprocess.Popen[bytes] | None = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                cwd="/",
                env=shell.environment(os.environ),
            )
        except OSError as missing:
            # As a shell on the other side of a connection would report it.
            self._child = None
            self._last_words = f"{arguments[0]}: {missing.strerror}".encode()
            return
        for stream in (self._child.stdout, self._child.stderr):
            if stream:
                self._selector.register(stream, selectors.EVENT_READ)

    def send(self, data: bytes) -> None:
        """Write in a thread: the child may be busy writing to us."""
        if self._child and self._child.stdin:
            Thread(target=_write, args=(self._child.stdin, data), daemon=True).start()

    def receive(self, wait: float) -> tuple[bytes, bytes] | None:
        """Read both streams."""
        if self._child is None:
            words, self._last_words = self._last_words, b""
            return (b"", words) if words else None
        ended = _has_ended(self._child)
        received = {self._child.stdout: b"", self._child.stderr: b""}
        for key, _ in self._selector.select(wait):
            stream = key.fileobj
            data = os.read(key.fd, _CHUNK)
            if data:
                received[stream] = data  # type: ignore[index] # the two streams registered above
            else:
                self._selector.unregister(stream)
        if not self._selector.get_map():
            return None
        if ended and not any(received.values()):
            return None  # something it left behind still holds a stream open
        return received[self._child.stdout], received[self._child.stderr]

    def close(self) -> None:
        """Kill the child's process group. A child of root's ends when its streams do."""
        self._selector.close()
        if self._child is None:
            return
        if self._child.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, signal.SIGKILL)
        for stream in (self._child.stdin, self._child.stdout, self._child.stderr):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()
        Thread(target=self._child.wait, daemon=True).start()


def _has_ended(child: subprocess.Popen[bytes]) -> bool:
    """Tell whether a child has ended, and leave it unreaped (waitid(2), WNOWAIT).

    Until it is reaped its number is given to nobody else, who would be killed in its place later.
    """
    try:
        return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _write(stream: IO[bytes], data: bytes) -> None:
    with contextlib.suppress(OSError, ValueError):
        while data:
            data = data[stream.write(data) :]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())

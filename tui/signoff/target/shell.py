"""A shell on a target that has said that it is there, and as whom it runs."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from signoff.errors import TargetError
from signoff.message import listed, say
from signoff.text import one_line

OPENING_PATIENCE: Final = 20.0
"""How long a shell, or sudo, may take to say something, in seconds."""

TICK: Final = 0.05
"""How often a wait looks up to see whether it has been stopped, in seconds."""

PATH: Final = (
    "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
    ":/snap/bin:/run/wrappers/bin:/run/current-system/sw/bin"
)
"""Where programs are looked for: the system's folders, whatever the caller's environment says."""

KEPT: Final = (
    "SSH_CONNECTION",  # tells by which address and port the SSH server was reached (ssh(1))
    "SUDO_UID",  # tells who asked for root (sudo(8)): their own files and jobs are no stranger's
)
"""The variables that a script gets of the caller's environment, each with its reason; no other one."""

_KEPT: Final = 4096  # of what is said before the shell is there


def environment(caller: Mapping[str, str]) -> dict[str, str]:
    """Return what a program on this machine gets of the caller's environment."""
    return {"PATH": PATH, "LC_ALL": "C", **{name: caller.get(name, "") for name in KEPT}}


class Process(Protocol):
    """A program that runs on the target; its two output streams are read together."""

    def send(self, data: bytes) -> None:
        """Write to its standard input. Does nothing when it has ended."""

    def receive(self, wait: float) -> tuple[bytes, bytes] | None:
        """Return what has arrived on standard output and error, after at most ``wait`` seconds.

        None when it has ended and everything was read. Raise ConnectionLostError when the way to it is gone.
        """

    def close(self) -> None:
        """End it, or at least let go of it; never waits."""


class ConnectionLostError(TargetError):
    """The way to the target broke."""


class NoShell(Exception):  # noqa: N818 - a reason, for the caller to judge
    """The program ended, or kept silent, before there was a shell. ``said`` is what it printed, inert."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


class Stopped(Exception):  # noqa: N818 - not an error: somebody asked for it
    """The wait was ended from outside."""


Start = Callable[[Sequence[str]], Process]
"""Starts a program on the target by its arguments."""

Stop = Callable[[], bool]
"""Tells whether to stop waiting."""


@dataclass(frozen=True)
class Shell:
    """An ``sh -s`` that waits for its script."""

    process: Process
    uid: int

    @property
    def is_root(self) -> bool:
        """Tell whether it runs as root."""
        return self.uid == 0


class Opening:
    """A shell that is being opened: started, and watched until it reports for duty.

    What it prints before, a banner or the noise of a ``.bashrc``, is kept for the error only.
    """

    def __init__(self, start: Start, *, through: Sequence[str] = ()) -> None:
        nonce = secrets.token_hex(16)
        self._report = re.compile(rb"%b:(\d+):\n" % nonce.encode())
        self._said = bytearray()
        self._seen = bytearray()
        # Read by the login shell first, whichever it is: nothing but plain words inside single quotes.
        kept = " ".join(f'{name}="${name}"' for name in KEPT)
        hello = f"echo {nonce}:\\$(id -u):; exec sh -s"
        clean = f'exec /usr/bin/env -i PATH="{PATH}" LC_ALL=C {kept} sh -c "{hello}"'
        self.process = start([*through, "sh", "-c", clean])

    def shell(self, stop: Stop, *, until: bytes = b"") -> Shell | None:
        """Wait for the shell. Return None when ``until`` appears on standard error first.

        Raise NoShell when the program ends or is silent, ConnectionLostError, and Stopped.
        """
        deadline = time.monotonic() + OPENING_PATIENCE
        while time.monotonic() < deadline:
            if stop():
                raise Stopped
            received = self.process.receive(TICK)
            if received is None:
                raise NoShell(self._words())
            self._seen = (self._seen + received[0])[-_KEPT:]
            self._said = (self._said + received[1])[-_KEPT:]
            report = self._report.search(self._seen)
            if report:
                return Shell(self.process, int(report[1]))
            if until and until in self._said:
                self._said.clear()
                return None
        silent = say("(no answer within {seconds} s)", seconds=f"{OPENING_PATIENCE:.0f}")
        raise NoShell(listed(filter(None, (self._words(), silent)), " "))

    def _words(self) -> str:
        return one_line(bytes(self._said or self._seen), 300)


def open_shell(start: Start, stop: Stop, *, through: Sequence[str] = ()) -> Shell:
    """Start a shell, directly or ``through`` another program, and wait until it is there.

    Raise NoShell, ConnectionLostError or Stopped; the process is closed then.
    """
    opening = Opening(start, through=through)
    try:
        shell = opening.shell(stop)
    except BaseException:
        opening.process.close()
        raise
    if shell is None:
        raise AssertionError("nothing else was waited for")
    return shell

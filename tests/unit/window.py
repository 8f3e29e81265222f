"""A terminal's window, from the program's side of it: what was written there, and keys for it."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_PATIENCE = 20.0


class Window:
    """A program with a terminal of its own. ``written`` is all that it has written there."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        cwd: Path,
        *,
        width: int = 80,
        height: int = 24,
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", height, width, 0, 0))
        self._child = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=dict(environment),
            cwd=cwd,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(slave)
        self.written = ""
        # What is read at once may end within a character.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @property
    def pid(self) -> int:
        """The program's process."""
        return self._child.pid

    def type(self, text: str) -> None:
        """Type a line; Enter included."""
        os.write(self._master, f"{text}\r".encode())

    def press(self, *keys: str) -> None:
        """Press keys, as the terminal sends them."""
        for key in keys:
            os.write(self._master, key.encode())

    def until(self, words: str) -> str:
        """Wait until some words come; return what has been written since the last call."""
        end, begun = time.monotonic() + _PATIENCE, len(self.written)
        while words not in self.written[begun:]:
            assert time.monotonic() < end, f"{words!r} does not come: {self.written[begun:]!r}"
            assert self._read(), f"it ended without {words!r}: {self.written[begun:]!r}"
        return self.written[begun:]

    def draw(self, seconds: float) -> None:
        """Let the program write for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self._read(left):
            pass

    def end(self) -> int:
        """Wait for the program's end; return its exit code."""
        end = time.monotonic() + _PATIENCE
        # Its terminal stays open until it has ended: a closed one would end it with SIGHUP.
        while (self._child.poll() is None and time.monotonic() < end) or self._read(0):
            self._read(0.1)
        os.close(self._master)
        return self._child.wait(_PATIENCE)

    def hang_up(self) -> int:
        """Close the terminal, as its window is closed; return the program's exit code."""
        os.close(self._master)
        return self._child.wait(_PATIENCE)

    def _read(self, patience: float = _PATIENCE) -> bool:
        if not select.select([self._master], [], [], patience)[0]:
            return False
        try:
            received = os.read(self._master, 1 << 16)
        except OSError:  # Linux: EIO when the last writer has gone
            return False
        self.written = (self.written + self._decoder.decode(received)).replace("\r\n", "\n")
        return bool(received)


def _take_terminal() -> None:
    """Make ctrl+c a signal, as it is to a program that a shell starts in front."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a background job's children are born ignoring it

"""Many commands in one POSIX sh script, and its two streams read back into outputs as they arrive.

The script is for the standard input of ``sh -s``. Around each command it prints a line with a random
nonce on standard output and on standard error; what is outside of a pair of those lines (login banners,
the noise of a ``.bashrc``) is nobody's output, and what a command prints cannot feign one.
"""

from __future__ import annotations

import math
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from signoff.message import say
from signoff.target.command import Command, Output, Problem

STDERR_CAP: Final = 1 << 16
"""The most bytes kept of a command's standard error."""

_KILL_AFTER: Final = 2
_TIMED_OUT: Final = 124  # timeout(1)
_KILLED: Final = 128 + 9

# Each script comes to a shell of its own through a pipe on descriptor 3, so that it is in no argument list,
# and an unterminated quote or an `exit` ends that shell only. Nothing is written to disk: no here-documents
# (bash keeps them in files).
_HEAD: Final = r"""cd /
user=$(id -un)
case $user in *[!A-Za-z0-9._-]* | '') HOME=/nonexistent ;; *) eval "HOME=~$user" ;; esac
export HOME
if timeout -k 1 1 true; then bound='timeout -k @GRACE@'
elif timeout -s KILL 1 true; then bound='timeout -s KILL'
else bound=
fi 2>/dev/null
if [ -e /dev/fd ]; then source=/dev/fd/3; else source=/proc/self/fd/3; fi
if setsid true; then apart=setsid; else apart=; fi 2>/dev/null
# Nothing that a script started outlives it: timeout(1) ends one process group, this a whole session.
# In stat the session comes third behind the name, in which there may be anything (proc(5)).
reap() {
  [ -z "$apart" ] || for stat in /proc/[0-9]*/stat; do
    { read -r line < "$stat"; } 2>/dev/null || continue
    set -- "$1" ${line##*) }
    [ "$5" != "$1" ] || { line=${stat#/proc/}; kill -KILL "${line%/stat}"; } 2>/dev/null
  done
}
mark() { printf '@NONCE@:%s:%s:%s\n' "$@" && printf '@NONCE@:%s:%s:%s\n' "$@" >&2 || exit; }
"""

# The status takes the way around `head` on descriptor 4, what the script is given comes on 6.
_RUN: Final = r"""exec 5>&1
run() {
  mark begin "$1" ''
  status=$({ {
    printf %s "$4" 2>/dev/null | {
      printf %s "$5" 2>/dev/null | {
        $apart ${bound:+$bound "$2"} sh "$source" <&6 4>&- 5>&- 6<&- & job=$!
        wait "$job"; echo $? >&4
        reap "$job"
      } 6<&0
    } 3<&0
  } | head -c "$3" >&5; } 4>&1)
  mark end "$1" "$status"
}
"""


class Batch:
    """One script for many commands, and the reader of what comes back.

    ``as_root`` is what the shell that reads the script runs as. ``hear`` is told what the commands print, as
    it comes. Raise ValueError for a script with a NUL.
    """

    def __init__(
        self,
        commands: Sequence[Command],
        *,
        as_root: bool = False,
        hear: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self._commands = tuple(commands)
        self._as_root = as_root
        self._nonce = secrets.token_hex(16)
        self._stdout = _Stream(self._nonce, [command.cap + 1 for command in commands], hear)
        self._stderr = _Stream(self._nonce, [STDERR_CAP] * len(commands), hear)
        self._answered: set[int] = set()

    @property
    def script(self) -> bytes:
        """The whole script."""
        calls = (
            f"run {index} {seconds(command)} {command.cap + 1} "
            f"{quoted(command.script)} {quoted(command.data)}\n"
            for index, command in enumerate(self._commands)
        )
        return self._whole(f"{_RUN}{''.join(calls)}exit 0\n")

    def _whole(self, script: str) -> bytes:
        head = _HEAD.replace("@GRACE@", str(_KILL_AFTER))
        return f"{head}{script}".replace("@NONCE@", self._nonce).encode("utf-8", "surrogateescape")

    @property
    def running(self) -> Command | None:
        """The command that has begun and not ended."""
        index = self._stdout.current
        return None if index is None else self._commands[index]

    @property
    def unanswered(self) -> tuple[Command, ...]:
        """The commands without an output, the running one last: it may be what broke the connection."""
        current = self._stdout.current
        waiting = [index for index in range(len(self._commands)) if index not in self._answered]
        waiting.sort(key=lambda index: index == current)
        return tuple(self._commands[index] for index in waiting)

    def feed(self, stdout: bytes, stderr: bytes) -> Iterator[Output]:
        """Take in what arrived on both streams; yield the outputs that it completes."""
        self._stdout.feed(stdout)
        self._stderr.feed(stderr)
        for index in sorted(self._stdout.ended.keys() & self._stderr.ended.keys() - self._answered):
            self._answered.add(index)
            yield self._output(index)

    def give_up(self) -> Output | None:
        """Return the running command as timed out, with what it printed so far."""
        index = self._stdout.current
        if index is None:
            return None
        self._answered.add(index)
        return self._output(index)

    def _output(self, index: int) -> Output:
        command = self._commands[index]
        stdout = self._stdout.data.pop(index)
        status, problem = self._ending(index, command)
        return Output(
            id=command.id,
            status=status,
            stdout=bytes(stdout[: command.cap]),
            stderr=bytes(self._stderr.data.pop(index, b"")),
            truncated=len(stdout) > command.cap,
            as_root=self._as_root,
            problem=problem,
        )

    def _ending(self, index: int, command: Command) -> tuple[int | None, Problem | None]:
        if index not in self._stdout.ended:
            return None, Problem.TIMED_OUT
        text, seconds = self._stdout.ended[index]
        if not text:
            return None, Problem.LOST
        status = int(text)
        if status == _TIMED_OUT:
            return None, Problem.TIMED_OUT
        if status == _KILLED:
            # By timeout(1), when the script would not end; or by the kernel, for want of memory.
            return None, Problem.TIMED_OUT if seconds >= command.timeout else Problem.KILLED
        return status, None


class _Stream:
    """One stream of the shell: takes the marks out, and keeps each command's bytes up to its limit."""

    def __init__(self, nonce: str, limits: Sequence[int], hear: Callable[[bytes], None]) -> None:
        self._nonce = nonce.encode()
        self._mark = re.compile(rb"%b:(begin|end):(\d+):(\d*)\n" % self._nonce)
        self._limits = limits
        self._hear = hear
        self._pending = bytearray()
        self._begun = 0.0
        self.current: int | None = None
        self.data: dict[int, bytearray] = {}
        self.ended: dict[int, tuple[bytes, float]] = {}
        """By index: the text of the status, and the seconds between the two marks."""

    def feed(self, data: bytes) -> None:
        self._pending += data
        position = 0
        for mark in self._mark.finditer(self._pending):
            self._keep(position, mark.start())
            self._turn(mark[1], int(mark[2]), mark[3])
            position = mark.end()
        settled = self._settled(position)
        self._keep(position, settled)
        del self._pending[:settled]

    def _settled(self, position: int) -> int:
        """Return where the last bytes begin that may be the first half of a mark."""
        found = self._pending.find(self._nonce, position)
        if found >= 0:
            return found
        last = bytes(self._pending[max(position, len(self._pending) - len(self._nonce) + 1) :])
        while not self._nonce.startswith(last):
            last = last[1:]
        return len(self._pending) - len(last)

    def _turn(self, word: bytes, index: int, status: bytes) -> None:
        if word == b"begin" and index < len(self._limits):
            self.current = index
            self.data[index] = bytearray()
            self._begun = time.monotonic()
        elif word == b"end" and index == self.current:
            self.ended[index] = status, time.monotonic() - self._begun
            self.current = None

    def _keep(self, start: int, stop: int) -> None:
        if self.current is not None and start < stop:
            kept = self.data[self.current]
            room = self._limits[self.current] - len(kept)
            kept += self._pending[start : min(stop, start + room)]
            self._hear(bytes(self._pending[start:stop]))


def seconds(command: Command) -> int:
    """Return a command's timeout as timeout(1) takes it."""
    return max(1, math.ceil(command.timeout))


def quoted(text: str) -> str:
    """Return a text as one word for a POSIX shell. Raise ValueError where it holds a NUL."""
    if "\0" in text:
        raise ValueError(say("a script cannot hold a NUL"))
    return "'" + text.replace("'", "'\\''") + "'"

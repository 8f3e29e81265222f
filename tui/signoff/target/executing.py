"""Running a script that changes something on a target: at most once, its secrets on standard input."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from threading import Event
from typing import Final

from signoff.errors import TargetError
from signoff.message import say
from signoff.target.batch import Batch, quoted, seconds
from signoff.target.collecting import Host
from signoff.target.command import Command, Output, Problem
from signoff.target.shell import (
    TICK,
    ConnectionLostError,
    NoShell,
    Process,
    Shell,
    Stop,
    Stopped,
    open_shell,
)
from signoff.target.sudo import Refused

_ID: Final = "execute"
_GRACE: Final = 8.0  # seconds beyond the timeout, or after it was asked to end
_TRIES: Final = 3  # to open a shell; what was given to one is never given to another

# The payload is a word of the shell's own script and goes into the pipe by a builtin. A script that comes
# here cut short does not parse, and nothing of it runs: so all that runs is within one pair of braces, and
# nothing but the line that asks the script to end comes after them (a shell may read ahead, or may not).
# What it prints goes nowhere but to us: were it cut off on the way, SIGPIPE would end it half-way.
# It is asked to end a second later: a timeout(1) that is signalled just as it forks ends alone, and leaves
# what it started running (coreutils before 9.2).
_RUN: Final = r"""exec 7<&0
run() {
  printf %s "$3" | { printf %s "$2" | {
    $apart ${bound:+$bound "$1"} sh "$source" <&6 6<&- 7<&- & job=$!
    { read -r word && [ "$word" = @NONCE@ ] && sleep 1 && kill "$job"; } <&7 >/dev/null 2>&1 & watch=$!
    wait "$job"; status=$?
    { kill "$watch"; wait "$watch"; } 2>/dev/null
    case $status in 124 | 137 | 143) reap "$job" ;; esac
    exit "$status"
  } 3<&0; } 6<&0
}
{
  mark begin 0 ''
  case $(command -v printf) in
  printf) run @CALL@ ;;
  *) echo 'printf is no builtin of this shell: everybody would see its arguments' >&2; false ;;
  esac
  mark end 0 "$?"
  exit 0
}
"""


def execute(
    host: Host,
    script: str,
    payload: bytes = b"",
    *,
    root: bool = False,
    timeout: float = 60.0,
    cancel: Event | None = None,
    on_output: Callable[[bytes], None] | None = None,
) -> Output:
    """Run a POSIX sh script that changes something, and return what it printed.

    ``payload`` is the script's standard input, and the only place for secrets: it stands in no argument
    list, no environment and no file on the target. It holds no NUL (ValueError). The script is run as root
    where ``root``, else as the login user; ``timeout`` is in seconds. ``on_output`` is told what comes on
    standard output and error, as it comes, from the calling thread.

    The output's problem, where it has one:

    NEEDS_ROOT  nothing was run: there is no root to be had; the reason is in ``stderr``
    TIMED_OUT   it was ended, after ``timeout``, wherever it was
    KILLED      something else ended it
    CANCELLED   nothing was run; or it was asked to end (SIGTERM), and ``status`` says whether it did
    LOST        nobody knows whether it ran, or still runs: the caller looks

    Raise TargetError where the target cannot be reached: nothing was run.
    """
    cancel = cancel or Event()
    run = _Run(script, payload, timeout, on_output or (lambda _: None))
    try:
        shell = _opened(host, cancel.is_set, root=root)
    except Refused as refused:
        return Output(_ID, stderr=refused.reason.encode(), problem=Problem.NEEDS_ROOT)
    except Stopped:
        return Output(_ID, problem=Problem.CANCELLED)
    try:
        shell.process.send(run.script)
        output = _heard(run, shell.process, timeout, cancel)
    except ConnectionLostError:
        output = Output(_ID, problem=Problem.LOST)
    finally:
        shell.process.close()
    if output is None:
        output = (host.is_reachable() and run.give_up()) or Output(_ID, problem=Problem.LOST)
    return replace(output, as_root=shell.is_root)


class _Run(Batch):
    """The one script with its payload."""

    def __init__(self, script: str, payload: bytes, timeout: float, hear: Callable[[bytes], None]) -> None:
        self._command = Command(_ID, script, timeout=timeout)
        super().__init__([self._command], hear=hear)
        self.__payload = quoted(payload.decode("utf-8", "surrogateescape"))

    @property
    def script(self) -> bytes:
        """The whole script."""
        words = f"{seconds(self._command)} {quoted(self._command.script)} {self.__payload}"
        return self._whole(_RUN).replace(b"@CALL@", words.encode("utf-8", "surrogateescape"))

    @property
    def stop(self) -> bytes:
        """What asks the script to end."""
        return f"{self._nonce}\n".encode()


def _opened(host: Host, stop: Stop, *, root: bool) -> Shell:
    for attempt in range(1, _TRIES + 1):
        try:
            if root and not host.is_root:
                return host.sudo.shell(host.start, stop)
            return open_shell(host.start, stop)
        except ConnectionLostError:
            if attempt == _TRIES:
                raise
        except NoShell as noise:
            if attempt == _TRIES:
                raise TargetError(
                    say("No shell was to be had. It said: {said}", said=noise.said or say("nothing"))
                ) from None
    raise AssertionError("the last try returns or raises")


def _heard(run: _Run, process: Process, timeout: float, cancel: Event) -> Output | None:
    """Read until the script has ended, or its shell; None where neither does."""
    deadline = time.monotonic() + timeout + _GRACE
    asked = False
    while time.monotonic() < deadline:
        if cancel.is_set() and not asked:
            asked = True
            deadline = min(deadline, time.monotonic() + _GRACE)
            process.send(run.stop)
        received = process.receive(TICK)
        if received is None:
            return Output(_ID, problem=Problem.LOST)
        for output in run.feed(*received):
            return replace(output, problem=Problem.CANCELLED) if asked else output
    return Output(_ID, problem=Problem.CANCELLED) if asked else None

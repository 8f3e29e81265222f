"""Running a script that changes something on a target: at most once, its secrets on standard input."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from signoff.target.collecting import Host
from signoff.target.command import Output


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
    raise NotImplementedError

"""No core dump: a crash would otherwise leave every secret in memory on the disk, or with a crash reporter.

The limit alone is not enough: the kernel does not ask it where core dumps go to a program (core(5)). So the
process is made undumpable as well, which keeps other processes of the same user from reading its memory, too.
A child has the limit from us, and is dumpable again by execve(2).
"""

from __future__ import annotations

import contextlib
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # prctl(2)


def forbid() -> None:
    """Leave no core dump from here on, whatever happens to this process or to its children."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)

"""One read-only command and what it returned."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Root(StrEnum):
    """How much a command wants root."""

    NO = "no"
    """Run as the login user."""
    PREFER = "prefer"
    """Run as root where that is allowed, else as the login user; the output says which."""
    REQUIRE = "require"
    """Not run at all without root."""


class Problem(StrEnum):
    """Why there is no output to read."""

    NEEDS_ROOT = "needs root"
    TIMED_OUT = "timed out"
    KILLED = "killed on the host before its end"
    LOST = "the connection was lost"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Command:
    """A POSIX sh script to run on the target. It reads, and never writes.

    ``timeout`` is in seconds, rounded up to a whole one. ``cap`` is the most bytes kept of standard
    output; what is beyond it is dropped on the host, where the script may end by SIGPIPE (status 141),
    and the output is marked truncated. Exit status 124 is timeout(1)'s own word and means a timeout.
    ``data`` is its standard input: no shell ever reads it as words of its own. It may hold secrets.
    """

    id: str
    script: str
    root: Root = Root.NO
    timeout: float = 10.0
    cap: int = 1 << 20
    data: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Output:
    """What a command returned. ``status`` is its exit code, None where it did not run to its end."""

    id: str
    status: int | None = None
    stdout: bytes = b""
    stderr: bytes = b""
    truncated: bool = False
    as_root: bool = False
    problem: Problem | None = None

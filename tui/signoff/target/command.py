"""One read-only command and what it returned."""

from __future__ import annotations

from dataclasses import dataclass
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
    LOST = "the connection was lost"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Command:
    """A POSIX sh script to run on the target. It reads, and never writes.

    ``timeout`` is in seconds. ``cap`` is the most bytes kept of standard output; what is beyond it is
    dropped on the host and the output is marked truncated.
    """

    id: str
    script: str
    root: Root = Root.NO
    timeout: float = 10.0
    cap: int = 1 << 20


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

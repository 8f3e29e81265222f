"""What time it is on the operator's machine, told in a way that a record can be held to."""

from __future__ import annotations

import subprocess
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Moment:
    """A reading of both clocks: UTC, to the millisecond; nanoseconds since some point of ``boot``."""

    time: datetime
    monotonic: int
    boot: str


def read_clock() -> Moment:
    """Read both clocks."""
    now = datetime.now(UTC)
    return Moment(now.replace(microsecond=now.microsecond // 1000 * 1000), time.monotonic_ns(), boot_id())


@cache
def boot_id() -> str:
    """Return the id of this boot (random(4): ``boot_id``; sysctl ``kern.bootsessionuuid`` on macOS).

    Where the system has none, every process counts as a boot of its own: nothing is claimed of the order
    between two processes then.
    """
    try:
        return str(uuid.UUID(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()))
    except (OSError, ValueError):
        pass
    try:
        command = ["sysctl", "-n", "kern.bootsessionuuid"]
        shown = subprocess.run(command, capture_output=True, check=True, timeout=2, text=True).stdout
        return str(uuid.UUID(shown.strip()))
    except (OSError, ValueError, subprocess.SubprocessError):
        return str(uuid.uuid4())

"""How long until the first frame, against a minimal Textual app on the same machine in the same run.

    python tests/bench/bench_start.py [RUNS]

Prints a table of medians and the ratio. It judges nothing.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time

MINIMAL = """
from textual.app import App, ComposeResult
from textual.widgets import Footer, Header, Static
class Minimal(App):
    def compose(self) -> ComposeResult:
        yield Header()
        yield Static("first frame")
        yield Footer()
Minimal().run()
"""
SIGNOFF = ["-c", "from signoff.cli import main; main([])"]
APPS = {
    "minimal Textual app": (["-c", MINIMAL], b"first frame"),
    "signoff": (SIGNOFF, b"production security"),
    "signoff, targets read": (SIGNOFF, b"This machine"),
}
LONGEST = 20.0  # seconds


def first_frame(arguments: list[str], marker: bytes, home: str) -> float:
    """Start Python in a terminal of its own; return the seconds until ``marker`` is on it."""
    environment = {**os.environ, "HOME": home, "TERM": "xterm-256color"}
    environment |= {f"XDG_{kind}_HOME": f"{home}/{kind}" for kind in ("CONFIG", "STATE", "CACHE")}
    begun = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.execvpe(sys.executable, [sys.executable, *arguments], environment)  # noqa: S606 - no shell wanted
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    seen = b""
    try:
        while marker not in seen:
            if time.perf_counter() - begun > LONGEST:
                raise SystemExit(f"no first frame within {LONGEST:g} s; seen: {seen[-400:]!r}")
            if select.select([terminal], [], [], 0.1)[0]:
                seen += os.read(terminal, 1 << 16)
        return time.perf_counter() - begun
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)


def main() -> None:
    """Time the apps in turn and print the table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    times: dict[str, list[float]] = {name: [] for name in APPS}
    with tempfile.TemporaryDirectory() as home:
        for turn in range(runs + 1):
            for name, (arguments, marker) in APPS.items():
                seconds = first_frame(arguments, marker, home)
                if turn:  # the first turn warms the caches
                    times[name].append(seconds)
    least = statistics.median(times["minimal Textual app"])
    print(f"first frame, median of {runs}")
    for name, each in times.items():
        median = statistics.median(each)
        print(f"  {name:<22} {median * 1000:7.0f} ms   {median / least:5.2f}x")


if __name__ == "__main__":
    main()

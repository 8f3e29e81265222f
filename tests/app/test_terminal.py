"""On a real terminal: signals, a closed window, a crash; the record is always there to be gone on with."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path

import pytest

# Real programs on real terminals, against the clock of a machine that may be busy.
pytestmark = pytest.mark.flaky(reruns=2)

_SCRIPT = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
import signoff.reaching
import signoff.walk
from app.fakes import SHOP, FakeTarget, fake_probes, outputs
from signoff.app import run_app
from signoff.app.guard import clean_environment
clean_environment()
from signoff.checklist.load import load
from signoff.target.profile import Profile
loaded = load(Path({checklist!r}))
probes = fake_probes([use.use for step in loaded.checklist.steps for use in step.uses])
target = FakeTarget(outputs(SHOP))
signoff.reaching.open_target = lambda *_: target
signoff.walk.all_probes = lambda: probes
if {broken}:
    from signoff.app.screens.run import RunScreen
    def boom(self, word):
        secret = "canary-9Zq7"
        raise RuntimeError(secret)
    RunScreen.action_say = boom
sys.exit(run_app(profile=Profile(name="shop", address="ssh://deploy@shop.example"), checklists=[loaded]))
"""

TESTS = Path(__file__).parents[1]


class Terminal:
    """The app in a pseudo-terminal of 80x24."""

    def __init__(self, folder: Path, *, broken: bool = False) -> None:
        script = folder / "run.py"
        checklist = str(TESTS / "app" / "quick-production.yaml")
        script.write_text(_SCRIPT.format(path=[str(TESTS)], checklist=checklist, broken=broken))
        self.master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            [sys.executable, str(script)], stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        self.slave = slave
        self.printed = b""

    def until(self, text: str) -> None:
        """Read until a text is drawn."""
        end = time.monotonic() + 20
        while text.encode() not in self.printed:
            assert time.monotonic() < end, self.printed[-3000:].decode("utf-8", "replace")
            self.read(0.1)

    def read(self, seconds: float) -> None:
        """Take what has been printed."""
        if select.select([self.master], [], [], seconds)[0]:
            try:
                self.printed += os.read(self.master, 65536)
            except OSError:
                time.sleep(0.05)

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self.master, keys.encode())

    def end(self, seconds: float) -> int:
        """Wait for the process, and return its exit code."""
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.05)
        code = self.process.poll()
        if code is None:
            self.process.kill()
            self.process.wait()
        assert code is not None, "it did not end"
        self.read(0.05)
        return code

    def close(self) -> None:
        """Close both ends."""
        for descriptor in (self.master, self.slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _unfinished(home: Path) -> list[str]:
    from signoff.session.store import summaries

    sessions = home / "state" / "signoff" / "sessions"
    return [one.id for one in summaries(sessions) if not one.sealed and not one.damage]


def test_quits_and_says_how_to_come_back(home: Path) -> None:
    terminal = Terminal(home)
    terminal.until("Rotate the secrets")
    terminal.until("4 open")
    terminal.press("q")
    assert terminal.end(5) == 1, "steps have failed"
    after = terminal.printed.split(b"\x1b[?1049l")[-1].decode()
    (session,) = _unfinished(home)
    assert f"signoff run --resume {session}" in after
    assert termios.tcgetattr(terminal.slave)[3] == terminal.before[3], "the terminal is as it was"
    terminal.close()


@pytest.mark.parametrize("one", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_in_order(home: Path, one: signal.Signals) -> None:
    terminal = Terminal(home)
    terminal.until("4 open")
    terminal.process.send_signal(one)
    assert terminal.end(5) == 128 + one
    assert termios.tcgetattr(terminal.slave)[3] == terminal.before[3], "the terminal is as it was"
    assert len(_unfinished(home)) == 1
    terminal.close()


@pytest.mark.parametrize("one", [signal.SIGHUP, signal.SIGTERM])
def test_it_ends_though_its_terminal_has_long_stopped_reading(home: Path, one: signal.Signals) -> None:
    """As over a connection that has broken: what draws waits for ever, and with it everything else."""
    terminal = Terminal(home)
    terminal.until("4 open")
    for _ in range(45):
        terminal.press("?")
        time.sleep(0.05)
        terminal.press("\x1b")
        time.sleep(0.1)
    if one is signal.SIGHUP:
        terminal.close()
    terminal.process.send_signal(one)
    assert terminal.process.wait(20) == 128 + one
    assert len(_unfinished(home)) == 1
    terminal.close()


def test_a_closed_window_leaves_a_record_to_go_on_with(home: Path) -> None:
    terminal = Terminal(home)
    terminal.until("4 open")
    os.close(terminal.slave)
    os.close(terminal.master)
    os.kill(terminal.process.pid, signal.SIGHUP)
    # The signal, the input that has gone, or words that nobody can be told any more: one comes first.
    assert terminal.process.wait(6) in {128 + signal.SIGHUP, 1, 120}
    assert len(_unfinished(home)) == 1


def test_killed_outright(home: Path) -> None:
    terminal = Terminal(home)
    terminal.until("4 open")
    terminal.process.kill()
    terminal.process.wait()
    assert len(_unfinished(home)) == 1
    terminal.close()


def test_a_crash_shows_no_secret_and_the_session(home: Path) -> None:
    terminal = Terminal(home, broken=True)
    terminal.until("4 open")
    terminal.press("n")
    assert terminal.end(5) == 1
    printed = terminal.printed.decode("utf-8", "replace")
    (session,) = _unfinished(home)
    assert "a defect in the program (RuntimeError)" in printed
    assert f"signoff run --resume {session}" in printed
    assert "canary" not in printed
    terminal.close()

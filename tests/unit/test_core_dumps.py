"""A crash leaves nothing of what was in memory, and no other process reads it."""

from __future__ import annotations

import fcntl
import os
import re
import resource
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux's /proc")

COMMAND = ("-m", "signoff", "identity", "trust", "-")
"""The real command, which reads standard input to its end."""
AFTERWARDS = """
import ctypes, subprocess
from signoff.cli import main
try: main(['--version'])
except SystemExit: pass
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
print(subprocess.run(['sh', '-c', 'ulimit -c; ulimit -Hc'], capture_output=True, text=True).stdout)
"""


def wanting_cores() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))


def started(folder: Path) -> subprocess.Popen[bytes]:
    """Start the command where core dumps are wanted, and wait until it reads what it is given."""
    child = subprocess.Popen(
        [sys.executable, *COMMAND],
        cwd=folder,
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"HOME": str(folder), "PATH": os.environ["PATH"], "PYTHONPATH": ":".join(sys.path)},
        preexec_fn=wanting_cores,
    )
    assert child.stdin
    child.stdin.write(b"#")
    child.stdin.flush()
    unread = b"."
    while any(unread) and child.poll() is None:
        unread = fcntl.ioctl(child.stdin.fileno(), termios.FIONREAD, bytes(4))
    assert child.poll() is None
    return child


def leaves_core(child: subprocess.Popen[bytes], folder: Path) -> bool:
    """Kill it as a crash does, and tell whether the kernel dumped it."""
    child.send_signal(signal.SIGABRT)
    _, status = os.waitpid(child.pid, 0)
    assert os.WTERMSIG(status) == signal.SIGABRT
    return os.WCOREDUMP(status) or any(folder.glob("core*"))


def test_a_crash_leaves_no_core_dump(tmp_path: Path) -> None:
    child = started(tmp_path)
    limits = Path(f"/proc/{child.pid}/limits").read_text()
    assert re.search(r"^Max core file size +0 +0 +bytes", limits, re.MULTILINE)
    assert not leaves_core(child, tmp_path)


def test_no_core_dump_goes_to_a_program_and_the_children_have_the_limit(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", AFTERWARDS], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split()[-3:] == ["0", "0", "0"], "dumpable; its child's limits, soft and hard"

"""The whole walk by keyboard, at 80x24, against a real host: from the first start to the sealed record."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from desk import Desk
from labhost.host import Host
from terminal import Terminal

pytestmark = pytest.mark.lab

ANSWERS = ("2026-01-02", "22, 80 and 443", "2026-01-02, 4000 rows", "2 of 2")


def confirm(terminal: Terminal, value: str) -> None:
    """Confirm the step on the screen; Enter on the way records nothing."""
    terminal.press("Enter", "c")
    terminal.until("You confirm, in your name")
    terminal.press("Enter")
    terminal.type(value)
    terminal.press("Enter")
    terminal.until(lambda shown: value in shown and "You confirm" in shown)
    terminal.press("C-s")
    terminal.until(lambda shown: "You confirm, in your name" not in shown)


def events(desk: Desk) -> str:
    """Everything that is on disk."""
    (journal,) = (desk.home / "state" / "signoff" / "sessions").glob("*/session.jsonl")
    return journal.read_text()


def signoff_pid(desk: Desk) -> int:
    """The process that sits at this desk."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes().split(b"\0")
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if f"HOME={desk.home}".encode() in environment and b"-m\0signoff" in command:
            return int(process.name)
    raise AssertionError("signoff does not run at this desk")


def test_the_walk_survives_a_kill_and_ends_sealed(desk: Desk, terminal: Terminal, good_host: Host) -> None:
    desk.know(good_host)
    terminal.run(desk.command())
    terminal.until("shop")
    terminal.press("Enter")
    terminal.until("Which checklist?")
    terminal.press("Enter")
    terminal.until("4 pass")
    for number in (0, 1):
        confirm(terminal, ANSWERS[number])
        terminal.press("Right")
        terminal.until(f"· {number + 2} of 4")
    terminal.press("c")
    terminal.until("You confirm, in your name")
    terminal.type("half an ans")
    os.kill(signoff_pid(desk), signal.SIGKILL)
    terminal.until("Killed")
    assert ANSWERS[1] in events(desk)

    terminal.run(desk.command())
    terminal.until("shop")
    terminal.press("Enter")
    terminal.until("· 3 of 4")
    terminal.until("4 pass")
    assert '"type":"resumed"' in events(desk)
    confirm(terminal, ANSWERS[2])
    terminal.press("Right")
    terminal.until("· 4 of 4")
    confirm(terminal, ANSWERS[3])

    terminal.press("f")
    terminal.until("ctrl+s")
    terminal.press("C-s")
    terminal.until("Type seal")
    terminal.type("seal")
    terminal.press("Enter")
    terminal.until("nothing can be added or changed")
    terminal.press("q")
    shown = terminal.until("Verify it with")
    session = re.search(r"signoff verify (\S+)", shown)
    assert session
    written = events(desk)
    for answer in ANSWERS:
        assert written.count(f'"value":"{answer}"') == 1
    assert "half an ans" not in written
    done = desk.signoff("verify", session[1])
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("VALID\n")
    assert stock_accepts(desk, session[1])


def stock_accepts(desk: Desk, session: str) -> bool:
    """Run the very command that `signoff verify` prints, in the folder with allowed_signers."""
    lines = desk.signoff("verify", session).stdout.splitlines()
    commands = [line.strip() for line in lines if "ssh-keygen -Y verify" in line]
    folder = desk.home / "config" / "signoff"
    done = [
        subprocess.run(["sh", "-c", line], cwd=folder, check=False, capture_output=True) for line in commands
    ]
    return len(done) == 2 and all(one.returncode == 0 for one in done)


def test_a_closed_terminal_leaves_a_session_to_resume(desk: Desk, good_host: Host) -> None:
    desk.know(good_host)
    window = Terminal()
    try:
        window.run(desk.command("run", "--target", "shop"))
        window.until("4 pass")
        confirm(window, ANSWERS[0])
    finally:
        window.close()
    done = desk.signoff("run", "--plain", "--resume")
    assert done.returncode == 3, "three steps are still open"
    assert f"saw: {ANSWERS[0]}" in done.stdout


SILENT = """
import socket, time
with socket.create_server(("127.0.0.1", 0)) as server:
    print(server.getsockname()[1], flush=True)
    time.sleep(60)
"""


def test_quitting_while_connecting_is_quick(desk: Desk, terminal: Terminal) -> None:
    with subprocess.Popen([sys.executable, "-c", SILENT], stdout=subprocess.PIPE, text=True) as silent:
        try:
            assert silent.stdout
            port = silent.stdout.readline().strip()
            terminal.run(
                desk.command("run", "--target", f"ssh://nobody@127.0.0.1:{port}") + "; echo ended $?"
            )
            terminal.until(f"127.0.0.1:{port}")
            terminal.press("q")
            terminal.until(lambda shown: re.search(r"ended \d", shown) is not None, seconds=3)
        finally:
            silent.kill()

"""A walk on a terminal that is ended from outside."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from unit.window import Window

_CHECKLIST = """
schema: 1
id: small
title: {en: A small list}
about: {en: Two things that only a person can know.}
steps:
"""
_STEP = """
  - id: %s
    title: {en: The %s thing}
    ask: {en: Look at it.}
    why: {en: It matters.}
    severity: high
    items: [A1]
    probes: []
    confirm: {statement: {en: It is so.}, value: {en: What you saw}}
    remedy: {en: Put it right.}
    valid_days: 30
"""


def small_checklist(folder: Path) -> Path:
    """Write a checklist of two steps, ``first`` and ``second``."""
    path = folder / "small.yaml"
    path.write_text(_CHECKLIST + _STEP % ("first", "first") + _STEP % ("second", "second"))
    return path


def at_the_prompt(folder: Path, number: signal.Signals | None) -> tuple[Path, int, str]:
    """Answer one step of two, then end the walk at its prompt: by a signal, or by closing its terminal.

    Return the session's folder, the exit code, and what was printed.
    """
    command = [sys.executable, "-m", "signoff", "run", "--plain", str(small_checklist(folder))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "dumb"}
    window = Window(command, environment, folder)
    window.until("q Quit")
    for typed, then in (("c", "to leave it"), ("seen", "q Quit"), ("", "q Quit")):
        window.type(typed)
        window.until(then)
    if number is None:
        code = window.hang_up()
    else:
        os.kill(window.pid, number)
        code = window.end()
    sessions = Path(os.environ["XDG_STATE_HOME"]) / "signoff" / "sessions"
    (directory,) = [one for one in sessions.iterdir() if not one.name.startswith(".")]
    return directory, code, window.written

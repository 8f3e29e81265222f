"""What Textual would show of a secret, turned off: its log, its screenshots, its crash report's locals."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from traceback import walk_tb
from types import TracebackType

from rich.text import Text

# Textual's environment variables that write keys, messages or screens somewhere, press keys by themselves,
# let the terminal kill the app, or take another driver. Those left out only change how it looks.
HARMFUL = (
    "TEXTUAL",
    "TEXTUAL_ALLOW_SIGNALS",
    "TEXTUAL_DEBUG",
    "TEXTUAL_DEVTOOLS_HOST",
    "TEXTUAL_DEVTOOLS_PORT",
    "TEXTUAL_DRIVER",
    "TEXTUAL_LOG",
    "TEXTUAL_PRESS",
    "TEXTUAL_SCREENSHOT",
    "TEXTUAL_SCREENSHOT_FILENAME",
    "TEXTUAL_SCREENSHOT_LOCATION",
    "TEXTUAL_SHOW_RETURN",
)
_OFF = {
    "DEBUG": False,
    "DRIVER": None,
    "LOG_FILE": None,
    "PRESS": "",
    "SCREENSHOT_DELAY": -1,
    "SHOW_RETURN": False,
}


def clean_environment() -> None:
    """Take out of the environment what makes Textual log, take screenshots, or press keys."""
    for name in HARMFUL:
        os.environ.pop(name, None)
    constants = sys.modules.get("textual.constants")
    if constants is not None:
        # Textual read the environment when it was imported, which somebody else may have done first.
        for name, value in _OFF.items():
            setattr(constants, name, value)


def where(error: BaseException) -> tuple[str, ...]:
    """Return where an exception came from, as ``file:line in function``, innermost last.

    No message, no source line and no local: each of them may hold a secret.
    """
    return tuple(_frames(error.__traceback__))[-6:]


def _frames(traceback: TracebackType | None) -> list[str]:
    found = []
    for frame, line in walk_tb(traceback):
        path = Path(frame.f_code.co_filename)
        for package in ("signoff", "textual"):
            if package in path.parts[:-1]:
                at = len(path.parts) - 1 - path.parts[::-1].index(package)
                found.append(f"{'/'.join(path.parts[at:])}:{line} in {frame.f_code.co_name}")
                break
    return found


def _inner(error: BaseException) -> BaseException | None:
    # Textual's WorkerFailed keeps what the worker raised in ``error``.
    wrapped = getattr(error, "error", None)
    return wrapped if isinstance(wrapped, BaseException) else error.__cause__


def crash_report(error: BaseException | None, resume: str) -> Text:
    """Return what is printed after a defect ended the app: what happened, and how to go on."""
    cause = error
    while cause is not None and (inner := _inner(cause)) is not None:
        cause = inner
    name = type(cause).__name__ if cause is not None else "unknown"
    lines = [f"signoff stopped: a defect in the program ({name})."]
    if cause is not None:
        lines += [f"  {line}" for line in where(cause)]
    lines.append("Nothing is lost: what was answered is on disk.")
    if resume:
        lines.append(f"Go on with: signoff run --resume {resume}")
    lines.append("Please report it with the lines above; they hold nothing of yours.")
    return Text("\n".join(lines))

"""What Textual would show of a secret, turned off: its log, its screenshots, its crash report's locals."""

from __future__ import annotations

import os
import sys

from rich.text import Text

from signoff.defect import report

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


def crash_report(error: BaseException | None, resume: str) -> Text:
    """Return what is printed after a defect ended the app: what happened, and how to go on."""
    return Text(report(error, resume))

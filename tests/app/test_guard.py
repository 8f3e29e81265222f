"""A defect prints what happened and how to go on; never a local, a message, or a key that was pressed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import textual.constants

from signoff.app.guard import HARMFUL, clean_environment, crash_report
from signoff.credentials.secret import Secret
from signoff.defect import where

# Real programs on real terminals, against the clock of a machine that may be busy.
pytestmark = pytest.mark.flaky(reruns=2)

CANARY = "canary-9Zq7"

_SCRIPT = """
import sys, threading
from signoff.app.guard import clean_environment
if {clean}:
    clean_environment()
from textual.app import ComposeResult
from textual.widgets import Static
from textual import work
from signoff.app.app import SignoffApp, Start
from signoff.app.screens.base import SignoffScreen
from signoff.app.work import background, in_thread

def boom():
    secret = {canary!r}
    values = [secret, {{"password": secret}}]
    raise RuntimeError("the message says " + secret)

class Broken(SignoffScreen[None]):
    def compose(self) -> ComposeResult:
        if {place!r} == "compose":
            secret = {canary!r}
            boom()
        yield Static("x", markup=False)
    def on_mount(self):
        if {place!r} == "handler":
            boom()
        if {place!r} == "timer":
            self.set_timer(0.01, boom)
        if {place!r} == "worker":
            self.works()
        if {place!r} == "thread":
            self.app.call_later(self.threaded)
        if {place!r} == "background":
            self.goes_on()
    @work
    async def works(self):
        secret = {canary!r}
        boom()
    @work(thread=True)
    def threaded(self):
        secret = {canary!r}
        boom()
    @background("x")
    async def goes_on(self):
        await in_thread(boom)
    def key_q(self):
        self.app.exit()

class Breaking(SignoffApp):
    def on_mount(self):
        self.push_screen(Broken())
        if {place!r} in ("background", "none"):
            self.set_timer(0.4, self.exit)

app = Breaking(Start())
app.run(headless=True, size=(80, 24))
sys.exit(app.return_code)
"""


def _run(
    folder: Path, place: str, *, clean: bool = True, **environment: str
) -> subprocess.CompletedProcess[str]:
    script = folder / "broken.py"
    script.write_text(_SCRIPT.format(place=place, canary=CANARY, clean=clean))
    return subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("place", ["compose", "handler", "timer", "worker", "thread"])
def test_a_defect_shows_no_secret_and_how_to_go_on(tmp_path: Path, place: str) -> None:
    ran = _run(tmp_path, place)
    printed = ran.stdout + ran.stderr
    assert ran.returncode == 1
    assert "a defect in the program (RuntimeError)" in printed
    assert "Nothing is lost" in printed
    assert CANARY not in printed
    assert "Traceback" not in printed
    assert "locals" not in printed


def test_a_defect_in_the_background_prints_nothing(tmp_path: Path) -> None:
    ran = _run(tmp_path, "background")
    assert ran.returncode == 0
    assert CANARY not in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr


@pytest.mark.parametrize("clean", [True, False])
def test_textual_writes_no_log_takes_no_screenshot_and_presses_no_key(tmp_path: Path, clean: bool) -> None:
    log = tmp_path / "textual.log"
    ran = _run(
        tmp_path,
        "none",
        clean=clean,
        TEXTUAL="debug,devtools",
        TEXTUAL_LOG=str(log),
        TEXTUAL_DEBUG="1",
        TEXTUAL_SCREENSHOT="0",
        TEXTUAL_SCREENSHOT_LOCATION=str(tmp_path),
        TEXTUAL_SHOW_RETURN="1",
        TEXTUAL_PRESS="q",
    )
    assert ran.returncode == 0
    assert list(tmp_path.glob("*.svg")) == []
    # Without the cleaning, Textual has read its variables before the app could: its module says so at once.
    assert not log.exists() or log.read_text() == ""
    assert "The app returned" not in ran.stdout


def test_every_variable_of_this_textual_is_judged() -> None:
    source = Path(textual.constants.__file__).read_text("utf-8")
    source += (Path(textual.constants.__file__).parent / "app.py").read_text("utf-8")
    source += (Path(textual.constants.__file__).parent / "drivers" / "linux_driver.py").read_text("utf-8")
    harmless = {
        f"TEXTUAL_{name}"
        for name in (
            "ANIMATIONS",
            "COLOR_SYSTEM",
            "DIM_FACTOR",
            "DISABLE_KITTY_KEY",
            "FILTERS",
            "FPS",
            "SLOW_THRESHOLD",
            "SMOOTH_SCROLL",
            "THEME",
        )
    }
    named = set(re.findall(r"\"(TEXTUAL(?:_[A-Z_]+)?)\"", source))
    assert named
    assert named - harmless <= set(HARMFUL)


def test_the_environment_is_cleaned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_LOG", "/tmp/x")
    monkeypatch.setenv("TEXTUAL_FPS", "30")
    monkeypatch.setattr(textual.constants, "LOG_FILE", "/tmp/x")
    clean_environment()
    assert "TEXTUAL_LOG" not in os.environ
    assert os.environ["TEXTUAL_FPS"] == "30"
    assert textual.constants.LOG_FILE is None


def test_a_report_names_places_and_the_session_and_nothing_else() -> None:
    try:
        raise ValueError(CANARY)
    except ValueError as error:
        report = crash_report(error, "20260102-030405-abcdefgh").plain
    assert "ValueError" in report
    assert "signoff run --resume 20260102-030405-abcdefgh" in report
    assert CANARY not in report
    assert where(ValueError("x")) == ()


def test_a_secret_does_not_print() -> None:
    assert CANARY not in f"{Secret(CANARY)!r} {Secret(CANARY)}"

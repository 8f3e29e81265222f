"""The app among secrets: its screen, its crash reports, the clipboard, and what it leaves behind."""

from __future__ import annotations

import asyncio
import base64
import html
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.drive import on, running, settle, walk_of, write
from signoff.app.app import SignoffApp
from signoff.app.prompter import ScreenPrompter
from signoff.app.screens.answers import AnswerDialog
from signoff.app.screens.generate import GenerateScreen
from signoff.app.screens.prompts import ErrorDialog, SecretDialog
from signoff.app.screens.run import RunScreen
from unit.canaries import Canaries, awkward, plain
from unit.canary_shop import Shop, open_shop
from unit.window import Window

# Real programs on real terminals, against the clock of a machine that may be busy.
pytestmark = pytest.mark.flaky(reruns=2)

RIGHT, ESCAPE, CONTROL_S, CONTROL_Q, CONTROL_P = "\x1b[C", "\x1b", "\x13", "\x11", "\x10"
CLIPBOARD = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    folder = tmp_path / "home"
    folder.mkdir()
    with open_shop(folder) as made:
        yield made


def journal(shop: Shop) -> str:
    """Return what is on disk of the one session; nothing where there is none yet."""
    return "".join(
        path.read_text() for path in shop.home.glob(".local/state/signoff/sessions/*/session.jsonl")
    )


def until(true: Callable[[], bool], window: Window) -> None:
    """Wait for something, and let the window be drawn meanwhile."""
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, window.written[-2000:]
        window.draw(0.05)


def svg(app: SignoffApp) -> str:
    """Return all texts of a screenshot, in their order."""
    texts = re.findall(r"<text[^>]*>(.*?)</text>", app.export_screenshot(), re.DOTALL)
    return "".join(html.unescape(text) for text in texts).replace("\xa0", " ")


def test_a_walk_on_a_real_terminal(shop: Shop) -> None:
    window = shop.window("run", "--target", "local")
    until(lambda: journal(shop).count('"type":"probed"') >= 4, window)
    window.press("e")
    for _ in range(3):
        window.press(RIGHT)
        window.draw(0.3)
    window.press("?")
    window.draw(0.3)
    window.press(ESCAPE)
    window.draw(0.3)
    assert shop.canaries.in_text(window.written, "the terminal") == []
    window.press("n")
    window.draw(0.5)
    window.press(f"\x1b[200~It was {shop.canaries.values['token']}.\x1b[201~")
    window.draw(0.5)
    window.press(CONTROL_S)
    until(lambda: "about to be written" in window.written, window)
    window.press(ESCAPE)
    window.draw(0.3)
    window.press(CONTROL_Q)
    assert window.end() in {1, 3}
    assert "SECRET_KEY" in window.written, "the probes have read the file, and their findings were shown"
    assert shop.left() == []
    assert list(shop.home.glob("*.svg")) == []


@pytest.mark.parametrize(
    ("module", "name", "ends"),
    [
        ("signoff.app.screens.home", "HomeScreen.compose", True),
        ("signoff.app.screens.home", "HomeScreen.on_screen_resume", True),
        ("signoff.app.screens.home", "HomeScreen._show", False),
        ("signoff.app.screens.home", "look_around", False),
        ("signoff.app.work", "_Handover.run", False),
        ("signoff.app.app", "SignoffApp._settle_in", True),
    ],
    ids=["compose", "handler", "worker", "thread's work", "thread", "start"],
)
def test_a_defect_on_a_real_terminal(shop: Shop, module: str, name: str, ends: bool) -> None:
    shop.break_(module, name)
    window = shop.window()
    if not ends:
        until(lambda: shop.broken, window)
        window.draw(0.5)
        window.press(ESCAPE, CONTROL_Q)
    code = window.end()
    assert shop.broken
    assert shop.canaries.in_text(window.written, "the terminal") == []
    assert "Traceback" not in window.written
    assert "locals" not in window.written
    if ends:
        assert code == 1
        assert "a defect in the program (KeyError)" in window.written
    assert shop.left() == []
    assert list(shop.home.glob("*.svg")) == []


@pytest.mark.parametrize("leaves", [False, True])
def test_the_clipboard_is_cleared_in_its_time_and_at_the_end(shop: Shop, leaves: bool) -> None:
    shop.tamper(f"import signoff.app.screens.masked as m; m.COPIED_SECONDS = {60 if leaves else 0.5}")
    window = shop.window()
    window.until("New target")
    window.press("g")
    window.until("bits")
    window.press("y")
    until(lambda: len(CLIPBOARD.findall(window.written)) >= (1 if leaves else 2), window)
    window.press(CONTROL_Q)
    window.end()
    value, cleared = CLIPBOARD.findall(window.written)
    assert cleared == ""
    made = Canaries({"generated": base64.b64decode(value).decode()})
    assert len(made.values["generated"]) == 43
    assert ("clipboard was cleared" in window.written) == leaves
    assert made.in_text(CLIPBOARD.sub("", window.written), "the terminal") == []
    assert made.in_folder(shop.home) == []


async def test_screenshots_show_no_secret(app: SignoffApp) -> None:
    canaries = Canaries({"sudo": awkward("sudo")})
    async with app.run_test(size=(120, 36)) as pilot:
        await running(pilot)
        prompter = ScreenPrompter(app)
        asked = asyncio.create_task(asyncio.to_thread(prompter.sudo_password, "deploy", "shop"))
        try:
            while not isinstance(app.screen, SecretDialog):
                await pilot.pause(0.01)
            await settle(pilot)
            await write(pilot, canaries.values["sudo"])
            assert "•••" in svg(app), "it is typed, and masked"
            assert canaries.in_text(svg(app) + app.export_screenshot(), "a screenshot") == []
            await pilot.press("enter")
            given = await asked
        finally:
            prompter.close()
        assert given is not None
        assert given.reveal() == canaries.values["sudo"]
        assert canaries.in_text(svg(app), "a screenshot") == []
        await pilot.press("g")
        screen = on(pilot, GenerateScreen)
        made = Canaries({"generated": screen._made[0].value.reveal()})
        assert "bits" in svg(app)
        assert made.in_text(svg(app) + app.export_screenshot(), "a screenshot") == []
        assert made.in_text(repr(vars(screen)), "what the screen says of itself") == []


async def test_nothing_takes_a_screenshot(app: SignoffApp) -> None:
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await running(pilot)
        await pilot.press("ctrl+p")
        await settle(pilot)
        assert app.screen is screen, "no command palette"
        assert [one for one in screen.active_bindings.values() if "screenshot" in one.binding.action] == []


async def test_a_value_that_was_made_here_cannot_be_noted(app: SignoffApp, home: Path) -> None:
    async with app.run_test(size=(120, 36)) as pilot:
        await running(pilot)
        await pilot.press("g", "v")
        made = Canaries({"generated": on(pilot, GenerateScreen)._made[0].value.reveal()})
        await pilot.press("escape", "n")
        on(pilot, AnswerDialog)
        await write(pilot, f"The new one is {made.values['generated']}")
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert "a generated value" in svg(app)
        on(pilot, ErrorDialog)
        assert walk_of(app).session.state.steps[walk_of(app).keys[0]].notes == []
    assert made.in_folder(home) == []


async def test_what_is_copied_in_its_place_is_not_called_a_secret(app: SignoffApp) -> None:
    async with app.run_test(size=(120, 36)) as pilot:
        await running(pilot)
        await pilot.press("g", "y", "escape")
        app.copy(plain("command"))
        on(pilot, RunScreen)
        assert app._clearing is None
        assert app.clipboard.startswith("command")

"""What it looks like, at both sizes. After a change on purpose: ``pytest tests/app --snapshot-update``.

Many pictures are taken of one run: starting the app costs more than anything else here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_textual_snapshot import SVGImageExtension  # type: ignore[import-untyped]  # it has none
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from app.conftest import SHOP_PROFILE
from app.drive import on, running, settle, walk_of, write
from signoff.app.app import SignoffApp, Start
from signoff.app.screens.finish import FinishScreen
from signoff.app.screens.prompts import SecretDialog, host_key_dialog
from signoff.app.screens.run import RunScreen
from signoff.app.widgets.step_panel import StepPanel
from signoff.session import begin as begin_module
from signoff.session import tip as tip_module
from signoff.session.clock import Moment
from signoff.target.profile import Profile
from signoff.target.profiles import save_profile
from signoff.walk import Walk

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(params=[(80, 24), (120, 36)], ids=["80x24", "120x36"])
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    """Columns and rows."""
    chosen: tuple[int, int] = request.param
    return chosen


@pytest.fixture
def picture(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """What a screenshot is compared with."""
    return snapshot.use_extension(SVGImageExtension)


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the time stand still, and sessions be counted instead of drawn by lot."""

    def ids() -> Iterator[str]:
        number = 0
        while True:
            number += 1
            yield f"20260102-030405-{number:0>8}"

    made = ids()
    moment = Moment(NOW, 0, "00000000-0000-0000-0000-000000000000")
    monkeypatch.setattr(tip_module, "read_clock", lambda: moment)
    monkeypatch.setattr(begin_module, "new_id", lambda: next(made))
    monkeypatch.setattr("signoff.app.screens.home.__version__", "1.0.0")


async def _screenshot(pilot: Pilot[Any]) -> str:
    """Return the screen as it is drawn, with nothing that blinks."""
    await settle(pilot)
    for field in pilot.app.screen.query("Input, TextArea"):
        if isinstance(field, Input | TextArea):
            field.cursor_blink = False
    await pilot.pause()
    return pilot.app.export_screenshot()


async def test_walk(app: SignoffApp, picture: SnapshotAssertion, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await running(pilot)
        await pilot.press("right")
        assert await _screenshot(pilot) == picture(name="failing")
        await pilot.press("e")
        assert await _screenshot(pilot) == picture(name="evidence")
        await pilot.press("e")
        on(pilot, RunScreen).query_one(StepPanel).scroll_end(animate=False)
        assert await _screenshot(pilot) == picture(name="remedy")
        for key, name in (("y", "copy"), ("question_mark", "help"), ("l", "steps")):
            await pilot.press(key)
            assert await _screenshot(pilot) == picture(name=name)
            await pilot.press(*["escape"] * (not isinstance(app.screen, RunScreen)))
        for theme in ("signoff-light", "ansi-dark", "ansi-light"):
            app.theme = theme
            assert await _screenshot(pilot) == picture(name=theme)
        app.theme = "signoff-dark"
        await pilot.press("c")
        await write(pilot, "22, 80, 443 from anywhere")
        assert await _screenshot(pilot) == picture(name="confirm")
        await pilot.press("escape", "a")
        await write(pilot, "vendor")
        await pilot.press("ctrl+s")
        assert await _screenshot(pilot) == picture(name="accept")
        await pilot.press("escape", "right")
        assert await _screenshot(pilot) == picture(name="passing")
        await pilot.press("c")
        await write(pilot, "2026-01-01, 1204 rows")
        await pilot.press("ctrl+s")
        await settle(pilot)
        on(pilot, RunScreen).query_one(StepPanel).scroll_end(animate=False)
        assert await _screenshot(pilot) == picture(name="confirmed")
        await pilot.press("f")
        await settle(pilot)
        screen = on(pilot, FinishScreen)
        folder = Path("/home/deploy/.local/state/signoff/sessions") / walk_of(app).session.id
        screen._session = replace(screen._session, directory=folder)
        screen._show()
        assert await _screenshot(pilot) == picture(name="finish")
        await pilot.press("ctrl+s")
        assert await _screenshot(pilot) == picture(name="seal")


async def test_home(
    begin: Callable[[], Walk],
    picture: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
) -> None:
    monkeypatch.setattr(Path, "cwd", lambda: Path("/srv/shop"))
    save_profile(SHOP_PROFILE)
    save_profile(Profile(name="staging", address="ssh://staging", url="https://staging.shop.example"))
    sealed, unfinished = begin(), begin()
    sealed.probe()
    sealed.finish()
    unfinished.probe()
    unfinished.enter(unfinished.keys[1])
    unfinished.close()
    app = SignoffApp(Start())
    app.now = lambda: NOW + timedelta(minutes=14)
    async with app.run_test(size=size) as pilot:
        assert await _screenshot(pilot) == picture(name="home")
        await pilot.press("g")
        assert await _screenshot(pilot) == picture(name="generate")
        await pilot.press("escape", "n", "ctrl+s")
        assert await _screenshot(pilot) == picture(name="form")
        await pilot.press("escape")
        fingerprint = "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8"
        app.push_screen(host_key_dialog("shop.example:22", "ssh-ed25519", fingerprint))
        assert await _screenshot(pilot) == picture(name="host-key")
        app.pop_screen()
        app.push_screen(SecretDialog("Password for sudo", "sudo asks for the password.", "goes on without"))
        await pilot.pause()
        await pilot.press(*"hunter2")
        assert await _screenshot(pilot) == picture(name="secret")
        app.pop_screen()
        app.show_error("shop.example:22 cannot be reached: refused.", "Is it up?", again="tries again")
        assert await _screenshot(pilot) == picture(name="error")

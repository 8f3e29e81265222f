"""What it looks like, at both sizes. After a change on purpose: ``pytest tests/app --snapshot-update``.

Many pictures are taken of one run: starting the app costs more than anything else here.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pytest_textual_snapshot import SVGImageExtension  # type: ignore[import-untyped]  # it has none
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, TextArea

from app.conftest import SHOP_PROFILE
from app.drive import arrives, on, running, settle, walk_of, write
from signoff import paths
from signoff.app.app import SignoffApp, Start
from signoff.app.screens.code_entry import CodeScreen
from signoff.app.screens.enrolment import EnrolmentScreen
from signoff.app.screens.finish import FinishScreen
from signoff.app.screens.handing_over import HandOverScreen
from signoff.app.screens.leaving import LeavingDialog
from signoff.app.screens.prompts import SecretDialog, TypedWord, host_key_dialog
from signoff.app.screens.run import RunScreen
from signoff.app.screens.session import SessionScreen
from signoff.app.widgets.step_panel import StepPanel
from signoff.credentials import secret_file, totp
from signoff.credentials.totp import Answer, Checked
from signoff.enrolling import Place
from signoff.session import begin as begin_module
from signoff.session import tip as tip_module
from signoff.session.clock import Moment
from signoff.target.profile import Profile
from signoff.target.profiles import save_profile
from signoff.target.second_factor import SecondFactor
from signoff.walk import Walk

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CODES = {"123456": Checked(Answer.FAR, 300), "287082": Checked(Answer.ACCEPTED, -30)}


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
    monkeypatch.setattr("signoff.session.enrol.read_clock", lambda: moment)
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


async def test_gaps(
    begin: Callable[[], Walk],
    picture: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
) -> None:
    monkeypatch.setattr(Path, "cwd", lambda: Path("/srv/shop"))
    save_profile(SHOP_PROFILE)
    walks = [begin() for _ in range(3)]
    for walk in walks:
        walk.finish()
    shutil.rmtree(walks[0].session.directory)
    (walks[1].session.directory / "seal.sig").unlink()
    async with SignoffApp(Start()).run_test(size=size) as pilot:
        await settle(pilot)
        await pilot.press("down", "down", "down")
        assert await _screenshot(pilot) == picture(name="home")
        folder = Path("/home/deploy/.local/state/signoff/sessions")
        monkeypatch.setattr(paths, "sessions_directory", lambda: folder)
        await pilot.press("enter")
        assert await _screenshot(pilot) == picture(name="missing")


async def test_enrolment(
    app: SignoffApp, picture: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    # Nobody's key: the one of RFC 6238, appendix B.
    monkeypatch.setattr("pyotp.random_base32", lambda _length: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    monkeypatch.setattr(secret_file, "check_new", lambda _path: None)
    monkeypatch.setattr(totp.Verifier, "check", lambda _self, typed: CODES[typed])
    async with app.run_test(size=size) as pilot:
        await running(pilot)
        walk = walk_of(app)
        factor = SecondFactor(sql="UPDATE admins SET totp_secret = :seed WHERE email = :account")
        walk.profile = msgspec.structs.replace(walk.profile, second_factor=factor, database="shop")
        screen = EnrolmentScreen(walk, ("quick-production", "admin-access"))
        app.push_screen(screen)
        await pilot.pause()
        for place in Place:
            screen.query_one(OptionList).highlighted = list(Place).index(place)
            assert await _screenshot(pilot) == picture(name=place.name.lower())
        screen.query_one(OptionList).highlighted = list(Place).index(Place.FILE)
        screen.query_one("#file", Input).value = "/home/deploy/shop-admin.key"
        await pilot.press("ctrl+s")
        await arrives(pilot, CodeScreen)
        assert await _screenshot(pilot) == picture(name="code")
        await write(pilot, "123456")
        await pilot.press("enter")
        assert await _screenshot(pilot) == picture(name="wrong-code")
        await pilot.press("t")
        assert await _screenshot(pilot) == picture(name="text")
        await write(pilot, "287082")
        await pilot.press("enter")
        await arrives(pilot, TypedWord)
        assert await _screenshot(pilot) == picture(name="delivery")
        await pilot.press("escape")
        assert await _screenshot(pilot) == picture(name="verified")
        await pilot.press("escape")
        await arrives(pilot, LeavingDialog)
        assert await _screenshot(pilot) == picture(name="leaving")
        await pilot.press("escape")
        screen.query_one(OptionList).highlighted = list(Place).index(Place.HAND)
        await pilot.press("ctrl+s")
        await arrives(pilot, HandOverScreen)
        assert await _screenshot(pilot) == picture(name="hand-over")
        await pilot.press("ctrl+s")
        await arrives(pilot, TypedWord)
        await write(pilot, "yes")
        await pilot.press("enter")
        await settle(pilot)
        assert await _screenshot(pilot) == picture(name="recovery-codes")


async def test_past_session(sealed: Path, picture: SnapshotAssertion, size: tuple[int, int]) -> None:
    app = SignoffApp(Start())
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        app.push_screen(SessionScreen(sealed))
        await settle(pilot)
        await pilot.press("f", *["down"] * 9)
        assert await _screenshot(pilot) == picture(name="finding")
        await pilot.press("a", "s")
        assert await _screenshot(pilot) == picture(name="said")
        await pilot.press("a", "end", "up")
        assert await _screenshot(pilot) == picture(name="resumed")
        await pilot.press("v")
        assert await _screenshot(pilot) == picture(name="verdict")
        await pilot.press("escape", "escape")
        (sealed / "session.jsonl").write_bytes((sealed / "session.jsonl").read_bytes()[:9000])
        app.push_screen(SessionScreen(sealed))
        await settle(pilot)
        assert await _screenshot(pilot) == picture(name="damaged")

"""The form of a target loses nothing that was typed, and overwrites no other target."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from app.conftest import SHOP_PROFILE
from app.drive import on, settle, shown, text_of, write
from signoff.app.app import SignoffApp, Start
from signoff.app.screens.home import HomeScreen
from signoff.app.screens.leaving import LeavingDialog
from signoff.app.screens.target_form import TargetForm
from signoff.target.profiles import load_profiles, save_profile


@pytest.mark.parametrize("key", ["escape", "ctrl+q"])
async def test_leaving_asks_where_something_was_typed(key: str) -> None:
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("n", "escape")
        on(pilot, HomeScreen)
        await pilot.press("n")
        await write(pilot, "shop")
        await pilot.press(key)
        assert "not saved" in shown(on(pilot, LeavingDialog))
        await pilot.press("escape")
        assert on(pilot, TargetForm).query_one("#name", Input).value == "shop"
        await pilot.press("escape")
        await write(pilot, "leave")
        await pilot.press("enter")
        await settle(pilot)
        on(pilot, HomeScreen)
        assert load_profiles() == {}


async def test_no_other_target_is_overwritten() -> None:
    save_profile(SHOP_PROFILE)
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("n")
        form = on(pilot, TargetForm)
        await write(pilot, "shop")
        await pilot.press("enter")
        await write(pilot, "local")
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert "Another target has this name." in shown(form)
        assert load_profiles()["shop"] == SHOP_PROFILE
        form.query_one("#name", Input).value = "desk"
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert set(load_profiles()) == {"shop", "desk"}
        form.query_one("#name", Input).value = "table"
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert "desk is still there, too" in text_of(form, "#status")
        await pilot.press("escape")
        on(pilot, HomeScreen)

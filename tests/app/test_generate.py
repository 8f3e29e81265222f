"""The generator: masked, shown for a while, copied for a while, written for one's own eyes."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, OptionList

from app.drive import on, settle, shown, text_of, write
from signoff.app.app import SignoffApp, Start
from signoff.app.screens import generate
from signoff.app.screens.generate import FileDialog, GenerateScreen
from signoff.app.screens.home import HomeScreen
from signoff.credentials.generate import KINDS


async def test_shown_only_while_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "SHOWN_SECONDS", 0.2)
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("g")
        screen = on(pilot, GenerateScreen)
        for number, name in enumerate(KINDS):
            screen.query_one(OptionList).highlighted = number
            await pilot.pause()
            values = [one.value.reveal() for one in screen._made]
            assert values, name
            assert values[0].splitlines()[0] not in shown(screen)
            assert "••••" in shown(screen)
        screen.query_one(OptionList).highlighted = 0
        await pilot.pause()
        value = screen._made[0].value.reveal()
        await pilot.press("v")
        assert value in shown(screen)
        await pilot.pause(0.3)
        assert value not in shown(screen)
        await pilot.press("v", "v")
        assert value not in shown(screen)
        await pilot.press("g")
        assert screen._made[0].value.reveal() != value
        await pilot.press("escape")
        on(pilot, HomeScreen)
        assert screen._made == ()


async def test_length_and_count_are_judged() -> None:
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("g", "tab")
        screen = on(pilot, GenerateScreen)
        length, count = screen.query_one("#length", Input), screen.query_one("#count", Input)
        length.value = "3"
        await pilot.pause()
        assert "too few" in text_of(screen, "#problem")
        length.value = ""
        await pilot.pause()
        assert "too few" in text_of(screen, "#problem")
        length.value = "64"
        count.value = "3"
        await pilot.pause()
        assert [len(one.value) for one in screen._made] == [64, 64, 64]
        count.value = "99"
        await pilot.pause()
        assert "1 to 50" in text_of(screen, "#problem")


async def test_the_clipboard_is_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "COPIED_SECONDS", 0.2)
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("g", "y")
        screen = on(pilot, GenerateScreen)
        assert app.clipboard == screen._made[0].value.reveal()
        await pilot.pause(0.3)
        assert app.clipboard == ""


async def test_written_to_a_file_of_ones_own(tmp_path: Path) -> None:
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("g", "w")
        dialog = on(pilot, FileDialog)
        await pilot.press("enter")
        await write(pilot, str(tmp_path / "no" / "key"))
        await pilot.press("enter")
        assert "There is no folder" in text_of(dialog, "#problem")
        (tmp_path / "there").write_text("mine")
        dialog.query_one(Input).value = str(tmp_path / "there")
        await pilot.press("enter")
        assert "something already" in text_of(dialog, "#problem")
        dialog.query_one(Input).value = str(tmp_path / "key")
        await pilot.press("enter")
        await settle(pilot)
        screen = on(pilot, GenerateScreen)
        assert (tmp_path / "key").read_text() == screen._made[0].value.reveal() + "\n"
        assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / "there").read_text() == "mine"

"""The generator: masked, shown for a while, copied for a while, written for one's own eyes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from app.drive import arrives, on, running, settle, shown, text_of, walk_of, write
from app.fakes import FakeTarget
from signoff.app.app import SignoffApp, Start
from signoff.app.screens import masked
from signoff.app.screens.carrying_out import CarryingOut
from signoff.app.screens.generate import GenerateScreen
from signoff.app.screens.home import HomeScreen
from signoff.app.screens.masked import FileDialog
from signoff.app.screens.prompts import ErrorDialog, TypedWord
from signoff.app.screens.variable import VariableDialog
from signoff.credentials.generate import KINDS
from signoff.target.local import LocalTarget
from unit.canaries import Canaries, plain
from unit.env_files import OLD, put
from unit.target.rig import Operator


async def test_shown_only_while_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masked, "SHOWN_SECONDS", 0.2)
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
        assert text_of(screen, "#status") == "hidden  tab leaves the field"
        await pilot.press("enter")
        assert text_of(screen, "#status") == "hidden  v shows"
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
    monkeypatch.setattr(masked, "COPIED_SECONDS", 0.2)
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


async def into(pilot: Pilot[Any], name: str) -> None:
    """Ask for the value to be put into a variable of the file that is proposed."""
    await pilot.press("e")
    on(pilot, VariableDialog)
    await write(pilot, name)
    await pilot.press("enter")
    await settle(pilot)


async def tell(pilot: Pilot[Any], word: str) -> None:
    """Type a word into the dialog that asks for one."""
    on(pilot, TypedWord)
    await write(pilot, word)
    await pilot.press("enter")
    await settle(pilot)


async def over(pilot: Pilot[Any]) -> str:
    """Wait until what is carried out has ended; return what was said, and go back."""
    screen = await arrives(pilot, CarryingOut)
    while not screen._over:
        await pilot.pause(0.01)
    await pilot.pause()
    said = " ".join(shown(screen).split())
    await pilot.press("escape")
    return said


async def test_straight_into_a_file_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file, app = put(tmp_path / ".env"), SignoffApp(Start())
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("g")
        screen = on(pilot, GenerateScreen)
        made = Canaries({"made": screen.values[0].reveal()})
        await into(pilot, "NEW_KEY")
        said = shown(on(pilot, TypedWord))
        assert str(tmp_path)[:40] in said
        assert "NEW_KEY  •••••••• (the new value)" in said
        await pilot.press("enter")
        await tell(pilot, "y")
        assert file.read_bytes() == OLD, "only yes writes"
        on(pilot, TypedWord).query_one(Input).value = ""
        await tell(pilot, "yes")
        assert "NEW_KEY has the value" in await over(pilot)
        assert on(pilot, GenerateScreen) is screen
        assert file.read_bytes() == OLD + f"\r\nNEW_KEY={made.values['made']}\r\n".encode()
        assert made.in_text(app.export_screenshot(), "a screenshot") == []
    assert made.in_folder(tmp_path, besides=[file]) == []


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"A=1\nNEW=\nA=2\nNEW=\n", "NEW", "NEW is there a second time"),
        (b"A='never closed\n", "NEW", "Line 1: this is no assignment"),
        (b"A=1\n", "NO NAME", "is no name for a variable"),
        (None, "NEW", "it is not there"),
    ],
)
async def test_a_file_that_cannot_take_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, name: str, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        put(tmp_path / ".env", content)
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("g")
        await into(pilot, name)
        assert words in " ".join(shown(on(pilot, ErrorDialog)).split())
    assert not (tmp_path / ".env").exists() or (tmp_path / ".env").read_bytes() == content


async def test_a_value_that_is_there_is_replaced_by_a_word_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    canaries = Canaries({"old": plain("old")})
    file = put(tmp_path / ".env", f"KEY={canaries.values['old']} # mine\n".encode())
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("g")
        made = on(pilot, GenerateScreen).values[0].reveal()
        await into(pilot, "KEY")
        assert "signoff env rotate" in shown(app.screen)
        await tell(pilot, "yes")
        assert "That is not replace" in shown(app.screen)
        on(pilot, TypedWord).query_one(Input).value = ""
        await tell(pilot, "replace")
        assert "what it has now" in shown(app.screen)
        assert canaries.in_text(app.export_screenshot(), "a screenshot") == []
        await tell(pilot, "yes")
        assert "Done." in await over(pilot)
        on(pilot, GenerateScreen)
    assert file.read_text() == f"KEY={made} # mine\n"


async def test_into_the_targets_file_and_into_the_record(
    app: SignoffApp, target: FakeTarget, tmp_path: Path
) -> None:
    target.hands = LocalTarget(Operator())
    (tmp_path / "shop").mkdir()
    file = put(tmp_path / "shop" / ".env")
    async with app.run_test(size=(80, 24)) as pilot:
        await running(pilot)
        walk = walk_of(app)
        walk.profile = msgspec.structs.replace(walk.profile, project=str(file.parent))
        await pilot.press("g")
        made = Canaries({"made": on(pilot, GenerateScreen).values[0].reveal()})
        await pilot.press("e")
        assert "deploy@shop.example" in shown(on(pilot, VariableDialog))
        await pilot.press("escape")
        await into(pilot, "NEW_KEY")
        await tell(pilot, "yes")
        assert f"Writing NEW_KEY in {file}"[:60] in await over(pilot)
        assert f"NEW_KEY={made.values['made']}".encode() in file.read_bytes()
        journal = (walk.session.directory / "session.jsonl").read_text()
        assert '"action":"env.put"' in journal
        assert f'"subject":"NEW_KEY in {file}"' in journal
        assert '"outcome":"done"' in journal
    assert made.in_folder(tmp_path / "state") == []


async def test_a_file_that_changes_after_the_preview_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file, app = put(tmp_path / ".env"), SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("g")
        await into(pilot, "NEW_KEY")
        file.write_bytes(b"NEW_KEY=somebody-elses-Zm9vYmFyYmF6\n")
        await tell(pilot, "yes")
        assert "has a value already" in await over(pilot)
    assert file.read_bytes() == b"NEW_KEY=somebody-elses-Zm9vYmFyYmF6\n"


async def test_without_its_target_nothing_is_put_into_its_file(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await running(pilot)
        walk_of(app)._engine = None
        await pilot.press("g", "e")
        assert "not connected" in shown(on(pilot, ErrorDialog))


async def test_several_values_go_into_no_variable(tmp_path: Path) -> None:
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await settle(pilot)
        await pilot.press("g")
        screen = on(pilot, GenerateScreen)
        screen.query_one("#count", Input).value = "2"
        await pilot.pause()
        await pilot.press("e")
        await settle(pilot)
        assert on(pilot, GenerateScreen) is screen
        assert "One value goes into a variable" in shown(screen)

"""Bindings: each has an id and says what it does; the help and the key map are made from them."""

from __future__ import annotations

from collections import Counter

import pytest
from textual.binding import Binding

from app.drive import on, running, settle, shown, text_of, walk_of
from signoff import paths
from signoff.app.app import SignoffApp, Start
from signoff.app.keys import _long, all_bindings, keymap
from signoff.app.screens.answers import AnswerDialog
from signoff.app.screens.help import HelpScreen
from signoff.app.screens.prompts import ErrorDialog
from signoff.app.screens.run import RunScreen
from signoff.walk_keys import WALK_KEYS


def _settings(text: str) -> None:
    paths.settings_file().parent.mkdir(parents=True, exist_ok=True)
    paths.settings_file().write_text(text)


def test_every_binding_has_an_id_and_a_meaning() -> None:
    bindings = list(all_bindings())
    assert len(bindings) > 40
    for owner, binding in bindings:
        assert binding.id, (owner, binding)
        assert binding.tooltip, (owner, binding)
        assert binding.description, (owner, binding)


def test_one_id_means_one_thing() -> None:
    meanings = {(binding.id, binding.action) for _owner, binding in all_bindings()}
    several = [name for name, count in Counter(name for name, _ in meanings).items() if count > 1]
    # "generate" opens the generator, and makes new values in it.
    assert several == ["generate"]


def test_no_screen_uses_a_key_twice() -> None:
    for owner in {owner for owner, _ in all_bindings()}:
        keys = Counter(binding.key for one, binding in all_bindings() if one is owner)
        assert max(keys.values()) == 1, owner


def test_the_walks_keys_are_those_of_the_table_that_the_plain_walk_has_too() -> None:
    bound: dict[str, Binding] = {}
    for owner in (RunScreen, SignoffApp):
        for binding in Binding.make_bindings(owner.BINDINGS):
            bound[binding.id or ""] = binding
    for one in WALK_KEYS.values():
        binding = bound.pop(one.id)
        assert binding.key == _long(one.key)
        assert (binding.description, binding.tooltip) == (one.name, one.help)
    taken = {_long(one.key) for one in WALK_KEYS.values()}
    for binding in bound.values():
        assert binding.key not in taken, "one key, two meanings"


def test_a_key_of_the_table_means_the_same_wherever_its_id_is_bound() -> None:
    for owner, binding in all_bindings():
        if binding.id and binding.id in WALK_KEYS and owner.__name__ != "GenerateScreen":
            assert binding.key == _long(WALK_KEYS[binding.id].key), owner


@pytest.mark.parametrize("key", ["enter", "space", "y"])
def test_no_such_key_records_or_seals(key: str) -> None:
    for _owner, binding in all_bindings():
        if binding.id in {"record", "seal"}:
            assert binding.key != key
    for name in ("record", "seal"):
        good, wrong = keymap({name: key})
        assert good == {}
        assert "deliberate" in wrong[0]


def test_a_key_map_is_checked() -> None:
    good, wrong = keymap({"recheck": "f5", "confirm": "C,ctrl+y", "nothing": "z", "skip": "", "record": "f2"})
    assert good == {"recheck": "f5", "confirm": "upper_c,ctrl+y", "record": "f2"} or good[
        "confirm"
    ].startswith("C")
    assert any("nothing" in one for one in wrong)
    assert any("skip" in one for one in wrong)
    _good, wrong = keymap({"recheck": "z", "skip": "z"})
    assert any("asked for twice" in one for one in wrong)


async def test_the_operators_keys_are_in_force_and_shown(app: SignoffApp) -> None:
    _settings('theme = "light"\n[keys]\nrecheck = "f6"\nconfirm = "C"\nrecord = "f2"\n')
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await running(pilot)
        assert app.theme == "signoff-light"
        bar = shown(screen).splitlines()[-1]
        assert "f6 Recheck" in bar
        assert "C Confirm" in bar
        assert "f6  look again" in text_of(screen, "#now")
        await pilot.press("c")
        assert app.screen is screen
        await pilot.press("C")
        dialog = on(pilot, AnswerDialog)
        assert "f2 records this in your name" in shown(dialog)
        await pilot.press("x", "ctrl+s")
        on(pilot, AnswerDialog)
        await pilot.press("f2")
        await settle(pilot)
        assert walk_of(app).state(screen.page.key).answer


async def test_a_wrong_key_map_is_told() -> None:
    _settings('theme = "mauve"\n[keys]\nrecord = "enter"\n')
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "deliberate" in shown(on(pilot, ErrorDialog))
        await pilot.press("escape")
        assert "there is no theme mauve" in shown(on(pilot, ErrorDialog))


async def test_help_is_made_from_the_live_bindings(app: SignoffApp) -> None:
    async with app.run_test(size=(120, 60)) as pilot:
        await running(pilot)
        await pilot.press("question_mark")
        said = shown(on(pilot, HelpScreen))
        for binding in Binding.make_bindings(RunScreen.BINDINGS):
            if binding.id != "stop-work":  # nothing runs
                assert binding.tooltip in said, binding
        for tooltip in (
            "Leave; everything is on disk",
            "the machine saw that it is wrong",
            "a person said so",
        ):
            assert tooltip in said
        await pilot.press("escape")
        on(pilot, RunScreen)
        await pilot.press("f1")
        on(pilot, HelpScreen)
        await pilot.press("ctrl+q")
        await pilot.pause()
    assert app.return_code == 0


async def test_a_key_in_the_bar_can_be_clicked(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await running(pilot)
        at = shown(screen).splitlines()[-1].index("s Skip")
        await pilot.click("#keys", offset=(at + 3, 0))
        await pilot.pause()
        assert "Skip this step" in shown(on(pilot, AnswerDialog))


async def test_there_is_no_command_palette_and_no_screenshot(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await running(pilot)
        await pilot.press("ctrl+p", "ctrl+backslash")
        await pilot.pause()
        assert app.screen is screen
        assert not app.use_command_palette
        assert all("screenshot" not in binding.action for _, binding in all_bindings())


async def test_ctrl_c_never_quits(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await running(pilot)
        await pilot.press("ctrl+c", "ctrl+c")
        await settle(pilot)
        assert app.screen is screen
        assert app.is_running

"""Text from outside is drawn as it is: it acts on nothing, and breaks nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from textual.screen import Screen
from textual.widgets import Input

from app.drive import on, running, settle, shown, text_of, walk_of, write
from app.fakes import FakeTarget, command, judgement, outputs
from signoff.app.app import SignoffApp, Start
from signoff.app.screens.answers import AnswerDialog
from signoff.app.screens.finish import FinishScreen
from signoff.app.screens.prompts import ErrorDialog
from signoff.app.screens.run import RunScreen
from signoff.checklist.load import Loaded
from signoff.checklist.model import Text
from signoff.model import Result
from signoff.target.profile import Profile
from signoff.target.profiles import save_profile
from signoff.walk import Walk

CLICK = "[@click=app.quit]x[/]"
HOSTILE = (
    f"{CLICK} \x1b]0;pwn\x07 \x1b[2J\x1b[31m [red]r[/red] [/] [link=file:///x]l[/link] "
    "\u202eevil\u202c \u200b \x9b31m \x00 \ud800 [bold"
)
LONG = "A" * 20_000
FORBIDDEN = ("\x1b", "\x07", "\x9b", "\x00", "\u202e", "\u200b", "pwn")


def _check(screen: Screen[Any]) -> None:
    said = shown(screen)
    for harmful in FORBIDDEN:
        assert harmful not in said, repr(harmful)


@pytest.fixture
def hostile(target: FakeTarget, checklist: Loaded) -> Loaded:
    """Put hostile texts into every finding and every text of the checklist."""
    target.address = f"ev{HOSTILE}il"
    names = [use.use for step in checklist.checklist.steps for use in step.uses]
    found = [
        judgement(
            result,
            HOSTILE,
            title=HOSTILE,
            expected=HOSTILE + LONG,
            evidence=[HOSTILE, LONG, *["line " + CLICK] * 100],
            remedy=f"{HOSTILE}\nrm `x{CLICK}`\n{LONG}",
            fix=command(f"rm {HOSTILE}"),
        )
        for result in (Result.FAIL, Result.PASS, Result.UNKNOWN)
    ]
    target.outputs = outputs(dict.fromkeys(names, found))
    text = Text(en=HOSTILE, ru=HOSTILE)
    steps = tuple(
        msgspec.structs.replace(
            step,
            title=text,
            ask=text,
            why=text,
            remedy=text,
            confirm=msgspec.structs.replace(step.confirm, statement=text, value=text)
            if step.confirm
            else None,
        )
        for step in checklist.checklist.steps
    )
    changed = msgspec.structs.replace(checklist.checklist, title=text, steps=steps)
    return dataclasses.replace(checklist, checklist=changed)


@pytest.mark.parametrize("size", [(100, 30), (40, 12)])
async def test_findings_and_checklists(hostile: Loaded, size: tuple[int, int]) -> None:
    profile = Profile(name="shop", address="ssh://deploy@shop.example")
    app = SignoffApp(Start(profile, (hostile,)))
    async with app.run_test(size=size, notifications=True) as pilot:
        screen = await running(pilot)
        _check(screen)
        assert CLICK in text_of(screen, "#title")
        await pilot.press("e")
        await settle(pilot)
        _check(screen)
        for key, kind in (("c", AnswerDialog), ("s", AnswerDialog), ("a", AnswerDialog), ("f", FinishScreen)):
            await pilot.press(key)
            await settle(pilot)
            _check(on(pilot, kind))
            await pilot.press("escape")
        await pilot.press("y")
        assert app.clipboard.startswith(f"rm {CLICK}")
        for harmful in FORBIDDEN:
            assert harmful not in app.clipboard
        # Wherever the hostile text stands, clicking on it does nothing.
        for y in range(2, size[1] - 2, 6):
            await pilot.click(offset=(size[0] // 2, y))
        await settle(pilot)
        assert app.is_running
        assert isinstance(app.screen, RunScreen)


async def test_what_a_person_says_and_what_goes_wrong(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await running(pilot)
        await pilot.press("n")
        await write(pilot, CLICK + " [red]")
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert CLICK in text_of(screen, "#said")
        app.show_error(HOSTILE, HOSTILE, again="tries")
        await settle(pilot)
        _check(on(pilot, ErrorDialog))
        await pilot.press("y", "escape")
        assert "\x1b" not in app.clipboard
        assert walk_of(app).state(screen.page.key).notes


async def test_sessions_and_targets_on_the_home_screen(begin: Callable[[], Walk], target: FakeTarget) -> None:
    target.address = HOSTILE.replace("\ud800", "")
    begin().close()
    save_profile(Profile(name="x", address="ssh://deploy@shop.example", database=CLICK + "[red]"))
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        _check(app.screen)
        await pilot.press("n", "escape")
        await settle(pilot)
        await pilot.press("down", "e")
        await settle(pilot)
        _check(app.screen)
        assert app.screen.query_one("#database", Input).value == CLICK + "[red]"

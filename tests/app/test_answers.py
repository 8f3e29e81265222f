"""No accidental yes: what is not typed and recorded with a deliberate key is not said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from textual.widgets import Input, TextArea

from app.drive import on, running, settle, shown, text_of, walk_of, write
from signoff.app.app import SignoffApp
from signoff.app.screens.answers import AnswerDialog
from signoff.app.screens.run import RunScreen
from signoff.session.state import StepState

EVERYWHERE = ("enter", "space", "y", "Y", "enter", "tab", "enter", "space", "y", "enter")


def _said(app: SignoffApp) -> list[StepState]:
    return [state for state in walk_of(app).session.state.steps.values() if state.answer or state.notes]


@pytest.mark.parametrize(("size", "keys"), [((80, 24), "csNanuf"), ((120, 36), "cf")])
async def test_enter_space_and_y_attest_nothing(app: SignoffApp, size: tuple[int, int], keys: str) -> None:
    async with app.run_test(size=size) as pilot:
        await running(pilot)
        await pilot.press(*EVERYWHERE)
        for key in keys:
            await pilot.press(key, *EVERYWHERE)
            while not isinstance(app.screen, RunScreen):
                await pilot.press("escape")
            await settle(pilot)
            assert not _said(app), key
            assert walk_of(app).session.state.sealed is None, key


async def test_an_empty_answer_is_refused(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await running(pilot)
        for key in "csNan":
            await pilot.press(key, "ctrl+s")
            assert "Nothing is typed yet." in shown(on(pilot, AnswerDialog))
            await write(pilot, "  \n ")
            await pilot.press("ctrl+s")
            on(pilot, AnswerDialog)
            await pilot.press("escape")
            on(pilot, RunScreen)
        await settle(pilot)
        assert not _said(app)


async def test_enter_begins_a_line_and_escape_says_nothing(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await running(pilot)
        for key in "csNan":
            await pilot.press(key)
            await write(pilot, "first")
            await pilot.press("enter", "enter")
            assert on(pilot, AnswerDialog).query_one(TextArea).text == "first\n\n"
            await pilot.press("escape")
        await settle(pilot)
        assert not _said(app)


async def test_a_risk_needs_a_day_to_come(app: SignoffApp) -> None:
    today = datetime.now(UTC).date()
    async with app.run_test(size=(80, 24)) as pilot:
        await running(pilot)
        await pilot.press("a")
        await write(pilot, "vendor")
        await pilot.press("tab")
        for until, problem in (
            ("", "Say until when"),
            ("soon", "soon is no date"),
            ("2026-02-30", "is no date"),
            (today.isoformat(), "is not in the future"),
            ((today - timedelta(days=3)).isoformat(), "is not in the future"),
        ):
            on(pilot, AnswerDialog).query_one(Input).value = ""
            await write(pilot, until)
            await pilot.press("enter")
            on(pilot, AnswerDialog)
            await pilot.press("ctrl+s")
            assert problem in shown(on(pilot, AnswerDialog))
        await settle(pilot)
        assert not _said(app)


async def test_confirming_shows_the_statement_and_that_a_failure_stays(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await running(pilot)
        await pilot.press("right", "c")
        said = shown(on(pilot, AnswerDialog))
        assert "The provider's own firewall (or security group) was looked at" in said
        assert 'or "none"' in said
        assert "The machine saw a failure here." in said
        await write(pilot, "none")
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert "fail · confirmed · to put right" in shown(screen)
        assert "the machine saw a failure; the step stays open" in text_of(screen, "#said")


async def test_too_long_an_answer_is_told_before_it_is_lost(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await running(pilot)
        await pilot.press("s")
        await write(pilot, "x" * 2001)
        await pilot.press("ctrl+s")
        assert "longer than 2000 characters: 2001" in shown(on(pilot, AnswerDialog))


async def test_nothing_is_said_on_a_screen_too_small_to_read(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await running(pilot)
        await pilot.press("s")
        await write(pilot, "why")
        await pilot.resize_terminal(20, 5)
        await pilot.press("ctrl+s")
        on(pilot, AnswerDialog)
        await settle(pilot)
        assert not _said(app)

"""A check that does more than look: its key, the dialog, and that only a typed yes consents."""

from __future__ import annotations

from dataclasses import replace
from threading import Event

import pytest
from textual.widgets import OptionList

import signoff.walk
from app.drive import arrives, on, running, settle, shown, text_of, walk_of
from app.fakes import FakeTarget
from signoff.app.app import SignoffApp
from signoff.app.screens.prompts import Choice, TypedWord
from signoff.app.screens.run import RunScreen
from signoff.message import say
from signoff.model import Result

SIZES = [(80, 24), (120, 36)]
NAMES = ("env.mode", "env.git")


@pytest.fixture
def active(target: FakeTarget, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Make probes of the first step active ones."""
    known = vars(signoff.walk)["all_probes"]()
    for name in request.param:
        known[name] = replace(
            known[name], active=True, does=say("sends {count} wrong logins for {name}.", count=20, name=name)
        )


ONE = pytest.mark.parametrize("active", [NAMES[:1]], indirect=True)


@pytest.mark.parametrize("size", SIZES)
@ONE
async def test_only_a_typed_yes_consents_and_the_step_is_looked_at_again(
    app: SignoffApp, active: None, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        screen = await running(pilot)
        step = walk_of(app).state(screen.page.key)

        def result() -> Result:
            (found,) = step.by_probe["env.mode"]
            return found.result

        assert result() is Result.NOTCHECKED
        assert "p   permit what does more than look: env.mode" in text_of(screen, "#now")
        await pilot.press("p")
        dialog = on(pilot, TypedWord)
        said = " ".join(shown(dialog).split())
        assert "sends 20 wrong logins for env.mode." in said
        assert f"session {walk_of(app).session.id}" in said
        assert "Type yes and press Enter to permit it in this session." in said
        await pilot.press("enter")
        on(pilot, TypedWord)
        await pilot.press("y", "enter")
        on(pilot, TypedWord)
        await pilot.press("escape")
        await settle(pilot)
        assert (step.consents, result()) == (set(), Result.NOTCHECKED)

        await pilot.press("p", *"yes", "enter")
        await settle(pilot)
        on(pilot, RunScreen)
        assert step.consents == {("env.mode", "")}
        assert result() is Result.FAIL, "looked at again"
        assert "p   withdraw your consent" in text_of(screen, "#now")

        await pilot.press("p")
        assert "Withdraw your consent?" in shown(on(pilot, TypedWord))
        await pilot.press(*"yes", "enter")
        await settle(pilot)
        assert (step.consents, result()) == (set(), Result.NOTCHECKED)


@pytest.mark.parametrize("active", [NAMES], indirect=True)
async def test_of_several_one_is_chosen(app: SignoffApp, active: None) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await running(pilot)
        await pilot.press("p")
        on(pilot, Choice).query_one(OptionList)
        await pilot.press("down", "enter")
        assert "wrong logins for env.git." in shown(on(pilot, TypedWord))
        await pilot.press(*"yes", "enter")
        await settle(pilot)
        assert walk_of(app).state(screen.page.key).consents == {("env.git", "")}
        assert "permit what does more than look: env.mode" in text_of(screen, "#now")


@ONE
async def test_the_rest_is_looked_at_too_where_a_look_was_under_way(
    app: SignoffApp, active: None, target: FakeTarget
) -> None:
    target.hold = Event()
    async with app.run_test(size=(80, 24)) as pilot:
        await arrives(pilot, RunScreen)
        await pilot.press("p", *"yes", "enter")
        await pilot.pause(0.05)
        target.hold.set()
        await settle(pilot)
        assert all(state.probed for state in walk_of(app).session.state.steps.values())
        assert walk_of(app).state(walk_of(app).keys[0]).result is Result.FAIL


async def test_where_every_check_only_looks_there_is_nothing_to_permit(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await running(pilot)
        await pilot.press("p")
        assert app.screen is screen
        assert "permit" not in text_of(screen, "#now")


@ONE
async def test_a_sealed_session_permits_nothing(app: SignoffApp, active: None) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await running(pilot)
        walk_of(app).finish()
        await settle(pilot)
        await pilot.press("p")
        assert app.screen is screen


HOSTILE = "[@click=app.quit]x[/] \x1b]0;pwn\x07 [red]"


async def test_what_it_does_is_drawn_inert(app: SignoffApp) -> None:
    known = vars(signoff.walk)["all_probes"]()
    known["env.mode"] = replace(known["env.mode"], active=True, does=say("sends {what}.", what=HOSTILE))
    async with app.run_test(size=(80, 24)) as pilot:
        await running(pilot)
        await pilot.press("p")
        said = shown(on(pilot, TypedWord))
        assert "[@click=app.quit]x[/]" in said
        assert "pwn" not in said

"""The walk's screen: what it shows, and what each of its keys does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from textual.widgets import OptionList

from app.drive import arrives, on, running, settle, shown, text_of, walk_of, write
from app.fakes import FakeTarget, judgement, outputs
from signoff.app.app import SignoffApp, Start
from signoff.app.screens.answers import AnswerDialog
from signoff.app.screens.finish import FinishScreen
from signoff.app.screens.generate import GenerateScreen
from signoff.app.screens.home import HomeScreen
from signoff.app.screens.prompts import Choice, ErrorDialog
from signoff.app.screens.run import RunScreen
from signoff.app.widgets.finding import FindingView
from signoff.errors import TargetError
from signoff.message import say
from signoff.model import Result
from signoff.session.events import Attested
from signoff.target.profile import Profile
from signoff.target.profiles import save_profile
from signoff.walk import Walk

SIZES = [(80, 24), (120, 36)]
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()


@pytest.mark.parametrize("size", SIZES)
async def test_shows_a_step_in_order(app: SignoffApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        screen = await running(pilot)
        await pilot.press("right")
        await settle(pilot)
        said = shown(screen)
        assert "Close the database and cache ports" in said
        assert said.index("Close PostgreSQL and Redis") < said.index("found within minutes")
        assert said.index("found within minutes") < said.index("The machine saw")
        assert said.index("PostgreSQL answers from outside") < said.index("203.0.113.7:5432 open")
        assert "✗ fail" in said
        assert "expected  refused or filtered" in said
        assert "2 of 4" in said
        assert "q Quit" in said.splitlines()[-1], "the way out is always in sight"


async def test_failures_come_first_and_remedies_follow(app: SignoffApp) -> None:
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await running(pilot)
        results = [view.finding.result for view in screen.query(FindingView)]
        assert results[:3] == [Result.FAIL, Result.FAIL, Result.UNKNOWN], results
        remedies = [str(one.render()) for one in screen.query(".remedy")]
        assert remedies[0] == "Let only its owner read it."


async def test_what_is_expected_of_many_is_said_once(app: SignoffApp, target: FakeTarget) -> None:
    weak = [judgement(Result.FAIL, f"{name} is weak", expected="128 bits", title=name) for name in "ABC"]
    target.outputs |= outputs({"env.strength": [*weak, judgement(Result.PASS, "D is strong", title="D")]})
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await running(pilot)
        assert [f"{name} is weak" in shown(screen) for name in "ABC"] == [True] * 3
        assert shown(screen).count("expected  128 bits") == 1
        await pilot.press("e")
        await settle(pilot)
        assert shown(screen).count("expected  128 bits") == 3


async def test_findings_come_in_while_it_looks(app: SignoffApp, target: FakeTarget) -> None:
    target.hold = Event()
    async with app.run_test(size=(120, 36)) as pilot:
        await arrives(pilot, RunScreen)
        screen = on(pilot, RunScreen)
        await pilot.pause(0.05)
        assert "looking" in shown(screen)
        assert "stops" in text_of(screen, "#status")
        await pilot.press("right", "c")
        assert isinstance(app.screen, AnswerDialog), "the operator need not wait"
        await pilot.press("escape")
        target.hold.set()
        await settle(pilot)
        assert "stops" not in text_of(screen, "#status")
        assert "2 fail" in text_of(screen, "#status")


async def test_escape_stops_looking_and_nothing_passes(app: SignoffApp, target: FakeTarget) -> None:
    target.hold = Event()
    async with app.run_test(size=(80, 24)) as pilot:
        await arrives(pilot, RunScreen)
        await pilot.pause(0.05)
        await pilot.press("escape")
        await settle(pilot)
        states = walk_of(app).session.state.steps.values()
        assert {state.result for state in states} == {Result.NOTCHECKED}
        assert "nothing yet" in shown(app.screen)
        target.hold.set()
        await pilot.press("r")
        await settle(pilot)
        assert walk_of(app).state(("quick-production", "rotate-secrets")).result is Result.FAIL
        assert not walk_of(app).state(("quick-production", "close-ports")).probed, "only this step"
        await pilot.press("R")
        await settle(pilot)
        assert all(state.probed for state in walk_of(app).session.state.steps.values())


async def test_a_step_is_turned_to_and_written_down(app: SignoffApp) -> None:
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await running(pilot)
        await pilot.press("down", "down")
        assert screen.page.current == 2
        await pilot.press("left")
        assert screen.page.current == 1
        await pilot.pause(0.5)
        await settle(pilot)
        assert walk_of(app).position() == ("quick-production", "close-ports")


async def test_the_strip_stands_in_for_the_list(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await running(pilot)
        assert not screen.query_one("#steps").display
        await pilot.click("#strip", offset=(7, 0))
        assert screen.page.current == 1
        await pilot.press("l")
        on(pilot, Choice).query_one(OptionList)
        await pilot.press("down", "enter")
        assert screen.page.current == 2
        await pilot.resize_terminal(120, 36)
        await pilot.pause()
        assert screen.query_one("#steps").display
        await pilot.press("l")
        assert app.focused is screen.query_one("#steps")
        await pilot.resize_terminal(80, 24)
        await pilot.pause(0.05)
        assert app.focused is screen.query_one("#panel")


async def test_evidence_is_unfolded(app: SignoffApp) -> None:
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await running(pilot)
        await pilot.press("right")
        await settle(pilot)
        assert "ufw status: 5432/tcp DENY IN" not in shown(screen)
        await pilot.press("e")
        await settle(pilot)
        assert "ufw status: 5432/tcp DENY IN" in shown(screen)
        await pilot.press("e")
        screen.query(FindingView).first().focus()
        await pilot.press("enter")
        await settle(pilot)
        assert "ufw status: 5432/tcp DENY IN" in shown(screen)
        assert not walk_of(app).state(screen.page.key).answer


def _answer(walk: Walk, number: int) -> Attested:
    answer = walk.state(walk.keys[number]).answer
    assert answer is not None
    return answer.attested


async def test_each_answer_is_recorded_and_shown(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await running(pilot)
        walk = walk_of(app)
        await pilot.press("right", "right", "c")
        await write(pilot, "2026-01-02, 1204 rows")
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert (_answer(walk, 2).kind, _answer(walk, 2).value) == ("confirmed", "2026-01-02, 1204 rows")
        assert "restored into an empty database" in _answer(walk, 2).statement
        assert "✓ pass · confirmed" in shown(screen)
        assert "◆ confirmed" in text_of(screen, "#said")

        await pilot.press("left", "s")
        await write(pilot, "not ours")
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert (_answer(walk, 1).kind, _answer(walk, 1).reason) == ("skipped", "not ours")
        assert "✗ fail · skipped" in shown(screen), "what the machine saw stays"

        await pilot.press("right", "right", "N")
        await write(pilot, "no panel")
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert _answer(walk, 3).kind == "notapplicable"

        await pilot.press("left", "left", "left", "a")
        await write(pilot, "vendor")
        await pilot.press("tab")
        await write(pilot, TOMORROW)
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert (_answer(walk, 0).kind, _answer(walk, 0).until) == ("accepted", TOMORROW)
        assert f"risk accepted until {TOMORROW}" in shown(screen)

        await pilot.press("u")
        await write(pilot, "found it")
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert walk.state(walk.keys[0]).answer is None

        await pilot.press("n")
        await write(pilot, "asked Ana")
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert [text for _, text in walk.state(walk.keys[0]).notes] == ["asked Ana"]
        assert "asked Ana" in text_of(screen, "#said")


async def test_the_other_keys(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await running(pilot)
        await pilot.press("g")
        on(pilot, GenerateScreen)
        await pilot.press("escape", "f")
        on(pilot, FinishScreen)
        await pilot.press("escape", "h")
        await settle(pilot)
        on(pilot, HomeScreen)
        assert app.walk is None


async def test_an_error_while_looking_offers_to_connect_again(
    app: SignoffApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await running(pilot)
        walk = walk_of(app)
        connected: list[bool] = []

        def lost(*_: object) -> bool:
            raise TargetError(say("The connection to shop.example was lost."), say("Check the network."))

        monkeypatch.setattr(walk, "probe", lost)
        monkeypatch.setattr(walk, "connect", lambda _prompter: connected.append(True))
        await pilot.press("r")
        await settle(pilot)
        dialog = on(pilot, ErrorDialog)
        assert "The connection to shop.example was lost." in shown(dialog)
        await pilot.press("y")
        assert app.clipboard.startswith("The connection to shop.example was lost.")
        await pilot.press("r")
        await settle(pilot)
        assert connected == [True]


async def test_a_refused_answer_is_told_and_loses_nothing(
    app: SignoffApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await running(pilot)

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device", "session.jsonl")

        monkeypatch.setattr(walk_of(app), "skip", full)
        await pilot.press("s")
        await write(pilot, "why")
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert "session.jsonl: No space left on device" in shown(on(pilot, ErrorDialog))
        await pilot.press("escape")
        on(pilot, RunScreen)


async def test_a_defect_in_the_background_ends_nothing(
    app: SignoffApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await running(pilot)

        def defect(*_: object) -> None:
            raise ValueError("canary-5f3a")

        monkeypatch.setattr(walk_of(app), "note", defect)
        await pilot.press("n")
        await write(pilot, "why")
        await pilot.press("ctrl+s")
        await settle(pilot)
        said = shown(on(pilot, ErrorDialog))
        assert "A defect in the program (ValueError)" in said
        assert "canary" not in said


async def test_resumes_at_the_same_step_and_works_without_its_target(
    begin: Callable[[], Walk], monkeypatch: pytest.MonkeyPatch, target: FakeTarget
) -> None:
    walk = begin()
    walk.probe()
    walk.enter(walk.keys[2])
    session = walk.session.id
    walk.close()

    def unreachable(*_: object) -> FakeTarget:
        raise TargetError(say("shop.example:22 cannot be reached: connection refused."), say("Is it up?"))

    monkeypatch.setattr("signoff.reaching.open_target", unreachable)
    app = SignoffApp(Start(resume=session))
    async with app.run_test(size=(80, 24)) as pilot:
        await arrives(pilot, ErrorDialog)
        assert "can be read and answered without its target" in shown(app.screen)
        await pilot.press("escape")
        screen = on(pilot, RunScreen)
        assert screen.page.current == 2
        assert "not connected" in shown(screen)
        assert "read to its end by pg_restore" in shown(screen), "what was seen before is still there"
        await pilot.press("c")
        await write(pilot, "yesterday")
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert _answer(walk_of(app), 2).value == "yesterday"
        monkeypatch.setattr("signoff.reaching.open_target", lambda *_: target)
        await pilot.press("r")
        await settle(pilot)
        assert walk_of(app).connected
        assert "not connected" not in shown(screen)


async def test_a_sealed_session_takes_no_answers(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await running(pilot)
        walk_of(app).finish()
        await settle(pilot)
        for key in "csxNanrRu":
            await pilot.press(key)
            assert app.screen is screen
        assert "sealed" in text_of(screen, "#status")


@pytest.mark.parametrize("size", SIZES)
async def test_looks_again_by_the_profile_as_it_is_now(app: SignoffApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        screen = await running(pilot)
        save_profile(Profile(name="shop", address="ssh://deploy@moved.example", database="shop"))
        assert walk_of(app).profile.database == ""
        await pilot.press("r")
        await settle(pilot)
        assert walk_of(app).profile.database == "shop"
        assert walk_of(app).profile.address == "ssh://deploy@shop.example"
        assert "moved.example" in text_of(screen, "#way-notes")

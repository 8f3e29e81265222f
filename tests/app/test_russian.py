"""The app in Russian: labels, keys, help, findings; the record stays English."""

from __future__ import annotations

import pytest

from app.drive import on, running, settle, shown, text_of, walk_of
from app.fakes import FakeTarget
from signoff.app.app import SignoffApp, Start
from signoff.app.screens.answers import AnswerDialog
from signoff.app.screens.help import HelpScreen
from signoff.app.screens.home import HomeScreen
from signoff.checklist.load import Loaded
from signoff.message import say
from signoff.model import Finding, Result, Vantage
from signoff.session.events import Found
from signoff.session.store import read
from signoff.target.profile import Profile

pytestmark = pytest.mark.usefixtures("russian")
PROFILE = Profile(name="shop", address="ssh://deploy@shop.example", project="/srv/shop")


@pytest.fixture
def russian_app(target: FakeTarget, checklist: Loaded) -> SignoffApp:
    del target
    return SignoffApp(Start(PROFILE, (checklist,)), language="ru")


async def test_the_home_screen(target: FakeTarget) -> None:
    del target
    app = SignoffApp(language="ru")
    async with app.run_test(size=(120, 30)) as pilot:
        await settle(pilot)
        said = shown(on(pilot, HomeScreen))
        for label in ("безопасность сервера, шаг за шагом", "Начать", "Этот компьютер", "Enter начать сеанс"):
            assert label in said, label
        assert "n Новая цель" in said.splitlines()[-1]
        assert "q Выход" in said.splitlines()[-1]


async def test_a_walk_and_its_help(russian_app: SignoffApp) -> None:
    async with russian_app.run_test(size=(120, 40)) as pilot:
        screen = await running(pilot)
        said = shown(screen)
        for label in (
            "Проверка увидела",
            "Как исправить",
            "✗ не пройдено",
            "1 из 4",
            "критично",
        ):
            assert label in said, label
        assert "c Подтвердить" in said.splitlines()[-1]
        assert text_of(screen, "#can") == "Что можно сделать"
        await pilot.press("question_mark")
        help_text = shown(on(pilot, HelpScreen))
        assert "Пропустить этот шаг и назвать причину" in help_text
        assert "Клавиши" in help_text
        await pilot.press("escape", "s")
        await settle(pilot)
        assert "Почему пропускаете?" in shown(on(pilot, AnswerDialog))


async def test_a_finding_is_shown_in_russian_and_recorded_in_english(russian_app: SignoffApp) -> None:
    hostile = "$(id) {total} \"a\" 'b'"
    observed = say("{where} · {number} of {total}", where=hostile, number=2, total=3)
    async with russian_app.run_test(size=(140, 40)) as pilot:
        screen = await running(pilot)
        walk = walk_of(russian_app)
        checklist, step = walk.keys[0]
        finding = Finding(
            probe="env.present",
            title="a",
            result=Result.FAIL,
            vantage=Vantage.HOST,
            observed=str(observed),
            said={"observed": observed.said},
        )
        walk.session.append(Found(checklist=checklist, step=step, probe="env.present", findings=(finding,)))
        await settle(pilot)
        assert f"{hostile} · 2 из 3" in shown(screen)
        directory = walk.session.directory
    kept = read(directory).state.steps[checklist, step].findings
    assert f"{hostile} · 2 of 3" in [one.observed for one in kept]
    assert "не пройдено" not in (directory / "session.jsonl").read_text("utf-8")

"""How to fix it, exactly: shown below the words, and copied with a key."""

from __future__ import annotations

import msgspec
import pytest
from textual.widgets import Static

from app.drive import on, running, settle, shown
from app.fakes import FakeTarget, command, judgement, outputs
from signoff.app.app import SignoffApp
from signoff.app.screens.run import RunScreen
from signoff.app.widgets.finding import FindingView
from signoff.app.widgets.rows import Rows
from signoff.model import Result

SIZES = [(80, 24), (120, 36)]


def _exact(screen: RunScreen) -> list[str]:
    contents = [one.content for one in screen.query_one("#remedies").query(Static)]
    return [one.plain for one in contents if isinstance(one, Rows)]


def _told(app: SignoffApp) -> str:
    return list(app._notifications)[-1].message


@pytest.mark.parametrize("size", SIZES)
async def test_the_exact_remedy_is_shown_and_the_first_failures_copied(
    app: SignoffApp, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size, notifications=True) as pilot:
        screen = await running(pilot)
        assert "run  chmod 600 /srv/shop/.env" in _exact(screen)
        await pilot.press("y")
        await settle(pilot)
        assert app.clipboard == "chmod 600 /srv/shop/.env", "whole, and nothing else"
        assert _told(app) == "Copied: chmod 600 /srv/shop/.env"
        await pilot.press("right")
        await settle(pilot)
        assert _exact(screen)[0].splitlines() == [
            "file  /srv/shop/compose.yaml",
            'from  - "5432:5432"',
            'to    - "127.0.0.1:5432:5432"',
            "then  docker compose up -d db",
        ]
        await pilot.press("y")
        assert app.clipboard == '- "127.0.0.1:5432:5432"', "of an edit, the new line"


async def test_the_chosen_findings_is_copied(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await running(pilot)
        await pilot.press("right")
        await settle(pilot)
        chosen = {view.finding.probe: view for view in screen.query(FindingView)}
        chosen["network.docker-bypass"].focus()
        await pilot.press("y")
        assert app.clipboard.startswith("iptables -I DOCKER-USER -i eth0")
        chosen["network.firewall"].focus()
        await pilot.press("y")
        assert app.clipboard.startswith("iptables"), "there is nothing of another finding"
        assert _told(app) == "Nothing to copy here: no exact command, no edit."


async def test_where_there_is_nothing_to_copy_it_is_said(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await running(pilot)
        await pilot.press("right", "right")
        await settle(pilot)
        assert "copy the command" not in shown(screen)
        await pilot.press("y")
        assert app.clipboard == ""
        assert _told(app) == "Nothing to copy here: no exact command, no edit."
        on(pilot, RunScreen)


async def test_what_is_copied_is_inert_and_whole(app: SignoffApp, target: FakeTarget) -> None:
    text = f"chmod 600 \x1b]0;pwn\x07'{'a' * 3000}'\u202e"
    bad = judgement(Result.FAIL, "0644", title="[red]x[/]", remedy="Do.", fix=command(text))
    target.outputs |= outputs({"env.mode": [bad]})
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await running(pilot)
        await pilot.press("y")
        await settle(pilot)
        assert app.clipboard == f"chmod 600 '{'a' * 3000}'"
        assert _told(app).startswith("Copied: chmod 600 'aaa")


async def test_a_session_of_version_1_shows_the_words_alone(app: SignoffApp, target: FakeTarget) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await running(pilot)
        step = screen.walk.state(screen.page.key)
        for probe, findings in step.by_probe.items():
            step.by_probe[probe] = tuple(msgspec.structs.replace(one, fix=None) for one in findings)
        screen.page.draw()
        await settle(pilot)
        assert _exact(screen) == []
        assert "Let only its owner read it." in [
            str(one.render()) for one in screen.query(".remedy").results(Static)
        ]

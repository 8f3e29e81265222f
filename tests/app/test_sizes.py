"""Every size: nothing crashes, down to one cell; what is too small says so; colours can be left out."""

from __future__ import annotations

import pytest

from app.drive import on, running, settle, shown
from signoff.app.app import SignoffApp
from signoff.app.screens.run import RunScreen
from signoff.app.theme import NAMES

SIZES = [
    (1, 1),
    (2, 1),
    (1, 24),
    (80, 1),
    (10, 3),
    (33, 8),
    (34, 7),
    (34, 8),
    (40, 10),
    (60, 20),
    (79, 23),
    (300, 90),
]


async def test_no_size_crashes(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await running(pilot)
        for keys in ([], ["a"], ["question_mark"], ["f", "ctrl+s"], ["g"], ["l"]):
            await pilot.press(*keys)
            for width, height in SIZES if not keys else [(1, 1), (40, 10)]:
                await pilot.resize_terminal(width, height)
                await pilot.pause()
                assert app.is_running, (keys, width, height)
            await pilot.resize_terminal(80, 24)
            while not isinstance(app.screen, RunScreen):
                await pilot.press("escape")
        await settle(pilot)
        assert "Rotate the secrets" in shown(on(pilot, RunScreen))


async def test_too_small_says_so_and_quits(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await running(pilot)
        await pilot.resize_terminal(30, 6)
        await settle(pilot)
        said = shown(app.screen)
        assert "Too small: 30x6." in said
        assert "80x24" in said
        assert "Rotate" not in said
        await pilot.press("q")
        await pilot.pause()
    assert app.return_code == 0


async def test_the_way_out_is_in_sight(app: SignoffApp) -> None:
    async with app.run_test(size=(34, 8)) as pilot:
        screen = await running(pilot)
        for width, height in ((34, 8), (60, 16), (80, 24), (200, 50)):
            await pilot.resize_terminal(width, height)
            await settle(pilot)
            assert shown(screen).splitlines()[-1].rstrip().endswith("q Quit")


async def test_every_theme_draws(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await running(pilot)
        for theme in (*NAMES.values(), "nord"):
            app.theme = theme
            await settle(pilot)
            assert "✗ fail" in shown(screen)
            await pilot.press("c")
            await pilot.pause()
            assert "You confirm" in shown(app.screen)
            await pilot.press("escape")


async def test_no_color_draws_no_colour(
    app: SignoffApp, checklist: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    del checklist
    monkeypatch.setenv("NO_COLOR", "1")
    plain = SignoffApp(app.start)
    async with plain.run_test(size=(80, 24)) as pilot:
        screen = await running(pilot)
        assert "✗ fail · to put right" in shown(screen)
        for strip in screen._compositor.render_strips(screen.size):
            for segment in strip.apply_filter(plain._filters[-1], screen.background_colors[1]):
                for color in (segment.style and segment.style.color, segment.style and segment.style.bgcolor):
                    if color and color.triplet:
                        assert len(set(color.triplet)) == 1, "grey only"


async def test_themes_are_gone_through_with_a_key(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await running(pilot)
        seen = [app.theme]
        for _ in range(3):
            await pilot.press("ctrl+t")
            seen.append(app.theme)
        assert sorted(seen) == sorted(NAMES.values())

"""How the tests drive the app: by its keys, waiting for what they set going."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from textual.events import Paste
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, Static, TextArea
from textual.worker import WorkerState

from signoff.app.app import SignoffApp
from signoff.app.screens.home import HomeScreen
from signoff.app.screens.opening import OpeningScreen
from signoff.app.screens.run import RunScreen
from signoff.walk import Walk

AppPilot = Pilot[int]
S = TypeVar("S", bound=Screen[Any])

_PATIENCE = 10.0
_BUSY = {WorkerState.PENDING, WorkerState.RUNNING}


async def settle(pilot: Pilot[Any]) -> None:
    """Wait until nothing runs in the background and everything is drawn."""
    async with asyncio.timeout(_PATIENCE):
        while _busy(pilot):
            await asyncio.sleep(0.005)
        await pilot.pause()
        while _busy(pilot):
            await asyncio.sleep(0.005)
        await pilot.pause()


def _busy(pilot: Pilot[Any]) -> bool:
    screens = pilot.app.screen_stack
    return (
        any(one.state in _BUSY for one in pilot.app.workers)
        or any(isinstance(one, RunScreen) and one.page.waits_to_draw for one in screens)
        or (isinstance(pilot.app.screen, HomeScreen) and not pilot.app.screen.has_looked)
    )


async def running(pilot: Pilot[Any]) -> RunScreen:
    """Wait for the walk's screen, and for the first look to end."""
    async with asyncio.timeout(_PATIENCE):
        while isinstance(pilot.app.screen, OpeningScreen):
            await asyncio.sleep(0.005)
    await settle(pilot)
    return on(pilot, RunScreen)


async def arrives(pilot: Pilot[Any], kind: type[S]) -> S:
    """Wait for a screen that comes up by itself, and until it is drawn."""
    async with asyncio.timeout(_PATIENCE):
        while not (isinstance(pilot.app.screen, kind) and pilot.app.screen.size.height):
            await asyncio.sleep(0.005)
    await pilot.pause()
    return on(pilot, kind)


def on(pilot: Pilot[Any], kind: type[S]) -> S:
    """Return the screen that is shown, which must be of a kind."""
    screen = pilot.app.screen
    assert isinstance(screen, kind), f"{screen!r} is shown"
    return screen


def walk_of(app: SignoffApp) -> Walk:
    """Return the walk that is open."""
    assert app.walk is not None
    return app.walk


async def write(pilot: Pilot[Any], text: str) -> None:
    """Put a text into the field that has the focus, as one paste."""
    focused = pilot.app.focused
    assert isinstance(focused, Input | TextArea), f"{focused!r} has the focus"
    pilot.app.post_message(Paste(text))
    await pilot.pause()


def shown(screen: Screen[Any]) -> str:
    """Return all that a screen says, as it is drawn."""
    width, height = screen.size
    strips = screen._compositor.render_strips(screen.size)
    assert len(strips) == height
    return "\n".join(strip.text[:width].rstrip() for strip in strips)


def text_of(screen: Screen[Any], selector: str) -> str:
    """Return what a Static holds, drawn or not."""
    content = screen.query_one(selector, Static).content
    return getattr(content, "plain", str(content))

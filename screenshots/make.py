"""Make the pictures of the README: the real app on real lab hosts, driven by its keys.

    .venv/bin/python screenshots/make.py

Needs what tests/lab needs, and rsvg-convert (Debian: librsvg2-bin). Writes screenshots/*.png.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "tests" / "lab"), str(HERE.parent / "tests")]

from desk import Desk
from labhost.host import Host
from textual.pilot import Pilot

from app.drive import running, settle
from lab import Lab
from signoff import paths
from signoff.app.app import SignoffApp, Start
from signoff.app.screens.secrets import RatingScreen

SIZE = (100, 32)


_TEXT = re.compile(r'x="([\d.]+)" y="([\d.]+)" textLength="([\d.]+)"([^>]*)>((?:&#160;)+)([^<]*)</text>')
_CELL = 12.2
"""The width of a cell in Rich's SVG."""


def _without_leading_blanks(text: re.Match[str]) -> str:
    """Begin a text where its first letter is: librsvg drops the blanks before it."""
    x, y, length, rest, blanks, shown = text.groups()
    gap = _CELL * blanks.count("&#160;")
    return f'x="{float(x) + gap:.1f}" y="{y}" textLength="{float(length) - gap:.1f}"{rest}>{shown}</text>'


def keep(app: SignoffApp, name: str) -> None:
    """Write one picture."""
    svg = app.export_screenshot(title="signoff")
    svg = _TEXT.sub(_without_leading_blanks, svg)
    png = HERE / f"{name}.png"
    subprocess.run(["rsvg-convert", "--zoom", "1.2", "-o", str(png)], input=svg.encode(), check=True)


async def walked(pilot: Pilot[int]) -> None:
    """Open the saved target, and wait until the first look has ended."""
    await settle(pilot)
    # The target, and the first of the checklists.
    await pilot.press("enter", "enter")
    async with asyncio.timeout(90):
        while True:
            try:
                await running(pilot)
                return
            except TimeoutError:
                continue


async def rated(pilot: Pilot[int]) -> None:
    """Wait until the secrets of the target have been rated."""
    async with asyncio.timeout(90):
        while not (isinstance(pilot.app.screen, RatingScreen) and pilot.app.screen.has_rated):
            await asyncio.sleep(0.1)
    await settle(pilot)


async def bad(app: SignoffApp) -> None:
    """A host where almost everything is wrong: a step, the finish, the secrets, home, looking back."""
    async with app.run_test(size=SIZE) as pilot:
        await walked(pilot)
        await pilot.press("right")
        await settle(pilot)
        keep(app, "run-failing")
        await pilot.press("f")
        await settle(pilot)
        keep(app, "finish")
        await pilot.press("escape", "left", "x")
        await settle(pilot)
        await pilot.press("w")
        await settle(pilot)
        keep(app, "secrets")
        await pilot.press("escape", "h")
        await settle(pilot)
        keep(app, "home")
        await pilot.press("o")
        await settle(pilot)
        keep(app, "session")
        await pilot.press("escape", "home", "down", "r")
        await rated(pilot)
        keep(app, "rating")


async def good(app: SignoffApp) -> None:
    """A host that is in order: a passing step, and the generator; then a session whose record is gone."""
    async with app.run_test(size=SIZE) as pilot:
        await walked(pilot)
        await pilot.press("right")
        await settle(pilot)
        keep(app, "run")
        await pilot.press("g")
        await settle(pilot)
        keep(app, "generate")
        await pilot.press("escape", "h")
        await settle(pilot)
        for folder in paths.sessions_directory().iterdir():
            shutil.rmtree(folder)
        await pilot.press("f5")
        await settle(pilot)
        await pilot.press("end", "enter")
        await settle(pilot)
        keep(app, "gap")


def main() -> None:
    """Start the hosts, take the pictures, take the hosts down."""
    os.chdir("/srv")  # the home screen shows where it was started
    lab = Lab(owner=os.getpid())
    for variant, take in (("bad", bad), ("good", good)):
        host: Host = lab.up(variant)
        with tempfile.TemporaryDirectory() as folder:
            desk = Desk(Path(folder), lab.ca_certificate)
            try:
                desk.know(host)
                os.environ.update(desk.environment, XDG_STATE_HOME=f"{folder}/.local/state")
                asyncio.run(take(SignoffApp(Start())))
            finally:
                desk.close()
                host.stop()


if __name__ == "__main__":
    main()

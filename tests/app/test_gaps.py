"""What the ledger misses, on the home screen: told as the command line tells it, and what to do about it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from app.drive import on, settle, shown, text_of
from signoff import paths
from signoff.app.app import SignoffApp, Start
from signoff.app.found import look_around
from signoff.app.screens.gap import GapDialog
from signoff.app.screens.home import HomeScreen
from signoff.app.screens.session import SessionScreen
from signoff.report.exporting import export
from signoff.report.gaps import advice
from signoff.report.listing import listing_lines
from signoff.session.survey import Gap, Problem, Row, survey
from signoff.walk import Walk

SIZE = (80, 24)


def sealed(begin: Callable[[], Walk]) -> Path:
    """Walk a session to its end."""
    walk = begin()
    walk.finish()
    return walk.session.directory


async def open_line(pilot: Pilot[int], words: str) -> None:
    """Press Enter on the line that has these words in it."""
    home = on(pilot, HomeScreen)
    lines = [str(getattr(entry.prompt, "plain", "")) for entry in home._entries]
    home.query_one(OptionList).highlighted = next(n for n, line in enumerate(lines) if words in line)
    await pilot.press("enter")
    await settle(pilot)


async def test_a_missing_session_is_told_and_can_be_put_back(begin: Callable[[], Walk], home: Path) -> None:
    folder = sealed(begin)
    archive = export(folder, home / f"signoff-{folder.name}.tar.gz", "en").path
    shutil.rmtree(folder)
    app = SignoffApp(Start())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        said = shown(on(pilot, HomeScreen))
        assert folder.name in said
        told = "! missing: the ledger knows it, and its folder is gone"
        assert any(told in one for one in listing_lines(survey()))
        assert told in said
        assert text_of(app.screen, "#status").startswith("! 1 missing ")
        await open_line(pilot, folder.name)
        dialog = on(pilot, GapDialog)
        assert told in shown(dialog)
        assert "o looks" not in shown(dialog), "there is nothing to look at"
        (command,) = [one for one in dialog._rows.plain.splitlines() if "tar -xzf" in one]
        await pilot.press("y")
        assert command.strip() in app.clipboard
        await pilot.press("o")
        assert app.screen is dialog
        await pilot.press("escape")
        subprocess.run(["sh", "-c", command], cwd=archive.parent, check=True)
        assert f"-C ~/{paths.sessions_directory().relative_to(home)}" in command
        await pilot.press("f5")
        await settle(pilot)
        assert "missing" not in shown(on(pilot, HomeScreen))
        assert look_around("en").gaps == {}


async def test_one_whose_seal_was_taken_away_is_not_gone_on_with(begin: Callable[[], Walk]) -> None:
    folder = sealed(begin)
    (folder / "seal.sig").unlink()
    app = SignoffApp(Start())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        said = shown(on(pilot, HomeScreen))
        assert "Go on where you stopped" not in said
        assert "! re-made: the ledger knows a seal of this session" in said
        await open_line(pilot, "re-made")
        assert f"signoff verify {folder.name}" in on(pilot, GapDialog)._rows.plain
        await pilot.press("o")
        await settle(pilot)
        assert folder.name in shown(on(pilot, SessionScreen))
        await pilot.press("escape")
        on(pilot, HomeScreen)


async def test_a_ledger_that_lost_its_end_is_told(begin: Callable[[], Walk]) -> None:
    sealed(begin)
    last = sealed(begin)
    lines = paths.ledger_file().read_bytes().splitlines(keepends=True)
    paths.ledger_file().write_bytes(b"".join(lines[:2]))
    app = SignoffApp(Start())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await open_line(pilot, "cut: it was begun behind line 2 of the ledger")
        dialog = on(pilot, GapDialog)
        assert last.name in shown(dialog)
        assert "signoff ledger merge FILE --restore" in dialog._rows.plain
        await pilot.press("escape")
        paths.ledger_file().write_bytes(lines[0] + b"{}\n")
        await pilot.press("f5")
        await settle(pilot)
        await open_line(pilot, "the ledger is damaged at line 2")
        assert "one could be missing" in on(pilot, GapDialog)._rows.plain


@pytest.mark.parametrize("gap", Gap)
def test_each_gap_has_its_advice(gap: Gap) -> None:
    told = advice(Row("20260102-030405-1a2b3c4d", None, (), ()), Problem(gap, "x"), Path("/there"))
    assert told.means
    assert told.do
    assert "{" not in "".join(told.do), "what stands for a name is filled in"


async def test_a_state_directory_that_cannot_be_read(
    begin: Callable[[], Walk], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = sealed(begin)
    ledger = paths.ledger_file()
    kept = ledger.read_bytes()
    ledger.unlink()
    ledger.mkdir()
    (ledger / "x").write_bytes(kept)
    found = look_around("en")
    assert [row.session for row in found.rows] == [folder.name], "without a ledger there are still sessions"

    def closed(_path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(paths.sessions_directory()))

    monkeypatch.setattr("signoff.session.store._directories", closed)
    app = SignoffApp(Start())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        said = " ".join(shown(on(pilot, HomeScreen)).split())
        assert "denied" in said
        assert look_around("en").problems == (f"{paths.sessions_directory()}: Permission denied",)
        assert "This machine" in said


async def test_the_highlight_stays_where_it_was(begin: Callable[[], Walk]) -> None:
    folder = sealed(begin)
    app = SignoffApp(Start())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("end")
        home = on(pilot, HomeScreen)
        here = home._highlighted_entry()
        assert here
        assert here.row
        assert here.row.session == folder.name
        sealed(begin)
        await pilot.press("f5")
        await settle(pilot)
        again = home._highlighted_entry()
        assert again
        assert again.key == here.key, "another session came before it"
        begin().close()
        await pilot.press("f5")
        await settle(pilot)
        left = home._highlighted_entry()
        assert left
        assert left.unfinished, "a walk that was just left comes first"


async def test_an_empty_state_directory_and_no_target() -> None:
    app = SignoffApp(Start())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        said = shown(on(pilot, HomeScreen))
        assert "your server: New target describes it" in said
        assert "To be looked into" not in said
        assert text_of(app.screen, "#status") == "Enter begins a session on it"


async def test_a_folder_that_is_gone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    app = SignoffApp(Start())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        assert "The folder that signoff was started in is gone." in shown(on(pilot, HomeScreen))
        monkeypatch.chdir(home)

"""The end of a walk: what was seen and said, what is open, and the seal."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from app.drive import on, running, settle, shown, text_of, walk_of, write
from signoff import paths
from signoff.app.app import SignoffApp
from signoff.app.screens.finish import FinishScreen
from signoff.app.screens.prompts import Choice, ErrorDialog, TypedWord
from signoff.app.screens.run import RunScreen
from signoff.errors import RecordError
from signoff.message import say
from signoff.session.identity import allowed_signers_line
from signoff.session.signer import KeySigner


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_looks_everything_over(app: SignoffApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await running(pilot)
        await pilot.press("right", "c")
        await write(pilot, "22, 80, 443 from anywhere")
        await pilot.press("ctrl+s")
        await settle(pilot)
        await pilot.press("f")
        await settle(pilot)
        screen = on(pilot, FinishScreen)
        table = text_of(screen, "#table")
        assert "the machine saw  203.0.113.7:5432 open, published by docker" in table
        assert "a person says    ◆ 22, 80, 443 from anywhere" in table
        assert "2 fail" in text_of(screen, "#counts")
        assert "4 open" in text_of(screen, "#counts")
        record = text_of(screen, "#record")
        walk = walk_of(app)
        assert str(walk.session.directory) in record
        assert "SHA256:" in record
        assert "ssh-keygen -Y verify" in text_of(screen, "#commands")
        assert "ctrl+s" in shown(screen)
        assert "4 steps are still open" in text_of(screen, "#status")


async def test_seals_only_with_the_word(app: SignoffApp, signer: KeySigner, tmp_path: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await running(pilot)
        walk = walk_of(app)
        await pilot.press("f")
        await settle(pilot)
        screen = on(pilot, FinishScreen)
        await pilot.press("ctrl+s", "enter", "enter", "y", "enter", "space", "enter")
        dialog = on(pilot, TypedWord)
        assert "Still open, and recorded as such" in shown(dialog)
        assert "Rotate the secrets" in shown(dialog)
        await pilot.press("escape")
        assert on(pilot, FinishScreen) is screen
        assert walk.session.state.sealed is None
        await pilot.press("ctrl+s", *"seal", "enter")
        await settle(pilot)
        assert walk.session.state.sealed is not None
        assert "sealed" in text_of(screen, "#status")
        # What the screen prints to verify it is what ssh-keygen says yes to.
        (tmp_path / "allowed_signers").write_text(allowed_signers_line(signer) + "\n")
        for command in text_of(screen, "#commands").splitlines():
            ran = subprocess.run(
                ["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert ran.returncode == 0, ran.stderr
        await pilot.press("y")
        on(pilot, Choice)
        await pilot.press("enter")
        assert app.clipboard.startswith("head -n 1")
        await pilot.press("escape")
        on(pilot, RunScreen)
        assert "sealed" in shown(app.screen)
    assert paths.sessions_directory().exists()


async def test_a_seal_that_fails_is_told(app: SignoffApp, monkeypatch: pytest.MonkeyPatch) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await running(pilot)

        def gone() -> None:
            raise RecordError(say("The agent has gone."), say("Plug the security key in, and try again."))

        monkeypatch.setattr(walk_of(app), "finish", gone)
        await pilot.press("f")
        await settle(pilot)
        await pilot.press("ctrl+s", *"seal", "enter")
        await settle(pilot)
        assert "The agent has gone." in shown(on(pilot, ErrorDialog))
        await pilot.press("escape")
        assert "not sealed" in shown(on(pilot, FinishScreen))

"""The app and the key that signs: touches and passphrases are asked for, and nothing waits in silence."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from textual.screen import Screen
from textual.widgets import Static

from app.conftest import SHOP_PROFILE, NoPrompter
from app.drive import AppPilot, arrives, on, running, settle, shown, text_of, walk_of, write
from app.fakes import FakeTarget
from signoff import paths
from signoff.app.app import SignoffApp, Start
from signoff.app.screens.finish import FinishScreen
from signoff.app.screens.home import HomeScreen
from signoff.app.screens.prompts import ErrorDialog, SecretDialog
from signoff.app.screens.run import RunScreen
from signoff.app.screens.waiting import WaitingDialog
from signoff.checklist.load import Loaded
from signoff.session import identity
from signoff.session.agent_signer import AgentSigner
from signoff.session.key_file import FileSigner, public_half
from signoff.session.signer import Attendant, Signer
from signoff.session.verify import Status, verify
from signoff.walk import Walk
from unit.session.agents import SK_ED25519, AtHand, SecurityKey, SoftAgent, listening

PHRASE = "Rosinante grazes at 4 o'clock"


class Desk:
    """A security key in an agent, and a hand that touches it when the test says so."""

    def __init__(self, agent: SoftAgent, token: SecurityKey) -> None:
        self.agent = agent
        self.key = token.key
        self.touched = Event()
        agent.on_sign = self._when_touched

    def _when_touched(self, request: bytes) -> bytes:
        self.touched.wait(10)
        self.touched.clear()
        return self.agent.signed(request)


@pytest.fixture
def desk(target: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    del target
    token = SecurityKey(SK_ED25519)

    def in_use(attendant: Attendant) -> Signer:
        return AgentSigner("anna@ops", token.key, attendant)

    monkeypatch.setattr(identity, "in_use", in_use)
    with listening(token) as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", agent.path)
        yield Desk(agent, token)


async def opened(pilot: AppPilot, desk: Desk) -> None:
    """Begin a session, with the touch that it takes."""
    await arrives(pilot, WaitingDialog)
    desk.touched.set()
    await arrives(pilot, RunScreen)
    await running(pilot)


async def sealing(pilot: AppPilot) -> None:
    await pilot.press("ctrl+s", *"seal", "enter")


def said(dialog: Screen[Any]) -> str:
    """Return all that a dialog says, however it is wrapped."""
    return "\n".join(str(one.content) for one in dialog.query(Static))


async def test_the_seal_is_tried_until_the_key_is_there(
    app: SignoffApp, desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await arrives(pilot, WaitingDialog)
        assert "Touch your security key now" in shown(dialog)
        assert "Waiting for up to 60 s more" in shown(dialog).replace(" 59 ", " 60 ")
        assert "esc stops" in shown(dialog)
        await opened(pilot, desk)
        await pilot.press("f")
        await arrives(pilot, FinishScreen)
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
            await sealing(pilot)
            trouble = await arrives(pilot, ErrorDialog)
        assert "cannot be reached" in said(trouble)
        assert f"signoff run --resume {walk_of(app).session.id}" in said(trouble)
        await pilot.press("escape")
        assert "not sealed" in shown(on(pilot, FinishScreen))
        await sealing(pilot)
        await arrives(pilot, WaitingDialog)
        await pilot.press("escape")
        await arrives(pilot, FinishScreen)
        await settle(pilot)
        assert "not sealed" in shown(on(pilot, FinishScreen))
        desk.touched.set()  # too late for this one
        await asyncio.sleep(0.05)
        desk.touched.clear()
        await sealing(pilot)
        await arrives(pilot, WaitingDialog)
        desk.touched.set()
        await arrives(pilot, FinishScreen)
        await settle(pilot)
        assert text_of(pilot.app.screen, "#status").startswith("sealed")
    identity.publish("anna@ops", desk.key)
    assert verify(walk_of(app).session.directory).status is Status.VALID


async def test_escape_stops_the_waiting_and_begins_nothing(app: SignoffApp, desk: Desk) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await arrives(pilot, WaitingDialog)
        await pilot.press("escape")
        await arrives(pilot, HomeScreen)
        await settle(pilot)
        assert app.walk is None
        assert not list(paths.sessions_directory().glob("*"))
        desk.touched.set()


async def test_quitting_waits_for_no_touch(app: SignoffApp, desk: Desk) -> None:
    async with asyncio.timeout(20):
        async with app.run_test(size=(80, 24)) as pilot:
            await opened(pilot, desk)
            await pilot.press("f")
            await arrives(pilot, FinishScreen)
            await sealing(pilot)
            await arrives(pilot, WaitingDialog)
            await pilot.press("ctrl+q")
    walk = walk_of(app)
    walk.close()  # nobody signs any more
    desk.touched.set()
    assert verify(walk.session.directory).sealed is False
    assert not (walk.session.directory / "seal.sig").exists()


async def test_the_passphrase_of_a_resumed_session_is_asked_at_the_seal(
    target: FakeTarget, checklist: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del target
    path = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-a", "1", "-N", PHRASE, "-f", path], check=True)

    def in_use(attendant: Attendant) -> Signer:
        return FileSigner("anna@ops", public_half(path), path, attendant.passphrase)

    Walk.begin(SHOP_PROFILE, (checklist,), in_use(AtHand(PHRASE)), NoPrompter()).close()
    monkeypatch.setattr(identity, "in_use", in_use)
    app = SignoffApp(Start(resume="latest"))
    async with app.run_test(size=(80, 24)) as pilot:
        await running(pilot)
        walk = walk_of(app)
        await pilot.press("f")
        await arrives(pilot, FinishScreen)
        await sealing(pilot)
        for typed in ("wrong", PHRASE):
            dialog = await arrives(pilot, SecretDialog)
            assert f"The key {path} signs your record" in said(dialog)
            await write(pilot, typed)
            assert typed not in shown(dialog)
            await pilot.press("enter")
            async with asyncio.timeout(10):
                while pilot.app.screen is dialog:
                    await asyncio.sleep(0.005)
        await arrives(pilot, FinishScreen)
        await settle(pilot)
        assert text_of(pilot.app.screen, "#status").startswith("sealed")
        assert PHRASE.encode() not in (walk.session.directory / "session.jsonl").read_bytes()

"""Threads and the screen: results come back, late ones are closed, and nothing waits for ever."""

from __future__ import annotations

import asyncio
import threading
import time
from functools import partial

import pytest

from app.drive import arrives, on, settle, shown
from app.fakes import FakeTarget
from signoff.app.app import SignoffApp, Start
from signoff.app.prompter import ScreenPrompter
from signoff.app.screens.home import HomeScreen
from signoff.app.screens.opening import OpeningScreen
from signoff.app.screens.prompts import SecretDialog, TypedWord
from signoff.app.work import in_thread
from signoff.credentials.secret import Secret
from signoff.target.profile import Profile
from signoff.walk import Walk


async def test_a_result_and_an_exception_come_back() -> None:
    assert await in_thread(lambda: threading.current_thread().daemon) is True
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)


async def test_a_late_result_is_handed_to_late() -> None:
    go, late = threading.Event(), []
    done = threading.Event()

    def work() -> str:
        go.wait(5)
        return "opened"

    def close(result: str) -> None:
        late.append(result)
        done.set()

    task = asyncio.create_task(in_thread(work, late=close))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    await asyncio.to_thread(done.wait, 5)
    assert late == ["opened"]


async def test_a_result_that_arrives_with_the_cancellation_is_not_lost() -> None:
    done, late = threading.Event(), []

    def close(result: str) -> None:
        late.append(result)
        done.set()

    task = asyncio.create_task(in_thread(lambda: "opened", late=close))
    await asyncio.sleep(0)
    time.sleep(0.05)  # the thread has ended, and the loop has not heard of it yet
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(done.wait, 5)
    assert late == ["opened"]


async def test_the_host_key_is_only_accepted_by_the_word() -> None:
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        prompter = ScreenPrompter(app)
        for typed, expected in ((["y", "enter", "enter", "escape"], False), ([*"yes", "enter"], True)):
            asked = asyncio.create_task(
                in_thread(lambda: prompter.accept_host_key("shop.example:22", "ssh-ed25519", "SHA256:abc"))
            )
            await arrives(pilot, TypedWord)
            said = shown(app.screen)
            assert "shop.example:22" in said
            assert "ssh-ed25519" in said
            assert "SHA256:abc" in said
            await pilot.press("enter", "space", "backspace", *typed)
            assert await asked is expected


async def test_a_secret_is_masked_and_comes_as_a_secret() -> None:
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        prompter = ScreenPrompter(app)
        for method, arguments in (
            (prompter.passphrase, ("/home/deploy/.ssh/id_ed25519",)),
            (prompter.login_password, ("deploy", "shop.example")),
            (prompter.sudo_password, ("deploy", "shop.example")),
        ):
            asked = asyncio.create_task(in_thread(partial(method, *arguments)))
            await arrives(pilot, SecretDialog)
            await pilot.press("enter", *"canary7")
            assert "canary7" not in shown(app.screen)
            assert "canary7" not in app.export_screenshot()
            await pilot.press("ctrl+shift+a", "ctrl+c", "ctrl+x")
            assert app.clipboard == "", "the mask does not come off by copying"
            await pilot.press("enter")
            given = await asked
            assert isinstance(given, Secret)
            assert given.reveal() == "canary7"
        asked = asyncio.create_task(in_thread(lambda: prompter.passphrase("key")))
        await arrives(pilot, SecretDialog)
        await pilot.press("x", "escape")
        assert await asked is None


async def test_questions_are_answered_no_when_the_screen_has_gone() -> None:
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        prompter = ScreenPrompter(app)
        asked = asyncio.create_task(in_thread(lambda: prompter.sudo_password("deploy", "shop")))
        await arrives(pilot, SecretDialog)
        prompter.close()
        assert await asyncio.wait_for(asked, 1) is None
        assert await in_thread(lambda: prompter.accept_host_key("h", "k", "f")) is False


@pytest.mark.parametrize("asking", [False, True])
async def test_quits_within_a_second_while_it_connects(
    monkeypatch: pytest.MonkeyPatch, signer: object, asking: bool
) -> None:
    del signer
    stuck, ended = threading.Event(), threading.Event()

    def reach(_profile: Profile, prompter: ScreenPrompter) -> None:
        if asking:
            prompter.sudo_password("deploy", "shop")
            ended.set()
        stuck.wait(30)

    monkeypatch.setattr("signoff.reaching.open_target", reach)
    app = SignoffApp(Start(Profile(name="shop", address="ssh://deploy@192.0.2.1"), ()))
    async with app.run_test(size=(80, 24)) as pilot:
        kind = SecretDialog if asking else OpeningScreen
        await arrives(pilot, kind)
        await pilot.pause(0.2)
        begun = time.monotonic()
        await pilot.press("ctrl+q")
    assert time.monotonic() - begun < 1
    if asking:
        assert await asyncio.to_thread(ended.wait, 1), "the thread that asked is not left hanging"
    stuck.set()


async def test_cancelling_goes_home_and_closes_what_was_opened(
    app: SignoffApp, target: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, closed = threading.Event(), threading.Event()

    def slow(_profile: Profile, _prompter: ScreenPrompter) -> FakeTarget:
        go.wait(5)
        return target

    def close(walk: Walk) -> None:
        close_walk(walk)
        closed.set()

    close_walk = Walk.close
    monkeypatch.setattr("signoff.reaching.open_target", slow)
    monkeypatch.setattr(Walk, "close", close)
    async with app.run_test(size=(80, 24)) as pilot:
        await arrives(pilot, OpeningScreen)
        await pilot.pause(0.1)
        await pilot.press("escape")
        await settle(pilot)
        on(pilot, HomeScreen)
        go.set()
        assert await asyncio.to_thread(closed.wait, 5)
        assert app.walk is None

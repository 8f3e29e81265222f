"""Rating the secrets of a target from the home screen, with no session. Never a value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from pytest_textual_snapshot import SVGImageExtension  # type: ignore[import-untyped]  # it has none
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot
from textual.widgets import Input

import signoff.reaching
from app.conftest import SHOP_PROFILE, NoPrompter
from app.drive import arrives, on, settle, shown, text_of
from app.test_rotation_screen import export
from signoff import paths, rating
from signoff.app.app import SignoffApp, Start
from signoff.app.screens.home import HomeScreen
from signoff.app.screens.prompts import ErrorDialog, TypedWord
from signoff.app.screens.reading import ReadingDialog
from signoff.app.screens.secrets import RatingScreen
from signoff.app.widgets.secret_list import SecretList
from signoff.errors import TargetError
from signoff.facts.base import Facts
from signoff.facts.discovery import Proposal
from signoff.message import say
from signoff.model import Result
from signoff.rating import Rated
from signoff.target.base import Prompter, Target
from signoff.target.local import LocalTarget
from signoff.target.profile import Profile
from signoff.target.profiles import save_profile
from unit import env_hosts
from unit.canaries import Canaries, plain

SIZE = (80, 24)
VALUES = {"SECRET_KEY": plain("key"), "REDIS_PASSWORD": "hunter2hunter2", "MAIL_PASSWORD": "hunter2hunter2"}
VALUES |= {"STRIPE_API_KEY": "sk_test_" + plain("stripe"), "POSTGRES_PASSWORD": "postgres"}
CANARIES = Canaries({name: value for name, value in VALUES.items() if len(value) > 8})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project on this machine, that is a saved target; nothing else of the machine is looked at."""
    folder = tmp_path / "shop"
    folder.mkdir()
    file = folder / ".env"
    file.write_text("DEBUG=0\n" + "".join(f"{name}={value}\n" for name, value in VALUES.items()))
    file.chmod(0o644)
    save_profile(Profile(name="shop", address="local", project=str(folder)))
    monkeypatch.setattr(signoff.reaching, "DISCOVERY_FACTS", ())
    monkeypatch.setattr(signoff.reaching, "propose", lambda _facts, profile: Proposal(profile))
    return file


def found(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the target have what was found on a lab host."""
    facts: Facts = env_hosts.facts(name)
    save_profile(SHOP_PROFILE)
    made = rating.rated_files(facts, SHOP_PROFILE)
    monkeypatch.setattr(rating, "rate_target", lambda *_: made)


async def rating_screen(pilot: Pilot[Any]) -> RatingScreen:
    """Turn to the secrets of the first target."""
    await settle(pilot)
    await pilot.press("r")
    screen = await arrives(pilot, RatingScreen)
    await settle(pilot)
    return screen


async def test_every_secret_and_who_may_read_it(project: Path) -> None:
    app = SignoffApp(Start())
    async with app.run_test(size=(100, 40)) as pilot:
        screen = await rating_screen(pilot)
        seen = [export(app)]
        listed = screen.query_one(SecretList)
        assert {one.name: one.result for one in listed.secrets} == {
            "SECRET_KEY": Result.PASS,
            "REDIS_PASSWORD": Result.FAIL,
            "MAIL_PASSWORD": Result.FAIL,
            "STRIPE_API_KEY": Result.FAIL,
            "POSTGRES_PASSWORD": Result.FAIL,
        }
        said = " ".join(export(app).split())
        for words in (
            "every user of the machine may read it",
            "the same as MAIL_PASSWORD",
            "bits strong",
            "4 of 5 not in order",
        ):
            assert words in said, words
        assert "[ ]" not in said, "nothing is chosen here"
        await pilot.press("space", "home", "enter")
        dialog = on(pilot, ReadingDialog)
        seen.append(export(app))
        assert "chmod 600" in shown(dialog)
        await pilot.press("escape", "end", "d")
        assert "POSTGRES_PASSWORD" in shown(on(pilot, ReadingDialog))
        assert "x starts the checklist secret-rotation" in " ".join(shown(app.screen).split())
        seen.append(export(app))
        await pilot.press("escape")
        project.write_text("DEBUG=0\n")
        await pilot.press("r")
        await settle(pilot)
        assert text_of(screen, "#status") == "Nothing could be rated."
        await pilot.press("escape")
        on(pilot, HomeScreen)
        assert CANARIES.in_text("".join(seen), "the screen") == []
    assert not paths.sessions_directory().exists(), "nothing is recorded"


async def test_replacing_begins_the_checklist_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Start] = []
    found(monkeypatch, "bad-root")
    app = SignoffApp(Start())
    monkeypatch.setattr(app, "open_walk", opened.append)
    async with app.run_test(size=SIZE) as pilot:
        screen = await rating_screen(pilot)
        assert "x Start secret-rotation" in shown(screen)
        await pilot.press("x")
        await settle(pilot)
        on(pilot, HomeScreen)
    (start,) = opened
    assert start.profile
    assert start.profile.name == "shop"
    assert [one.checklist.id for one in start.checklists] == ["secret-rotation"]


async def test_a_target_that_is_not_there_is_said_and_tried_again(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_profile: Profile, _prompter: Prompter) -> Target:
        raise TargetError(say("shop.example:22 cannot be reached: refused."), say("Is it up?"))

    app = SignoffApp(Start())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        with monkeypatch.context() as patch:
            patch.setattr(signoff.reaching, "open_target", refused)
            await pilot.press("r")
            dialog = await arrives(pilot, ErrorDialog)
            assert "shop.example:22 cannot be reached: refused." in shown(dialog)
        await pilot.press("escape")
        screen = on(pilot, RatingScreen)
        assert "cannot be reached: refused." in shown(screen), "it stays to be read"
        assert "Is it up?" in shown(screen)
        await pilot.press("d", "x", "enter")
        assert app.screen is screen
        await pilot.press("r")
        await settle(pilot)
        assert "SECRET_KEY" in shown(screen)
        project.unlink()
        await pilot.press("r")
        await arrives(pilot, ErrorDialog)
        assert "no file with secrets was found" in " ".join(shown(app.screen).split())
        await pilot.press("escape")
        assert "The files could not be read." in text_of(screen, "#status")
        assert "SECRET_KEY" not in shown(screen), "what was read before is not shown as if it were so now"


async def test_a_file_that_may_not_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, "good-viewer")
    app = SignoffApp(Start())
    async with app.run_test(size=SIZE) as pilot:
        screen = await rating_screen(pilot)
        assert "may be read by shop and root only" in shown(screen)
        assert text_of(screen, "#status") == "Nothing could be rated."
        assert screen.query_one(SecretList).finding, "and is highlighted"


async def test_it_can_be_stopped_while_the_target_asks(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, closed = Event(), Event()

    class Closing(LocalTarget):
        def close(self) -> None:
            closed.set()

    def asks(_profile: Profile, prompter: Prompter) -> Target:
        assert not prompter.accept_host_key("shop.example:22", "ssh-ed25519", "SHA256:x")
        answered.set()
        return Closing(NoPrompter())

    monkeypatch.setattr(signoff.reaching, "open_target", asks)
    app = SignoffApp(Start())
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        await pilot.press("r")
        dialog = await arrives(pilot, TypedWord)
        assert dialog.query_one(Input).has_focus
        await pilot.press("escape")
        await arrives(pilot, RatingScreen)
        await pilot.press("escape")
        await settle(pilot)
        on(pilot, HomeScreen)
    assert answered.wait(5)
    assert closed.wait(5), "the target is let go of"


def test_what_passes_around_the_files_is_not_amiss() -> None:
    facts = env_hosts.facts("bad-root")
    made = rating.rated_files(facts, SHOP_PROFILE)
    results: Sequence[Result] = [one.result for one in made.amiss]
    assert Result.PASS not in results
    assert results == sorted(results, key=list(Result).index)
    assert Rated((), ()).amiss == ()


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
async def test_pictures(
    snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    picture = snapshot.use_extension(SVGImageExtension)
    found(monkeypatch, "bad-root")
    app = SignoffApp(Start())
    async with app.run_test(size=size) as pilot:
        await rating_screen(pilot)
        assert app.export_screenshot() == picture(name="list")
        await pilot.press("up", "enter")
        await settle(pilot)
        assert app.export_screenshot() == picture(name="details")

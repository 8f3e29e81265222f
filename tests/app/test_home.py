"""The first screen, and the form of a target."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from textual.widgets import Input, OptionList

from app.conftest import SHOP_PROFILE
from app.drive import arrives, on, running, settle, shown, text_of, walk_of, write
from app.fakes import FakeTarget
from signoff import paths
from signoff.app.app import SignoffApp, Start
from signoff.app.screens.generate import GenerateScreen
from signoff.app.screens.home import HomeScreen
from signoff.app.screens.leaving import LeavingDialog
from signoff.app.screens.prompts import Choice, ErrorDialog
from signoff.app.screens.run import RunScreen
from signoff.app.screens.session import SessionScreen
from signoff.app.screens.target_form import TargetForm
from signoff.app.target_fields import problem_of
from signoff.checklist.load import Loaded
from signoff.target.profile import Profile
from signoff.target.profiles import load_profiles, save_profile
from signoff.target.second_factor import SecondFactor
from signoff.walk import Walk

SIZES = [(80, 24), (120, 36)]


@pytest.mark.parametrize("size", SIZES)
async def test_offers_what_there_is(begin: Callable[[], Walk], size: tuple[int, int]) -> None:
    save_profile(SHOP_PROFILE)
    sealed, unfinished = begin(), begin()
    sealed.probe()
    sealed.finish()
    unfinished.probe()
    unfinished.enter(unfinished.keys[1])
    unfinished.close()
    damaged = begin()
    damaged.close()
    journal = damaged.session.directory / "session.jsonl"
    journal.write_bytes(journal.read_bytes()[:-40] + b'{"torn"}\n')
    app = SignoffApp(Start())
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        said = shown(on(pilot, HomeScreen))
        assert said.index("Go on where you stopped") < said.index("Start") < said.index("Sessions")
        assert "at close-ports" in said
        assert "ssh://deploy@shop.example" in said
        assert "This machine" in said
        assert "sealed" in said
        assert "damaged" in said
        await pilot.press("enter")
        await running(pilot)
        assert walk_of(app).session.id == unfinished.session.id
        assert on(pilot, RunScreen).page.current == 1


async def test_a_sealed_session_is_looked_over(begin: Callable[[], Walk]) -> None:
    walk = begin()
    walk.probe()
    walk.finish()
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        home = on(pilot, HomeScreen)
        home.query_one(OptionList).highlighted = home.query_one(OptionList).option_count - 1
        await pilot.press("enter")
        await settle(pilot)
        screen = on(pilot, SessionScreen)
        assert walk.session.id in shown(screen)
        assert "ctrl+s" not in shown(screen), "there is nothing to seal"
        await pilot.press("ctrl+s", "escape")
        on(pilot, HomeScreen)


@pytest.mark.parametrize("several", [False, True])
async def test_begins_on_a_saved_target(
    target: FakeTarget, checklist: Loaded, monkeypatch: pytest.MonkeyPatch, several: bool
) -> None:
    del target
    known = {"quick-production": checklist.path} | ({"second": checklist.path} if several else {})
    monkeypatch.setattr("signoff.checklist.load.available", lambda: known)
    monkeypatch.setattr("signoff.probes.all_probes", lambda: None)
    save_profile(SHOP_PROFILE)
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("enter")
        if several:
            await arrives(pilot, Choice)
            await pilot.press("enter")
        await arrives(pilot, RunScreen)
        assert walk_of(app).profile.name == "shop"


async def test_a_broken_targets_file_hides_nothing_else() -> None:
    paths.targets_file().parent.mkdir(parents=True)
    paths.targets_file().write_text("[shop]\naddress = 7\n")
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        said = shown(on(pilot, HomeScreen))
        assert "[shop] address" in said
        assert "This machine" in said


async def test_a_state_folder_that_others_can_write_to_is_told(begin: Callable[[], Walk], home: Path) -> None:
    begin().close()
    (home / "state").chmod(0o777)
    app = SignoffApp()
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(pilot)
        said = "".join(shown(app.screen).split())
        assert f"everybody can write to {home / 'state'}".replace(" ", "") in said
        assert "chmod go-w".replace(" ", "") in said
        on(pilot, HomeScreen)


async def test_the_keys_of_the_home_screen() -> None:
    factor = SecondFactor(sql="UPDATE admins SET totp = :seed WHERE email = :account", container="shop-db-1")
    save_profile(msgspec.structs.replace(SHOP_PROFILE, second_factor=factor))
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("g")
        on(pilot, GenerateScreen)
        await pilot.press("escape")
        await settle(pilot)
        await pilot.press("e")
        assert on(pilot, TargetForm).query_one("#url", Input).value == "https://shop.example"
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert load_profiles()["shop"].second_factor == factor, "what the form does not show stays"
        await pilot.press("escape", "n")
        assert on(pilot, TargetForm).query_one("#url", Input).value == ""
        await pilot.press("down", "down", "up")
        assert on(pilot, TargetForm).query_one("#address", Input).has_focus
        await pilot.press("escape", "f5")
        await settle(pilot)
        on(pilot, HomeScreen)
        await pilot.press("q")
        await pilot.pause()
    assert app.return_code == 0


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("name", "", "needs a name"),
        ("name", "a b", "cannot be a target's name"),
        ("name", "a]\nb", "cannot be a target's name"),
        ("address", "", "Where is it?"),
        ("address", "ssh://deploy:secret@shop.example", "holds a password"),
        ("address", "ftp://x", "does not begin with ssh://"),
        ("url", "shop.example", "is not a URL like"),
        ("addresses", ["203.0.113.7", "nowhere"], "nowhere is not an IP address"),
        ("project", "srv", "does not begin with /"),
        ("open_ports", [70000], "is not a port"),
        ("open_ports", ["x"], "Expected `int`"),
        ("address", "local", ""),
        ("url", "https://shop.example", ""),
        ("env_files", [".env", ".env.mail"], ""),
    ],
)
def test_each_field_has_its_reason(name: str, value: object, reason: str) -> None:
    problem = problem_of(name, value)
    assert (reason in problem) if reason else problem == ""


async def test_the_form_tells_beside_the_field_and_saves(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Start] = []
    monkeypatch.setattr("signoff.checklist.load.available", dict)
    app = SignoffApp(Start())
    monkeypatch.setattr(app, "open_walk", opened.append)
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("n")
        form = on(pilot, TargetForm)
        await pilot.press("ctrl+s")
        assert "A target needs a name." in shown(form)
        await write(pilot, "shop")
        assert "A target needs a name." not in shown(form)
        await pilot.press("enter")
        await write(pilot, "ssh://deploy:hunter2@shop.example")
        await pilot.press("ctrl+s")
        assert "holds a password" in shown(form)
        form.query_one("#address", Input).value = "ssh://deploy@shop.example/srv/shop"
        form.query_one("#open-ports", Input).value = "8443, 8444"
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert "saved" in text_of(form, "#status")
        saved = load_profiles()["shop"]
        assert saved.open_ports == (8443, 8444)
        assert saved.project == "/srv/shop"
        await pilot.press("ctrl+o")
        await settle(pilot)
        on(pilot, HomeScreen)
        assert [start.profile.name for start in opened if start.profile] == ["shop"]


async def test_discovery_proposes_and_what_was_typed_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    from signoff.facts.discovery import Proposal

    def discovered(profile: Profile, *_: object) -> Proposal:
        found = Profile(
            name=profile.name,
            address=profile.address,
            url=profile.url,
            database="shop",
            services=("web", "beat"),
        )
        return Proposal(
            found,
            {"database": ("shop",), "services": ("web", "beat"), "project": ("/srv/shop", "/srv/old")},
            {"database": "the project's .env", "services": "its units", "project": "a usual place"},
        )

    monkeypatch.setattr("signoff.app.screens.target_form.discovered", discovered)
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 30)) as pilot:
        await settle(pilot)
        await pilot.press("n")
        form = on(pilot, TargetForm)
        await pilot.press("ctrl+d")
        assert "Where is it?" in shown(form)
        form.query_one("#address", Input).value = "ssh://deploy@shop.example"
        form.query_one("#url", Input).value = "https://typed.example"
        await pilot.press("ctrl+d")
        await settle(pilot)
        assert form.query_one("#database", Input).value == "shop"
        assert form.query_one("#services", Input).value == "web, beat"
        assert form.query_one("#url", Input).value == "https://typed.example"
        assert form.query_one("#project", Input).value == "", "of several, the operator takes one"
        assert "/srv/shop, /srv/old: which one?" in shown(form)
        assert "2 proposed" in text_of(form, "#status")


async def test_discovering_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = threading.Event()
    monkeypatch.setattr("signoff.app.screens.target_form.discovered", lambda *_: stuck.wait(20))
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("n")
        form = on(pilot, TargetForm)
        form.query_one("#address", Input).value = "ssh://deploy@192.0.2.1"
        await pilot.press("ctrl+d")
        await pilot.pause()
        assert "Looking around on ssh://deploy@192.0.2.1" in shown(form)
        await pilot.press("escape")
        await settle(pilot)
        assert app.screen is form
        assert "Looking around" not in shown(form)
        await pilot.press("escape")
        on(pilot, LeavingDialog)
    stuck.set()


async def test_broken_settings_are_told_and_the_app_runs(home: Path) -> None:
    del home
    paths.settings_file().parent.mkdir(parents=True)
    paths.settings_file().write_text("language = 7\n")
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        assert "settings.toml" in shown(on(pilot, ErrorDialog))
        await pilot.press("escape")
        on(pilot, HomeScreen)

"""Rating and rotating secrets in the app: what is chosen, asked, shown, done and put back. Never a value."""

from __future__ import annotations

import dataclasses
import html
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest
from cryptography.fernet import Fernet
from pytest_textual_snapshot import SVGImageExtension  # type: ignore[import-untyped]  # it has none
from syrupy.assertion import SnapshotAssertion
from textual.pilot import Pilot
from textual.widgets import Input

from app.conftest import NoPrompter
from app.drive import arrives, on, running, settle, shown, text_of, walk_of, write
from app.fakes import FakeTarget, P, judgement, outputs
from app.test_hostile import FORBIDDEN, HOSTILE
from signoff import rotating
from signoff.actions.base import Ending, Outcome, Tell
from signoff.app.app import SignoffApp, Start
from signoff.app.offers import OFFERS
from signoff.app.screens import carrying_out
from signoff.app.screens.carrying_out import CarryingOut
from signoff.app.screens.prompts import Choice, ErrorDialog, SecretDialog
from signoff.app.screens.rotation import RotationScreen
from signoff.app.screens.rotation_plan import RotationPlanScreen
from signoff.app.screens.run import RunScreen
from signoff.app.undertaking import Undertaking
from signoff.app.widgets.secret_list import SecretList
from signoff.checklist.load import Loaded
from signoff.checklist.model import ACTIONS
from signoff.facts.base import Facts, Unavailable
from signoff.facts.collect import collect
from signoff.facts.containers import CONTAINERS
from signoff.facts.environment import ENVIRONMENT
from signoff.facts.git import GIT
from signoff.facts.units import UNITS, Units
from signoff.message import say
from signoff.rating import Rated
from signoff.rotating import Rotation
from signoff.target.local import LocalTarget
from signoff.target.profile import Profile
from signoff.walk import Walk
from unit import env_hosts
from unit.canaries import Canaries, awkward, plain

SIZE = (80, 24)
OLD = {"SECRET_KEY": "changeme", "JWT_SECRET_KEY": plain("jwt"), "FERNET_KEY": Fernet.generate_key().decode()}
OLD |= {"SMTP_PASSWORD": awkward("mail").replace("'", ""), "STRIPE_API_KEY": "sk_test_" + plain("stripe")}
CANARIES = Canaries({name: value for name, value in OLD.items() if len(value) > 8})


@dataclasses.dataclass
class Project:
    """A project on this machine, and what the app has looked up of it: nothing runs with its secrets."""

    folder: Path
    looked: int = 0

    @property
    def file(self) -> Path:
        return self.folder / ".env"

    def values(self) -> dict[str, str]:
        pairs = (line.split("=", 1) for line in self.file.read_text().splitlines())
        return {name: value.strip("'") for name, value in pairs}

    def look(self, _walk: Walk, _wanted: object, _cancel: Event | None = None) -> Facts:
        self.looked += 1
        profile = Profile(project=str(self.folder))
        *_, environment = collect([ENVIRONMENT], LocalTarget(NoPrompter()), profile, Event())
        values = {
            ENVIRONMENT.id: environment.value,
            UNITS.id: Units(()),
            CONTAINERS.id: (),
            GIT.id: Unavailable(say("it is no repository")),
        }
        return Facts(values)


@pytest.fixture
def project(tmp_path: Path, target: FakeTarget, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Let the app find this machine's project; what changes it is real."""
    made = Project(tmp_path / "shop")
    made.folder.mkdir()
    made.file.write_text("".join(f"{name}='{value}'\n" for name, value in OLD.items()))
    made.file.chmod(0o600)
    monkeypatch.setattr(Walk, "look", lambda walk, *more: made.look(walk, *more))
    target.hands = LocalTarget(NoPrompter())
    return made


async def choosing(pilot: Pilot[Any]) -> RotationScreen:
    """Turn to the list of secrets."""
    await running(pilot)
    await pilot.press("x")
    await arrives(pilot, RotationScreen)
    await settle(pilot)

    return on(pilot, RotationScreen)


def entries(screen: RotationScreen) -> dict[str, str]:
    """What the list says, by name."""
    return {one.name: one.result.value for one in screen.query_one(SecretList).secrets}


def chosen(screen: RotationScreen) -> list[str]:
    return [one.name for one in screen.query_one(SecretList).chosen]


def export(app: SignoffApp) -> str:
    """All texts of a screenshot, and what is drawn."""
    texts = re.findall(r"<text[^>]*>(.*?)</text>", app.export_screenshot(), re.DOTALL)
    return "".join(html.unescape(text) for text in texts).replace("\xa0", " ") + shown(app.screen)


async def ended(pilot: Pilot[Any]) -> CarryingOut:
    """Wait until what is under way is over."""
    screen = await arrives(pilot, CarryingOut)
    while not screen._over:
        await pilot.pause(0.02)
    await settle_but_replacing(pilot)
    return screen


async def settle_but_replacing(pilot: Pilot[Any]) -> None:
    """Let everything be drawn while a worker waits for an answer."""
    for _ in range(3):
        await pilot.pause(0.03)


async def test_from_a_weak_key_to_a_new_one(
    app: SignoffApp, project: Project, target: FakeTarget, home: Path
) -> None:
    async with app.run_test(size=SIZE) as pilot:
        screen = await choosing(pilot)
        seen = [export(app)]
        assert entries(screen) == {
            "SECRET_KEY": "fail",
            "JWT_SECRET_KEY": "pass",
            "FERNET_KEY": "pass",
            "SMTP_PASSWORD": "pass",
            "STRIPE_API_KEY": "fail",
        }
        assert "a default or placeholder" in shown(screen)
        assert "a provider's test key, or its sandbox" in shown(screen)
        await pilot.press("w", "down", "space")
        assert chosen(screen) == ["SECRET_KEY", "JWT_SECRET_KEY", "STRIPE_API_KEY"]
        await pilot.press("0", "up", "space", "down", "space")
        assert chosen(screen) == ["SECRET_KEY", "JWT_SECRET_KEY"]

        await pilot.press("enter")
        plan = await arrives(pilot, RotationPlanScreen)
        seen.append(export(app))
        assert "Everybody is logged out" in shown(plan)
        assert "(8 characters) -> ••••••••" in shown(plan)
        for typed in ("", "no", "YES", "y"):
            plan.query_one(Input).value = typed
            await pilot.press("enter")
            assert app.screen is plan
        assert project.values() == OLD
        plan.query_one(Input).value = "yes"
        target.outputs |= outputs({"env.strength": [judgement(P, "all strong now", title="Strength")]})
        await pilot.press("enter")
        end = await ended(pilot)
        seen.append(export(app))
        assert f"Writing{project.file}." in "".join(shown(end).split()), "wherever the lines are broken"
        assert text_of(end, "#how").startswith("Done.")
        assert "start anew yourself" in text_of(end, "#how"), "nothing runs that could be restarted"

        await pilot.press("enter")
        await settle(pilot)
        on(pilot, RunScreen)
        findings = walk_of(app).state(walk_of(app).keys[0]).findings
        assert "all strong now" in {one.observed for one in findings}, "it was looked at again by itself"
        new = project.values()
        assert {name for name in OLD if OLD[name] != new[name]} == {"SECRET_KEY", "JWT_SECRET_KEY"}
        fresh = Canaries({name: new[name] for name in ("SECRET_KEY", "JWT_SECRET_KEY")})
        for canaries in (CANARIES, fresh):
            assert canaries.in_text("".join(seen) + export(app), "a screen") == []
            assert canaries.in_folder(home, besides=[project.folder]) == []
        journal = (walk_of(app).session.directory / "session.jsonl").read_text()
        assert '"action":"env.edit"' in journal
        assert '"outcome":"done"' in journal


async def test_what_loses_data_wants_its_name(app: SignoffApp, project: Project) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await choosing(pilot)
        await pilot.press("down", "down", "space", "enter")
        plan = await arrives(pilot, RotationPlanScreen)
        assert "Data is lost with the old FERNET_KEY" in text_of(plan, "#question")
        for typed in ("yes", "fernet_key", ""):
            plan.query_one(Input).value = typed
            await pilot.press("enter")
            assert "FERNET_KEY" in text_of(plan, "#question")
        plan.query_one(Input).value = "FERNET_KEY"
        await pilot.press("enter")
        assert "Type yes" in text_of(plan, "#question")
        assert plan.query_one(Input).value == ""
        await pilot.press("enter", "escape")
        await settle(pilot)
        on(pilot, RotationScreen)
        assert project.values() == OLD


async def test_what_others_issue_is_pasted_masked_and_judged(app: SignoffApp, project: Project) -> None:
    new = Canaries({"live": "sk_live_" + plain("new")})
    async with app.run_test(size=SIZE) as pilot:
        screen = await choosing(pilot)
        await pilot.press("end", "space", "enter")
        dialog = await arrives(pilot, SecretDialog)
        assert "The new STRIPE_API_KEY" in shown(dialog)
        assert "Have the provider issue a new one" in shown(dialog)
        for pasted, refusal in (
            ("sk_test_" + plain("another"), "a provider's test key"),
            (OLD["STRIPE_API_KEY"], "is the old one"),
            ("changeme", "a default or placeholder"),
            (f" {new.values['live']}", "begins or ends with a blank"),
            (f"{new.values['live']}\nsecond line", "More than one line"),
        ):
            await write(pilot, pasted)
            await pilot.press("enter")
            assert refusal in " ".join(text_of(dialog, "#problem").split()), pasted
            assert dialog.query_one(Input).value == "", "what was refused is forgotten"
        await pilot.press("escape")
        await settle(pilot)
        assert app.screen is screen
        await pilot.press("enter")
        await arrives(pilot, SecretDialog)
        await write(pilot, f"{new.values['live']}\n")
        assert "•••" in shown(app.screen)
        assert new.in_text(export(app), "the dialog") == []
        await pilot.press("enter")
        plan = await arrives(pilot, RotationPlanScreen)
        assert new.in_text(export(app), "the plan") == []
        plan.query_one(Input).value = "yes"
        await pilot.press("enter")
        end = await ended(pilot)
        assert "Revoke the old STRIPE_API_KEY where it was issued." in text_of(end, "#how")
        assert project.values()["STRIPE_API_KEY"] == new.values["live"]
        assert (new.in_text(export(app), "the end"), CANARIES.in_text(export(app), "the end")) == ([], [])


Work = Callable[[Tell, Event], Outcome]


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Work], None]]:
    """Have something else carried out in the place of a rotation; it is over when the test is."""
    begun: list[Undertaking] = []
    start = Undertaking.start

    def remember(undertaking: Undertaking) -> None:
        begun.append(undertaking)
        start(undertaking)

    monkeypatch.setattr(Undertaking, "start", remember)
    yield lambda do: monkeypatch.setattr(
        rotating, "carry_out", lambda _walk, _key, _plan, tell, stop: do(tell, stop)
    )
    for one in begun:
        one.stop()
        one.wait()


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the app find what was found on a lab host."""
    monkeypatch.setattr(Walk, "look", lambda *_: env_hosts.facts("bad-root"))


async def under_way(pilot: Pilot[Any]) -> CarryingOut:
    """Say yes to replacing the first secret; on a terminal that lags, Enter comes twice."""
    await choosing(pilot)
    await pilot.press("space", "enter")
    plan = await arrives(pilot, RotationPlanScreen)
    field = plan.query_one(Input)
    for _ in range(2):
        field.post_message(Input.Submitted(field, "yes"))
    return await arrives(pilot, CarryingOut)


async def test_it_is_shown_as_it_goes_and_can_be_stopped_but_not_left(
    app: SignoffApp, recorded: None, work: Callable[[Work], None]
) -> None:
    going, back = Event(), Event()

    def slow(tell: Tell, stop: Event) -> Outcome:
        tell(f"Recreating shop_web_1 ... {HOSTILE}")
        going.wait(10)
        tell("Waiting until they are healthy.")
        stop.wait(10)
        tell("Putting everything back.")
        back.wait(10)
        return Outcome(Ending.PUT_BACK, "Stopped on request.")

    work(slow)
    async with app.run_test(size=SIZE) as pilot:
        screen = await under_way(pilot)
        looked = walk_of(app).state(walk_of(app).keys[0])
        while "Recreating" not in shown(screen):
            await pilot.pause(0.02)
        for harmful in FORBIDDEN:
            assert harmful not in shown(screen)
        assert "Waiting" not in shown(screen)
        going.set()
        while "Waiting until they are healthy." not in shown(screen):
            await pilot.pause(0.02)
        await pilot.press("escape", "enter", "q", "ctrl+q")
        assert app.screen is screen, "it cannot be left"
        assert app.is_running
        await pilot.press("ctrl+c")
        assert "Stopping, and putting everything back" in text_of(screen, "#status")
        await pilot.press("ctrl+q")
        assert app.is_running, "not while it is put back either"
        back.set()
        await ended(pilot)
        assert text_of(screen, "#how") == "Everything was put back. Stopped on request."
        assert looked.probed
        await pilot.press("escape")
        await settle(pilot)
        on(pilot, RunScreen)
        assert app.undertaking is None
        await pilot.press("q")
        await pilot.pause(0.05)
        assert not app.is_running


ENDINGS = [
    (Outcome(Ending.REFUSED, "No root is to be had."), "Nothing was changed. No root is to be had."),
    (
        Outcome(Ending.STUCK, "web ends again and again.", ("role shop: set it by hand",)),
        "Not everything could be put back. web ends again and again.\nSee to it by hand: role shop: set it",
    ),
    (None, "A defect in the program (KeyError).\nWhat had been changed was put back where"),
]


async def test_how_it_ended_is_said_in_words(
    app: SignoffApp, recorded: None, work: Callable[[Work], None]
) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await running(pilot)
        for outcome, words in ENDINGS:

            def do(_tell: Tell, _stop: Event, outcome: Outcome | None = outcome) -> Outcome:
                if outcome is None:
                    raise KeyError(OLD["JWT_SECRET_KEY"])
                return outcome

            work(do)
            await under_way(pilot)
            end = await ended(pilot)
            assert text_of(end, "#how").startswith(words)
            assert CANARIES.in_text(export(app), "the end") == []
            await pilot.press("enter")
            await settle(pilot)


async def test_looking_can_be_stopped(
    app: SignoffApp, target: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = Event()

    def look(_walk: Walk, _wanted: object, cancel: Event) -> Facts:
        assert cancel.wait(10)
        stopped.set()
        return env_hosts.facts("good-root")

    monkeypatch.setattr(Walk, "look", look)
    async with app.run_test(size=SIZE) as pilot:
        await running(pilot)
        await pilot.press("x")
        screen = await arrives(pilot, RotationScreen)
        await pilot.pause(0.05)
        assert "Reading the files" in text_of(screen, "#status")
        await pilot.press("enter", "space", "w", "escape")
        await settle(pilot)
        on(pilot, RunScreen)
        assert stopped.wait(5)


async def test_files_that_cannot_be_read_are_said(
    app: SignoffApp, target: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Walk, "look", lambda *_: env_hosts.facts("good-viewer"))
    async with app.run_test(size=SIZE) as pilot:
        await running(pilot)
        await pilot.press("x")
        dialog = await arrives(pilot, ErrorDialog)
        assert "The secrets cannot be rated" in shown(dialog)
        assert "may be read by shop and root only" in " ".join(shown(dialog).split())
        await pilot.press("escape")
        assert "The files could not be read." in shown(on(pilot, RotationScreen))
        await pilot.press("escape")
        on(pilot, RunScreen)


async def test_files_are_told_apart(app: SignoffApp, project: Project) -> None:
    other = project.folder / ".env.production"
    other.write_text(f"SECRET_KEY='hunter2'\nAPI_TOKEN='{plain('token')}'\n")
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await choosing(pilot)
        assert str(project.file) in shown(screen)
        assert str(other) in shown(screen)
        await pilot.press("w")
        secrets = screen.query_one(SecretList)
        assert {one.path for one in secrets.chosen} == {str(secrets.secrets[0].path)}, "one file's only"
        await pilot.press("end")
        await pilot.press("w", "enter")
        dialog = await arrives(pilot, ErrorDialog)
        assert "The same name is chosen in several files." in shown(dialog)


async def test_hostile_names_and_reasons(
    app: SignoffApp, recorded: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Rotation.rated

    def hostile(self: Rotation) -> Rated:
        rated = made(self)
        secrets = tuple(
            dataclasses.replace(
                one,
                path=f"/srv/{HOSTILE}",
                rating=dataclasses.replace(one.rating, name=f"{HOSTILE}{'A' * 300}"),
                problems=(HOSTILE, HOSTILE),
            )
            for one in rated.secrets
        )
        found = tuple(msgspec.structs.replace(one, observed=HOSTILE, remedy=HOSTILE) for one in rated.around)
        return Rated(secrets, found)

    monkeypatch.setattr(Rotation, "rated", hostile)
    async with app.run_test(size=(40, 12)) as pilot:
        screen = await choosing(pilot)
        assert "[@click=app.quit]" in shown(screen)
        await pilot.press("w", "enter")
        await arrives(pilot, ErrorDialog)
        for harmful in FORBIDDEN:
            assert harmful not in shown(screen) + shown(app.screen)


# what is offered


def test_every_action_has_a_screen() -> None:
    assert set(OFFERS) == set(ACTIONS)


async def test_nothing_is_offered_where_there_is_no_action_or_no_target(app: SignoffApp) -> None:
    async with app.run_test(size=SIZE) as pilot:
        screen = await running(pilot)
        assert "x Fix" in shown(screen)
        assert "x   rate the secrets" in text_of(screen, "#now")
        await pilot.press("right")
        await settle(pilot)
        assert "x Fix" not in shown(screen)
        await pilot.press("x")
        assert app.screen is screen
        await pilot.press("left")
        await pilot.pause(0.2)  # until the record says that the operator turned to it
        await settle(pilot)
        walk_of(app).close()
        screen.page.draw()
        await settle(pilot)
        assert "x Fix" not in shown(screen)
        assert "x   rate" not in text_of(screen, "#now")
        await pilot.press("x")
        assert app.screen is screen


async def test_several_actions_and_the_way_to_the_target(target: FakeTarget, checklist: Loaded) -> None:
    target.notes = ("RevokedHostKeys is not honoured.",)
    steps = tuple(msgspec.structs.replace(step, actions=tuple(ACTIONS)) for step in checklist.checklist.steps)
    several = msgspec.structs.replace(checklist.checklist, steps=steps)
    start = Start(
        Profile(name="shop", address="ssh://deploy@shop.example"),
        (dataclasses.replace(checklist, checklist=several),),
    )
    async with SignoffApp(start).run_test(size=SIZE) as pilot:
        screen = await running(pilot)
        await pilot.press("x")
        dialog = await arrives(pilot, Choice)
        for does in ACTIONS.values():
            assert does in shown(dialog)
        await pilot.press("escape")
        on(pilot, RunScreen)
        assert "see: on the way to the target" in text_of(screen, "#status")
        await pilot.press("end")
        await settle(pilot)
        assert "RevokedHostKeys is not honoured." in shown(screen)


# the app's end


def test_what_is_under_way_is_seen_out() -> None:
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    said: list[str] = []

    def put_back(_tell: Tell, stop: Event) -> Outcome:
        assert stop.wait(10)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN, "nothing ends it meanwhile"
        return Outcome(Ending.PUT_BACK, "Stopped on request.")

    undertaking = Undertaking(put_back)
    undertaking.start()
    try:
        undertaking.see_out(said.append)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    assert said == ["Stopping, and putting everything back.", "Everything was put back. Stopped on request."]


async def test_a_signal_waits_until_everything_is_put_back(
    app: SignoffApp, recorded: None, work: Callable[[Work], None]
) -> None:
    back = Event()

    def slow(tell: Tell, stop: Event) -> Outcome:
        stop.wait(10)
        tell("Putting everything back.")
        back.wait(10)
        return Outcome(Ending.PUT_BACK, "Stopped on request.")

    work(slow)
    async with app.run_test(size=SIZE) as pilot:
        screen = await under_way(pilot)
        app._on_signal(signal.SIGTERM)
        while "Putting everything back." not in shown(screen):
            await pilot.pause(0.02)
        assert app.is_running
        back.set()
        while app.is_running:
            await pilot.pause(0.02)
        assert app.return_code == 128 + signal.SIGTERM


# what it looks like


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
async def test_pictures(
    app: SignoffApp,
    snapshot: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
    recorded: None,
    work: Callable[[Work], None],
    size: tuple[int, int],
) -> None:
    picture = snapshot.use_extension(SVGImageExtension)
    monkeypatch.setattr(carrying_out, "monotonic", lambda: 0.0)

    def do(tell: Tell, stop: Event) -> Outcome:
        tell("Looking at role postgres of PostgreSQL in container shop_db_1.")
        tell("Writing /srv/shop/.env.")
        tell("Waiting until they are healthy.")
        stop.wait(10)
        tell("Putting everything back.")
        return Outcome(Ending.STUCK, "Stopped on request.", ("role postgres: it could not be asked",))

    async def screenshot() -> str:
        await settle_but_replacing(pilot)
        for field in pilot.app.screen.query(Input):
            field.cursor_blink = False
        await settle_but_replacing(pilot)
        return app.export_screenshot()

    work(do)
    async with app.run_test(size=size) as pilot:
        await choosing(pilot)
        await pilot.press("space", "down", "down", "space")
        assert await screenshot() == picture(name="list")
        await pilot.press("down", "space", "enter")
        await arrives(pilot, SecretDialog)
        assert await screenshot() == picture(name="paste")
        await pilot.press("escape", "space", "enter")
        plan = await arrives(pilot, RotationPlanScreen)
        assert await screenshot() == picture(name="plan")
        plan.query_one(Input).value = "yes"
        await pilot.press("enter")
        screen = await arrives(pilot, CarryingOut)
        while "Waiting" not in shown(screen):
            await pilot.pause(0.02)
        assert await screenshot() == picture(name="under-way")
        await pilot.press("ctrl+c")
        await ended(pilot)
        assert await screenshot() == picture(name="stuck")

"""Enrolling a second factor: the QR code as it is drawn, the codes, the delivery, and what is never seen."""

from __future__ import annotations

import re
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import mintotp
import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from app.drive import arrives, on, running, settle, shown, text_of, walk_of, write
from app.fakes import FakeTarget
from signoff.app.app import SignoffApp
from signoff.app.screens import enrolment
from signoff.app.screens.carrying_out import CarryingOut
from signoff.app.screens.code_entry import CodeScreen
from signoff.app.screens.enrolment import EnrolmentScreen
from signoff.app.screens.handing_over import HandOverScreen
from signoff.app.screens.leaving import LeavingDialog
from signoff.app.screens.masked import FileDialog
from signoff.app.screens.prompts import ErrorDialog, TypedWord
from signoff.app.screens.run import RunScreen
from signoff.app.widgets.qr_code import QrCode
from signoff.credentials import totp
from signoff.enrolling import Place
from signoff.session.events import Enrolled
from signoff.target.local import LocalTarget
from signoff.target.second_factor import SecondFactor
from unit.canaries import Canaries
from unit.env_files import OLD, put
from unit.pictures import read_code
from unit.target.rig import Operator

STEP = ("quick-production", "admin-access")
NOW = 1_800_000_014
_HALVES = {" ": (False, False), "▀": (True, False), "▄": (False, True), "█": (True, True)}


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """No step of 30 seconds ends between the making of a code and its typing."""
    monkeypatch.setattr(totp, "time", SimpleNamespace(time=lambda: NOW))


def code(seed: str, later: int = 0) -> str:
    """Return the code that mintotp makes of a seed, now or some steps later."""
    return str(mintotp.hotp(seed, NOW // 30 + later))


def scanned(app: SignoffApp) -> str:
    """Return what a reader makes of the screen: black and white where it says so, black everywhere else."""
    screen = app.screen
    rows = []
    for strip in screen._compositor.render_strips(screen.size):
        halves = []
        for segment in strip:
            style = segment.style
            drawn = style and style.color and style.bgcolor and style.bgcolor.get_truecolor() == (255,) * 3
            black = bool(drawn and style and style.color and style.color.get_truecolor() == (0, 0, 0))
            halves += [_HALVES[one] if black else (True, True) for one in segment.text]
        rows += [[upper for upper, _ in halves], [lower for _, lower in halves]]
    return read_code(rows)


def seed_of(screen: EnrolmentScreen) -> str:
    """Return the key that the screen holds."""
    assert screen._enrolment is not None
    return screen._enrolment.secret.reveal()


def canaries_of(screen: EnrolmentScreen) -> Canaries:
    """Return what must be seen on no other screen."""
    assert screen._enrolment is not None
    one = screen._enrolment
    return Canaries({"seed": one.secret.reveal()})


async def opened(pilot: Pilot[Any], **profile: Any) -> EnrolmentScreen:
    """Turn to the screen, from the walk's."""
    app = pilot.app
    assert isinstance(app, SignoffApp)
    await running(pilot)
    walk = walk_of(app)
    walk.profile = msgspec.structs.replace(walk.profile, **profile)
    app.push_screen(EnrolmentScreen(walk, STEP))
    return await arrives(pilot, EnrolmentScreen)


async def choose(pilot: Pilot[Any], place: Place, **fields: str) -> None:
    """Say where the key goes."""
    screen = on(pilot, EnrolmentScreen)
    screen.query_one(OptionList).highlighted = list(Place).index(place)
    await pilot.pause()
    for name, value in fields.items():
        screen.query_one(f"#{name.replace('_', '-')}", Input).value = value


async def proved(pilot: Pilot[Any], later: int = 0) -> Canaries:
    """Go on to the code, and type a right one."""
    screen = on(pilot, EnrolmentScreen)
    await pilot.press("ctrl+s")
    await arrives(pilot, CodeScreen)
    canaries = canaries_of(screen)
    await write(pilot, code(seed_of(screen), later))
    await pilot.press("enter")
    await settle(pilot)
    return canaries


async def tell(pilot: Pilot[Any], word: str) -> None:
    """Type a word into the dialog that asks for one."""
    await arrives(pilot, TypedWord)
    await write(pilot, word)
    await pilot.press("enter")
    await settle(pilot)


def enrolled(app: SignoffApp) -> list[Enrolled]:
    """Return what the record says."""
    return [one for _, one in walk_of(app).state(STEP).enrolled]


def journal(app: SignoffApp) -> str:
    """Return what is on disk."""
    return (walk_of(app).session.directory / "session.jsonl").read_text()


async def test_the_code_on_the_screen_is_read_by_somebody_elses_reader(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        assert screen.query_one("#account", Input).value == "admin@shop.example"
        assert screen.query_one("#issuer", Input).value == "shop.example"
        await pilot.press("ctrl+s")
        await arrives(pilot, CodeScreen)
        uri = scanned(app)
        found = re.fullmatch(
            r"otpauth://totp/shop\.example:admin@shop\.example\?secret=([A-Z2-7]{32})&issuer=shop\.example",
            uri,
        )
        assert found
        for theme in ("signoff-light", "ansi-dark", "ansi-light"):
            app.theme = theme
            await settle(pilot)
            assert scanned(app) == uri, f"black on white in {theme}"
        await pilot.resize_terminal(120, 36)
        await settle(pilot)
        assert scanned(app) == uri
        await write(pilot, code(found[1]))
        await pilot.press("enter")
        await settle(pilot)
        assert on(pilot, HandOverScreen)


async def test_without_room_there_is_the_text_and_with_room_again_the_code(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("ctrl+s")
        await arrives(pilot, CodeScreen)
        grouped = screen._enrolment.text.reveal() if screen._enrolment else ""
        await pilot.press("t")
        assert grouped in shown(app.screen)
        await pilot.press("t")
        assert grouped not in shown(app.screen)
        assert seed_of(screen) in scanned(app)
        await pilot.resize_terminal(60, 24)
        await settle(pilot)
        assert grouped in shown(app.screen)
        assert "Make it larger, or go on with the text." in " ".join(shown(app.screen).split())
        assert not app.screen.query_one(QrCode).display
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert seed_of(screen) in scanned(app)
        await write(pilot, code(seed_of(screen)))
        await pilot.press("enter")
        await settle(pilot)
        on(pilot, HandOverScreen)


async def test_a_wrong_code_says_so_and_loses_nothing(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await opened(pilot)
        await pilot.press("ctrl+s")
        entry = await arrives(pilot, CodeScreen)
        seed = seed_of(screen)
        assert "30 s" in text_of(entry, "#about")
        for typed, words in (
            ("123", "A code is 6 digits."),
            (str((int(code(seed)) + 1) % 10**6).zfill(6), "That is not this key's code."),
            (code(seed, later=10), "the device's clock is about 5 minutes ahead"),
        ):
            entry.query_one(Input).value = typed
            await pilot.press("enter")
            assert words in text_of(entry, "#said"), typed
            assert on(pilot, CodeScreen) is entry
            assert seed_of(screen) == seed
        assert enrolled(app) == []
        await write(pilot, code(seed, later=1))
        await pilot.press("enter")
        await settle(pilot)
        assert screen._checked is not None
        assert screen._checked.drift == 30
        assert "30 s ahead" in screen._checked.words()


async def test_no_code_is_accepted_twice(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await proved(pilot)
        await pilot.press("escape")
        assert on(pilot, EnrolmentScreen) is screen
        seed = seed_of(screen)
        await pilot.press("ctrl+r")
        entry = await arrives(pilot, CodeScreen)
        assert seed in scanned(app), "for one more device"
        for before in (0, -1):
            entry.query_one(Input).value = code(seed, before)
            await pilot.press("enter")
            assert "used already" in text_of(entry, "#said")
            assert on(pilot, CodeScreen) is entry
        entry.query_one(Input).value = code(seed, 1)
        await pilot.press("enter")
        assert on(pilot, EnrolmentScreen) is screen
        assert seed_of(screen) == seed


async def test_into_a_file_of_this_machine(app: SignoffApp, tmp_path: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await choose(pilot, Place.FILE, file=str(tmp_path / "key"))
        canaries = await proved(pilot)
        said = shown(await arrives(pilot, TypedWord))
        assert "readable by you only" in said
        assert canaries.in_text(app.export_screenshot() + said, "the preview") == []
        await pilot.press("enter")
        await tell(pilot, "y")
        assert not (tmp_path / "key").exists(), "only yes delivers"
        on(pilot, TypedWord).query_one(Input).value = ""
        await tell(pilot, "yes")
        carried = await arrives(pilot, CarryingOut)
        await over(pilot)
        assert "The key is in" in shown(carried)
        assert canaries.in_text(app.export_screenshot(), "the delivery") == []
        assert canaries.in_text(repr(vars(screen)), "what the screen says of itself") == []
        await pilot.press("enter")
        await arrives(pilot, HandOverScreen)
        assert (tmp_path / "key").read_text().strip() == canaries.values["seed"]
        assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
        assert [(one.account, one.issuer, one.verified, one.delivered_to) for one in enrolled(app)] == [
            ("admin@shop.example", "shop.example", True, f"{tmp_path}/key on the operator's machine")
        ]
        assert screen._enrolment is None, "it is forgotten"
        assert '"action":"totp.file"' in journal(app)
    assert canaries.in_folder(tmp_path, besides=[tmp_path / "key"]) == []


async def over(pilot: Pilot[Any]) -> None:
    """Wait until what is carried out has ended, and that is drawn."""
    screen = on(pilot, CarryingOut)
    while not screen._over:
        await pilot.pause(0.01)
    await pilot.pause()


async def test_into_the_products_file_and_again_after_a_failure(
    app: SignoffApp, target: FakeTarget, tmp_path: Path
) -> None:
    target.hands = LocalTarget(Operator())
    (tmp_path / "shop").mkdir()
    file = put(tmp_path / "shop" / ".env")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, project=str(file.parent))
        await choose(pilot, Place.VARIABLE)
        assert screen.query_one("#env-file", Input).value == str(file)
        canaries = await proved(pilot)
        assert "ADMIN_TOTP_SECRET  •••••••• (the new key)" in shown(await arrives(pilot, TypedWord))
        file.write_bytes(b"A='never closed\n")
        await tell(pilot, "yes")
        await over(pilot)
        assert "no assignment" in shown(app.screen)
        await pilot.press("escape")
        assert on(pilot, EnrolmentScreen) is screen
        assert "The key is still here" in text_of(screen, "#problem")
        assert seed_of(screen) == canaries.values["seed"]
        assert enrolled(app) == []
        put(file)
        await pilot.press("ctrl+s")
        await tell(pilot, "yes")
        await over(pilot)
        await pilot.press("escape")
        await arrives(pilot, HandOverScreen)
        assert file.read_bytes() == OLD + f"\r\nADMIN_TOTP_SECRET={canaries.values['seed']}\r\n".encode()
        assert [one.delivered_to for one in enrolled(app)] == [f"ADMIN_TOTP_SECRET in {file}"]
        assert '"outcome":"done"' in journal(app)
    assert canaries.in_folder(tmp_path / "state") == []


async def test_a_place_that_cannot_take_a_key_is_told_before_anything_is_scanned(
    app: SignoffApp, target: FakeTarget, tmp_path: Path
) -> None:
    target.hands = LocalTarget(Operator())
    file = put(tmp_path / ".env", b"ADMIN_TOTP_SECRET=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n")
    (tmp_path / "there").write_text("mine")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, project=str(tmp_path))
        database = list(Place).index(Place.DATABASE)
        assert screen.query_one(OptionList).get_option_at_index(database).disabled
        assert "targets.toml has no [shop.second_factor]" in text_of(screen, "#place-about")
        for place, fields, words in (
            (Place.VARIABLE, {}, "has a value already"),
            (Place.VARIABLE, {"env_file": "no/root"}, "no absolute path"),
            (Place.FILE, {"file": str(tmp_path / "there")}, "exists already"),
        ):
            await choose(pilot, place, **fields)
            await pilot.press("ctrl+s")
            await settle(pilot)
            assert words in on(pilot, ErrorDialog)._message
            await pilot.press("escape")
            assert on(pilot, EnrolmentScreen) is screen
            assert screen._enrolment is None
        for fields in ({"account": "a:b"}, {"account": ""}, {"variable": ""}, {"env_file": ""}):
            await choose(
                pilot,
                Place.VARIABLE,
                **{"account": "admin", "variable": "V", "env_file": str(file), **fields},
            )
            await pilot.press("ctrl+s")
            await settle(pilot)
            assert on(pilot, EnrolmentScreen) is screen
            assert text_of(screen, "#problem") != ""


async def test_into_the_database_the_statement_is_shown_first(app: SignoffApp, target: FakeTarget) -> None:
    factor = SecondFactor(sql="UPDATE admins SET totp = :seed WHERE email = :account")
    target.hands = LocalTarget(Operator())
    target.outputs["containers"] = b"#processes\n\n#sockets\n\n#docker\tnone\n#end\n"
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, second_factor=factor, database="shop")
        await choose(pilot, Place.DATABASE)
        assert factor.sql in text_of(screen, "#place-about")
        canaries = await proved(pilot)
        await settle(pilot)
        said = shown(await arrives(pilot, TypedWord))
        assert "UPDATE admins SET totp = :seed" in said
        assert "cannot be taken back" in said
        assert canaries.in_text(said, "the preview") == []


async def test_by_the_operators_own_hand(app: SignoffApp, tmp_path: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        canaries = await proved(pilot)
        handed = on(pilot, HandOverScreen)
        assert canaries.in_text(app.export_screenshot() + shown(handed), "masked") == []
        await pilot.press("v")
        assert canaries.values["seed"] in shown(handed)
        await pilot.press("v", "y")
        assert app.clipboard == canaries.values["seed"]
        await pilot.press("escape")
        assert on(pilot, EnrolmentScreen) is screen
        assert enrolled(app) == []
        await pilot.press("ctrl+s")
        await arrives(pilot, HandOverScreen)
        await pilot.press("ctrl+s")
        await tell(pilot, "yes")
        assert [(one.delivered_to, one.verified) for one in enrolled(app)] == [("", True)]
        assert "Recovery codes" in shown(on(pilot, HandOverScreen))
    assert canaries.in_folder(tmp_path) == []


async def test_recovery_codes_are_shown_once_masked_and_kept_nowhere(app: SignoffApp, tmp_path: Path) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await proved(pilot)
        await pilot.press("ctrl+s")
        await tell(pilot, "yes")
        handed = on(pilot, HandOverScreen)
        codes = [one.reveal() for one in handed.values]
        canaries = Canaries({str(number): one for number, one in enumerate(codes)})
        assert len(codes) == 10
        assert shown(handed).count("••••••••") == 10
        assert canaries.in_text(app.export_screenshot(), "a screenshot") == []
        await pilot.press("ctrl+s")
        assert "not shown again" in shown(on(pilot, TypedWord))
        await pilot.press("escape", "q")
        assert "not shown again" in shown(await arrives(pilot, LeavingDialog))
        await pilot.press("escape", "v")
        assert all(one in shown(handed) for one in codes)
        await pilot.press("v", "y")
        assert app.clipboard.split() == codes
        await pilot.press("w")
        on(pilot, FileDialog)
        await write(pilot, str(tmp_path / "codes"))
        await pilot.press("enter")
        await settle(pilot)
        assert (tmp_path / "codes").read_text().split() == codes
        assert (tmp_path / "codes").stat().st_mode & 0o777 == 0o600
        await pilot.press("H")
        assert len(app.clipboard.split()) == 10
        assert canaries.in_text(app.clipboard, "the hashes") == []
        await pilot.press("ctrl+s")
        on(pilot, RunScreen)
        assert screen not in app.screen_stack
        await pilot.press("right", "right", "right")
        await settle(pilot)
        said = " ".join(text_of(app.screen, "#done").split())
        assert "shop.example, admin@shop.example; verified with a code; taken by hand" in said
        await pilot.press("x")
        again = await arrives(pilot, EnrolmentScreen)
        assert again.key == STEP
        await pilot.press("escape")
        await pilot.press("n")
        await write(pilot, f"The first is {codes[0]}")
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert "a recovery code" in shown(on(pilot, ErrorDialog))
    assert canaries.in_folder(tmp_path, besides=[tmp_path / "codes"]) == []


async def test_leaving_is_asked_about_where_the_key_would_be_lost(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("ctrl+s")
        await arrives(pilot, CodeScreen)
        seed = seed_of(screen)
        for key in ("escape", "q", "ctrl+q"):
            await pilot.press(key)
            said = shown(await arrives(pilot, LeavingDialog))
            assert "Delete the entry" in " ".join(said.split())
            assert "▄" not in said, "the code is not drawn behind it"
            await pilot.press("escape")
            await settle(pilot)
            assert seed in scanned(app)
        grouped = screen._enrolment.text.reveal() if screen._enrolment else ""
        await pilot.press("escape")
        await tell(pilot, "leave")
        assert on(pilot, EnrolmentScreen) is screen
        assert screen._enrolment is None
        await pilot.press("ctrl+s")
        await arrives(pilot, CodeScreen)
        assert seed_of(screen) != seed
        await write(pilot, code(seed_of(screen)))
        await pilot.press("enter")
        await settle(pilot)
        await pilot.press("escape", "escape")
        assert "nowhere but here" in shown(await arrives(pilot, LeavingDialog))
        await tell(pilot, "leave")
        on(pilot, RunScreen)
        assert screen._enrolment is None
        assert enrolled(app) == []
        await pilot.press("n")
        await write(pilot, f"It was {grouped}.")
        await pilot.press("ctrl+s")
        await settle(pilot)
        assert "TOTP seed" in shown(on(pilot, ErrorDialog)), "not even the key that was forgotten"


async def test_no_size_crashes_and_the_code_comes_back(app: SignoffApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        for keys in ([], ["ctrl+s"], ["escape"]):
            await pilot.press(*keys)
            await settle(pilot)
            for width, height in ((1, 1), (34, 8), (60, 20), (300, 90)):
                await pilot.resize_terminal(width, height)
                await pilot.pause()
                assert app.is_running, (keys, width, height)
            await pilot.resize_terminal(80, 24)
            await settle(pilot)
        await pilot.press("escape")
        await settle(pilot)
        assert seed_of(screen) in scanned(app)


async def test_a_look_that_is_stopped_shows_no_key(
    app: SignoffApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    held = Event()
    monkeypatch.setattr(enrolment, "look", lambda *_: held.wait(10))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await choose(pilot, Place.FILE, file=str(tmp_path / "key"))
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert "Looking whether" in shown(screen)
        await pilot.press("ctrl+s", "escape")
        held.set()
        await settle(pilot)
        assert on(pilot, EnrolmentScreen) is screen
        assert screen._enrolment is None
        await pilot.press("escape")
        on(pilot, RunScreen)

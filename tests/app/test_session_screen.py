"""A past session: the verdict, what happened when, and a person's word beside the machine's."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from app.drive import on, running, settle, shown, text_of, walk_of
from app.fakes import FakeTarget, judgement, outputs
from app.test_hostile import CLICK, FORBIDDEN, HOSTILE
from signoff.app.app import SignoffApp, Start
from signoff.app.past import verdict_rows
from signoff.app.screens.finish import FinishScreen
from signoff.app.screens.home import HomeScreen
from signoff.app.screens.prompts import Choice, ErrorDialog
from signoff.app.screens.reading import ReadingDialog
from signoff.app.screens.run import RunScreen
from signoff.app.screens.session import SessionScreen
from signoff.app.widgets.long_list import LongList
from signoff.app.widgets.rows import Rows
from signoff.model import Finding, Result, Vantage
from signoff.report import looking
from signoff.session.events import Attested, Found, Intended, Noted, Recovered
from signoff.session.line import Entry
from signoff.session.state import SessionState
from signoff.session.store import Record, read
from signoff.session.verdict import Bearing, Standing, Status, Verdict, Witness
from signoff.session.when import when
from signoff.walk import Walk

Begin = Callable[[], Walk]


async def opened(pilot: Pilot[Any], directory: Path) -> SessionScreen:
    await settle(pilot)
    pilot.app.push_screen(SessionScreen(directory))
    await settle(pilot)
    return on(pilot, SessionScreen)


async def listed(pilot: Pilot[Any], screen: SessionScreen) -> list[str]:
    """Return all lines of the timeline, going through it."""
    lines = screen.query_one(LongList)
    return [screen._line(number, 400).plain for number in range(lines.count)]


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_enter_on_the_home_screen_opens_it(sealed: Path, size: tuple[int, int]) -> None:
    app = SignoffApp(Start())
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        home = on(pilot, HomeScreen)
        home.query_one(OptionList).highlighted = home.query_one(OptionList).option_count - 1
        await pilot.press("enter")
        await settle(pilot)
        screen = on(pilot, SessionScreen)
        said = shown(screen)
        assert sealed.name in said
        assert "VALID        sealed and unchanged since" in said
        assert "deploy@laptop on shop" in said
        assert "the ledger lists it" in said
        assert "begun" in said
        assert "esc Back" in said
        await pilot.press("escape")
        on(pilot, HomeScreen)


async def test_everything_that_happened_is_there(sealed: Path) -> None:
    app = SignoffApp(Start())
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, sealed)
        said = await listed(pilot, screen)
        together = "\n".join(said)
        for one in (
            "─ begun",
            "✗ fail",
            "PostgreSQL answers from outside: 203.0.113.7:5432 open",
            "◆ a person",
            "✎ a person",
            "─ action begins",
            "─ action done   Rotate the secrets",
            "  rotate, /srv/shop/.env: one value replaced",
            "  confirmed: 22, 80, 443 from my telephone",
            "─ second factor",
            "ON ANOTHER MACHINE",
            "─ sealed",
        ):
            assert one in together, one
        await pilot.press("end")
        assert "left open" in text_of(screen, "#when")
        await pilot.press("home")
        assert "by deploy@laptop" in text_of(screen, "#when")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_a_persons_word_stands_beside_the_machines(sealed: Path, size: tuple[int, int]) -> None:
    app = SignoffApp(Start())
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, sealed)
        await pilot.press("s")
        lines = await listed(pilot, screen)
        assert len(lines) == 2
        assert all(" a person " in line for line in lines)
        machine, person = text_of(screen, "#machine"), text_of(screen, "#person")
        assert "The machine saw" in machine
        assert "203.0.113.7:5432 open" in machine
        assert "A person says" in person
        assert "22, 80, 443 from my telephone" in person
        assert "Only 22, 80 and 443" in person
        assert "22, 80, 443 from my" in shown(screen), "in sight without scrolling"
        await pilot.press("f")
        lines = await listed(pilot, screen)
        assert len(lines) > 10
        assert not any(" a person " in line for line in lines)
        await pilot.press("home")
        assert "Nothing, by then." in text_of(screen, "#person")


async def test_one_step_alone(sealed: Path) -> None:
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, sealed)
        everything = screen.query_one(LongList).count
        await pilot.press("l")
        on(pilot, Choice)
        await pilot.press("down", "down", "enter")
        await settle(pilot)
        lines = await listed(pilot, screen)
        assert 0 < len(lines) < everything
        assert all("Close " in line for line in lines)
        assert "at Close" in text_of(screen, "#status")
        await pilot.press("a")
        assert screen.query_one(LongList).count == everything


async def test_its_keys_verify_copy_and_export(sealed: Path, home: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(home)
    app = SignoffApp(Start())
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, sealed)
        await pilot.press("v")
        assert "covered by a signature that holds" in shown(on(pilot, ReadingDialog))
        await pilot.press("escape", "y")
        on(pilot, Choice)
        await pilot.press("down", "enter")
        assert app.clipboard.startswith("ssh-keygen -Y verify")
        await pilot.press("o")
        await settle(pilot)
        assert "a person says" in text_of(on(pilot, FinishScreen), "#table")
        await pilot.press("escape", "x")
        await settle(pilot)
        (archive,) = home.glob("signoff-*.tar.gz")
        with tarfile.open(archive) as packed:
            assert f"{sealed.name}/session.jsonl" in packed.getnames()
        await pilot.press("x")
        await settle(pilot)
        assert "is there already" in shown(on(pilot, ErrorDialog))
        await pilot.press("escape")
        assert on(pilot, SessionScreen) is screen


async def test_a_changed_record_is_invalid_and_shown_as_far_as_it_holds(sealed: Path) -> None:
    journal = sealed / "session.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:12], b"{}\n", *lines[13:]]))
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, sealed)
        assert "INVALID" in shown(screen)
        assert "(line 13)" in text_of(screen, "#verdict")
        assert "damaged after this" in text_of(screen, "#status")
        assert "line 13" in text_of(screen, "#status")
        assert 0 < screen.query_one(LongList).count < 12
        await pilot.press("x")
        assert not list(Path.cwd().glob("signoff-*.tar.gz"))


@pytest.mark.parametrize("content", [b"", b"rubbish\n", b"\x1b]0;pwn\x07\n"])
async def test_one_that_cannot_be_read_at_all(sealed: Path, content: bytes) -> None:
    (sealed / "session.jsonl").write_bytes(content)
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, sealed)
        assert "INVALID" in shown(screen)
        assert "line 1" in shown(screen)
        await pilot.press("a", "f", "s", "l", "escape", "down", "end", "y", "escape", "o", "r", "x")
        await settle(pilot)
        assert app.is_running
        assert "pwn" not in shown(screen)


async def test_one_that_was_left_can_be_looked_at_and_gone_on_with(begin: Begin) -> None:
    walk = begin()
    walk.probe()
    walk.close()
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await pilot.press("o")
        await settle(pilot)
        screen = on(pilot, SessionScreen)
        assert "UNSEALED" in shown(screen) or "UNTRUSTED" in shown(screen)
        await pilot.press("r")
        await running(pilot)
        assert walk_of(app).session.id == walk.session.id
        on(pilot, RunScreen)


async def test_hostile_text_is_drawn_as_it_is(begin: Begin, target: FakeTarget) -> None:
    target.address = HOSTILE.replace("\ud800", "")
    names = list(target.outputs)
    found = [
        judgement(Result.FAIL, HOSTILE, title=HOSTILE, expected=HOSTILE, evidence=[HOSTILE], remedy=HOSTILE)
    ]
    target.outputs = outputs(dict.fromkeys(names, found))
    walk = begin()
    walk.probe()
    key = walk.keys[1]
    named = {"checklist": key[0], "step": key[1]}
    said = HOSTILE.replace("\ud800", "")
    walk.session.append(Attested(**named, kind="confirmed", value=said, statement=said))
    walk.session.append(Noted(**named, text=said))
    walk.session.append(Intended(checklist=key[0], step=key[1], action=said, subject=said))
    walk.close()
    for size in ((120, 36), (34, 8)):
        app = SignoffApp(Start())
        async with app.run_test(size=size, notifications=True) as pilot:
            screen = await opened(pilot, walk.session.directory)
            for key_pressed in ("f", "s", "a", "end"):
                await pilot.press(key_pressed)
                drawn = shown(screen)
                assert not any(harmful in drawn for harmful in FORBIDDEN)
            assert CLICK in "\n".join(await listed(pilot, screen))
            for y in range(2, size[1] - 2, 9):
                await pilot.click(offset=(size[0] // 2, y))
            await settle(pilot)
            assert on(pilot, SessionScreen) is screen


async def test_ten_thousand_events_draw_only_what_is_in_sight(
    sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = long_record(read(sealed), 10_000)
    monkeypatch.setattr(looking, "read", lambda _directory: record)
    app = SignoffApp(Start())
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, sealed)
        lines = screen.query_one(LongList)
        assert lines.count > 10_000
        drawn: set[int] = set()
        draw = lines._draw

        def counting(number: int, width: int) -> Any:
            drawn.add(number)
            return draw(number, width)

        lines._draw = counting
        await pilot.press("end", "f", "a", "pageup")
        await settle(pilot)
        assert 0 < len(drawn) < 100
        assert lines.highlighted > 9_900


def test_what_witnesses_are_worth_is_said_in_the_header() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    witnesses = (
        Witness("time-stamp", "timestamp.tsr", Bearing.HOLDS, "Authority", at),
        Witness("counter-signature", "countersign-1.sig", Bearing.HOLDS, "ben@ops"),
        Witness("counter-signature", "countersign-2.sig", Bearing.UNTRUSTED, reason="not known"),
    )
    verdict = Verdict(
        status=Status.VALID, when=when(None), ledger=Standing.LISTED, sealed=True, witnesses=witnesses
    )
    said = Rows(*verdict_rows(verdict, SessionState())).plain
    assert (
        "the ledger lists it · time-stamp 2026-01-02 03:04 UTC, Authority · counter-signature ben@ops · "
        "counter-signature counts for nothing here"
    ) in said
    broken = replace(verdict, witnesses=(Witness("time-stamp", "timestamp.tsr", Bearing.BROKEN, reason="x"),))
    said = Rows(*verdict_rows(broken, SessionState())).plain
    assert "BUT timestamp.tsr does not hold" in said
    assert "time-stamp DOES NOT HOLD" in said
    for status in Status:
        assert status.value in Rows(*verdict_rows(replace(verdict, status=status), SessionState())).plain
    assert "verifying" in Rows(*verdict_rows(None, SessionState())).plain


def long_record(record: Record, count: int) -> Record:
    """Return a record that goes on with so many findings and answers."""
    assert record.state.genesis
    checklist = record.state.genesis.checklists[0]
    entries = list(record.entries)
    start = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    for number in range(count):
        named = {"checklist": checklist.id, "step": checklist.steps[number % len(checklist.steps)]}
        finding = Finding(
            probe="p", title=f"finding {number}", result=Result.FAIL, vantage=Vantage.HOST, observed="x"
        )
        event = (
            Found(**named, probe="p", findings=(finding,))
            if number % 10
            else Attested(**named, kind="skipped", reason=f"because {number}")
        )
        entries.append(
            Entry(
                seq=len(entries) + 1,
                prev="",
                session=record.directory.name,
                time=start + timedelta(seconds=number),
                monotonic=0,
                boot="b",
                event=event,
            )
        )
    entries.append(replace(entries[-1], seq=len(entries) + 1, event=Recovered(size=3, digest="0" * 64)))
    return Record(
        record.directory, SessionState() if not record.entries else record.state, tuple(entries), True
    )

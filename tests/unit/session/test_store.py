"""The sessions of a machine: listed, found, and read, whatever state they are in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from signoff.errors import RecordError
from signoff.model import Finding, Result, Vantage
from signoff.session import store
from signoff.session.events import Checkpoint, Entered, Found, Genesis, Noted
from unit.session.records import CONFIRMED, Place, journal


def test_no_sessions_are_an_empty_list(place: Place) -> None:
    assert store.summaries() == []
    with pytest.raises(RecordError, match="no session"):
        store.find("latest")


def test_a_summary_tells_what_the_list_shows(place: Place) -> None:
    finding = Finding(probe="p", title="t", result=Result.FAIL, vantage=Vantage.HOST, observed="o")
    with place.start() as session:
        session.append(Entered(checklist="quick", step="ports"))
        session.append(Found(checklist="quick", step="ports", probe="p", findings=(finding,)))
    (summary,) = store.summaries()
    assert (summary.id, summary.directory) == (session.id, session.directory)
    assert (summary.target, summary.address) == ("shop", "deploy@shop.example:22")
    assert (summary.checklists, summary.mode, summary.sealed) == (("quick",), "walk", False)
    assert summary.position == ("quick", "ports")
    assert summary.counts == {"pass": 0, "fail": 1, "unknown": 0, "notchecked": 1}
    assert (summary.started, summary.last) == (session.state.started, session.state.last)
    assert (summary.events, summary.damage) == (3, "")


def test_the_newest_comes_first_and_sealed_ones_say_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = iter(f"2026010{day}-030405-abcdefgh" for day in (1, 2, 3))
    monkeypatch.setattr("signoff.session.begin.new_id", lambda: next(ids))
    place.unsealed()
    place.sealed()
    place.unsealed()
    assert [(one.id[:8], one.sealed) for one in store.summaries()] == [
        ("20260103", False),
        ("20260102", True),
        ("20260101", False),
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "line 1"),
        (b"rubbish\n", "line 1"),
        (b"torn", "line 1"),
        (None, "could not be read"),
    ],
)
def test_a_damaged_session_says_why_and_harms_no_other(place: Place, content: bytes | None, why: str) -> None:
    good, bad = place.sealed(), place.sealed()
    if content is None:
        journal(bad).unlink()
    else:
        journal(bad).write_bytes(content)
    found = {one.id: one for one in store.summaries()}
    assert why in found[bad.name].damage
    assert not found[bad.name].sealed
    assert (found[good.name].damage, found[good.name].sealed) == ("", True)


def test_a_session_damaged_in_its_middle_is_read_up_to_there(place: Place) -> None:
    directory = place.sealed()
    journal(directory).write_bytes(journal(directory).read_bytes().replace(b"3 keys", b"4 keys"))
    record = store.read(directory)
    assert "line 4" in record.damage
    assert len(record.entries) == 3
    summary = store.summary(directory)
    assert (summary.position, summary.target) == (("quick", "secrets"), "shop")
    assert not summary.sealed


def stamps(directory: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_size) for path in directory.iterdir()}


def test_reading_changes_nothing_and_needs_no_lock(place: Place) -> None:
    with place.start() as session:
        session.append(CONFIRMED)
        before = stamps(session.directory)
        record = store.read(session.directory)
        assert record.state == session.state
        assert [type(entry.event) for entry in record.entries] == [Genesis, type(CONFIRMED), Checkpoint]
        assert [entry.seq for entry in record.entries] == [1, 2, 3]
        assert stamps(session.directory) == before


class TestFind:
    def test_by_id_beginning_latest_and_path(self, place: Place, tmp_path: Path) -> None:
        first = place.sealed()
        assert store.find(first.name) == first
        assert store.find(first.name[:17]) == first
        assert store.find("latest") == first
        assert store.find(str(first)) == first
        shutil.copytree(first, tmp_path / "copy")
        assert store.find(str(tmp_path / "copy")) == tmp_path / "copy"

    def test_of_a_beginning_that_several_have_is_told(self, place: Place) -> None:
        first, second = place.sealed(), place.sealed()
        common = "20"
        with pytest.raises(RecordError, match="2 sessions begin with") as raised:
            store.find(common)
        assert first.name in raised.value.message
        assert second.name in raised.value.message

    @pytest.mark.parametrize(
        "key", ["", "nope", "/", "..", "../sessions", "\x1b[31m", ".", "~nobody", "a\0b", "x" * 5000]
    )
    def test_of_nothing_is_told(self, place: Place, key: str) -> None:
        place.sealed()
        with pytest.raises(RecordError, match="no session") as raised:
            store.find(key)
        assert "\x1b" not in raised.value.message


def test_a_half_made_session_is_not_listed(place: Place) -> None:
    directory = place.unsealed()
    shutil.copytree(directory, place.sessions / ".new-20260101-030405-abcdefgh")
    assert [one.id for one in store.summaries()] == [directory.name]


def test_stray_files_are_no_sessions(place: Place) -> None:
    directory = place.unsealed()
    (place.sessions / "notes.txt").write_text("x")
    (place.sessions / "folder").mkdir()
    listed = {one.id: one.damage for one in store.summaries()}
    assert listed[directory.name] == ""
    assert set(listed) == {directory.name, "folder"}
    assert listed["folder"]


def test_a_note_of_the_whole_world_is_listed(place: Place) -> None:
    with place.start() as session:
        session.append(Noted(checklist="quick", step="ports", text="日本 🎌 \u202e"))
    assert store.read(session.directory).state.steps["quick", "ports"].notes[0][1] == "日本 🎌 \u202e"

"""signoff ledger merge, and what sessions list says then."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from signoff.cli import main
from signoff.session import identity
from unit.session.records import Place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    for name in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    config, state = tmp_path / "config" / "signoff", tmp_path / "state" / "signoff"
    return Place(config, state / "sessions", identity.load_or_create())


@pytest.fixture
def anna(place: Place, tmp_path: Path) -> Place:
    """A colleague's state directory, with one session."""
    made = Place(place.config, tmp_path / "anna" / "sessions", place.operator)
    with made.start(sessions=made.sessions) as session:
        session.seal(made.operator)
    return made


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(one) for one in arguments])
    return done.exit_code, done.output


def test_taken_in_and_listed(place: Place, anna: Place) -> None:
    own = place.sealed()
    code, said = run("ledger", "merge", anna.sessions.parent)
    assert (code, "taken in  (" in said) == (0, True)
    code, said = run("ledger", "merge", anna.ledger)
    assert (code, "known already" in said) == (0, True)
    code, said = run("sessions", "list", "--format", "json")
    shown = json.loads(said)
    assert code == 0
    assert {one["session"]: len(one["ledgers"]) for one in shown["sessions"]} == {
        own.name: 1,
        next(anna.sessions.iterdir()).name: 1,
    }
    assert [(one["own"], one["lines"]) for one in shown["ledgers"]] == [(True, 2), (False, 2)]


def test_a_fork_is_loud_each_time(place: Place, anna: Place) -> None:
    place.sealed()
    lines = place.ledger.read_bytes().splitlines(keepends=True)
    place.sealed()
    kept = place.ledger.read_bytes()
    place.ledger.write_bytes(lines[0])
    place.sealed()
    (anna.sessions.parent / "old.jsonl").write_bytes(kept)
    for _ in range(2):
        code, said = run("ledger", "merge", anna.sessions.parent / "old.jsonl")
        assert code == 1
        assert "the same up to line 1 and differ after it" in said
    code, said = run("sessions", "list")
    assert (code, "made anew or rolled back" in said) == (1, True)


def test_a_lost_end_is_restored_when_asked_to(place: Place, tmp_path: Path) -> None:
    place.sealed()
    kept = place.ledger.read_bytes()
    (tmp_path / "copy.jsonl").write_bytes(kept)
    place.ledger.write_bytes(kept.splitlines(keepends=True)[0])
    code, said = run("ledger", "merge", tmp_path / "copy.jsonl")
    assert (code, "its end has been cut off" in said) == (1, True)
    code, said = run("ledger", "merge", "--restore", tmp_path / "copy.jsonl")
    assert (code, "restored to its end" in said) == (0, True)
    assert place.ledger.read_bytes() == kept


def test_one_that_does_not_hold_keeps_no_other_out(place: Place, anna: Place, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_bytes(b"\x1b[31mrubbish\n")
    code, said = run("ledger", "merge", tmp_path / "bad.jsonl", anna.ledger)
    assert code == 1
    assert "line 1 of the ledger does not hold" in said
    assert "taken in  (" in said
    assert "\x1b" not in said
    assert run("ledger", "merge", tmp_path / "nothing")[0] == 2
    del place


def test_an_archive_brings_its_ledger(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = place.sealed()
    place.sealed()
    with_it, without = tmp_path / "with.tar.gz", tmp_path / "without.tar.gz"
    assert run("sessions", "export", record.name, "--output", with_it, "--ledger")[0] == 0
    assert run("sessions", "export", record.name, "--output", without)[0] == 0
    subprocess.run(["tar", "-xzf", with_it], cwd=tmp_path, check=True)
    page = (tmp_path / record.name / "VERIFY.md").read_text()
    (command,) = re.findall("^grep .*ledger.jsonl$", page, re.MULTILINE)
    shown = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path / record.name, capture_output=True, text=True, check=True
    )
    assert '"kind":"seal"' in shown.stdout
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "ben"))
    code, said = run("ledger", "merge", with_it)
    assert (code, "2 lines  taken in" in said) == (0, True), "up to this record's seal, and no further"
    code, said = run("ledger", "merge", without)
    assert (code, "export ID --ledger" in said) == (1, True)
    code, said = run("verify", with_it)
    assert (code, "ledger     listed" in said) == (0, True)

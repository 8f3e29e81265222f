"""signoff sessions show: the verdict, and what a person said beside what the machine had seen by then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from signoff.cli import main
from signoff.model import Finding, Result, Vantage
from signoff.session import identity
from signoff.session.events import Attested, Done, Found, Intended, Noted, Probed, Resumed
from signoff.session.store import read
from signoff.session.timeline import By, Timeline
from unit.session.records import Place, journal

STEP = {"checklist": "quick", "step": "ports"}
KEY = ("quick", "ports")
HOSTILE = "\x1b]0;pwn\x07[red]x\u202e"


def found(result: Result, observed: str) -> Found:
    finding = Finding(
        probe="p", title="Port 5432", result=result, vantage=Vantage.HOST, observed=observed, expected="shut"
    )
    return Found(checklist="quick", step="ports", probe="p", findings=(finding,))


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sealed record: seen open, skipped, put right, seen shut, confirmed; and interrupted meanwhile."""
    for name in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    state = tmp_path / "state" / "signoff"
    place = Place(tmp_path / "config" / "signoff", state / "sessions", identity.load_or_create())
    with place.start() as session:
        session.append(found(Result.FAIL, f"open {HOSTILE}"))
        session.append(Probed(checklist="quick", step="ports", complete=False))
        session.append(Attested(checklist="quick", step="ports", kind="skipped", reason=f"later {HOSTILE}"))
        session.append(Resumed(signoff="1", host_key="SHA256:x", machine_id="m"))
        session.append(Intended(checklist="quick", step="ports", action="close", subject="5432"))
        session.append(Done(intent=session.state.events - 1, outcome="done"))
        session.append(found(Result.PASS, "refused"))
        session.append(Probed(checklist="quick", step="ports", complete=True))
        session.append(
            Attested(checklist="quick", step="ports", kind="confirmed", value="none", statement="S")
        )
        session.append(Noted(checklist="quick", step="ports", text="asked Ben"))
        session.seal(place.operator)
    return session.directory


def run(*arguments: object) -> str:
    done = CliRunner().invoke(main, [str(one) for one in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_whose_word_it_is_and_in_which_order(record: Path) -> None:
    happenings = Timeline(read(record).entries).happenings
    told = [(one.by, type(one.what).__name__) for one in happenings]
    assert told == [
        (By.SESSION, "Genesis"),
        (By.MACHINE, "Finding"),
        (By.MACHINE, "Probed"),
        (By.PERSON, "Attested"),
        (By.SESSION, "Resumed"),
        (By.SESSION, "Intended"),
        (By.SESSION, "Done"),
        (By.MACHINE, "Finding"),
        (By.PERSON, "Attested"),
        (By.PERSON, "Noted"),
        (By.SESSION, "Sealed"),
    ]
    lines = [one.line for one in happenings]
    assert lines == sorted(lines)


def test_how_a_step_stood_then(record: Path) -> None:
    timeline = Timeline(read(record).entries)
    skipped, confirmed = (one for one in timeline.happenings if isinstance(one.what, Attested))
    then, later = timeline.standing(KEY, skipped.line), timeline.standing(KEY, confirmed.line)
    assert [one.result for one in then.findings] == [Result.FAIL]
    assert [one.result for one in later.findings] == [Result.PASS]
    assert then.answer
    assert then.answer.attested.kind == "skipped"
    assert timeline.steps == (KEY,)


def test_as_text(record: Path) -> None:
    said = run("sessions", "show", "latest")
    assert said.startswith("VALID\n")
    assert "ledger     listed" in said
    lines = said.partition("What happened, times in UTC:\n")[2].splitlines()
    skipped = next(number for number, line in enumerate(lines) if "A PERSON SAID   skipped  later" in line)
    assert "beside it  the machine saw  ✗ fail  Port 5432: open" in lines[skipped + 1]
    confirmed = next(number for number, line in enumerate(lines) if "A PERSON SAID   confirmed  none" in line)
    assert lines[confirmed + 1] == "    the words  S"
    assert "✓ pass  Port 5432: refused" in lines[confirmed + 2]
    assert any("resumed  after an interruption, on the same machine" in line for line in lines)
    assert any("action done  close, 5432" in line for line in lines)
    assert any("broken off" in line for line in lines)
    for harmful in ("\x1b", "\x07", "\u202e", "pwn"):
        assert harmful not in said


def test_as_data(record: Path) -> None:
    shown = json.loads(run("sessions", "show", record.name, "--format", "json"))
    assert (shown["verdict"]["status"], shown["damage"], shown["counts"]["pass"]) == ("VALID", "", 1)
    assert {one["by"] for one in shown["timeline"]} == {"machine", "person", "session"}
    confirmed = next(one for one in shown["timeline"] if one["what"].get("kind") == "confirmed")
    assert (confirmed["kind"], confirmed["step"], confirmed["what"]["value"]) == (
        "attestation",
        "ports",
        "none",
    )


def test_a_damaged_one_is_told_as_far_as_it_holds(record: Path) -> None:
    lines = journal(record).read_bytes().splitlines(keepends=True)
    journal(record).write_bytes(b"".join([*lines[:4], b"{}\n", *lines[5:]]))
    said = run("sessions", "show", "latest")
    assert said.startswith("INVALID")
    assert "first line that does not hold: 5" in said
    assert "Port 5432: open" in said
    assert "The record is damaged after this: line 5" in said
    assert "confirmed" not in said

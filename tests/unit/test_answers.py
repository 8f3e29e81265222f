"""An answers file is looked over whole before anything begins, and then said step by step."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from signoff import paths, reaching, saying
from signoff.answers import load_answers
from signoff.checklist.load import find, load
from signoff.cli import main
from signoff.errors import UsageError
from signoff.session.store import read
from signoff.target.base import Target
from unit.checklist.test_load import GOOD
from unit.fakes import FakeTarget

README = Path(__file__).parents[2] / "README.md"
NOW = date(2026, 12, 1)


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new user's machine, on which the calendar stands still."""
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(saying, "today", lambda: NOW)
    return tmp_path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The targets that were connected to."""
    reached: list[str] = []

    def reach(profile: object, _prompter: object) -> Target:
        reached.append(str(profile))
        return FakeTarget({"machine": b"shop\n0123456789abcdef\nDebian\n"})

    monkeypatch.setattr(reaching, "open_target", reach)
    return reached


def run(text: str, *arguments: str) -> Result:
    Path("answers.yaml").write_text(text)
    return CliRunner().invoke(main, ["run", "--plain", "--answers", "answers.yaml", *arguments])


def sessions() -> list[Path]:
    folder = paths.sessions_directory()
    return sorted(folder.iterdir()) if folder.exists() else []


def readme_example() -> str:
    found = re.search(
        r"^An answers file:\n\n```yaml\n(.*?)```", README.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert found
    return found[1]


@pytest.mark.parametrize("target", ["local", "ssh://deploy@shop.example"])
def test_the_readmes_example_works_as_it_is_printed(target: str, request: pytest.FixtureRequest) -> None:
    if target != "local":
        request.getfixturevalue("opened")
    done = run(readme_example(), "--target", target)
    assert done.exit_code in {1, 3}, done.output
    (session,) = sessions()
    state = read(session).state
    assert state.sealed, done.output
    said = {
        key[1]: (one.answer.attested.kind, one.answer.attested.value or one.answer.attested.reason)
        for key, one in state.steps.items()
        if one.answer
    }
    assert said == {
        "rotate-secrets": ("confirmed", "2026-01-02"),
        "close-ports": ("skipped", "The provider's firewall is not ours to see."),
        "backups": ("accepted", "Moving to a managed database."),
        "admin-access": ("notapplicable", "There is no admin panel."),
    }
    assert [text for _, text in state.steps["quick-production", "close-ports"].notes] == ["Asked for access."]


def test_the_readmes_date_is_still_to_come() -> None:
    """The calendar is the real one here: whoever copies the example in a year must not be refused."""
    until = re.search(r'until: "(\S+)"', readme_example())
    assert until
    assert saying.day(until[1]) > date(date.today().year + 1, 1, 1)  # noqa: DTZ011 - a year more or less


WRONG = """\
finish: true
steps:
  rotate-secrets:
    confirmed: ""
  close-ports:
    skipped: a
    confirmed: b
  backup:
    skipped: a
  backups:
    accepted: " "
    until: "2026-12-01"
  admin-access:
    until: "2027-01-01"
"""


def test_all_problems_are_said_with_their_lines_before_anything_begins(opened: list[str]) -> None:
    done = run(WRONG)
    assert done.exit_code == 2
    assert done.stdout == ""
    told = [line.removeprefix("signoff: ") for line in done.stderr.splitlines()]
    assert [line.split(":", 2)[1] for line in told[:-1]] == ["4", "5", "8", "11", "12", "13", "14"]
    for line, word in zip(
        told,
        (
            "rotate-secrets: confirmed: Nothing was said. Say what you saw: ",
            "close-ports: two answers, confirmed and skipped",
            "there is no step 'backup'; did you mean 'backups'?",
            "backups: accepted: Nothing was said. Say why the risk is accepted.",
            "backups: until: 2026-12-01 is not in the future.",
            "admin-access: no answer: give one of confirmed, skipped, notapplicable, accepted, or a note",
            "admin-access: until goes with accepted",
        ),
        strict=False,
    ):
        assert word in line
    assert opened == [], "not even the target was reached"
    assert sessions() == []
    assert not paths.ledger_file().exists()
    assert not paths.identity_file().exists(), "no key was made"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("steps: {backups: {accepted: a}}", "1: backups: accepted until when? Add until: YYYY-MM-DD"),
        ("steps: {backups: {accepted: a, until: 2027-02-30}}", "1: backups: until: '2027-02-30' is no date."),
        ("steps: {backups: {accepted: a, until: 20270201}}", "1: until: needs text, not a number"),
        (
            "steps: {backups: {accepted: a, until: '20270201'}}",
            "'20270201' is no date. Write it as YYYY-MM-DD.",
        ),
        ("steps: {backups: {accepted: a, until: 2027-W01-1}}", "'2027-W01-1' is no date."),
        (
            "steps: {backups: {skipped: }}",
            "1: backups: skipped: Nothing was said. Say why the step is skipped.",
        ),
        ("steps: {backups: {notapplicable: ' '}}", "1: backups: notapplicable: Nothing was said."),
        ("steps: {backups: {note: ''}}", "1: backups: note: Nothing was said."),
        (f"steps: {{backups: {{skipped: {'x' * 2001}}}}}", "longer than 2000 characters"),
        (
            "steps:\n  backups: {skipped: a}\n  quick-production/backups: {skipped: a}",
            "3: the step quick-production/backups is answered already, as backups",
        ),
    ],
)
def test_half_an_answer_is_refused_before_anything_begins(opened: list[str], text: str, told: str) -> None:
    done = run(text)
    assert done.exit_code == 2, done.output
    assert f"answers.yaml:{told}" in done.stderr if told[0].isdigit() else told in done.stderr
    assert (opened, sessions()) == ([], [])


def test_a_step_with_nothing_to_confirm_is_not_confirmed(desk: Path, opened: list[str]) -> None:
    confirm = GOOD[GOOD.index("    confirm:") : GOOD.index("    remedy:")]
    (desk / "small.yaml").write_text(GOOD.replace(confirm, ""))
    Path("answers.yaml").write_text("steps: {first: {confirmed: a}}")
    done = CliRunner().invoke(main, ["run", "--plain", "--answers", "answers.yaml", "./small.yaml"])
    assert done.exit_code == 2
    assert "answers.yaml:1: first: confirmed: This step has nothing to confirm" in done.stderr
    assert opened == []


def test_a_name_of_several_checklists_wants_more() -> None:
    quick = load(find("quick-production"))
    other = replace(quick, checklist=msgspec.structs.replace(quick.checklist, id="other"))
    path = Path("answers.yaml")
    path.write_text("steps: {backups: {skipped: a}}")
    with pytest.raises(UsageError, match="name one: quick-production/backups, other/backups"):
        load_answers(path, [quick, other], "en")
    path.write_text("steps: {other/backups: {skipped: a}}")
    assert set(load_answers(path, [quick, other], "en").steps) == {("other", "backups")}


def test_a_note_alone_is_written_down(opened: list[str]) -> None:
    assert run("steps: {backups: {note: Asked Bob.}}").exit_code in {1, 3}
    (session,) = sessions()
    step = read(session).state.steps["quick-production", "backups"]
    assert [text for _, text in step.notes] == ["Asked Bob."]
    assert step.answer is None


def test_a_resumed_session_is_not_touched_by_answers_that_make_no_sense(opened: list[str]) -> None:
    assert run("finish: false").exit_code in {1, 3}
    (session,) = sessions()
    before = (session / "session.jsonl").read_bytes()
    opened.clear()
    done = run("steps: {backup: {skipped: a}}", "--resume", "latest")
    assert done.exit_code == 2
    assert "did you mean 'backups'?" in done.stderr
    assert (session / "session.jsonl").read_bytes() == before
    assert opened == []
    again = run("steps: {backups: {skipped: a}}", "--resume", "latest")
    assert again.exit_code in {1, 3}, again.output
    assert read(session).state.sealed

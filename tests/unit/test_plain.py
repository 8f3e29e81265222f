"""The plain walk: every key does what the table of keys says, which the app's bindings are made of too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from signoff import fixing, plain, reaching
from signoff.checklist.load import find, load
from signoff.checklist.model import ACTIONS
from signoff.credentials.totp import Enrolment
from signoff.probes import all_probes
from signoff.session.events import Attested, Enrolled, Event, Noted, Probed
from signoff.session.guard import RefusedError
from signoff.session.signer import KeySigner
from signoff.target.profile import Profile
from signoff.walk import Walk
from signoff.walk_keys import WALK_KEYS
from unit.fakes import FakeTarget, NobodyThere

TOMORROW = f"{datetime.now(UTC).date() + timedelta(days=1)}"


@pytest.fixture
def walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Walk]:
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    target = FakeTarget({"machine": b"shop\n0123456789abcdef\nDebian\n"})
    monkeypatch.setattr(reaching, "open_target", lambda _profile, _prompter: target)
    checklist = load(find("quick-production"), all_probes())
    made = Walk.begin(Profile(name="shop"), [checklist], KeySigner.generate("ann@desk"), NobodyThere())
    yield made
    made.close()


Said = tuple[plain._Over, list[Event], list[str]]


def talk(walk: Walk, monkeypatch: pytest.MonkeyPatch, *typed: str, step: int = 0) -> Said:
    """Type lines on a step; return how it ended, what was recorded, and what was asked."""
    lines = iter(typed)
    asked: list[str] = []
    recorded: list[Event] = []
    append = walk.session.append

    def ask(question: str) -> str:
        asked.append(question)
        return next(lines)

    def recording(event: Any) -> object:
        made = append(event)
        recorded.append(event)
        return made

    with monkeypatch.context() as patch:
        patch.setattr(plain, "_ask", ask)
        patch.setattr(walk.session, "append", recording)
        over = plain._Face(walk, "en", interactive=True)._ask(walk.keys[step])
    assert next(lines, None) is None, "all of it was read"
    return over, recorded, asked


def test_the_table_has_no_key_twice() -> None:
    assert len({one.key for one in WALK_KEYS.values()}) == len(WALK_KEYS)


def test_the_plain_walk_does_what_the_table_has_and_nothing_else(walk: Walk) -> None:
    doings = plain._Face(walk, "en", interactive=True).doings
    assert set(doings) == {one.id for one in WALK_KEYS.values() if one.plain}


def test_every_action_has_its_conversation() -> None:
    assert set(fixing.FIXES) == set(ACTIONS)


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        (("c", "2026-01-02"), "confirmed"),
        (("s", "later"), "skipped"),
        (("N", "no secrets"), "notapplicable"),
        (("a", "moving", TOMORROW), "accepted"),
    ],
)
def test_a_key_says_what_it_says_in_the_app(
    walk: Walk, monkeypatch: pytest.MonkeyPatch, typed: tuple[str, ...], kind: str
) -> None:
    over, events, _ = talk(walk, monkeypatch, *typed, "")
    assert over is plain._Over.STEP
    assert [one.kind for one in events if isinstance(one, Attested)] == [kind]
    over, events, asked = talk(walk, monkeypatch, "u", "a mistake", "")
    assert [one.kind for one in events if isinstance(one, Attested)] == ["withdrawn"]
    assert "u Withdraw" in asked[0]
    assert "u Withdraw" not in asked[-1], "there is nothing left to take back"


def test_n_is_a_note_and_never_not_applicable(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    _, events, _ = talk(walk, monkeypatch, "n", "Asked Bob.", "")
    assert [one.text for one in events if isinstance(one, Noted)] == ["Asked Bob."]
    assert not [one for one in events if isinstance(one, Attested)]


def test_x_fixes_and_looks_again_where_something_changed(
    walk: Walk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for changed in (True, False):
        fixed: list[object] = []

        def fix(_walk: Walk, key: object, _ask: object) -> bool:
            fixed.append(key)  # noqa: B023 - called within the loop
            return changed  # noqa: B023

        monkeypatch.setattr(fixing, "FIXES", {"rotate-secrets": fix})
        _, events, asked = talk(walk, monkeypatch, "x", "")
        assert "x Fix" in asked[0]
        assert fixed == [walk.keys[0]]
        assert any(isinstance(one, Probed) for one in events) is changed
        assert "Rate the secrets, and replace those you choose." in capsys.readouterr().out
        assert not [one for one in events if isinstance(one, Attested)], "x answers nothing"


def test_x_is_not_there_where_there_is_nothing_to_fix(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    without = next(number for number, key in enumerate(walk.keys) if not walk.step(key).actions)
    _, events, asked = talk(walk, monkeypatch, "x", "", step=without)
    assert "x Fix" not in asked[0]
    assert events == []


def test_the_others(walk: Walk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _, events, _ = talk(walk, monkeypatch, "r", "")
    assert {one.step for one in events if isinstance(one, Probed)} == {walk.keys[0][1]}
    _, events, _ = talk(walk, monkeypatch, "R", "")
    assert {one.step for one in events if isinstance(one, Probed)} == {key[1] for key in walk.keys}
    capsys.readouterr()
    talk(walk, monkeypatch, "g", "", "")
    assert len(capsys.readouterr().out.strip()) == 43, "a new key, and nothing else"
    talk(walk, monkeypatch, "?", "")
    said = capsys.readouterr().out
    for one in WALK_KEYS.values():
        assert (f"{one.key:<6} {one.help}" in said) is one.plain
    over, _, _ = talk(walk, monkeypatch, "Q", "q")
    assert over is plain._Over.LEFT
    assert "There is no 'Q' here" in capsys.readouterr().out
    over, _, _ = talk(walk, monkeypatch, "f", "no", "f", "seal")
    assert over is plain._Over.SEALED
    assert walk.session.state.sealed


def test_what_was_generated_cannot_be_recorded(
    walk: Walk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    talk(walk, monkeypatch, "g", "key", "")
    made = capsys.readouterr().out.strip()
    _, events, _ = talk(walk, monkeypatch, "n", f"It is {made}.", "")
    assert not [one for one in events if isinstance(one, Noted)]
    assert "was about to be written" in capsys.readouterr().out


@pytest.mark.parametrize("yes", [True, False])
def test_x_enrols_a_second_factor_and_records_it_when_it_is_there(
    walk: Walk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], yes: bool
) -> None:
    enrolled: list[Enrolment] = []
    monkeypatch.setattr(fixing, "enrol", lambda enrolment, _delivery: enrolled.append(enrolment))
    step = next(at for at, key in enumerate(walk.keys) if "enrol-second-factor" in walk.step(key).actions)
    typed = ("x", "ann", "Shop", "yes" if yes else "", "")
    _, events, _ = talk(walk, monkeypatch, *typed, step=step)
    assert [(one.account, one.issuer) for one in enrolled] == [("ann", "Shop")]
    assert [one.account for one in events if isinstance(one, Enrolled)] == ["ann"] * yes
    said = capsys.readouterr().out
    assert ("Recovery codes" in said) is yes
    assert enrolled[0].secret.reveal() not in said
    with pytest.raises(RefusedError):
        walk.note(walk.keys[0], enrolled[0].secret.reveal())


@pytest.mark.usefixtures("russian")
def test_it_speaks_russian_and_records_english(
    walk: Walk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = iter(("?", "s", "позже", ""))
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return next(typed)

    monkeypatch.setattr(plain, "_ask", ask)
    face = plain._Face(walk, "ru", interactive=True)
    face._show(walk.keys[0])
    assert face._ask(walk.keys[0]) is plain._Over.STEP
    said = capsys.readouterr().out
    assert f"Шаг 1 из {len(walk.keys)} (критично): " in said
    assert "Как исправить:" in said
    assert "s      Пропустить этот шаг и назвать причину" in said
    assert asked[0].startswith("Enter Дальше, ")
    assert "s Пропустить" in asked[0]
    assert asked[2] == "Почему пропускаете? (пусто: не пропускать)"
    record = (walk.session.directory / "session.jsonl").read_text("utf-8")
    assert "не пройдено" not in record

"""``signoff env rotate``: what its exit code says, and that a refusal leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from signoff import fixing, paths, reaching, rotating, rotation_terminal
from signoff.checklist.load import find, load
from signoff.cli import main
from signoff.credentials.secret import Secret
from signoff.errors import TargetError
from signoff.facts.environment import ENVIRONMENT
from signoff.message import say
from signoff.probes import all_probes
from signoff.session.guard import RefusedError
from signoff.session.signer import KeySigner
from signoff.target.command import Command, Output
from signoff.target.local import LocalTarget
from signoff.target.profile import Profile
from signoff.walk import Walk, approach
from unit.canaries import Canaries, plain
from unit.fakes import NobodyThere

CANNED = {
    "containers": b"#processes\n#docker\tnone\n#sockets\n#end\n",
    "units": b"#systemd\tyes\n#end\n",
    "machine": b"shop\n0123456789abcdef\nDebian\n",
}
"""A machine on which nothing runs with the project's secrets."""


class QuietMachine(LocalTarget):
    """This machine's files, as if nothing ran on it. ``lost`` is set when it goes away."""

    def __init__(self) -> None:
        super().__init__(NobodyThere())
        self.batches: list[tuple[str, ...]] = []
        self.lost = Event()

    def collect(self, commands: Sequence[Command], cancel: Event) -> Iterator[Output]:
        """Look at the files, and answer the rest from memory."""
        if self.lost.is_set():
            raise TargetError(say("The connection was lost."), say("Try again."))
        self.batches.append(tuple(one.id for one in commands))
        for one in commands:
            if one.id in {"environment", "env-file"}:
                yield from super().collect([one], cancel)
            else:
                yield Output(one.id, 0, CANNED.get(one.id, b""))


class Shop:
    """A project with weak secrets, on a machine of its own."""

    def __init__(self, folder: Path, target: QuietMachine) -> None:
        self.file = folder / ".env"
        self.target = target
        self.write(SECRET_KEY="changeme", JWT_SECRET_KEY="changeme", FERNET_KEY=plain("fernet"))

    def write(self, **values: str) -> None:
        self.file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        self.file.chmod(0o600)

    def values(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.file.read_text().splitlines())

    def rotate(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["env", "rotate", str(self.file), *arguments])

    def record(self) -> list[dict[str, Any]]:
        (folder,) = paths.sessions_directory().iterdir()
        return [json.loads(line) for line in (folder / "session.jsonl").read_text().splitlines()]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    project = tmp_path / "shop"
    project.mkdir()
    monkeypatch.chdir(project)
    target = QuietMachine()
    monkeypatch.setattr(reaching, "open_target", lambda _profile, _prompter: target)
    return Shop(project, target)


def nothing_recorded() -> bool:
    sessions, ledger = paths.sessions_directory(), paths.ledger_file()
    return not (sessions.exists() and any(sessions.iterdir())) and not (
        ledger.exists() and ledger.read_text()
    )


def test_done_is_exit_code_0_however_weak_the_others_are(shop: Shop) -> None:
    before = shop.values()
    done = shop.rotate("SECRET_KEY", "--yes")
    assert done.exit_code == 0, done.output
    assert "Done." in done.stderr
    assert "JWT_SECRET_KEY" in done.stdout, "what is still weak is said"
    after = shop.values()
    assert {name for name in before if before[name] != after[name]} == {"SECRET_KEY"}
    assert "sealed" in {one["type"] for one in shop.record()}


def test_put_back_is_exit_code_1(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    before = shop.file.read_bytes()
    monkeypatch.setattr(rotation_terminal, "_stop_on_signals", stopped_at_once)
    done = shop.rotate("SECRET_KEY", "--yes")
    assert done.exit_code == 1, done.output
    assert shop.file.read_bytes() == before
    assert "Done." not in done.stderr


class stopped_at_once:  # noqa: N801 - it stands for a function
    """Ctrl-C, pressed before the first change."""

    def __enter__(self) -> Event:
        stop = Event()
        stop.set()
        return stop

    def __exit__(self, *_raised: object) -> None:
        pass


def test_what_goes_wrong_afterwards_does_not_undo_the_exit_code(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out = rotating.carry_out

    def and_lose(*arguments: Any) -> Any:
        try:
            return carry_out(*arguments)
        finally:
            shop.target.lost.set()

    monkeypatch.setattr(rotation_terminal, "carry_out", and_lose)
    done = shop.rotate("SECRET_KEY", "--yes")
    assert done.exit_code == 0, done.output
    assert shop.values()["SECRET_KEY"] != "changeme"
    assert "The connection was lost." in done.stderr
    assert "Not sealed" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "typed", "code", "word"),
    [
        (("SECRET_KYE", "--yes"), "", 2, "SECRET_KYE"),
        (("SECRET_KEY",), "", 2, "--yes"),
        (("FERNET_KEY", "--yes"), "", 2, "--lose FERNET_KEY"),
        (("SECRET_KEY",), "no", 130, "Nothing was changed."),
        (("FERNET_KEY",), "wrong name", 130, "Nothing was changed."),
    ],
)
def test_a_refusal_leaves_no_session(
    shop: Shop,
    arguments: tuple[str, ...],
    typed: str,
    code: int,
    word: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if typed:
        monkeypatch.setattr(
            rotation_terminal, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
        )
        monkeypatch.setattr(rotation_terminal, "_typed", lambda _question: typed)
    before = shop.file.read_bytes()
    done = shop.rotate(*arguments)
    assert done.exit_code == code, done.output
    assert word in done.stderr
    assert shop.file.read_bytes() == before
    assert nothing_recorded()


def test_an_interrupted_question_leaves_no_session(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_arguments: object, **_named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rotation_terminal, "_ask", interrupted)
    done = shop.rotate("SECRET_KEY")
    assert done.exit_code == 130
    assert "--resume" not in done.stderr, "there is nothing to go on with"
    assert nothing_recorded()


def test_what_the_plan_was_made_of_is_in_the_record_and_not_looked_up_twice(shop: Shop) -> None:
    shop.rotate("SECRET_KEY", "--yes")
    record = shop.record()
    changed = next(number for number, one in enumerate(record) if one["type"] == "intended")
    looked = [one["fact"] for one in record[:changed] if one["type"] == "fact"]
    assert {"environment", "units", "containers"} <= set(looked)
    assert len(looked) == len(set(looked)), "the first round of probes takes what the plan was made of"
    assert sum("environment" in batch for batch in shop.target.batches) == 2, "before, and after the change"


def test_what_is_learnt_before_a_session_cannot_be_recorded_in_it(shop: Shop) -> None:
    secret, typed = shop.values()["FERNET_KEY"], plain("typed")
    signer = KeySigner.generate("ann@desk")
    with closing(
        approach(Profile(name="shop", project=str(shop.file.parent)), signer, NobodyThere())
    ) as reached:
        reached.look([ENVIRONMENT])
        reached.know([("typed", Secret(typed))])
        walk = Walk.start(reached, [load(find("secret-rotation"), all_probes())], signer)
        for value in (secret, typed):
            with pytest.raises(RefusedError):
                walk.note(walk.keys[0], f"It was {value}.")
        walk.close()
    assert Canaries({"old": secret}).in_folder(paths.state_directory()) == []


def test_a_session_begins_although_a_password_is_the_targets_name(shop: Shop) -> None:
    signer = KeySigner.generate("ann@desk")
    reached = approach(Profile(name="shopproduction"), signer, NobodyThere())
    reached.know([("POSTGRES_PASSWORD", Secret("shopproduction"))])
    walk = Walk.start(reached, [load(find("secret-rotation"), all_probes())], signer)
    genesis = walk.session.state.genesis
    assert genesis
    assert genesis.target.name == "shopproduction"
    walk.close()


def test_x_in_the_plain_walk_replaces_what_is_named(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rotation_terminal, "sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True)))
    monkeypatch.setattr(rotation_terminal, "_typed", lambda _question: "yes")
    loaded = load(find("secret-rotation"), all_probes())
    profile = Profile(name="shop", project=str(shop.file.parent))
    before = shop.values()
    with closing(Walk.begin(profile, [loaded], KeySigner.generate("ann@desk"), NobodyThere())) as walk:
        assert not fixing.FIXES["rotate-secrets"](walk, walk.keys[0], lambda _question: "")
        assert shop.values() == before
        assert fixing.FIXES["rotate-secrets"](
            walk, walk.keys[0], lambda _question: "SECRET_KEY JWT_SECRET_KEY"
        )
    after = shop.values()
    assert {name for name in before if before[name] != after[name]} == {"SECRET_KEY", "JWT_SECRET_KEY"}
    told = capsys.readouterr()
    assert "SECRET_KEY" in told.out
    assert "Done." in told.err
    assert Canaries({"new": after["SECRET_KEY"]}).in_text(told.out + told.err, "what was said") == []

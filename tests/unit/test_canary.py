"""Secrets planted where signoff reads them are in nothing that it leaves, prints, or lets others see."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import mintotp
import pytest

from signoff.checklist.load import find, load
from signoff.session.guard import RefusedError
from signoff.session.signer import KeySigner
from signoff.target.base import Prompter, Target
from signoff.target.profile import Profile
from signoff.walk import Walk
from unit.canaries import Canaries, ProcessWatch, awkward, plain, writings
from unit.canary_shop import Shop, open_shop
from unit.fakes import FakeTarget
from unit.pictures import read_code, seen
from unit.target.rig import Operator

# Real programs on real terminals, against the clock of a machine that may be busy.
pytestmark = [pytest.mark.slow, pytest.mark.flaky(reruns=2)]

REMARK = "steps: {close-ports: {note: %s, skipped: because}}"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with open_shop(tmp_path) as made:
        yield made


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    canaries = Canaries({"one": plain("one"), "two": awkward("two")})
    for name, value in canaries.values.items():
        for writing in writings(value):
            assert canaries.in_bytes(b"<" + writing + b">", "here") == [f"{name} in here"]
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_text(json.dumps({"a": canaries.values["two"]}))
    assert canaries.in_folder(tmp_path) == ["two in deep/file"]
    assert canaries.in_folder(tmp_path, besides=[tmp_path / "deep"]) == []
    one = subprocess.Popen(["sh", "-c", "read x", canaries.values["one"]], stdin=subprocess.PIPE)
    two = subprocess.Popen(["sleep", "60"], env={"A": canaries.values["two"], "PATH": "/usr/bin:/bin"})
    with ProcessWatch(canaries) as watch:
        watch.look()
    for process in (one, two):
        process.kill()
        process.wait()
    assert watch.sightings == {"one in a process's cmdline sh", "two in a process's environ"}


def test_an_audit(shop: Shop) -> None:
    report = shop.home / "report"
    done = shop.run("audit", "--format", "json", "--output", str(report))
    assert done.returncode in {1, 3}, done.stderr
    told = report.read_text()
    assert "SECRET_KEY" in told, "the probes have read the file: its variables are named"
    assert shop.canaries.in_text(done.stdout + done.stderr, "what was printed") == []
    for arguments in (
        ("sessions", "show", "latest", "--evidence"),
        ("verify", "latest"),
        ("sessions", "list"),
    ):
        later = shop.run(*arguments)
        assert later.returncode == 0
        assert (
            shop.canaries.in_text(later.stdout + later.stderr, f"what signoff {arguments[0]} printed") == []
        )
    assert shop.left() == []


def test_a_walk_from_a_script_whose_remark_holds_a_secret(shop: Shop) -> None:
    answers = shop.home / "answers.yaml"
    answers.write_text(REMARK % json.dumps(f"It was {shop.canaries.values['mail']}."))
    done = shop.run("run", "--plain", "--answers", str(answers))
    assert done.returncode == 2
    assert "was about to be written" in done.stderr
    assert shop.canaries.in_text(done.stdout + done.stderr, "what was printed") == []
    assert shop.left(answers) == []


def test_a_walk_at_a_terminal_where_a_secret_is_typed(shop: Shop) -> None:
    window = shop.window("run", "--plain")
    window.until("q Quit: ")
    window.type("n")
    window.until("leave it): ")
    window.type(f"It is {shop.canaries.values['token']}!")
    said = window.until("q Quit: ").split("\n", 1)[1]
    assert "was about to be written" in said
    assert shop.canaries.in_text(said, "the answer") == []
    window.type("q")
    window.end()
    assert shop.left() == []


@pytest.mark.parametrize(
    ("module", "name", "arguments"),
    [
        ("signoff.facts.collect", "collect", ("audit",)),
        ("signoff.report.listing", "listing_lines", ("sessions", "list")),
        ("signoff.credentials.generate", "generate", ("generate", "key")),
        ("signoff.credentials.totp", "new", ("totp", "new", "a", "--issuer", "b")),
    ],
)
def test_a_defect(shop: Shop, module: str, name: str, arguments: tuple[str, ...]) -> None:
    shop.break_(module, name)
    done = shop.run(*arguments)
    assert shop.broken
    assert done.returncode == 1
    assert "a defect in the program (KeyError)" in done.stderr
    assert "a defect in the background (ValueError)" in done.stderr
    assert "Traceback" not in done.stderr
    assert shop.canaries.in_text(done.stdout + done.stderr, "what was printed") == []
    assert shop.left() == []


def test_an_enrolment(shop: Shop) -> None:
    window = shop.window("totp", "new", "admin", "--issuer", "Shop", "--write", "admin.key")
    uri = read_code(seen(window.until("as text: ").rsplit("\x1b[2J", 1)[1].split("\n")))
    seed = uri.split("secret=")[1].split("&")[0]
    shop.canaries = Canaries({"seed": seed, "uri": uri})
    with ProcessWatch(shop.canaries) as watch:
        window.type(mintotp.totp(seed))
        assert window.end() == 0
    assert not watch.sightings
    assert (shop.project / "admin.key").read_text().strip() == seed
    assert shop.left() == []


def test_what_is_generated(shop: Shop) -> None:
    done = shop.run("generate", "recovery-codes")
    made = Canaries({code: code for code in done.stdout.split()})
    assert len(made.values) == 10
    assert made.in_text(done.stderr, "standard error") == []
    assert made.in_folder(shop.home) == []


def test_what_was_typed_to_open_the_target_cannot_be_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = {
        "sudo_password": awkward("sudo"),
        "login_password": plain("login"),
        "passphrase": awkward("phrase"),
    }
    canaries = Canaries(typed)

    def reach(_profile: Profile, prompter: Prompter) -> Target:
        for name in typed:
            getattr(prompter, name)(*(["shop"] if name == "passphrase" else ["deploy", "shop"]))
        return FakeTarget({"machine": b"shop\n0123456789abcdef\nDebian\n"})

    operator = Operator(
        **{f"{name}s": [value, value] for name, value in typed.items()}  # type: ignore[arg-type] # by its fields
    )
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr("signoff.reaching.open_target", reach)
    signer = KeySigner.generate("ann@desk")
    loaded = load(find("quick-production"))
    step = (loaded.checklist.id, loaded.checklist.steps[0].id)
    begun = Walk.begin(Profile(name="shop", address="ssh://shop"), [loaded], signer, operator)
    for resumed in (False, True):
        if resumed:
            begun.close()
            begun = Walk.resume("latest", signer)
            begun.connect(operator)
        for value in typed.values():
            with pytest.raises(RefusedError):
                begun.note(step, f"I typed {value} there.")
            with pytest.raises(RefusedError):
                begun.skip(step, value)
        begun.note(step, "I typed it.")
    begun.close()
    assert canaries.in_folder(tmp_path) == []

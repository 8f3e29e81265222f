"""signoff identity: what is shown, which key is chosen, and whom this machine believes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from signoff import paths
from signoff.cli import main
from signoff.errors import SignoffError
from signoff.identity_cli import identity
from signoff.session.identity import load_or_create
from signoff.session.keys import PublicKey
from signoff.session.session import Session
from signoff.session.signer import KeySigner
from signoff.session.sshsig import GENESIS, RECORD
from signoff.session.verify import Status, verify
from unit.session.agents import SK_ED25519, SecurityKey, SoftAgent, listening
from unit.session.records import CHECKLISTS, TARGET
from unit.window import Window

OURS = 'namespaces="genesis@signoff.v1,record@signoff.v1"'
FUTURE = f"{datetime.now(UTC) + timedelta(days=30):%Y%m%d}"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftAgent]:
    with listening() as soft:
        monkeypatch.setenv("SSH_AUTH_SOCK", soft.path)
        yield soft


def said(*arguments: str, stdin: str = "") -> str:
    """Return what a command says of its result; it must go well."""
    done = CliRunner().invoke(identity, arguments, input=stdin)
    assert done.exception is None, done.exception
    return done.stdout


def wrong(*arguments: str, stdin: str = "") -> str:
    """Return what a command says of what went wrong; it must, with exit code 2."""
    done = CliRunner().invoke(identity, arguments, input=stdin)
    assert isinstance(done.exception, SignoffError), (done.exception, done.output)
    assert done.exception.exit_code == 2
    return str(done.exception)


def trusted() -> str:
    return paths.allowed_signers_file().read_text()


def record_by(signer: KeySigner, folder: Path) -> Path:
    """Return a sealed record that somebody has made elsewhere."""
    with Session.start(signer=signer, target=TARGET, checklists=CHECKLISTS, sessions=folder) as session:
        session.seal(signer)
    return session.directory


# show


def test_the_own_key_is_shown_with_its_line() -> None:
    shown = said("show")
    signer = load_or_create()
    for words in (signer.name, signer.fingerprint, "ssh-ed25519", str(paths.identity_file())):
        assert words in shown
    assert shown.endswith(f"{signer.name} {OURS} {signer.key.line}\n")
    assert "agent" not in shown, "an agent that is not asked for is no matter"
    assert said("show", "--line") == f"{signer.name} {OURS} {signer.key.line}\n"


def test_whether_the_agent_has_the_key_is_shown(agent: SoftAgent) -> None:
    key = KeySigner.generate("x")
    agent.keys.append(key)
    said("use", "agent", "--name", "anna@ops")
    assert "ssh-agent    has it" in said("show")
    agent.keys.clear()
    assert "ssh-agent    does not have it" in said("show")


def test_a_security_key_is_shown_as_one(agent: SoftAgent) -> None:
    agent.keys.append(SecurityKey(SK_ED25519))
    said("use", "agent", "--name", "anna@ops")
    assert "wants a touch" in said("show")


# use


def test_the_agents_keys_are_told_where_one_has_to_be_chosen(agent: SoftAgent) -> None:
    keys = [KeySigner.generate("x"), KeySigner.generate("y")]
    assert "no usable key" in wrong("use", "agent")
    agent.keys += keys
    told = wrong("use", "agent")
    assert all(one.fingerprint in told for one in keys)
    assert keys[1].fingerprint in wrong("use", "agent", "SHA256:other")
    assert keys[1].fingerprint in said("use", "agent", keys[1].fingerprint)
    assert said("show", "--line") == trusted(), "this machine believes it"


def test_another_name_gets_a_line_of_its_own(agent: SoftAgent) -> None:
    key = KeySigner.generate("x")
    agent.keys.append(key)
    for name in ("anna@ops", "anna@home", "anna@ops"):
        said("use", "agent", "--name", name)
    assert trusted() == "".join(f"{name} {OURS} {key.key.line}\n" for name in ("anna@ops", "anna@home"))


def test_a_key_that_this_machine_does_not_trust_is_told(agent: SoftAgent) -> None:
    key = KeySigner.generate("x")
    agent.keys.append(key)
    said("use", "own")
    with paths.allowed_signers_file().open("a") as listed:
        listed.write(f'anna@ops valid-before="20200101" {key.key.line}\n')
    done = CliRunner().invoke(identity, ["use", "agent", "--name", "anna@ops"])
    assert "will not trust it here: line 2 of the allowed signers allowed the key until 2020" in done.stderr


@pytest.mark.parametrize("given", [("use", "a", "b"), ("use", "own", "--name", "x"), ("use", "missing")])
def test_what_names_no_key_is_told(given: tuple[str, ...]) -> None:
    assert wrong(*given)
    assert not paths.settings_file().exists()


def test_a_protected_file_needs_a_terminal(home: Path) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-a", "1", "-N", "sesame, open", "-f", home / "id"], check=True
    )
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TERM": "xterm-256color",
    }
    command = [sys.executable, "-m", "signoff", "identity", "use", str(home / "id")]
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "has a passphrase" in done.stderr
    window = Window(command, environment, home)
    window.until(f"Passphrase of {home}")
    window.type("wrong")
    window.until(f"Passphrase of {home}")
    window.type("sesame, open")
    assert window.end() == 0
    assert "it has just signed" in window.written
    assert "sesame" not in window.written, "it is masked"


# trust


def test_a_colleagues_records_are_believed_by_their_line(home: Path) -> None:
    ben = KeySigner.generate("ben@ops")
    record = record_by(ben, home / "bens")
    assert verify(record).status is Status.UNTRUSTED
    told = said("trust", f"ben@ops {ben.key.line}")
    assert told == f"Trusted: ben@ops  {ben.fingerprint}\n  ben@ops {OURS} {ben.key.line}\n"
    assert verify(record).status is Status.VALID


FORMS: dict[str, Callable[[str, Path], tuple[tuple[str, ...], str]]] = {
    "one argument": lambda key, _: ((f"ben@ops {OURS} {key}",), ""),
    "several arguments": lambda key, _: (("ben@ops", *key.split()), ""),
    "standard input": lambda key, _: (("-",), f"# Ben\n\nben@ops {OURS} {key} his laptop\n"),
    "a file of lines": lambda key, folder: ((file(folder, f"ben@ops {key}\r\n"),), ""),
    "a public key": lambda key, folder: ((file(folder, f"{key} ben's laptop\n"), "--name", "ben@ops"), ""),
    "another name": lambda key, _: (("--name", "ben@ops", f"benjamin@home {key}"), ""),
}


def file(folder: Path, text: str) -> str:
    (folder / "given").write_text(text)
    return str(folder / "given")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_line_comes_in_many_ways(
    form: Callable[[str, Path], tuple[tuple[str, ...], str]], home: Path
) -> None:
    key = KeySigner.generate("x").key.line
    arguments, stdin = form(key, home)
    assert said("trust", *arguments, stdin=stdin).startswith("Trusted: ben@ops")
    assert trusted() == f"ben@ops {OURS} {key}\n"
    assert said("trust", *arguments, stdin=stdin).startswith("Trusted already: ben@ops")
    assert trusted() == f"ben@ops {OURS} {key}\n", "never twice"


def test_a_window_is_written_as_it_was_given_and_told_in_utc() -> None:
    key = KeySigner.generate("x").key.line
    told = said("trust", "--valid-after", "20260102Z", "--valid-before", f"{FUTURE}0000Z", f"ben@ops {key}")
    assert "from 2026-01-02 00:00:00 UTC" in told
    window = f'valid-after="20260102Z",valid-before="{FUTURE}0000Z"'
    assert trusted() == f"ben@ops {OURS},{window} {key}\n"
    # What stands in the line is kept where the command says nothing else.
    other = KeySigner.generate("x").key.line
    said("trust", f'carl@ops namespaces="*@signoff.v1",valid-before="{FUTURE}" {other}')
    assert trusted().endswith(f'carl@ops namespaces="*@signoff.v1",valid-before="{FUTURE}" {other}\n')


def test_a_key_is_not_listed_twice_in_two_ways() -> None:
    ben = KeySigner.generate("x")
    said("trust", f"ben@ops {ben.key.line}")
    before = trusted()
    for again in (
        ("--valid-before", FUTURE, f"ben@ops {ben.key.line}"),
        (f"carl@ops {ben.key.line}",),
        ("--namespaces", "*", f"ben@ops {ben.key.line}"),
    ):
        assert "listed already, otherwise: line 1, ben@ops" in wrong("trust", *again)
    assert trusted() == before
    said("trust", f'ben@ops namespaces="countersign@signoff.v1" {ben.key.line}')
    assert len(trusted().splitlines()) == 2, "for another purpose it may have another line"


def test_a_second_key_under_a_name_is_told() -> None:
    first, second = KeySigner.generate("x"), KeySigner.generate("x")
    said("trust", f"ben@ops {first.key.line}")
    assert f"ben@ops has another key too: {first.fingerprint}" in said("trust", f"ben@ops {second.key.line}")


KEY = KeySigner.generate("x").key.line
WEAK = PublicKey("ssh-ed25519", b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32)).line
REFUSED = {
    "no name": ((KEY,), "without a name"),
    "authority": ((f"ben@ops cert-authority {KEY}",), "certificate authority, which signoff does not accept"),
    "any name": ((f"* {KEY}",), "no operator's name"),
    "a pattern": ((f"*@ops {KEY}",), "no operator's name"),
    "negated": ((f"ben@ops,!carl@ops {KEY}",), "no operator's name"),
    "a shell's word": ((f"$(id) {KEY}",), "no operator's name"),
    "weak key": ((f"ben@ops {WEAK}",), "weak one"),
    "another kind": (("ben@ops ssh-dss AAAAB3NzaC1kc3MAAAAA",), "not accepted"),
    "cut key": ((f"ben@ops {KEY[:-4]}",), "cut short"),
    "rubbish": (("ben@ops rubbish here",), "neither a key nor an option"),
    "unknown option": ((f"ben@ops no-touch-required {KEY}",), "neither a key nor an option"),
    "another purpose": ((f'ben@ops namespaces="git" {KEY}',), f"{GENESIS} and {RECORD}"),
    "half a purpose": ((f'ben@ops namespaces="{RECORD}" {KEY}',), f"{GENESIS} and {RECORD}"),
    "malformed time": (("--valid-before", "tomorrow", f"ben@ops {KEY}"), "not written as"),
    "no such day": (("--valid-before", "20261301", f"ben@ops {KEY}"), "calendar"),
    "ends before it begins": (
        ("--valid-after", "20270101", "--valid-before", "20260101", f"ben@ops {KEY}"),
        "ends before it begins",
    ),
    "a quote in a time": (
        ("--valid-before", f'{FUTURE}",namespaces="*', f"ben@ops {KEY}"),
        "cannot be trusted",
    ),
    "a line feed in a name": (("--name", "ben\nany", f"ben@ops {KEY}"), "no operator's name"),
    "a line feed in a purpose": (("--namespaces", f"a\n* {KEY}", f"ben@ops {KEY}"), "out of place"),
    "not ASCII": ((f'ben@ops namespaces="ü,*" {KEY}',), "out of place"),
    "no file": (("missing.line",), "No such file"),
    "nothing": (("-",), "no line"),
    "a good one beside": (("-",), "neither a key nor an option"),
}


@pytest.mark.parametrize(("given", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_to_be_trusted_changes_nothing(
    given: tuple[str, ...], why: str, request: pytest.FixtureRequest
) -> None:
    stdin = f"ben@ops {KEY}\nben@ops rubbish\n" if "beside" in request.node.name else ""
    assert why in wrong("trust", *given, stdin=stdin)
    assert not paths.allowed_signers_file().exists()


def test_what_a_colleague_put_into_the_line_is_inert() -> None:
    told = wrong("trust", f"\x1b[2J\x1b]0;owned\x07ben {KEY}x")
    assert "\x1b" not in told


def test_a_list_behind_a_link_stays_there(home: Path) -> None:
    real = home / "dotfiles"
    real.write_text(f"# mine\ncarl@ops {KeySigner.generate('c').key.line}")
    paths.config_directory().mkdir(parents=True)
    paths.allowed_signers_file().symlink_to(real)
    said("trust", f"ben@ops {KEY}")
    assert paths.allowed_signers_file().is_symlink()
    assert real.read_text().endswith(f"\nben@ops {OURS} {KEY}\n")
    assert real.read_text().startswith("# mine\ncarl@ops ")


# what the shell offers


def offered(*words: str) -> list[str]:
    *before, last = words
    completion = ShellComplete(main, {}, "signoff", "_SIGNOFF_COMPLETE")
    return [one.value for one in completion.get_completions(["identity", "use", *before], last)]


def test_the_tab_key_offers_what_can_sign(agent: SoftAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    key = KeySigner.generate("x")
    agent.keys.append(key)
    assert offered("") == ["own", "agent", ""]
    assert offered("ag") == ["agent", "ag"]
    assert offered("agent", "SHA") == [key.fingerprint]
    monkeypatch.delenv("SSH_AUTH_SOCK")
    assert offered("agent", "") == []

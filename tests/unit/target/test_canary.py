"""What is typed to open a target, and what is sent through it, is in no log and in no process's arguments."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from signoff.target import shell
from signoff.target.command import Command, Root
from signoff.target.opening import open_target
from signoff.target.profile import Profile
from signoff.target.ssh import SshTarget
from unit.canaries import Canaries, ProcessWatch, awkward, plain
from unit.target.rig import Home, Operator, Sshd, make_key, public
from unit.target.test_local import FAKE_ID, FAKE_SUDO

CANARIES = Canaries(
    {
        "passphrase": awkward("passphrase"),
        "sudo password": awkward("sudo"),
        "file": plain("file"),
        "payload": awkward("payload"),
    }
)


@pytest.fixture
def everything_logged(tmp_path: Path) -> Iterator[Path]:
    """paramiko's debug log and everybody else's, in a file."""
    path = tmp_path / "debug.log"
    handler = logging.FileHandler(path)
    handler.setLevel(logging.DEBUG)
    loggers = [logging.getLogger(), logging.getLogger("paramiko")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    yield path
    for logger, level in zip(loggers, before, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)


@pytest.fixture
def address(home: Home, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A host where sudo wants a password, and a key with a passphrase that lets one in."""
    locked = make_key(tmp_path / "locked", passphrase=CANARIES.values["passphrase"])
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("sudo", FAKE_SUDO), ("id", FAKE_ID)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (programs / "password").write_text(CANARIES.values["sudo password"])
    monkeypatch.setattr(shell, "PATH", f"{programs}:{shell.PATH}")
    path = f"SetEnv SHLVL=5 PATH={programs}:/usr/bin:/bin"
    server = Sshd(tmp_path / "sshd", [keys / "ed25519"], keys / "client", path)
    (tmp_path / "sshd" / "authorized_keys").write_text(public(locked) + "\n")
    home.known_hosts.write_text(server.known())
    yield home.configure("locked", server, IdentityFile=locked, IdentitiesOnly="yes")
    server.stop()


@pytest.mark.slow
def test_opening_reading_and_changing_a_target(
    address: str, everything_logged: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "env"
    secret.write_text(f"KEY={CANARIES.values['file']}\n")
    operator = Operator(
        passphrases=["wrong", CANARIES.values["passphrase"]],
        sudo_passwords=["wrong", CANARIES.values["sudo password"]],
    )
    with ProcessWatch(CANARIES) as watch:
        target = open_target(Profile(address=address), operator)
        assert isinstance(target, SshTarget)
        target.is_root = False
        read = Command("read", f"cat {secret}; sleep 0.3", Root.REQUIRE)
        (output,) = target.collect([read], Event())
        assert output.as_root
        assert CANARIES.values["file"].encode() in output.stdout
        taken = target.execute("cat; sleep 0.3", CANARIES.values["payload"].encode(), root=True)
        assert taken.stdout == CANARIES.values["payload"].encode()
        shown = f"{vars(target)!r} {vars(target.sudo)!r} {operator.asked!r}"
        target.close()
    assert watch.samples
    assert not watch.sightings
    logged = everything_logged.read_text()
    assert "starting thread (client mode)" in logged, "the log that is searched is paramiko's"
    assert CANARIES.in_text(logged, "the debug log") == []
    assert CANARIES.in_text(shown, "what the objects say of themselves") == []
    printed = capfd.readouterr()
    assert CANARIES.in_text(printed.out + printed.err, "what was printed") == []
    assert CANARIES.in_bytes((tmp_path / "sshd" / "log").read_bytes(), "the server's log") == []

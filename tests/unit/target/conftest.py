"""Fixtures for the tests of targets."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.target.rig import SSHD, Home, Sshd, make_key

needs_ssh = bool(SSHD and shutil.which("ssh") and shutil.which("ssh-keygen"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return an empty home; ssh(1) takes its configuration from there, which HOME alone does not do."""
    folder = tmp_path / "home"
    (folder / ".ssh").mkdir(parents=True)
    (folder / ".ssh" / "config").touch()
    programs = tmp_path / "bin"
    programs.mkdir()
    ssh = programs / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/.ssh/config "$@"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("PATH", f"{programs}:/usr/local/bin:/usr/bin:/bin")
    for variable in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "SSH_AUTH_SOCK"):
        monkeypatch.delenv(variable, raising=False)
    return Home(folder)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with host keys of three types and a client's key."""
    if not needs_ssh:
        pytest.skip("wants OpenSSH: sshd, ssh and ssh-keygen")
    folder = tmp_path_factory.mktemp("keys")
    for kind in ("ed25519", "ecdsa", "rsa"):
        make_key(folder / kind, kind)
    make_key(folder / "client")
    return folder


@pytest.fixture(scope="session")
def sshd(keys: Path) -> Iterator[Sshd]:
    """Return a plain sshd that lets the client's key in."""
    server = Sshd(keys / "sshd", (keys / "ed25519", keys / "ecdsa", keys / "rsa"), keys / "client")
    yield server
    server.stop()


@pytest.fixture
def shop(home: Home, sshd: Sshd, keys: Path) -> str:
    """Return the address of the plain sshd, its host key known and the client's key configured."""
    home.known_hosts.write_text(sshd.known())
    return home.configure("shop", sshd, IdentityFile=keys / "client")

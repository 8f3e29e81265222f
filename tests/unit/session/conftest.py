"""A place of its own for each test: sessions, ledger and identity in a temporary folder."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from signoff.session import identity
from unit.session.records import Place


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return Place(
        tmp_path / "config" / "signoff",
        tmp_path / "state" / "signoff" / "sessions",
        identity.load_or_create(),
    )


SshKeygen = Callable[..., bool]


@pytest.fixture
def ssh_keygen() -> SshKeygen:
    """Ask stock ``ssh-keygen -Y verify``; tells whether it accepts. Skips where there is none."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")

    def verify(
        allowed: Path, name: str, namespace: str, signature: Path, message: bytes, *options: str
    ) -> bool:
        command = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", name]
        command += ["-n", namespace, "-s", str(signature), *options]
        return subprocess.run(command, input=message, capture_output=True, check=False).returncode == 0

    return verify

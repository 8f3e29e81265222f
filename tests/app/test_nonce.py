"""The auditor's nonce: whichever face began the session, line 1 is bound to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from signoff.app.app import Start
from signoff.app.screens.opening import open_walk
from signoff.cli import main
from signoff.session.store import find, read
from signoff.session.verify import Status, verify
from signoff.target.profile import Profile
from signoff.terminal import TerminalAttendant, TerminalPrompter

SMALL = """\
schema: 1
id: small
title: {en: Small}
about: {en: One thing.}
steps:
  - id: one
    title: {en: One}
    ask: {en: See that it is so.}
    why: {en: It matters.}
    severity: low
    items: [X1]
    confirm: {statement: {en: It is.}, value: {en: What}}
    remedy: {en: Do it.}
    valid_days: 30
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


def bound() -> str:
    """Return the nonce of the newest session, by its state and by the verdict."""
    directory = find("latest")
    genesis = read(directory).state.genesis
    assert genesis is not None
    assert verify(directory, nonce=genesis.nonce).nonce == genesis.nonce
    assert verify(directory, nonce="another").status is Status.INVALID
    return genesis.nonce


@pytest.mark.parametrize("command", [("run", "--plain"), ("audit",)])
def test_without_the_app(small: Path, command: tuple[str, ...]) -> None:
    done = CliRunner().invoke(main, [*command, str(small), "--nonce", "7f3a"])
    assert done.exit_code == 3, done.output
    assert bound() == "7f3a"


def test_in_the_app(small: Path) -> None:
    start = Start(Profile(name="here", address="local"), nonce="7f3a")
    open_walk(start, TerminalPrompter(), TerminalAttendant()).close()
    assert bound() == "7f3a"


def test_a_session_that_goes_on_takes_no_other(small: Path) -> None:
    CliRunner().invoke(main, ["run", "--plain", str(small), "--nonce", "7f3a"])
    done = CliRunner().invoke(main, ["run", "--plain", "--resume", "latest", "--nonce", "other"])
    assert done.exit_code == 2
    assert "nonce already" in done.output

"""What was begun and lost on the way is waited for."""

from __future__ import annotations

import os
import subprocess

import pytest

from signoff.actions.base import ActionError
from signoff.actions.hands import _RUN, _SETTLE, Hands
from signoff.target.local import LocalTarget
from unit.target.rig import Operator

NOBODY = 65534


def settled(run: str, user: int | None) -> bool:
    script = _SETTLE.replace("@RUNS@", f"{_RUN}={run}").replace("@SECONDS@", "0")
    done = subprocess.run(["sh", "-c", script], user=user, cwd="/", capture_output=True, check=False)
    assert done.returncode in {0, 9}, done.stderr
    assert not done.stdout + done.stderr
    return done.returncode == 0


def test_a_run_is_found_among_processes_that_may_not_be_read() -> None:
    """grep says 2 for what it could not read; that is no word on what it could."""
    user = NOBODY if os.geteuid() == 0 else None
    begun = subprocess.Popen(["sleep", "60"], env={_RUN: "0123456789abcdef"}, user=user, cwd="/")
    try:
        assert not settled("0123456789abcdef", user)
        assert settled("fedcba9876543210", user)
    finally:
        begun.kill()
        begun.wait()
    assert settled("0123456789abcdef", user)


def test_nothing_is_done_while_what_was_begun_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signoff.actions.hands.SETTLED_WITHIN", 1.0)
    hands = Hands(LocalTarget(Operator()), root=False)
    begun = subprocess.Popen(["sleep", "60"], env={_RUN: "0123456789abcdef"})
    hands._unsettled.add("0123456789abcdef")
    try:
        with pytest.raises(ActionError, match="still runs"):
            hands.run("It could not be done", "echo done")
    finally:
        begun.kill()
        begun.wait()
    assert hands.run("It could not be done", "echo done").stdout == b"done\n"

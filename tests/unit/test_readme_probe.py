"""The README's own probe, checklist and case are real: they are taken from there and run."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from signoff.checklist.load import load
from signoff.facts.base import Facts, HostFact, text_for
from signoff.facts.collect import _value
from signoff.model import Result
from signoff.probes import all_probes
from signoff.probes.base import Probe
from signoff.target.command import Output
from signoff.target.profile import Profile
from unit import case_files
from unit.case_files import Case
from unit.probes.test_lines import MOST, logical

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
SYSTEMCTL = """#!/bin/sh
case $4 in apt-daily.timer) echo ActiveState=active; echo UnitFileState=enabled ;;
*) echo ActiveState=$STATE; echo UnitFileState=$FILE ;; esac
"""


def block(language: str, part: str) -> str:
    """A block of the README that has these words in it."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    (found,) = (one for one in blocks if part in one)
    return str(found)


SOURCE = block("python", "updates.timers")


@pytest.fixture
def timers() -> Probe:
    """The README's probe."""
    module = ModuleType("readme")
    exec(SOURCE, module.__dict__)  # noqa: S102 - our own README
    found = module.__dict__["timers"]
    assert isinstance(found, Probe)
    return found


def test_its_checklist_is_one(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(block("yaml", "A small list"))
    uses = load(path, all_probes()).checklist.steps[0].uses
    assert [(one.use, one.items) for one in uses] == [("env.mode", ()), ("http.header", ("H2",))]


def test_its_case_comes_out_as_it_says(
    tmp_path: Path, timers: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_files, "all_probes", lambda: {timers.id: timers})
    path = tmp_path / "fail" / "off.txt"
    path.parent.mkdir()
    path.write_text(block("text", "use: {use: updates.timers}"))
    case = Case.read(path)
    (found,) = case.findings()
    assert found.result is case.result is Result.FAIL
    assert found.observed == "1 of 2 timers wrong: apt-daily-upgrade: inactive, disabled"


@pytest.mark.parametrize(
    ("state", "file", "result"),
    [
        ("active", "enabled", Result.PASS),
        ("inactive", "disabled", Result.FAIL),
        ("active", "disabled", Result.FAIL),
    ],
)
def test_its_script_asks_and_its_probe_judges(
    tmp_path: Path, timers: Probe, state: str, file: str, result: Result
) -> None:
    (tmp_path / "systemctl").write_text(SYSTEMCTL)
    (tmp_path / "systemctl").chmod(0o755)
    (fact,) = timers.needs
    assert isinstance(fact, HostFact)
    script = text_for(fact.script, Profile())
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-s"],
        input=script.encode(),
        env={"PATH": path, "STATE": state, "FILE": file},
        capture_output=True,
        check=True,
    )
    value = _value(fact, Output(fact.id, 0, done.stdout), Profile())
    (found,) = timers.findings(Facts({fact.id: value}), Profile())
    assert found.result is result
    assert found.proves == ("survives a restart" if result is Result.PASS else "")


def test_it_is_small() -> None:
    assert logical(SOURCE) <= MOST

"""What CI installs is locked: all that pyproject.toml asks for, in a version that it takes, with hashes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / ".ci" / "requirements.txt").read_text("utf-8")
RENEW = "renew the lock: .ci/lock"

_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
ASKED = [
    *_PROJECT["build-system"]["requires"],
    *_PROJECT["project"]["dependencies"],
    *(one for extra in _PROJECT["project"]["optional-dependencies"].values() for one in extra),
]
# One requirement over several lines, its hashes behind it.
LOCKED = [
    (Requirement(line.split(" --hash=")[0]), re.findall(r"--hash=sha256:[0-9a-f]{64}\b", line))
    for line in LOCK.replace("\\\n", "").splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_asked_for_is_locked_in_a_version_that_will_do(asked: str) -> None:
    wanted = Requirement(asked)
    versions = [
        one.specifier for one, _ in LOCKED if canonicalize_name(one.name) == canonicalize_name(wanted.name)
    ]
    assert versions, RENEW
    for version in versions:
        (pin,) = version
        assert pin.operator == "=="
        assert wanted.specifier.contains(pin.version), RENEW


@pytest.mark.parametrize("locked", LOCKED, ids=lambda locked: str(locked[0].name))
def test_all_that_is_locked_has_hashes(locked: tuple[Requirement, list[str]]) -> None:
    requirement, hashes = locked
    assert hashes
    assert requirement.url is None


def test_the_lock_names_no_place_to_fetch_from() -> None:
    assert "://" not in LOCK
    assert not re.search(r"^ *-(?!-hash=)", LOCK, re.MULTILINE), "an option of pip"


def test_ci_installs_from_nothing_else() -> None:
    steps = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    fetched, cut_off, used = (
        next(number for number, step in enumerate(steps) if part in step)
        for part in ("bin/pip ", "export PIP_NO_INDEX=1 PIP_FIND_LINKS=", 'eval "$test_command"')
    )
    assert "--require-hashes" in steps[fetched]
    assert fetched < cut_off < used

"""A draft that a rotation left is named by whatever looks next, and counts as a file with secrets."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest

from signoff.env_check import check
from signoff.facts.base import Facts
from signoff.facts.collect import collect
from signoff.facts.environment import ENVIRONMENT
from signoff.facts.units import UNITS
from signoff.model import Finding, Result
from signoff.probes.env import mode
from signoff.target.local import LocalTarget
from signoff.target.profile import Profile
from unit.target.rig import Operator


@pytest.fixture
def env(tmp_path: Path) -> Path:
    """A .env, and the folder in which a new one was being made as the process was killed."""
    path = tmp_path / ".env"
    path.write_text("SECRET_KEY=tZ8rKw3vQm5xLn2btZ8rKw3vQm5xLn2b\n")
    path.chmod(0o600)
    draft = tmp_path / ".env.signoff-0123456789abcdef"
    draft.mkdir(mode=0o700)
    (draft / "new").write_text("SECRET_KEY=made-anew-made-anew-made-anew-made\n")
    (draft / "new").chmod(0o600)
    return path


def audited(project: Path, **profile: tuple[str, ...]) -> tuple[Finding, ...]:
    """What the probe of modes says of a project on this machine."""
    known = Profile(project=str(project), **profile)  # type: ignore[arg-type]  # by name
    values = {one.fact.id: one.value for one in collect(mode.needs, LocalTarget(Operator()), known, Event())}
    assert {ENVIRONMENT.id, UNITS.id} <= values.keys()
    return mode.findings(Facts(values), known)


def drafts(findings: tuple[Finding, ...]) -> list[Finding]:
    """The findings about drafts."""
    return [one for one in findings if one.subject.endswith(": draft")]


def test_the_check_of_one_file_names_it(env: Path) -> None:
    (found,) = drafts(check(env).findings)
    assert found.result is Result.UNKNOWN
    assert str(env.parent / ".env.signoff-0123456789abcdef") in found.observed


def test_an_audit_names_it_wherever_the_file_lies(env: Path, tmp_path: Path) -> None:
    assert len(drafts(audited(env.parent))) == 1
    project = tmp_path / "shop"
    project.mkdir()
    assert len(drafts(audited(project, env_files=(str(env),)))) == 1


def test_one_that_others_may_read_fails_like_any_file_with_secrets(env: Path) -> None:
    draft = env.parent / ".env.signoff-0123456789abcdef"
    draft.chmod(0o755)
    (draft / "new").chmod(0o644)
    copies = [one for one in audited(env.parent) if one.subject == "copies that others may read"]
    assert [one.result for one in copies] == [Result.FAIL]
    assert str(draft / "new") in copies[0].evidence[0]


@pytest.mark.parametrize("name", [".env.signoff-0123", "other.signoff-0123456789abcdeg"])
def test_a_folder_of_another_name_is_none(tmp_path: Path, name: str) -> None:
    (tmp_path / ".env").write_text("A=1\n")
    (tmp_path / name).mkdir()
    (tmp_path / name / "new").write_text("A=1\n")
    assert drafts(audited(tmp_path)) == []

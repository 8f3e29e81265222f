"""The verdict: what it tells, and whom it trusts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signoff.errors import RecordError
from signoff.session import identity
from signoff.session.events import Noted
from signoff.session.line import timestamp
from signoff.session.stock import commands
from signoff.session.verify import Standing, Status, verify
from unit.session.records import Place, journal, lines


def test_a_sealed_record_is_valid_and_tells_on_what_that_rests(place: Place) -> None:
    directory = place.sealed()
    verdict = verify(directory)
    assert verdict.status is Status.VALID
    assert (verdict.reason, verdict.line, verdict.remarks) == ("", None, ())
    assert (verdict.session, verdict.operator) == (directory.name, place.operator.name)
    assert verdict.key == place.operator.fingerprint
    assert (verdict.lines, verdict.covered, verdict.sealed) == (6, 6, True)
    assert verdict.ledger is Standing.LISTED
    assert verdict.started is not None
    assert verdict.finished is not None
    assert timedelta() <= verdict.finished - verdict.started < timedelta(minutes=1)
    assert abs(datetime.now(UTC) - verdict.finished) < timedelta(minutes=1)


def test_an_open_record_is_unsealed_and_tells_what_is_covered(place: Place) -> None:
    directory = place.unsealed()
    verdict = verify(directory)
    assert verdict.status is Status.UNSEALED
    assert (verdict.lines, verdict.covered, verdict.sealed) == (6, 5, False)


def test_the_commands_that_are_shown_work_without_signoff(place: Place, tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    directory = place.sealed()
    odd = tmp_path / "it's a $(folder)"
    shutil.copytree(directory, odd)
    shown = commands(odd, place.operator.name)
    assert len(shown) == 2
    for command in shown:
        done = subprocess.run(command, shell=True, cwd=place.config, capture_output=True, text=True)  # noqa: S602
        assert done.returncode == 0
        assert done.stdout.startswith("Good ")
    journal(odd).write_bytes(journal(odd).read_bytes().replace(b"3 keys", b"4 keys"))
    done = subprocess.run(shown[1], shell=True, cwd=place.config, capture_output=True, text=True)  # noqa: S602
    assert done.returncode != 0
    assert commands(odd, "x", sealed=False) == commands(odd, "x")[:1]


class TestTrust:
    def test_comes_from_the_list_alone(self, place: Place, tmp_path: Path) -> None:
        directory = place.sealed()
        (tmp_path / "empty").write_text("")
        verdict = verify(directory, tmp_path / "empty")
        assert verdict.status is Status.UNTRUSTED
        assert verdict.key in verdict.reason
        assert verdict.sealed
        (tmp_path / "allowed").write_text(identity.allowed_signers_line(place.operator))
        assert verify(directory, tmp_path / "allowed").status is Status.VALID

    def test_a_machine_without_a_list_trusts_nobody(
        self, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        directory = place.sealed()
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "elsewhere"))
        verdict = verify(directory)
        assert verdict.status is Status.UNTRUSTED
        assert "no list of allowed signers" in verdict.reason

    @pytest.mark.parametrize(
        "line",
        [
            "ben@ops {key}",
            '{name} namespaces="record@signoff.v1" {key}',
            '{name} namespaces="genesis@signoff.v1" {key}',
            '{name} namespaces="file" {key}',
            '{name} valid-before="20200101" {key}',
            '{name} valid-after="21000101" {key}',
            "{name} cert-authority {key}",
            "# {name} {key}",
        ],
    )
    def test_is_given_as_the_list_says(self, place: Place, tmp_path: Path, line: str) -> None:
        directory = place.sealed()
        text = line.format(name=place.operator.name, key=place.operator.key.line)
        (tmp_path / "allowed").write_text(text + "\n")
        assert verify(directory, tmp_path / "allowed").status is Status.UNTRUSTED

    def test_of_an_unknown_key_outranks_a_missing_seal(self, place: Place, tmp_path: Path) -> None:
        (tmp_path / "empty").write_text("")
        assert verify(place.unsealed(), tmp_path / "empty").status is Status.UNTRUSTED

    def test_a_list_that_cannot_be_read_is_an_error(self, place: Place, tmp_path: Path) -> None:
        with pytest.raises(RecordError, match="allowed signers"):
            verify(place.sealed(), tmp_path / "none")


def test_a_record_under_another_folders_name_is_told(place: Place, tmp_path: Path) -> None:
    directory = place.sealed()
    shutil.copytree(directory, tmp_path / "from-the-operator")
    verdict = verify(tmp_path / "from-the-operator")
    assert (verdict.status, verdict.ledger) == (Status.VALID, Standing.LISTED)
    assert any("from-the-operator" in remark for remark in verdict.remarks)


def test_a_relative_path_will_do(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = place.sealed()
    monkeypatch.chdir(directory)
    verdict = verify(Path())
    assert (verdict.status, verdict.ledger, verdict.remarks) == (Status.VALID, Standing.LISTED, ())


def test_nothing_there_is_an_error_with_a_reason(place: Place) -> None:
    with pytest.raises(RecordError, match="no record"):
        verify(place.sessions / "none")


def test_its_memory_does_not_grow_with_the_record(place: Place) -> None:
    def peak(notes: int) -> int:
        with place.start() as session:
            for number in range(notes):
                session.append(Noted(checklist="quick", step="ports", text=f"{number} " * 60))
        tracemalloc.start()
        assert verify(session.directory).status is Status.UNSEALED
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(5)
    small, large = peak(10), peak(120)
    assert large < small * 1.5


def test_times_are_told_as_the_record_has_them(place: Place) -> None:
    directory = place.sealed()
    verdict = verify(directory)
    assert verdict.started is not None
    assert verdict.finished is not None
    assert timestamp(verdict.started).encode() in lines(directory)[0]
    assert timestamp(verdict.finished).encode() in lines(directory)[-1]


def test_to_verify_nothing_slow_is_imported() -> None:
    slow = ["textual", "paramiko", "click", "socket", "subprocess", "asyncio", "signoff.session.session"]
    script = f"import sys, signoff.session.verify; print([name for name in {slow!r} if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"

"""Whatever breaks, nothing that was acknowledged is lost: ``pytest --matrix tests/lab/test_faults.py``."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from breaking import Broken
from faults import FAULTS, ROWS, Fault
from required import give_up

from matrix import Result
from unit.session.conftest import place as place  # the fixture
from unit.session.records import Place


def test_every_row_of_the_design_is_tried() -> None:
    assert {fault.row for fault in FAULTS} == set(ROWS)
    assert len({(fault.row, fault.what) for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("row", FAULTS, ids=lambda row: f"{row.row}: {row.what}")
def test_a_fault_loses_nothing(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: Fault, result: Result
) -> None:
    if os.geteuid() != 0:
        give_up("only root can mount a file system")
    if missing := [tool for tool in ("strace", "mkfs.ext4", "ssh-agent") if not shutil.which(tool)]:
        give_up(f"{', '.join(missing)} is missing: tests/lab/setup.sh installs it")
    result(seen=row.do(Broken(place, tmp_path, monkeypatch)))

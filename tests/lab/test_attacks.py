"""Every byte of every file of a record, flipped in two of its bits; ssh-keygen judges each third byte."""

from __future__ import annotations

import pytest
from required import give_up

from matrix import Result
from unit.session.attack import Attack
from unit.session.attacks import ATTACKS, ROWS
from unit.session.conftest import place as place  # the fixture
from unit.session.records import Place
from unit.session.test_attacks import attacked, stage, version


@pytest.mark.parametrize("row", [one for one in ATTACKS if one.row == ROWS[0]], ids=lambda row: row.what)
def test_every_byte_shows(place: Place, monkeypatch: pytest.MonkeyPatch, row: Attack, result: Result) -> None:
    if not version():
        give_up("ssh-keygen is not installed")
    scene = stage(place, monkeypatch, row)
    scene.bits = (0, 5)
    attacked(scene, row, version(), 6, result)

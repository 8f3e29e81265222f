"""What is generated reads back identically through every reader that can be run here.

Ten thousand times each, and with systemd and Docker themselves: tests/lab/test_env_readers.py.
"""

from __future__ import annotations

import shutil

import pytest

from signoff.credentials.env_edit import edit
from signoff.credentials.generate import KINDS
from signoff.credentials.secret import Secret
from unit.generated import by_bash, by_dotenv, by_url, by_yaml, env_file, values

TIMES = 300


@pytest.fixture(scope="module")
def many() -> dict[str, str]:
    """Hundreds of each kind."""
    return {name: value for kind in KINDS for name, value in values(kind, TIMES).items()}


def test_every_reader_reads_what_was_generated(many: dict[str, str]) -> None:
    raw = env_file(many)
    assert len(set(many.values())) == TIMES * len(KINDS)
    assert by_dotenv(raw) == many
    assert by_yaml(many) == many
    assert by_url(many) == many
    if shutil.which("bash"):
        assert many.items() <= by_bash(raw).items()


def test_it_is_written_as_it_is_whatever_stood_there(many: dict[str, str]) -> None:
    for name, value in list(many.items())[::20]:
        for before in (b"A=", b"A=old", b"A='old'", b'A="old\nlines"', b"A=it's $x"):
            assert edit(before, {"A": Secret(value)}) == f"A={value}".encode(), name

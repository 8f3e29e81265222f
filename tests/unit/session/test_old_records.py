"""What earlier versions have sealed stays valid. ``tests/records/make.py`` makes one more to keep."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from signoff.session.events import AnyEvent, Attested, Done
from signoff.session.store import read
from signoff.session.verify import Status, Verdict, verify

KEPT = Path(__file__).parents[2] / "records"
RECORDS = sorted(path.parent for path in KEPT.glob("*/*/session.jsonl"))
FILES = [path.relative_to(KEPT) for record in RECORDS for path in sorted(record.iterdir())]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of them that nobody else writes to, whatever the mode of a checkout, on a bare machine."""
    for kind in ("CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    copies = Path(shutil.copytree(KEPT, tmp_path / "records"))
    for path in (copies, *copies.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return copies


def judged(record: Path) -> Verdict:
    version = record.parent
    stamped = (record / "timestamp.tsr").exists()
    return verify(record, version / "allowed_signers", tsa_ca=version / "authority.pem" if stamped else None)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_an_old_record_is_valid(kept: Path, record: Path) -> None:
    verdict = judged(kept / record.relative_to(KEPT))
    assert (verdict.status, verdict.reason, verdict.broken) == (Status.VALID, "", ())
    assert verdict.covered == verdict.lines


@pytest.mark.parametrize("file", FILES, ids=str)
def test_one_flipped_bit_shows(kept: Path, file: Path) -> None:
    path = kept / file
    data = path.read_bytes()
    for at in (0, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        verdict = judged(path.parent)
        assert verdict.status is not Status.VALID or verdict.broken == (file.name,), f"byte {at}"


def test_every_kind_of_event_is_kept() -> None:
    events = [entry.event for record in RECORDS for entry in read(record).entries]
    assert {type(event) for event in events} == set(get_args(AnyEvent)), "make a record with the new one"
    assert {one.kind for one in events if isinstance(one, Attested)} == words(Attested, "kind")
    assert {one.outcome for one in events if isinstance(one, Done)} == words(Done, "outcome")


def test_both_kinds_of_witness_are_kept() -> None:
    assert {file.suffix for file in FILES if not file.name.endswith((".jsonl", ".yaml"))} == {".sig", ".tsr"}
    assert any(file.name.startswith("countersign-") for file in FILES)


def words(event: type[Any], field: str) -> set[str]:
    return set(get_args(get_type_hints(event)[field]))

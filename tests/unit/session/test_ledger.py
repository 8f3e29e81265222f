"""The ledger: a missing session shows, and so does a missing line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.errors import RecordError
from signoff.session import enrol, ledger, store
from signoff.session.line import digest
from signoff.session.lock import Lock
from signoff.session.survey import Gap, survey
from signoff.session.verify import Standing, Status, verify
from unit.session.records import CONFIRMED, Place, journal, lines


def ledger_lines(place: Place) -> list[bytes]:
    return place.ledger.read_bytes().splitlines(keepends=True)


def test_it_chains_the_beginning_and_the_seal_of_each_session(place: Place) -> None:
    first, second = place.sealed(), place.sealed()
    written = ledger_lines(place)
    reading = ledger.read(place.ledger)
    assert reading.damage == []
    assert [(entry.kind, entry.session) for entry in reading.entries] == [
        ("genesis", first.name),
        ("seal", first.name),
        ("genesis", second.name),
        ("seal", second.name),
    ]
    assert [entry.digest for entry in reading.entries[:2]] == [
        digest(lines(first)[0]),
        digest(journal(first).read_bytes()),
    ]
    assert [entry.prev for entry in reading.entries] == ["", *(digest(line) for line in written[:-1])]
    assert [entry.seq for entry in reading.entries] == [1, 2, 3, 4]
    assert ledger.head(place.ledger) == digest(written[-1])
    genesis = store.read(second).state.genesis
    assert genesis is not None
    assert genesis.ledger == digest(written[1])
    assert place.ledger.stat().st_mode & 0o7777 == 0o600


def test_its_digests_are_what_sha256sum_shows(place: Place) -> None:
    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is not installed")
    directory = place.sealed()
    shown = subprocess.run(["sha256sum", journal(directory)], capture_output=True, text=True, check=True)
    assert ledger.read(place.ledger).entries[1].digest == shown.stdout.split()[0]


def test_none_at_all_is_empty(tmp_path: Path) -> None:
    reading = ledger.read(tmp_path / "ledger.jsonl")
    assert (reading.entries, reading.damage, reading.head) == ([], [], "")


def test_a_session_that_is_gone_shows(place: Place) -> None:
    first, second = place.sealed(), place.sealed()
    shutil.rmtree(first)
    gaps = {row.session: [one.gap for one in row.problems] for row in survey().rows}
    assert gaps == {first.name: [Gap.MISSING], second.name: []}
    assert verify(second).status is Status.VALID


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_line_that_is_gone_shows(place: Place, gone: int) -> None:
    place.sealed()
    last = place.sealed()
    written = ledger_lines(place)
    del written[gone]
    place.ledger.write_bytes(b"".join(written))
    reading = ledger.read(place.ledger)
    assert reading.damage[0].line == gone + 1
    assert any("the ledger is damaged at line" in remark for remark in verify(last).remarks)


def test_every_changed_byte_shows_in_the_ledger_or_against_the_record(place: Place) -> None:
    """The last line is held by nothing that comes after it: it is the record that speaks against it."""
    directory = place.sealed()
    data = place.ledger.read_bytes()
    for at in range(0, len(data), 2):
        place.ledger.write_bytes(data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :])
        verdict = verify(directory)
        shown = verdict.status is Status.INVALID or verdict.remarks
        last = data[:at].count(b"\n") == 1
        assert shown or (last and ledger.read(place.ledger).damage == []), at


def test_a_record_that_was_made_again_and_signed_again_is_not_valid(place: Place, tmp_path: Path) -> None:
    directory = place.sealed()
    shutil.copytree(directory, tmp_path / "kept")
    rest = ledger_lines(place)[1:]
    again = place.sealed()
    shutil.rmtree(directory)
    again.rename(directory)
    verdict = verify(directory)
    assert any("unlike the session" in remark for remark in verdict.remarks)
    # With the same id, as far as the ledger goes:
    first, _ = place.ledger.read_bytes().split(b"\n", 1)
    forged = first.replace(directory.name.encode(), again.name.encode()) + b"\n"
    place.ledger.write_bytes(forged + b"".join(rest))
    verdict = verify(directory)
    assert (verdict.status, verdict.ledger) == (Status.INVALID, Standing.CONTRADICTS)
    assert "another session under this id" in verdict.reason


def test_another_seal_than_the_ledgers_is_not_valid(place: Place) -> None:
    directory = place.sealed()
    written = ledger_lines(place)
    sealed = ledger.read(place.ledger).entries[1].digest
    place.ledger.write_bytes(written[0] + written[1].replace(sealed.encode(), b"0" * 64))
    verdict = verify(directory)
    assert (verdict.status, verdict.ledger) == (Status.INVALID, Standing.CONTRADICTS)
    assert "another seal" in verdict.reason


def test_a_session_that_the_ledger_does_not_know_is_told(place: Place) -> None:
    directory = place.sealed()
    place.ledger.write_bytes(b"")
    verdict = verify(directory)
    assert (verdict.status, verdict.ledger) == (Status.VALID, Standing.ABSENT)
    assert any("does not know the session" in remark for remark in verdict.remarks)


def test_a_cut_tail_of_the_ledger_shows_at_the_sessions_it_knew(place: Place) -> None:
    first, second = place.sealed(), place.sealed()
    place.ledger.write_bytes(b"".join(ledger_lines(place)[:2]))
    assert verify(first).ledger is Standing.LISTED
    assert verify(second).ledger is Standing.ABSENT


@pytest.mark.parametrize("tail", [b"{", b'{"digest":"', b"\0" * 30])
def test_a_torn_last_line_is_cut_and_that_is_listed(place: Place, tail: bytes) -> None:
    first = place.sealed()
    with place.ledger.open("ab") as file:
        file.write(tail)
    assert "not written to its end" in ledger.read(place.ledger).damage[0].reason
    second = place.sealed()
    reading = ledger.read(place.ledger)
    assert reading.damage == []
    assert (reading.entries[2].kind, reading.entries[2].digest) == ("recovered", digest(tail))
    for directory in (first, second):
        verdict = verify(directory)
        assert (verdict.status, verdict.ledger) == (Status.VALID, Standing.LISTED)


def test_sessions_go_on_where_the_ledger_is_damaged(place: Place) -> None:
    place.sealed()
    place.ledger.write_bytes(b"rubbish\n" + b"".join(ledger_lines(place)[1:]))
    directory = place.sealed()
    verdict = verify(directory)
    assert (verdict.status, verdict.ledger) == (Status.VALID, Standing.LISTED)
    assert [one.line for one in ledger.read(place.ledger).damage] == [1, 2]


def test_two_processes_at_once_keep_it_whole(place: Place) -> None:
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path; from unit.session.records import Place\n"
        "from signoff.session import identity\n"
        "place = Place(Path(sys.argv[2]), Path(sys.argv[3]), identity.load_or_create())\n"
        "for _ in range(8): place.sealed()"
    )
    tests = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", script, tests, str(place.config), str(place.sessions)]
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    running = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [process.wait(60) for process in running] == [0, 0]
    reading = ledger.read(place.ledger)
    assert (len(reading.entries), reading.damage) == (32, [])
    assert all(verify(directory).status is Status.VALID for directory in place.sessions.iterdir())


def test_who_holds_it_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrol, "_WAIT", 0.1)
    place.sealed()
    held = Lock(place.ledger.with_suffix(".lock"), "The ledger")
    with held, pytest.raises(RecordError, match=f"The ledger is in use by process {os.getpid()}"):
        place.start()
    place.sealed()


def test_a_seal_that_the_ledger_could_not_take_is_listed_later(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrol, "_WAIT", 0.1)
    session = place.start()
    session.append(CONFIRMED)
    held = Lock(place.ledger.with_suffix(".lock"), "The ledger")
    with held, pytest.raises(RecordError, match="is sealed, but the ledger does not have it yet"):
        session.seal(place.operator)
    assert verify(session.directory).status is Status.VALID
    place.sealed()
    assert ledger.read(place.ledger).of(session.id, "seal") is not None
    assert verify(session.directory).ledger is Standing.LISTED
    assert not (session.directory / "session.key").exists()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=4))
def test_rubbish_is_damage_and_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, parts: list[bytes]
) -> None:
    path = tmp_path_factory.getbasetemp() / "rubbish.jsonl"
    path.write_bytes(b"\n".join(parts))
    reading = ledger.read(path)
    assert reading.entries == []
    assert bool(reading.damage) == bool(b"\n".join(parts))

"""Whatever moment it ends at: nothing that was acknowledged is lost, and the session goes on."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from signoff.errors import RecordError
from signoff.session import ledger, store
from signoff.session.events import Attested, Entered, Noted, Recovered
from signoff.session.session import Session
from signoff.session.verify import Standing, Status, verify
from unit.session.records import CONFIRMED, Place, journal

CALLS = ("pwrite", "fsync", "ftruncate", "open", "mkdir", "rename", "replace", "unlink", "link")
STRIDE = 3
"""Every third call ends it here; tests/lab/test_faults.py has the kernel end it at each."""
NOTE = Noted(checklist="quick", step="ports", text="before")


def dies_at(number: int, work: Callable[[], object]) -> bool:
    """Run ``work`` in a child that ends, as by kill -9, where it would make its ``number``-th system call.

    Tells whether it came to that; False means that the work was done.
    """
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        assert code in {0, 9}, f"the child failed with {code}"
        return code == 9
    try:
        left = [number]

        def ending(call: Callable[..., object]) -> Callable[..., object]:
            def called(*arguments: object, **named: object) -> object:
                left[0] -= 1
                if left[0] == 0:
                    os._exit(9)
                return call(*arguments, **named)

            return called

        for name in CALLS:
            setattr(os, name, ending(getattr(os, name)))
        work()
        os._exit(0)
    except BaseException:  # noqa: BLE001 - the child must end here, whatever happened
        os._exit(1)


def assert_whole(place: Place) -> None:
    """The ledger and the folder of sessions fit each other, and the last few records hold."""
    listed = ledger.read(place.ledger)
    assert listed.damage == []
    assert {path.name for path in place.sessions.iterdir()} == {entry.session for entry in listed.entries}
    for directory in {place.sessions / entry.session for entry in listed.entries[-4:]}:
        verdict = verify(directory)
        assert verdict.status in {Status.VALID, Status.UNSEALED}, verdict
        assert verdict.ledger is Standing.LISTED
        assert not verdict.remarks
        assert (directory / "session.key").exists() == (verdict.status is Status.UNSEALED)


def test_at_any_moment_of_a_beginning(place: Place) -> None:
    tried = 0
    for number in range(1, 400, STRIDE):
        died = dies_at(number, lambda: place.start().close())
        with place.start() as session:
            session.append(CONFIRMED)
        assert_whole(place)
        tried += died
        if not died:
            break
    assert tried > 20 // STRIDE


def test_at_any_moment_of_a_decision(place: Place) -> None:
    with place.start() as session:
        session.append(NOTE)

    def work() -> None:
        again = Session.resume(session.directory)
        again.append(Entered(checklist="quick", step="ports"))
        again.append(CONFIRMED)
        os.write(said, b"acknowledged")

    tried = 0
    for number in range(1, 400, STRIDE):
        listening, said = os.pipe()
        died = dies_at(number, work)
        os.close(said)
        acknowledged = bool(os.read(listening, 100))
        os.close(listening)
        with Session.resume(session.directory) as again:
            assert again.state.steps["quick", "ports"].notes[0][1] == "before"
            if acknowledged:
                assert again.state.steps["quick", "secrets"].answer is not None
        assert verify(session.directory).status is Status.UNSEALED
        tried += died
        if not died:
            break
    assert tried > 5 // STRIDE
    assert acknowledged


def test_at_any_moment_of_the_recovery_of_a_torn_line(place: Place) -> None:
    torn = b'{"boot":"' + b"x" * 300
    for number in range(1, 400, STRIDE):
        with place.start() as session:
            session.append(NOTE)
        with journal(session.directory).open("ab") as file:
            file.write(torn)
        died = dies_at(number, lambda: Session.resume(session.directory).close())
        Session.resume(session.directory).close()
        record = store.read(session.directory)
        assert record.state.steps["quick", "ports"].notes[0][1] == "before"
        recovered = [entry.event for entry in record.entries if isinstance(entry.event, Recovered)]
        assert recovered
        verdict = verify(session.directory)
        assert (verdict.status, verdict.remarks) == (Status.UNSEALED, ())
        if not died:
            break


def test_at_any_moment_of_the_seal(place: Place) -> None:
    tried = 0
    for number in range(1, 400, STRIDE):
        with place.start() as session:
            session.append(CONFIRMED)

        def work(directory: Path = session.directory) -> None:
            Session.resume(directory).seal(place.operator)

        died = dies_at(number, work)
        if not (session.directory / "seal.sig").exists():
            with Session.resume(session.directory) as again:
                assert again.state.steps["quick", "secrets"].answer is not None
                again.seal(place.operator)
        with place.start():
            pass  # the next beginning finishes what is left of the seal
        assert_whole(place)
        assert verify(session.directory).status is Status.VALID
        tried += died
        if not died:
            break
    assert tried > 15 // STRIDE


APPENDING = """
import sys
from pathlib import Path
from signoff.session.session import Session
from signoff.session.events import Noted
session = Session.resume(Path(sys.argv[1]))
for number in range(100000):
    session.append(Noted(checklist="quick", step="ports", text=str(number)))
    print(number, flush=True)
"""


@pytest.mark.parametrize("acknowledged", [1, 40])
def test_after_kill_9_nothing_acknowledged_is_lost(place: Place, acknowledged: int) -> None:
    with place.start() as session:
        pass
    with subprocess.Popen(
        [sys.executable, "-c", APPENDING, str(session.directory)],
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        for line in writer.stdout:
            if int(line) >= acknowledged:
                break
        writer.send_signal(signal.SIGKILL)
        last = max(acknowledged, *(int(line) for line in writer.stdout), 0)
    assert writer.returncode == -signal.SIGKILL
    with Session.resume(session.directory) as again:
        notes = [text for _, text in again.state.steps["quick", "ports"].notes]
        assert notes[: last + 1] == [str(number) for number in range(last + 1)]
        assert len(notes) <= last + 2
        again.seal(place.operator)
    assert verify(session.directory).status is Status.VALID


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 400 KiB."""
    if os.geteuid() != 0 or not sys.platform.startswith("linux"):
        pytest.skip("only root can mount a file system")
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "signoff-test", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> None:
    with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 4096)


def append_until_refused(session: Session, notes: list[str]) -> None:
    while True:
        text = f"note {len(notes)}"
        session.append(Noted(checklist="quick", step="ports", text=text))
        notes.append(text)


def test_a_full_disk_loses_nothing_and_the_session_can_still_be_sealed(
    place: Place, small_disk: Path
) -> None:
    session = place.start(sessions=small_disk / "sessions")
    session.append(CONFIRMED)
    fill(small_disk)
    notes: list[str] = []
    with pytest.raises(RecordError) as raised:
        append_until_refused(session, notes)
    assert "the disk is full" in raised.value.message
    assert str(session.directory) in raised.value.message
    assert "Free some space" in raised.value.hint
    verdict = verify(session.directory)
    assert (verdict.status, verdict.remarks) == (Status.UNSEALED, ())
    assert [text for _, text in store.read(session.directory).state.steps["quick", "ports"].notes] == notes

    session.seal(place.operator)
    verdict = verify(session.directory)
    assert (verdict.status, verdict.ledger) == (Status.VALID, Standing.LISTED)
    assert [text for _, text in store.read(session.directory).state.steps["quick", "ports"].notes] == notes


def test_a_full_disk_that_is_freed_is_written_on(place: Place, small_disk: Path) -> None:
    with place.start(sessions=small_disk / "sessions") as session:
        fill(small_disk)
        with pytest.raises(RecordError):
            session.append(Noted(checklist="quick", step="ports", text="x" * 9000))
        (small_disk / "filler").unlink()
        session.append(Noted(checklist="quick", step="ports", text="y" * 9000))
        session.seal(place.operator)
    assert verify(session.directory).status is Status.VALID


def test_a_session_cannot_begin_on_a_full_disk_and_leaves_nothing(place: Place, small_disk: Path) -> None:
    with place.start(sessions=small_disk / "sessions") as first:
        first.append(CONFIRMED)
    fill(small_disk)
    with pytest.raises(RecordError, match="the disk is full"):
        place.start(sessions=small_disk / "sessions")
    assert [path.name for path in (small_disk / "sessions").iterdir()] == [first.id]
    assert ledger.read(small_disk / "ledger.jsonl").damage == []
    with Session.resume(first.directory) as again:
        again.seal(place.operator)
    assert verify(first.directory).ledger is Standing.LISTED


def test_a_disk_turned_read_only_is_told(place: Place, small_disk: Path) -> None:
    with place.start(sessions=small_disk / "sessions") as session:
        session.append(CONFIRMED)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(RecordError, match="read-only"):
        Session.resume(session.directory)
    with pytest.raises(RecordError, match="read-only"):
        place.start(sessions=small_disk / "sessions")
    assert verify(session.directory).status is Status.UNSEALED
    assert store.summary(session.directory).damage == ""


def test_every_failing_call_of_a_seal_is_told_and_can_be_tried_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ENOSPC at each write and each fsync, one after the other."""
    for number in range(1, 100):
        session = place.start()
        session.append(CONFIRMED)
        left = [number]

        def failing(call: Callable[..., object], left: list[int] = left) -> Callable[..., object]:
            def called(*arguments: object) -> object:
                left[0] -= 1
                if left[0] == 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return call(*arguments)

            return called

        with monkeypatch.context() as patched:
            for name in ("pwrite", "fsync"):
                patched.setattr(os, name, failing(getattr(os, name)))
            with contextlib.suppress(RecordError):
                session.seal(place.operator)
        if not (session.directory / "seal.sig").exists():
            session.append(CONFIRMED) if session.state.sealed is None else None
            session.seal(place.operator)
        session.close()
        with place.start():
            pass
        assert_whole(place)
        assert verify(session.directory).status is Status.VALID
        if left[0] > 0:
            break
    assert number > 8


def test_a_removed_folder_is_told(place: Place) -> None:
    with place.start() as session:
        session.append(CONFIRMED)
        session.directory.rename(session.directory.with_name("moved"))
        with pytest.raises(RecordError, match="gone"):
            session.append(Attested(checklist="quick", step="ports", kind="skipped", reason="x"))

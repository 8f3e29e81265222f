"""Disks that are full, read-only, failing or gone."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from breaking import DECIDE, WORDS, Broken, note, notes, seals
from broken import Disk, disk, injected

from signoff.errors import RecordError
from signoff.session import ledger, store
from signoff.session.session import Session
from signoff.session.verify import Status, verify
from unit.session.records import CONFIRMED, journal
from unit.session.test_crash import assert_whole


def short_write(broken: Broken) -> str:
    """RLIMIT_FSIZE lets the kernel write a part, and no more."""
    directory = broken.open("before")
    size = journal(directory).stat().st_size
    refused = 0
    for more in (1, 200, 700, 1100):
        limited = ["prlimit", f"--fsize={size + more}", *DECIDE, str(directory), "x" * 400]
        done = subprocess.run(limited, capture_output=True, text=True, check=False)
        refused += done.returncode == 2
        assert "Traceback" not in done.stderr
        verdict = verify(directory)
        assert (verdict.status, verdict.remarks) == (Status.UNSEALED, ())
        assert notes(directory) == ["before"]
    assert refused == 4
    seals(broken, directory)
    return f"{refused} appends were cut short by the kernel, told, and taken back"


def _full(small: Disk, blocks: int, work: Callable[[Path], object]) -> bool:
    """Do something with so many blocks left on the disk; tell whether it was refused for want of more."""
    small.fill(blocks)
    refusal: RecordError | None = None
    try:
        work(small.folder / "sessions")
    except RecordError as problem:
        refusal = problem
    small.free()
    assert refusal is None or ("the disk is full" in refusal.message and refusal.hint), refusal
    return refusal is not None


def full_disk_beginning(broken: Broken) -> str:
    with disk(broken.folder / "small") as small:
        sessions, refused = small.folder / "sessions", 0
        broken.place.start(sessions=sessions).close()
        for blocks in range(48):
            before = set(sessions.iterdir())
            full = _full(small, blocks, lambda folder: broken.place.start(sessions=folder).close())
            assert ledger.read(small.folder / "ledger.jsonl").damage == []
            broken.place.start(sessions=sessions).close()
            assert len(set(sessions.iterdir()) - before) == (1 if full else 2)
            refused += full
            for one in sessions.iterdir():
                assert verify(one).status is Status.UNSEALED
                shutil.rmtree(one)
        assert 4 < refused < 48
    return f"with 0 to {refused - 1} KiB left it was refused, and left nothing behind"


def full_disk_deciding(broken: Broken) -> str:
    with disk(broken.folder / "small") as small:
        refused = 0
        for blocks in range(12):
            with broken.place.start(sessions=small.folder / "sessions") as session:
                kept: list[str] = []

                def decide(_: Path, session: Session = session, kept: list[str] = kept) -> None:
                    for number in range(40):
                        session.append(note(f"{number} " * 90))
                        kept.append(f"{number} " * 90)

                refused += _full(small, blocks, decide)
                verdict = verify(session.directory)
                assert (verdict.status, verdict.remarks) == (Status.UNSEALED, ())
                assert notes(session.directory) == kept
                session.append(note("after"))
                session.seal(broken.place.operator)
            assert verify(session.directory).status is Status.VALID
            assert notes(session.directory) == [*kept, "after"]
        assert refused == 12
    return "refused where it did not fit; what was acknowledged is there; it goes on once there is room"


def full_disk_sealing(broken: Broken) -> str:
    with disk(broken.folder / "small") as small:
        for blocks in range(8):
            with broken.place.start(sessions=small.folder / "sessions") as session:
                session.append(CONFIRMED)

                def seal(_: Path, session: Session = session) -> None:
                    session.seal(broken.place.operator)

                assert not _full(small, blocks, seal)
            assert verify(session.directory).status is Status.VALID
    return "sealed with no byte free: the reserve is given back first"


def read_only_disk(broken: Broken) -> str:
    with disk(broken.folder / "small") as small:
        sessions = small.folder / "sessions"
        with broken.place.start(sessions=sessions) as session:
            session.append(CONFIRMED)
        with small.read_only():
            with pytest.raises(RecordError, match="read-only"):
                Session.resume(session.directory)
            with pytest.raises(RecordError, match="read-only"):
                broken.place.start(sessions=sessions)
            assert verify(session.directory).status is Status.UNSEALED
            assert store.summary(session.directory).damage == ""
        with Session.resume(session.directory) as session:
            session.seal(broken.place.operator)
        assert verify(session.directory).status is Status.VALID
    return "told, and nothing is begun; it can still be verified; writable again, it goes on"


def failing(error: str, call: str, word: str) -> Callable[[Broken], str]:
    """Have each call of a kind fail, one run after the other, while a session is gone on with and sealed."""

    def do(broken: Broken) -> str:
        told = 0
        for work in ("decide", "seal", "begin"):

            def given(work: str = work) -> tuple[str, ...]:
                words = WORDS if work == "decide" else ()
                return () if work == "begin" else (str(broken.open("before")), *words)

            for end in injected(f"error={error}", work, given, calls=call):
                assert end.code in {0, 2}
                if end.code == 2:
                    assert word in end.errors, end.errors
                    assert "Traceback" not in end.errors
                    told += 1
                if end.arguments:
                    directory = Path(end.arguments[0])
                    known = ["before", *end.said] if work == "decide" else ["before"]
                    assert notes(directory)[: len(known)] == known
                    seals(broken, directory)
        assert_whole(broken.place)
        return f"told {told} times; what was acknowledged is there, and each session could be sealed"

    return do


def disk_gone(broken: Broken) -> str:
    with disk(broken.folder / "small") as small:
        with broken.place.start(sessions=small.folder / "sessions") as session:
            session.append(CONFIRMED)
            small.go_down()
            for _ in range(2):
                with pytest.raises(RecordError, match=r"disk reports an error|takes no more"):
                    session.append(note("lost"))
            with pytest.raises(RecordError):
                session.seal(broken.place.operator)
        small.come_back()
        assert notes(session.directory) == []
        with Session.resume(session.directory) as again:
            assert again.state.steps["quick", "secrets"].answer is not None
            again.seal(broken.place.operator)
        assert verify(session.directory).status is Status.VALID
    return "an ext4 that goes down: told, and nothing more is taken; back again, all is there"

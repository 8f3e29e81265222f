"""Every fault that the record was designed against, as data: what is broken, and what must come of it.

``ROWS`` is the design's list. Each fault is a real one: processes killed by the kernel at a system call
(strace), file systems that are full, read-only or gone (a loop device), users who may not, agents that end.
A fault's function breaks something, checks what has to hold, and says what it saw.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from broken import Disk, as_somebody, disk, injected
from terminals import at_the_prompt

from signoff.credentials.env_text import is_draft
from signoff.errors import RecordError
from signoff.session import ledger, store
from signoff.session.agent_signer import AgentSigner
from signoff.session.events import Noted, Recovered
from signoff.session.session import Session
from signoff.session.signer import KeySigner
from signoff.session.survey import Gap, survey
from signoff.session.verify import Status, verify
from unit.session.agents import AtHand, stock_agent
from unit.session.records import CONFIRMED, Place, journal
from unit.session.test_crash import assert_whole

ROWS = (
    "kill -9 around each write of an event and its checkpoint",
    "kill -9 around each write of the beginning",
    "kill -9 around each write of the recovery of a torn line",
    "kill -9 around each write of the seal",
    "kill -9 around each write of a .env change",
    "short write",
    "ENOSPC at each write",
    "EROFS",
    "EIO on fsync",
    "EACCES",
    "torn tail",
    "second writer",
    "directory removed",
    "SIGHUP, SIGTERM, closed terminal",
    "agent gone at the seal",
)
DECIDE = (sys.executable, str(Path(__file__).with_name("fault_child.py")), "decide")
WORDS = ("one", "two", "three")


@dataclass(frozen=True)
class Broken:
    """Where something is to be broken."""

    place: Place
    folder: Path
    patch: pytest.MonkeyPatch

    def open(self, *words: str) -> Path:
        """Return an open record with these notes."""
        with self.place.start() as session:
            for word in words:
                session.append(note(word))
        return session.directory


@dataclass(frozen=True)
class Fault:
    """One fault: what is broken, and the function that breaks it and says what came of it."""

    row: str
    what: str
    do: Callable[[Broken], str]


def note(text: str) -> Noted:
    return Noted(checklist="quick", step="ports", text=text)


def notes(directory: Path) -> list[str]:
    """Return the notes of a record, as it can be read."""
    return [text for _, text in store.read(directory).state.steps["quick", "ports"].notes]


def seals(broken: Broken, directory: Path) -> None:
    """Hold that a session can be gone on with, and sealed."""
    if not (directory / "seal.sig").exists():
        with Session.resume(directory) as session:
            session.seal(broken.place.operator)
    with broken.place.start():
        pass  # finishes what is left of the seal
    assert verify(directory).status is Status.VALID
    assert_whole(broken.place)


def killed_deciding(broken: Broken) -> str:
    calls = 0
    for end in injected("signal=SIGKILL", "decide", lambda: (str(broken.open()), *WORDS)):
        directory = Path(end.arguments[0])
        assert verify(directory).status is Status.UNSEALED
        with Session.resume(directory):
            assert notes(directory)[: len(end.said)] == list(end.said)
        assert notes(directory) == list(WORDS[: len(notes(directory))])
        seals(broken, directory)
        calls = end.number
    return f"killed at each of {calls} calls: nothing acknowledged was lost, each could be sealed"


def killed_beginning(broken: Broken) -> str:
    broken.place.start().close()
    calls = 0
    for end in injected("signal=SIGKILL", "begin", tuple):
        with broken.place.start():
            pass
        assert_whole(broken.place)
        assert all((broken.place.sessions / name).is_dir() for name in end.said)
        calls = end.number
    return f"killed at each of {calls} calls: a session is there whole and in the ledger, or not at all"


def killed_recovering(broken: Broken) -> str:
    def torn() -> tuple[str, ...]:
        directory = broken.open("before")
        with journal(directory).open("ab") as file:
            file.write(b'{"boot":"' + b"x" * 300)
        return (str(directory),)

    calls = 0
    for end in injected("signal=SIGKILL", "decide", torn):
        directory = Path(end.arguments[0])
        assert verify(directory).status is Status.UNSEALED
        with Session.resume(directory):
            pass
        events = [entry.event for entry in store.read(directory).entries]
        assert any(isinstance(event, Recovered) and event.size > 300 for event in events)
        assert notes(directory) == ["before"]
        seals(broken, directory)
        calls = end.number
    return f"killed at each of {calls} calls: the torn bytes are always accounted for"


def killed_sealing(broken: Broken) -> str:
    calls = 0
    for end in injected("signal=SIGKILL", "seal", lambda: (str(broken.open("before")),)):
        directory = Path(end.arguments[0])
        assert verify(directory).status in {Status.UNSEALED, Status.VALID}
        assert not end.said or verify(directory).status is Status.VALID
        seals(broken, directory)
        assert notes(directory) == ["before"]
        calls = end.number
    return f"killed at each of {calls} calls: sealed, or open and can be sealed"


def killed_rewriting(broken: Broken) -> str:
    path, old, new = broken.folder / "shop" / ".env", "KEY=old\n", "KEY=new\n"
    path.parent.mkdir()
    calls, found = 0, set()

    def begun() -> tuple[str, ...]:
        shutil.rmtree(path.parent)
        path.parent.mkdir()
        path.write_text(old)
        path.chmod(0o640)
        return str(path), new

    for end in injected("signal=SIGKILL", "rewrite", begun):
        text = path.read_text()
        assert text == new or (text == old and not end.said)
        assert path.stat().st_mode & 0o7777 <= 0o640
        assert all(is_draft(name.name, ".env") for name in path.parent.iterdir() if name != path)
        found.add(text)
        calls = end.number
    assert found == {old, new}
    return f"killed at each of {calls} calls: the old content or the new, with its mode"


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


def _failing(error: str, call: str, word: str) -> Callable[[Broken], str]:
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


def forbidden(broken: Broken) -> str:
    directory = broken.open("before")
    for path in (broken.folder, *broken.folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for parent in broken.folder.parents:
        if parent.stat().st_mode & 0o055 != 0o055:
            parent.chmod(parent.stat().st_mode | 0o055)
    said = as_somebody(lambda: Session.resume(directory))
    assert "permission was denied" in said
    said += as_somebody(lambda: broken.place.start())
    assert said.count("permission was denied") == 2
    assert as_somebody(lambda: verify(directory).status) == "UNSEALED"
    journal(directory).chmod(0o600)
    assert "permission was denied" in as_somebody(lambda: verify(directory))
    with suppress(FileNotFoundError):
        (directory / "session.key").chmod(0o600)
    seals(broken, directory)
    return "another user is told, and changes nothing; what may not be read proves nothing"


def torn_tail(broken: Broken) -> str:
    directory = broken.open("before", "torn")
    whole = journal(directory).read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    tried = 0
    for cut in range(start + 1, len(whole), 41):
        journal(directory).write_bytes(whole[:cut])
        before = verify(directory)
        assert before.status is Status.UNSEALED
        assert any("torn" in remark for remark in before.remarks)
        with Session.resume(directory):
            pass
        assert (verify(directory).status, verify(directory).remarks) == (Status.UNSEALED, ())
        tried += 1
    seals(broken, directory)
    return f"cut at {tried} places: recorded as recovered, and gone on with"


def second_writer(broken: Broken) -> str:
    with broken.place.start() as session:
        child = [*DECIDE, str(session.directory), "theirs"]
        done = subprocess.run(child, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert f"is in use by process {os.getpid()}" in done.stderr
        assert ", since 20" in done.stderr
        session.append(note("ours"))
        session.seal(broken.place.operator)
    assert notes(session.directory) == ["ours"]
    return done.stderr.strip().replace(session.id, "ID")


def directory_removed(broken: Broken) -> str:
    with broken.place.start() as session:
        session.append(CONFIRMED)
        shutil.rmtree(session.directory)
        with pytest.raises(RecordError, match="gone"):
            session.append(note("lost"))
        with pytest.raises(RecordError, match=r"gone|changed"):
            session.seal(broken.place.operator)
    assert [row.session for row in survey().rows if row.problems[0].gap is Gap.MISSING] == [session.id]
    return "told; the ledger knows that the session is missing"


def agent_gone(broken: Broken) -> str:
    key = KeySigner.generate("anna@ops")
    with broken.place.allowed_signers.open("a") as allowed:
        allowed.write(f"anna@ops {key.key.line}\n")
    with stock_agent() as agent:
        agent.add(key)
        broken.patch.setenv("SSH_AUTH_SOCK", agent.path)
        signer = AgentSigner("anna@ops", key.key, AtHand())
        session = broken.place.start(signer=signer)
        session.append(CONFIRMED)
        agent.kill()
        with pytest.raises(RecordError) as raised:
            session.seal(signer)
        assert raised.value.hint
        assert verify(session.directory).status is Status.UNSEALED
        session.append(note("meanwhile"))
    with stock_agent() as agent:
        agent.add(key)
        broken.patch.setenv("SSH_AUTH_SOCK", agent.path)
        session.seal(signer)
    assert verify(session.directory).status is Status.VALID
    return f"{raised.value.message.partition(' at ')[0]} ...; it goes on, and is sealed by the next agent"


def signalled(number: signal.Signals | None) -> Callable[[Broken], str]:
    def do(broken: Broken) -> str:
        directory, code, printed = at_the_prompt(broken.folder, number)
        assert "Traceback" not in printed
        verdict = verify(directory)
        assert (verdict.status, verdict.remarks) == (Status.UNSEALED, ())
        with Session.resume(directory) as session:
            assert session.state.steps["small", "first"].answer is not None
            session.seal(broken.place.operator)
        assert verify(directory).status is Status.VALID
        return f"ended with {code}; the answer given before is there, and the session goes on"

    return do


FAULTS: tuple[Fault, ...] = (
    Fault(ROWS[0], "three decisions", killed_deciding),
    Fault(ROWS[1], "a session", killed_beginning),
    Fault(ROWS[2], "a torn last line", killed_recovering),
    Fault(ROWS[3], "a session with a decision", killed_sealing),
    Fault(ROWS[4], "one value", killed_rewriting),
    Fault("short write", "by a limit on the file's size", short_write),
    Fault("ENOSPC at each write", "while a session begins", full_disk_beginning),
    Fault("ENOSPC at each write", "of decisions", full_disk_deciding),
    Fault("ENOSPC at each write", "of the seal", full_disk_sealing),
    Fault("ENOSPC at each write", "one call after the other", _failing("ENOSPC", "pwrite64", "disk is full")),
    Fault("EROFS", "a disk mounted read-only", read_only_disk),
    Fault("EROFS", "one call after the other", _failing("EROFS", "pwrite64", "read-only")),
    Fault("EIO on fsync", "one call after the other", _failing("EIO", "fsync", "disk reports an error")),
    Fault("EIO on fsync", "a file system that goes down", disk_gone),
    Fault("EACCES", "another user", forbidden),
    Fault("torn tail", "the last line cut", torn_tail),
    Fault("second writer", "another process", second_writer),
    Fault("directory removed", "under an open session", directory_removed),
    Fault(ROWS[-2], "SIGHUP", signalled(signal.SIGHUP)),
    Fault(ROWS[-2], "SIGTERM", signalled(signal.SIGTERM)),
    Fault(ROWS[-2], "closed terminal", signalled(None)),
    Fault("agent gone at the seal", "a stock ssh-agent is killed", agent_gone),
)

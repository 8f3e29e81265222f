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
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest
from breaking import DECIDE, Broken, note, notes, seals
from broken import as_somebody
from fault_disks import (
    disk_gone,
    failing,
    full_disk_beginning,
    full_disk_deciding,
    full_disk_sealing,
    read_only_disk,
    short_write,
)
from fault_kills import (
    killed_beginning,
    killed_deciding,
    killed_recovering,
    killed_rewriting,
    killed_sealing,
    killed_walking,
)
from terminals import at_the_prompt

from signoff.errors import RecordError
from signoff.session.agent_signer import AgentSigner
from signoff.session.session import Session
from signoff.session.signer import KeySigner
from signoff.session.survey import Gap, survey
from signoff.session.verify import Status, verify
from unit.session.agents import AtHand, stock_agent
from unit.session.records import CONFIRMED, journal

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


@dataclass(frozen=True)
class Fault:
    """One fault: what is broken, and the function that breaks it and says what came of it."""

    row: str
    what: str
    do: Callable[[Broken], str]


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
    Fault(ROWS[0], "signoff run --plain --answers", killed_walking),
    Fault(ROWS[1], "a session", killed_beginning),
    Fault(ROWS[2], "a torn last line", killed_recovering),
    Fault(ROWS[3], "a session with a decision", killed_sealing),
    Fault(ROWS[4], "one value", killed_rewriting),
    Fault("short write", "by a limit on the file's size", short_write),
    Fault("ENOSPC at each write", "while a session begins", full_disk_beginning),
    Fault("ENOSPC at each write", "of decisions", full_disk_deciding),
    Fault("ENOSPC at each write", "of the seal", full_disk_sealing),
    Fault("ENOSPC at each write", "one call after the other", failing("ENOSPC", "pwrite64", "disk is full")),
    Fault("EROFS", "a disk mounted read-only", read_only_disk),
    Fault("EROFS", "one call after the other", failing("EROFS", "pwrite64", "read-only")),
    Fault("EIO on fsync", "one call after the other", failing("EIO", "fsync", "disk reports an error")),
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

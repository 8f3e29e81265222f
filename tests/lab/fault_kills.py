"""Processes that the kernel ends, as kill -9 does, at every system call by which they change a disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from breaking import WORDS, Broken, notes, seals
from broken import injected
from terminals import small_checklist

from signoff.credentials.env_text import is_draft
from signoff.session import store
from signoff.session.events import Recovered
from signoff.session.session import Session
from signoff.session.verify import Status, verify
from unit.session.records import journal
from unit.session.test_crash import assert_whole


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


def killed_walking(broken: Broken) -> str:
    answers = broken.folder / "answers.yaml"
    answers.write_text("steps: {first: {confirmed: seen}, second: {confirmed: seen, note: both}}\n")
    given = (str(small_checklist(broken.folder)), str(answers))
    calls = 0
    for end in injected("signal=SIGKILL", "walk", lambda: given, calls="pwrite64,rename", every=5):
        broken.place.start().close()  # finishes a beginning, or a seal
        for directory in broken.place.sessions.iterdir():
            if not (directory / "seal.sig").exists():
                with Session.resume(directory) as session:
                    session.seal(broken.place.operator)
            assert verify(directory).status is Status.VALID
        assert_whole(broken.place)
        shutil.rmtree(broken.place.sessions)
        broken.place.ledger.unlink()
        calls += end.number > 0
    return f"killed at {calls} of its writes: what there is of the walk holds, and can be sealed"

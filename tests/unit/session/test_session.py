"""A session: what it has taken is on disk, signed for, and comes back."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from signoff.credentials.redact import Redactor
from signoff.credentials.secret import Secret
from signoff.errors import RecordError
from signoff.message import say
from signoff.model import Finding, Result, Vantage
from signoff.session import ledger, store, verify
from signoff.session.events import (
    DECISIONS,
    AnyEvent,
    Attested,
    ChecklistRef,
    Checkpoint,
    Done,
    Enrolled,
    Entered,
    Found,
    Genesis,
    Intended,
    Looked,
    Noted,
    OperatorRef,
    Probed,
    Recovered,
    Resumed,
    Sealed,
)
from signoff.session.guard import RefusedError
from signoff.session.line import Entry, is_session_id
from signoff.session.session import Session
from signoff.session.signer import KeySigner, Signer
from signoff.session.verify import Standing, Status
from unit.session.records import CHECKLISTS, CONFIRMED, TARGET, Place, journal, lines, write

FINDING = Finding(
    probe="p", title="t", result=Result.FAIL, vantage=Vantage.HOST, observed="é\x1b", evidence=("a", "b")
)
EVENTS: tuple[AnyEvent, ...] = (
    Looked(fact="f", vantage="host", command="ss", status=0, size=3, digest="a" * 64, as_root=True),
    Looked(
        fact="g", vantage="host", command="", status=None, size=0, digest="", as_root=False, problem="lost"
    ),
    Entered(checklist="quick", step="secrets"),
    Found(checklist="quick", step="secrets", probe="p", findings=(FINDING,)),
    Probed(checklist="quick", step="secrets", complete=True),
    CONFIRMED,
    Attested(checklist="quick", step="ports", kind="accepted", reason="a test", until="2030-01-02"),
    Attested(checklist="quick", step="ports", kind="withdrawn", reason="no"),
    Noted(checklist="quick", step="ports", text="remark: 日本\n"),
    Intended(checklist="quick", step="secrets", action="rotate", subject=".env", digests={"KEY": "k"}),
    Enrolled(checklist="quick", step="secrets", account="admin", issuer="Shop", verified=True),
    Resumed(signoff="0.1.0", host_key="SHA256:x", machine_id="m"),
    Entered(checklist="quick", step="ports"),
)


def kinds(directory: Path) -> list[type]:
    return [type(entry.event) for entry in store.read(directory).entries]


def test_nobody_waits_for_another_ones_touch(place: Place) -> None:
    """Another session begins while a person is waited for; the first is then signed anew, for its place."""
    others: list[Path] = []

    class Slow(KeySigner):
        def sign(self, namespace: str, message: bytes) -> str:
            if not others:
                with place.start() as other:
                    others.append(other.directory)
            return super().sign(namespace, message)

    with place.start(signer=Slow(place.operator.name, place.private)) as session:
        pass
    assert [one.session for one in ledger.read(place.ledger).entries] == [others[0].name, session.id]
    for directory in (others[0], session.directory):
        verdict = verify.verify(directory)
        assert (verdict.status, verdict.ledger) == (Status.UNSEALED, Standing.LISTED)


def test_a_session_begins_with_what_it_is_bound_to(place: Place) -> None:
    with place.start(nonce="n-1", mode="audit") as session:
        genesis = session.state.genesis
        assert genesis is not None
        assert genesis.target == TARGET
        assert genesis.checklists == CHECKLISTS
        assert genesis.operator == OperatorRef(place.operator.name, place.operator.fingerprint)
        assert (genesis.mode, genesis.nonce, genesis.ledger) == ("audit", "n-1", "")
        assert is_session_id(session.id)
        assert session.directory == place.sessions / session.id
        assert genesis.session_key != place.operator.key.line


def test_its_files_are_the_operators_alone(place: Place) -> None:
    with place.start(copies={"quick.yaml": b"id: quick\n"}) as session:
        files = {path.name: path.stat().st_mode & 0o7777 for path in session.directory.iterdir()}
    assert files == dict.fromkeys(
        ["genesis.sig", "lock", "quick.yaml", "reserve", "session.jsonl", "session.key"], 0o600
    )
    for folder in (session.directory, place.sessions, place.sessions.parent):
        assert folder.stat().st_mode & 0o7777 == 0o700


def test_ids_sort_by_time_and_differ(place: Place) -> None:
    ids = []
    for _ in range(3):
        with place.start() as session:
            ids.append(session.id)
    assert len(set(ids)) == 3
    assert [name[:15] for name in ids] == sorted(name[:15] for name in ids)


def test_every_event_comes_back_as_it_was(place: Place) -> None:
    with place.start() as session:
        for event in EVENTS:
            assert session.append(event).event == event
        state = session.state
    record = store.read(session.directory)
    assert tuple(e.event for e in record.entries if not isinstance(e.event, (Genesis, Checkpoint))) == EVENTS
    assert record.state == state
    assert state.position == ("quick", "ports")
    assert state.steps["quick", "secrets"].findings == (FINDING,)
    (intent,) = state.pending
    assert record.entries[intent - 1].event == state.pending[intent] == EVENTS[9]
    assert verify.verify(session.directory).status is Status.UNSEALED


def test_a_checkpoint_follows_each_decision_and_nothing_else(place: Place) -> None:
    with place.start() as session:
        for event in EVENTS:
            session.append(event)
    events = [entry.event for entry in store.read(session.directory).entries]
    followed = {type(before) for before, after in pairwise(events) if type(after) is Checkpoint}
    assert followed == {Probed, Attested, Noted, Intended, Enrolled, Resumed}
    assert followed <= set(DECISIONS)


def test_each_event_is_on_disk_before_append_returns(place: Place) -> None:
    with place.start() as session:
        for count, event in enumerate(EVENTS):
            session.append(event)
            read = [e.event for e in store.read(session.directory).entries]
            assert [e for e in read if not isinstance(e, (Genesis, Checkpoint))] == list(EVENTS[: count + 1])


@pytest.mark.parametrize("cut", range(len(EVENTS) + 1))
def test_a_session_resumes_at_whichever_step_it_was(place: Place, cut: int) -> None:
    with place.start() as session:
        for event in EVENTS[:cut]:
            session.append(event)
        before = session.state
    with Session.resume(session.directory) as again:
        assert again.state == before
        for event in EVENTS[cut:]:
            again.append(event)
        again.seal(place.operator)
    assert verify.verify(session.directory).status is Status.VALID


def test_a_sealed_session_is_valid_closed_and_tidy(place: Place) -> None:
    directory = place.sealed()
    assert sorted(path.name for path in directory.iterdir()) == [
        "genesis.sig",
        "lock",
        "seal.sig",
        "session.jsonl",
    ]
    assert kinds(directory) == [Genesis, Entered, Attested, Checkpoint, Sealed, Checkpoint]
    sealed = store.read(directory).state.sealed
    assert sealed is not None
    assert sealed.open == ("quick/ports",)
    assert sealed.counts["notchecked"] == 2
    with pytest.raises(RecordError, match="is sealed"):
        Session.resume(directory)


def test_a_closed_session_takes_nothing(place: Place) -> None:
    session = place.start()
    session.close()
    session.close()
    for call in (lambda: session.append(CONFIRMED), lambda: session.seal(place.operator)):
        with pytest.raises(RecordError, match="is closed"):
            call()
    assert kinds(session.directory) == [Genesis]


@pytest.mark.parametrize(
    "event",
    [
        Entered(checklist="quick", step="no-such"),
        Entered(checklist="no-such", step="ports"),
        Noted(checklist="quick", step="no-such", text="x"),
        Found(checklist="quick", step="", probe="p", findings=()),
        Checkpoint(lines=1, size=1, digest="", signature=""),
        Recovered(size=1, digest=""),
        Sealed(counts={}, open=()),
        Done(intent=0, outcome="done"),
        Noted(checklist="quick", step="ports", text="x" * (1 << 20)),
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_cannot_come_here_is_refused_and_leaves_no_trace(place: Place, event: AnyEvent) -> None:
    with place.start() as session:
        before = (session.directory / "session.jsonl").read_bytes()
        with pytest.raises(RecordError):
            session.append(event)
        assert (session.directory / "session.jsonl").read_bytes() == before
        session.append(CONFIRMED)
        session.seal(place.operator)
    assert verify.verify(session.directory).status is Status.VALID


@pytest.mark.parametrize(
    "given",
    [
        {"target": TARGET.__class__(name="", address="", host_key="", machine_id="", profile={"x": 1.5})},
        {"checklists": (*CHECKLISTS, *CHECKLISTS)},
        {"checklists": (ChecklistRef("quick", "", ("a", "a")),)},
        {"signer": KeySigner.generate("two words")},
        {"signer": KeySigner.generate("-oProxyCommand=x")},
        {"copies": {"../x": b""}},
        {"copies": {"session.jsonl": b""}},
        {"copies": {"lock": b""}},
    ],
    ids=lambda given: next(iter(given)),
)
def test_a_session_that_cannot_begin_leaves_nothing(place: Place, given: dict[str, object]) -> None:
    with pytest.raises(RecordError):
        place.start(**given)
    assert not place.sessions.exists() or list(place.sessions.iterdir()) == []
    assert not place.ledger.exists() or place.ledger.read_bytes() == b""
    assert verify.verify(place.sealed()).status is Status.VALID


class TestListeners:
    def test_they_hear_of_each_entry_in_order_once_it_is_on_disk(self, place: Place) -> None:
        heard: list[Entry] = []
        with place.start() as session:
            path = session.directory / "session.jsonl"

            def listener(entry: Entry) -> None:
                assert path.read_bytes().count(b"\n") >= entry.seq
                assert session.state.events >= entry.seq
                heard.append(entry)

            stop = session.subscribe(listener)
            session.append(CONFIRMED)
            session.append(EVENTS[2])
            assert [(entry.seq, type(entry.event)) for entry in heard] == [
                (2, Attested),
                (3, Checkpoint),
                (4, Entered),
            ]
            stop()
            stop()
            session.append(CONFIRMED)
            assert len(heard) == 3

    def test_one_that_fails_harms_neither_the_record_nor_the_others(
        self, place: Place, caplog: pytest.LogCaptureFixture
    ) -> None:
        heard: list[Entry] = []

        def failing(_entry: Entry) -> None:
            raise ValueError("hunter2")

        with place.start() as session, caplog.at_level(logging.ERROR):
            session.subscribe(failing)
            session.subscribe(heard.append)
            session.append(EVENTS[2])
        assert len(heard) == 1
        assert "ValueError" in caplog.text
        assert "hunter2" not in caplog.text

    def test_threads_may_append_at_once(self, place: Place) -> None:
        heard: list[int] = []
        with place.start() as session:
            session.subscribe(lambda entry: heard.append(entry.seq))

            def work(number: int) -> None:
                for count in range(10):
                    session.append(Noted(checklist="quick", step="ports", text=f"{number}.{count}"))

            threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            session.seal(place.operator)
        assert heard == list(range(2, len(heard) + 2))
        notes = [text for _, text in session.state.steps["quick", "ports"].notes]
        assert sorted(notes) == sorted(f"{number}.{count}" for number in range(4) for count in range(10))
        assert verify.verify(session.directory).status is Status.VALID


class TestGuard:
    SECRET = 'pä"ss\\word\x7f-9Zq'

    def guarded(self, place: Place) -> Session:
        redactor = Redactor()
        redactor.know([("DB_PASSWORD", Secret(self.SECRET))])
        return place.start(guard=redactor.refuse)

    def test_a_line_with_a_secret_is_refused_and_nothing_is_written(self, place: Place) -> None:
        with self.guarded(place) as session:
            path = session.directory / "session.jsonl"
            before = path.read_bytes()
            with pytest.raises(RefusedError) as raised:
                session.append(Noted(checklist="quick", step="ports", text=f"it is {self.SECRET}!"))
            assert self.SECRET not in str(raised.value)
            assert "DB_PASSWORD" in raised.value.message
            assert path.read_bytes() == before
            session.append(CONFIRMED)
        assert verify.verify(session.directory).status is Status.UNSEALED

    def test_it_sees_the_texts_as_they_read_too(self, place: Place) -> None:
        seen: list[bytes] = []
        with place.start(guard=seen.append) as session:
            session.append(Noted(checklist="quick", step="ports", text='é"\x7f'))
        assert b'"text":"\\u00e9\\"\\u007f"' in seen[-2]
        assert 'é"\x7f'.encode() in seen[-1]

    def test_genesis_is_guarded(self, place: Place) -> None:
        redactor = Redactor()
        redactor.know([("TOKEN", Secret("Zk3-very-secret-9Qw"))])
        with pytest.raises(RefusedError):
            place.start(guard=redactor.refuse, nonce="Zk3-very-secret-9Qw")
        assert list(place.sessions.iterdir()) == []

    def test_a_guard_that_breaks_refuses_and_tells_nothing(self, place: Place) -> None:
        def broken(_line: bytes) -> None:
            raise ValueError(self.SECRET)

        with place.start() as session:
            pass
        with Session.resume(session.directory, guard=broken) as again:
            with pytest.raises(RefusedError) as raised:
                again.append(CONFIRMED)
            assert self.SECRET not in repr(raised.value)
            assert raised.value.__cause__ is None
            assert raised.value.__suppress_context__


class TestSecondWriter:
    def test_is_told_who_holds_the_session(self, place: Place) -> None:
        with place.start() as session:
            with pytest.raises(RecordError) as raised:
                Session.resume(session.directory)
            assert f"process {os.getpid()}" in raised.value.message
            assert socket.gethostname() in raised.value.message
            session.append(CONFIRMED)
        Session.resume(session.directory).close()

    def test_of_another_process_is_told_too(self, place: Place) -> None:
        script = (
            "import sys; from pathlib import Path; from signoff.session.session import Session\n"
            "from signoff.errors import RecordError\n"
            "try: Session.resume(Path(sys.argv[1]))\n"
            "except RecordError as told: print(told.message)"
        )
        with place.start() as session:
            done = subprocess.run(
                [sys.executable, "-c", script, str(session.directory)],
                env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
                capture_output=True,
                text=True,
                check=True,
            )
        assert f"in use by process {os.getpid()}" in done.stdout

    def test_a_child_process_does_not_keep_the_session(self, place: Place) -> None:
        session = place.start()
        with subprocess.Popen(["sleep", "5"], close_fds=False) as child:
            session.close()
            Session.resume(session.directory).close()
            child.kill()


class TestSeal:
    def test_with_another_key_is_refused_and_the_session_goes_on(self, place: Place) -> None:
        with place.start() as session:
            with pytest.raises(RecordError, match="begun with another key"):
                session.seal(KeySigner.generate(place.operator.name))
            session.append(CONFIRMED)
            session.seal(place.operator)
        assert verify.verify(session.directory).status is Status.VALID

    def test_whose_signer_fails_leaves_the_session_as_it_was(self, place: Place) -> None:
        class Gone(KeySigner):
            def sign(self, namespace: str, message: bytes) -> str:
                raise RecordError(say("The agent is gone."), say("Start it again."))

        gone = Gone(place.operator.name, place.private)
        with place.start() as session:
            session.append(CONFIRMED)
            before = (session.directory / "session.jsonl").read_bytes()
            with pytest.raises(RecordError, match="agent is gone"):
                session.seal(gone)
            assert (session.directory / "session.jsonl").read_bytes() == before
            assert (session.directory / "reserve").exists()
            session.append(CONFIRMED)
            session.seal(place.operator)
        assert verify.verify(session.directory).status is Status.VALID

    def test_whose_signer_signs_wrongly_is_refused(self, place: Place) -> None:
        class Wrong(KeySigner):
            def sign(self, namespace: str, message: bytes) -> str:
                return super().sign(namespace, message + b"x")

        with place.start() as session:
            with pytest.raises(RecordError, match="does not hold"):
                session.seal(Wrong(place.operator.name, place.private))
            assert not (session.directory / "seal.sig").exists()

    def test_of_a_record_that_was_changed_meanwhile_is_refused(self, place: Place) -> None:
        with place.start() as session:
            session.append(CONFIRMED)
            path = session.directory / "session.jsonl"
            path.write_bytes(path.read_bytes().replace(b"3 keys", b"4 keys"))
            with pytest.raises(RecordError, match="changed"):
                session.seal(place.operator)
            assert not (session.directory / "seal.sig").exists()


def _anomalies() -> dict[str, Callable[[Path, Place], object]]:
    def journal_of(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path, Place], object]:
        return lambda directory, _: write(directory, change(lines(directory)))

    def genesis_by(signer: Callable[[Place], Signer], namespace: str) -> Callable[[Path, Place], object]:
        return lambda directory, place: (directory / "genesis.sig").write_text(
            signer(place).sign(namespace, lines(directory)[0])
        )

    other = KeySigner.generate("other@host")
    return {
        "value": journal_of(lambda old: [line.replace(b"3 keys", b"4 keys") for line in old]),
        "line removed": journal_of(lambda old: old[:3] + old[4:]),
        "lines swapped": journal_of(lambda old: [*old[:2], old[3], old[2], *old[4:]]),
        "rubbish line": journal_of(lambda old: [*old, b"rubbish\n"]),
        "empty": journal_of(lambda _: []),
        "no journal": lambda directory, _: journal(directory).unlink(),
        "genesis.sig for a file": genesis_by(lambda place: place.operator, "file"),
        "genesis.sig by another": genesis_by(lambda _: other, "genesis@signoff.v1"),
        "no genesis.sig": lambda directory, _: (directory / "genesis.sig").unlink(),
        "no session.key": lambda directory, _: (directory / "session.key").unlink(),
        "session.key of another": lambda directory, _: (directory / "session.key").write_bytes(
            other.private_bytes()
        ),
    }


class TestResume:
    @pytest.mark.parametrize("change", _anomalies().values(), ids=_anomalies().keys())
    def test_with_any_anomaly_nothing_is_opened_or_changed(
        self, place: Place, change: Callable[[Path, Place], object]
    ) -> None:
        directory = place.unsealed()
        change(directory, place)
        before = {path.name: path.read_bytes() for path in directory.iterdir() if path.name != "lock"}
        with pytest.raises(RecordError) as raised:
            Session.resume(directory)
        assert raised.value.hint
        after = {path.name: path.read_bytes() for path in directory.iterdir() if path.name != "lock"}
        assert after == before
        with pytest.raises(RecordError, match=raised.value.message[:20]):
            Session.resume(directory)  # the lock has been let go

    def test_under_another_name_is_refused(self, place: Place) -> None:
        directory = place.unsealed().rename(place.sessions / "20200101-000000-aaaaaaaa")
        with pytest.raises(RecordError, match="another session"):
            Session.resume(directory)

    def test_of_nothing_is_told(self, place: Place) -> None:
        with pytest.raises(RecordError, match="no session"):
            Session.resume(place.sessions / "none")

    @pytest.mark.parametrize("tail", [b"{", b'{"boot":"x', b"\0" * 100, b"x" * 5000])
    def test_a_torn_last_line_is_cut_and_recorded(self, place: Place, tail: bytes) -> None:
        with place.start() as session:
            session.append(CONFIRMED)
        path = session.directory / "session.jsonl"
        with path.open("ab") as file:
            file.write(tail)
        torn = verify.verify(session.directory)
        assert torn.status is Status.UNSEALED
        assert any("torn" in remark for remark in torn.remarks)
        with Session.resume(session.directory) as again:
            again.append(EVENTS[2])
            again.seal(place.operator)
        events = [entry.event for entry in store.read(session.directory).entries]
        recovered = next(event for event in events if isinstance(event, Recovered))
        assert recovered.size == len(tail)
        assert verify.verify(session.directory).status is Status.VALID
        assert CONFIRMED in events

    def test_at_every_byte_of_the_last_write_nothing_acknowledged_is_lost(self, place: Place) -> None:
        """A decision and its checkpoint are one write: wherever it was cut, the session goes on."""
        with place.start() as session:
            session.append(EVENTS[2])
            whole = (session.directory / "session.jsonl").stat().st_size
            session.append(CONFIRMED)
        path = session.directory / "session.jsonl"
        data = path.read_bytes()
        decided = data.index(b"\n", whole) + 1
        for cut in [*range(whole, len(data), 61), decided - 1, decided, decided + 1, len(data) - 1]:
            path.write_bytes(data[:cut])
            with Session.resume(session.directory) as again:
                assert again.state.position == ("quick", "secrets")
                assert (again.state.steps["quick", "secrets"].answer is not None) == (cut >= decided)
                again.append(CONFIRMED)
            verdict = verify.verify(session.directory)
            assert verdict.status is Status.UNSEALED, (cut, verdict)
            assert not verdict.remarks

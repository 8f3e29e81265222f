"""Typed values beside a journal: bound by it, without secrets, and never in the way of the record."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from signoff.credentials.redact import Redactor
from signoff.credentials.secret import Secret
from signoff.errors import RecordError
from signoff.model import Command, Finding, Result, Vantage
from signoff.session import session as sessions
from signoff.session import values
from signoff.session.events import Consented, Found, Genesis, Kept, Looked
from signoff.session.session import Session
from signoff.session.store import read
from signoff.session.values import VALUES, read_values
from signoff.session.verify import Status, verify
from unit.session.records import Place, lines, write

PASSWORD = "kT9vQ2mXw7LrZp4sNd8y"
LOOKED = Looked(fact="f", vantage="host", command="ss", status=0, size=3, digest="a" * 64, as_root=True)
FINDING = Finding(
    probe="p",
    title="t",
    result=Result.FAIL,
    vantage=Vantage.HOST,
    observed="o",
    proves="configured",
    use="a: 1",
    fix=Command("true"),
)


def kept(session: Session) -> list[Kept]:
    return [entry.event for entry in read(session.directory).entries if isinstance(entry.event, Kept)]


def sealed(place: Place, *contents: bytes) -> Path:
    with place.start() as session:
        for content in contents:
            session.keep({session.append(LOOKED).seq: content})
        session.seal(place.operator, open_steps=["quick/secrets", "quick/ports"])
    return session.directory


def test_they_are_bound_by_the_journal(place: Place) -> None:
    directory = sealed(place, b'{"fact":"f"}', b'{"fact":"g"}', b'{"fact":"f"}')
    assert list(read_values(directory).values()) == [b'{"fact":"f"}', b'{"fact":"g"}'], "each once"
    assert verify(directory).status is Status.VALID
    path = directory / VALUES
    whole = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    for changed in (whole.replace(b"g", b"h"), whole.splitlines(keepends=True)[0], whole[:-3]):
        path.write_bytes(changed)
        verdict = verify(directory)
        assert (verdict.status, VALUES in verdict.reason) == (Status.INVALID, True), changed
    path.write_bytes(whole + b"\nmore\n")
    assert verify(directory).status is Status.VALID, "what nobody named is nobody's value"
    path.unlink()
    assert verify(directory).status is Status.VALID, "a record holds without"


def test_what_holds_a_secret_is_passed_over(place: Place) -> None:
    redactor = Redactor()
    redactor.know([("KEY", Secret(PASSWORD))])
    with place.start(guard=redactor.refuse) as session:
        session.keep({1: f'{{"value":"{PASSWORD}"}}'.encode(), 2: b'{"value":"plain"}', 3: b"x" * (1 << 23)})
        (event,) = kept(session)
    assert list(event.values) == ["2"]
    assert PASSWORD.encode() not in (session.directory / VALUES).read_bytes()


def test_a_disk_that_takes_none_costs_no_answer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(values, "write_all", full)
    with place.start() as session:
        session.keep({1: b"{}"})
        assert kept(session) == []
        session.append(LOOKED)
    assert (session.directory / VALUES).read_bytes() == b""


def test_a_torn_end_is_nobodys_value(place: Place) -> None:
    with place.start() as session:
        session.keep({1: b'{"a":1}'})
        with (session.directory / VALUES).open("ab") as file:
            file.write(b'{"b"')
        session.keep({2: b'{"c":1}'})
        assert set(read_values(session.directory).values()) == {b'{"a":1}', b'{"b"', b'{"c":1}'}
        session.seal(place.operator, open_steps=["quick/secrets", "quick/ports"])
    assert verify(session.directory).status is Status.VALID


def test_a_session_of_an_older_signoff_goes_on_in_its_own_version(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(sessions, "VERSION", 1)
        place.start().close()
    (directory,) = (path.parent for path in place.sessions.glob("*/session.jsonl"))
    with Session.resume(directory) as session:
        session.keep({1: b"{}"})
        session.append(Found(checklist="quick", step="secrets", probe="p", use="a: 1", findings=(FINDING,)))
        with pytest.raises(RecordError, match="older signoff began"):
            session.append(Consented(checklist="quick", step="secrets", probe="p"))
        session.seal(place.operator, open_steps=["quick/secrets", "quick/ports"])
    assert verify(directory).status is Status.VALID
    assert not (directory / VALUES).exists()
    written = [json.loads(line) for line in lines(directory)]
    assert written[0]["version"] == 1
    (found,) = (one for one in written if one["type"] == "findings")
    assert "use" not in found
    assert not {"use", "fix", "proves", "said"} & set(found["findings"][0])


def test_the_code_is_pinned_by_line_1(place: Place) -> None:
    with place.start(code="c" * 64) as session:
        first = read(session.directory).entries[0].event
    assert isinstance(first, Genesis)
    assert (first.version, first.code) == (2, "c" * 64)
    changed = lines(session.directory)
    write(session.directory, [changed[0].replace(b"c" * 64, b"d" * 64), *changed[1:]])
    assert verify(session.directory).status is Status.INVALID

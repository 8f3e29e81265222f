"""One event, one line, one way to write it."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signoff.session.events import Entered, Genesis, Noted, OperatorRef
from signoff.session.line import MAX_DEPTH, MAX_LINE, Entry, LineError, canonical, decode, encode
from unit.session.records import CHECKLISTS, TARGET

SESSION = "20260102-030405-abcdefgh"


def entry(event: Any, **changed: Any) -> Entry:
    fields: dict[str, Any] = {
        "seq": 2,
        "prev": "a" * 64,
        "session": SESSION,
        "time": datetime(2026, 1, 2, 3, 4, 5, 678000, UTC),
        "monotonic": 12345,
        "boot": "b" * 36,
        "event": event,
    }
    return Entry(**{**fields, **changed})


def line(**changed: Any) -> bytes:
    fields = json.loads(encode(entry(Noted(checklist="c", step="s", text="hello"))))
    for name, value in changed.items():
        if value is None:
            del fields[name]
        else:
            fields[name] = value
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def test_a_line_is_exactly_this() -> None:
    written = encode(entry(Noted(checklist="c", step="s", text='é\x7f\x1b[31m\u202e"')))
    assert written == (
        b'{"boot":"' + b"b" * 36 + b'","checklist":"c","monotonic":12345,"prev":"' + b"a" * 64 + b'","seq":2,'
        b'"session":"20260102-030405-abcdefgh","step":"s",'
        b'"text":"\\u00e9\\u007f\\u001b[31m\\u202e\\"","time":"2026-01-02T03:04:05.678Z","type":"note"}\n'
    )


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_any_text_comes_back_as_it_was_and_leaves_only_plain_ascii(text: str) -> None:
    written = encode(entry(Noted(checklist="c", step="s", text=text)))
    assert all(0x20 <= byte < 0x7F for byte in written[:-1])
    read = decode(written)
    assert read == entry(Noted(checklist="c", step="s", text=text))
    assert encode(read) == written


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=12,
    )
)
def test_any_profile_comes_back_as_it_was(value: Any) -> None:
    target = TARGET.__class__(name="", address="", host_key="", machine_id="", profile={"": value})
    genesis = Genesis(
        version=1,
        signoff="0",
        session_key="",
        ledger="",
        target=target,
        checklists=CHECKLISTS,
        operator=OperatorRef("a", "b"),
        mode="walk",
    )
    assert decode(encode(entry(genesis))).event == genesis


@pytest.mark.parametrize(
    "character", [chr(code) for code in range(0x80)] + ["\x80", "\u2028", "\uffff", "\U0001f600"]
)
def test_each_character_is_read_in_the_form_it_is_written_in_and_in_no_other(character: str) -> None:
    event = Noted(checklist="c", step="s", text=f"a{character}b")
    written = encode(entry(event))
    assert decode(written).event == event
    ours = written[written.index(b'"text":"a') + 9 : written.index(b'b","time"')]
    units = memoryview(character.encode("utf-16-le")).cast("H")
    escaped = "".join(f"\\u{unit:04x}" for unit in units).encode()
    upper = escaped.upper().replace(b"U", b"u")
    for other in {character.encode(), escaped, upper, b"\\" + character.encode()} - {ours}:
        with suppress(LineError):  # a backslash and an n are a line feed, to be sure
            assert decode(written.replace(b'"a' + ours + b'b"', b'"a' + other + b'b"')).event != event


def test_an_undecodable_byte_of_a_file_name_becomes_the_replacement_character() -> None:
    written = encode(entry(Noted(checklist="c", step="s", text="a\udcffb😀")))
    assert decode(written).event == Noted(checklist="c", step="s", text="a\ufffdb😀")


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [1.0, float("nan"), 2**63, -(2**63), b"bytes", {1: 2}, {1.5}, object(), _nested(MAX_DEPTH + 1)]
)
def test_what_the_format_does_not_have_is_not_written(value: Any) -> None:
    with pytest.raises(LineError):
        canonical({"value": value})


def test_a_line_that_is_too_long_is_not_written() -> None:
    with pytest.raises(LineError, match="bytes"):
        encode(entry(Noted(checklist="c", step="s", text="x" * MAX_LINE)))


good = line()
BAD = {
    "empty": b"\n",
    "no line feed": good[:-1],
    "two lines": good + good,
    "CRLF": good[:-1] + b"\r\n",
    "BOM": b"\xef\xbb\xbf" + good,
    "space after a colon": good.replace(b'"seq":2', b'"seq": 2'),
    "space at the end": good[:-1] + b" \n",
    "duplicate key": good.replace(b'"seq":2', b'"seq":2,"seq":2'),
    "duplicate key, another value": good.replace(b'"seq":2', b'"seq":1,"seq":2'),
    "unsorted": b'{"type":"note",' + good.replace(b',"type":"note"', b"")[1:],
    "float": good.replace(b'"seq":2', b'"seq":2.0'),
    "exponent": good.replace(b'"seq":2', b'"seq":2e0'),
    "NaN": good.replace(b'"seq":2', b'"seq":NaN'),
    "negative zero": good.replace(b'"monotonic":12345', b'"monotonic":-0'),
    "huge integer": good.replace(b"12345", b"9" * 5000),
    "64 bits and one, in an event": line(type="recovered", checklist=None, step=None, text=None)
    .replace(b'"seq"', b'"digest":"","seq"')
    .replace(b'"time"', f'"size":{2**63},"time"'.encode()),
    "midnight as hour 24": line(time="2026-01-02T24:00:00.000Z"),
    "64 bits and one": good.replace(b"12345", str(2**63).encode()),
    "deep nesting": b"[" * 100_000 + b"\n",
    "deep nesting within": good.replace(b'"hello"', b"[" * 100_000),
    "not UTF-8": good.replace(b"hello", b"hel\xfflo"),
    "UTF-8 where an escape should be": good.replace(b"hello", "é".encode()),
    "needless escape": good.replace(b"hello", b"\\u0068ello"),
    "upper case escape": good.replace(b"hello", b"\\u00E9"),
    "escaped slash": good.replace(b"hello", b"\\/"),
    "raw DEL": good.replace(b"hello", b"\x7f"),
    "raw ESC": good.replace(b"hello", b"\x1b"),
    "lone surrogate": good.replace(b"hello", b"\\ud800"),
    "NUL bytes": b"\0" * 64 + b"\n",
    "a number": b"7\n",
    "a list": b"[]\n",
    "null": b"null\n",
    "missing type": line(type=None),
    "unknown type": line(type="later"),
    "type of another type": line(type=1),
    "unknown field": line(extra="x"),
    "default written out": line(type="attestation", text=None, kind="confirmed", value=""),
    "text where a number should be": line(seq="2"),
    "true where a number should be": line(seq=True),
    "seq 0": line(seq=0),
    "negative clock": line(monotonic=-1),
    "no prev in the second line": line(prev=""),
    "prev in the first line": line(seq=1),
    "prev in upper case": line(prev="A" * 64),
    "short prev": line(prev="a" * 63),
    "session with a slash": line(session="../../../../etc/passwd/."),
    "session in upper case": line(session=SESSION.upper()),
    "boot with a space": line(boot="b b"),
    "time without milliseconds": line(time="2026-01-02T03:04:05Z"),
    "time with an offset": line(time="2026-01-02T03:04:05.678+00:00"),
    "February 30th": line(time="2026-02-30T03:04:05.678Z"),
    "second 61": line(time="2026-01-02T03:04:61.678Z"),
    "time in other digits": line(time="٢026-01-02T03:04:05.678Z"),
    **{
        f"without {name}": line(**{name: None})
        for name in ("seq", "prev", "session", "time", "monotonic", "boot", "checklist", "text")
    },
}


def test_the_line_that_the_bad_ones_are_made_from_is_good() -> None:
    assert decode(good).seq == 2


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_anything_else_is_refused(bad: bytes) -> None:
    with pytest.raises(LineError):
        decode(bad)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_rubbish_is_refused_and_never_crashes(rubbish: bytes) -> None:
    with pytest.raises(LineError):
        decode(rubbish + b"\n")


def test_a_finding_with_an_unknown_field_is_refused() -> None:
    finding = b'{"expected":"","observed":"o","probe":"p","result":"pass","title":"t","vantage":"host"}'
    found = line(type="findings", text=None, probe="p", findings=[])
    assert decode(found)
    with pytest.raises(LineError, match="canonical"):
        decode(found.replace(b"[]", b"[" + finding.replace(b'"title"', b'"tint":1,"title"') + b"]"))


def test_an_event_of_another_kind_is_not_the_same_line() -> None:
    assert encode(entry(Entered(checklist="c", step="s"))) != good

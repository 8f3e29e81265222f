"""A session judged again from what was kept: the same findings, byte by byte; what was not kept is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from signoff import replaying
from signoff.checklist.load import load
from signoff.facts.base import Facts, HostFact, Malformed, Noted, Unavailable
from signoff.facts.collect import _value
from signoff.facts.packing import Withheld, pack, unpack
from signoff.message import Message, listed, say
from signoff.probes.base import Judgement, Probe, probe
from signoff.probes.kit import Proves, each, fail, passed, right
from signoff.replaying import replay
from signoff.session.values import VALUES
from signoff.target.command import Output
from signoff.target.profile import Profile
from unit.fakes import FakeTarget
from unit.test_engine import CHECKLIST, KEYS, VALUE, Bench

NAMES: HostFact[tuple[str, ...]] = HostFact(
    "names",
    say("the names"),
    script="names",
    parse=lambda output: tuple(output.stdout.decode().split("\n")[1].removeprefix("|").split()),
    kept=tuple[str, ...],
)


@probe("t.word", title=say("The names"), expected=say("any"), needs=(NAMES,))
def names(facts: Facts, profile: Profile) -> Judgement:
    found = facts[NAMES]
    return each(say("names"), found, lambda one: right(listed((one,))), proves=Proves.RUNNING)


@probe("t.both", title=say("Both"), expected=say("both"), needs=(NAMES, KEYS))
def both(facts: Facts, profile: Profile) -> Judgement:
    return fail(say("{count} key", "{count} keys", count=len(facts[KEYS])))


def record(tmp_path: Path, names_said: bytes) -> Path:
    path = tmp_path / "two.yaml"
    path.write_text(CHECKLIST)
    bench = Bench(tmp_path, load(path), FakeTarget({"names": names_said, "keys": VALUE.encode()}), both)
    bench.engine._probes = {"t.word": names, "t.both": both}
    assert bench.engine.probe()
    (bench.session.directory / "two.yaml").write_text(CHECKLIST)
    bench.session.close()
    return bench.session.directory


@pytest.fixture(autouse=True)
def probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "all_probes", lambda: {"t.word": names, "t.both": both})


SAID = {
    "pass": b"#a\n|x {y} $(z)\n#end\n",
    "left out": b"#a\n|x\n#cut\tmore: than 3\n#stranger\tnc of mallory\n#end\n",
    "unreadable": b"",
}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_what_was_kept_comes_out_the_same(tmp_path: Path, said: bytes) -> None:
    again = list(replay(record(tmp_path, said)))
    known = [one for one in again if one.recorded.probe == "t.word"]
    assert known
    assert [one.now for one in known] == [one.recorded.findings for one in known]
    assert all(one.same for one in known)
    withheld = [one for one in again if one.recorded.probe == "t.both"]
    assert withheld
    assert {one.missing for one in withheld} == {("the keys",)}
    assert not any(one.same for one in withheld)


def test_another_judgement_is_a_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = record(tmp_path, SAID["pass"])

    @probe("t.word", title=say("The names"), expected=say("any"), needs=(NAMES,))
    def stricter(facts: Facts, profile: Profile) -> Judgement:
        found = facts[NAMES]
        return passed(say("all"), proves=Proves.RUNNING, evidence=found)

    found: dict[str, Probe] = {"t.word": stricter}
    monkeypatch.setattr(replaying, "all_probes", lambda: found)
    first, *_ = replay(directory)
    assert (first.same, first.missing) == (False, ())
    found.clear()
    assert {one.missing for one in replay(directory)} == {("t.word",), ("t.both",)}, "a probe that is gone"
    (directory / VALUES).unlink()
    monkeypatch.setattr(replaying, "all_probes", lambda: {"t.word": names})
    assert next(iter(replay(directory))).missing == ("the names",)


NESTED = say("no {what}", what=say("{count} name", "{count} names", count=2))


@pytest.mark.parametrize(
    "value",
    [
        ("a", 'quote " \\ \n {name}'),
        Noted(("a",), (say("more than {n}", n=3), "plain"), ("nc of mallory",)),
        Unavailable(NESTED, "sudo it"),
        Malformed(NESTED, "excerpt"),
    ],
    ids=["value", "noted", "unavailable", "malformed"],
)
def test_a_value_is_read_as_it_was_packed(value: Any) -> None:
    again = unpack(NAMES, pack(NAMES, value))
    if not isinstance(value, Exception):
        assert again == value
        return
    assert vars(again) == vars(value)
    reason = again.reason
    assert isinstance(reason, Message)
    assert reason.said == NESTED.said


def test_of_a_secret_only_why_it_is_not_there_is_packed() -> None:
    assert VALUE.encode() not in pack(KEYS, {"SECRET_KEY": VALUE})
    assert isinstance(unpack(KEYS, pack(KEYS, {"SECRET_KEY": VALUE})), Withheld)
    refused = _value(KEYS, Output("keys", truncated=True), Profile())
    assert unpack(KEYS, pack(KEYS, refused)).reason == refused.reason


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b'{"fact":"names"', b'{"fact":"other","value":["a"]}', b'{"fact":"names","value":[1]}'],
)
def test_what_is_no_such_value_is_none(line: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec's own are such
        unpack(NAMES, line)

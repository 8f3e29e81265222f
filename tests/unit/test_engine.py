"""The engine looks once, judges as facts arrive, and writes down everything before anybody moves on."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import msgspec
import pytest

from signoff.checklist.load import Loaded, load
from signoff.credentials.redact import Redactor
from signoff.credentials.secret import Secret
from signoff.engine import Engine, Progress
from signoff.facts.base import Fact, Facts, HostFact
from signoff.message import NOTHING, listed, say
from signoff.model import Result
from signoff.probes.base import Judgement, Probe, probe, with_parameters
from signoff.session.events import ChecklistRef, Found, Looked, Probed, TargetRef
from signoff.session.session import Session
from signoff.session.signer import KeySigner
from signoff.session.store import read
from signoff.target.command import Output, Problem, Root
from signoff.target.profile import Profile
from unit.fakes import FakeTarget

STEP = """
  - id: {id}
    title: {{en: T}}
    ask: {{en: a}}
    why: {{en: w}}
    severity: high
    items: [A1]
    probes: [{probes}]
    remedy: {{en: r}}
    valid_days: 1
"""
CHECKLIST = (
    "schema: 1\nid: two\ntitle: {en: Two}\nabout: {en: Two steps that share a fact.}\nsteps:"
    + STEP.format(id="one", probes="t.word, t.both")
    + STEP.format(id="two", probes="t.word")
)
WORD: HostFact[str] = HostFact(
    "word", say("the word"), script="echo word", parse=lambda output: output.stdout.decode()
)
OTHER: HostFact[str] = HostFact(
    "other", say("another word"), script="echo other", parse=lambda output: output.stdout.decode()
)
KEYS: HostFact[dict[str, Secret]] = HostFact(
    "keys",
    say("the keys"),
    script="cat keys",
    parse=lambda output: {"SECRET_KEY": Secret(output.stdout.decode())},
    root=Root.REQUIRE,
    sensitive=True,
    by_hand="sudo cat keys",
)
VALUE = "kT9vQ2mXw7LrZp4sNd8y"


@probe("t.word", title=say("The word"), expected=say("good"), needs=(WORD,))
def word(facts: Facts, profile: Profile) -> Judgement:
    result = Result.PASS if facts[WORD] == "good" else Result.FAIL
    return Judgement(result=result, observed=listed((facts[WORD],)))


@probe("t.both", title=say("Both"), expected=say("both"), needs=(WORD, KEYS))
def both(facts: Facts, profile: Profile) -> Judgement:
    return Judgement(
        result=Result.PASS,
        observed=say("{facts} and {count} keys", facts=facts[WORD], count=len(facts[KEYS])),
    )


@probe("t.both", title=say("Both"), expected=say("both"), needs=(WORD, KEYS))
def telltale(facts: Facts, profile: Profile) -> Judgement:
    return Judgement(
        result=Result.PASS, observed=say("the key is {reveal}", reveal=facts[KEYS]["SECRET_KEY"].reveal())
    )


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    path = tmp_path / "two.yaml"
    path.write_text(CHECKLIST)
    return load(path)


class Bench:
    """An engine on a fake target, with a real session."""

    def __init__(
        self,
        tmp_path: Path,
        loaded: Loaded,
        target: FakeTarget,
        second: Probe = both,
        known: dict[str, str] | None = None,
    ) -> None:
        redactor = Redactor()
        signer = KeySigner.generate("ann@desk")
        self.target = target
        self.session = Session.start(
            signer=signer,
            target=TargetRef(name="t", address="t", host_key="", machine_id="", profile={}),
            checklists=[ChecklistRef("two", loaded.digest, ("one", "two"))],
            guard=redactor.refuse,
            sessions=tmp_path / "state" / "sessions",
        )
        probes = {"t.word": word, "t.both": second}
        self.engine = Engine([loaded], probes, target, Profile(), self.session, redactor, known)
        self.events: list[object] = []
        self.session.subscribe(lambda entry: self.events.append(entry.event))

    def result(self, step: str) -> Result:
        return self.session.state.steps["two", step].result


def test_looks_once_for_all_steps(tmp_path: Path, loaded: Loaded) -> None:
    bench = Bench(tmp_path, loaded, FakeTarget({"word": b"good", "keys": VALUE.encode()}))
    seen: list[Progress] = []
    assert bench.engine.probe(progress=seen.append)
    assert bench.target.batches == [("word", "keys")]
    assert (bench.result("one"), bench.result("two")) == (Result.PASS, Result.PASS)
    assert seen == [Progress(1, 2, "the word"), Progress(2, 2, "the keys")]


def test_judges_as_facts_arrive(tmp_path: Path, loaded: Loaded) -> None:
    bench = Bench(tmp_path, loaded, FakeTarget({"word": b"good", "keys": VALUE.encode()}))
    bench.engine.probe()
    order = [
        (type(event).__name__, getattr(event, "fact", "") or getattr(event, "step", ""))
        for event in bench.events
        if isinstance(event, (Looked, Found, Probed))
    ]
    assert order == [
        ("Looked", "word"),
        ("Found", "one"),
        ("Found", "two"),
        ("Probed", "two"),
        ("Looked", "keys"),
        ("Found", "one"),
        ("Probed", "one"),
    ]


def test_looks_again_at_one_step_only(tmp_path: Path, loaded: Loaded) -> None:
    outputs: dict[str, Output | bytes] = {"word": b"bad", "keys": VALUE.encode()}
    bench = Bench(tmp_path, loaded, FakeTarget(outputs))
    bench.engine.probe()
    outputs["word"] = b"good"
    bench.engine.probe([("two", "two")])
    assert bench.target.batches[-1] == ("word",)
    assert (bench.result("one"), bench.result("two")) == (Result.FAIL, Result.PASS)


def test_without_root_it_is_unknown_and_says_what_to_run(tmp_path: Path, loaded: Loaded) -> None:
    refused = Output("keys", problem=Problem.NEEDS_ROOT)
    bench = Bench(tmp_path, loaded, FakeTarget({"word": b"good", "keys": refused}))
    bench.engine.probe()
    assert bench.result("one") is Result.UNKNOWN
    (finding,) = bench.session.state.steps["two", "one"].by_probe["t.both"]
    assert finding.observed == "the keys: needs root, and sudo was refused"
    assert finding.remedy.endswith("sudo cat keys")


def test_cancelled_is_not_checked_and_never_a_pass(tmp_path: Path, loaded: Loaded) -> None:
    cancel = Event()
    target = FakeTarget({"word": b"good"}, before=lambda name: cancel.set() if name == "keys" else None)
    bench = Bench(tmp_path, loaded, target)
    assert not bench.engine.probe(cancel=cancel)
    assert bench.result("one") is Result.NOTCHECKED
    assert bench.result("two") is Result.PASS


def test_a_finding_that_would_show_a_secret_is_withheld(tmp_path: Path, loaded: Loaded) -> None:
    bench = Bench(tmp_path, loaded, FakeTarget({"word": b"good", "keys": VALUE.encode()}), telltale)
    bench.engine.probe()
    (finding,) = bench.session.state.steps["two", "one"].by_probe["t.both"]
    assert finding.result is Result.ERROR
    assert "SECRET_KEY" in finding.observed
    record = (bench.session.directory / "session.jsonl").read_bytes()
    assert VALUE.encode() not in record


def test_a_command_that_would_show_a_secret_is_withheld(tmp_path: Path, loaded: Loaded) -> None:
    bench = Bench(tmp_path, loaded, FakeTarget({"word": b"good", "keys": b"cat keys and dogs"}))
    bench.engine.probe()
    bench.engine.probe()
    looks = [event for event in bench.events if isinstance(event, Looked) and event.fact == "keys"]
    assert [look.command for look in looks] == ["cat keys", "cat keys"]
    bench.target.outputs = {"word": b"good", "keys": b"cat keys"}
    bench.engine.probe()
    assert bench.result("one") is Result.PASS
    looks = [event for event in bench.events if isinstance(event, Looked) and event.fact == "keys"]
    assert looks[-1].command == ""


def test_a_probe_that_this_version_has_not_is_unknown(tmp_path: Path, loaded: Loaded) -> None:
    bench = Bench(tmp_path, loaded, FakeTarget({"word": b"good", "keys": VALUE.encode()}))
    bench.engine._probes = {"t.word": word}
    bench.engine.probe()
    assert bench.result("one") is Result.UNKNOWN


def test_what_was_looked_up_a_moment_ago_is_not_looked_up_again_but_the_next_time(
    tmp_path: Path, loaded: Loaded
) -> None:
    bench = Bench(
        tmp_path, loaded, FakeTarget({"word": b"bad", "keys": VALUE.encode()}), known={"word": "good"}
    )
    bench.engine.probe()
    assert bench.target.batches == [("keys",)]
    assert bench.result("two") is Result.PASS
    bench.engine.probe()
    assert bench.target.batches[-1] == ("word", "keys")
    assert bench.result("two") is Result.FAIL


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    word: str


@with_parameters("t.wanted", Wanted)
def wanted(parameters: Wanted) -> Probe:
    fact: Fact[str] = WORD if parameters.word == "good" else OTHER

    @probe(
        "t.wanted",
        title=say("Word {word}", word=parameters.word),
        expected=NOTHING,
        needs=(fact,),
    )
    def judge(facts: Facts, profile: Profile) -> Judgement:
        result = Result.PASS if facts[fact] == parameters.word else Result.FAIL
        return Judgement(result=result, observed=listed((facts[fact],)))

    return judge


USES = (
    "t.word, {use: t.wanted, with: {word: good}}, {use: t.wanted, with: {word: better}, items: [H2]}, "
    "{use: t.wanted, with: {wrd: worse}}, {use: t.gone, with: {a: 1}}, t.wanted"
)


def test_two_uses_of_a_probe_are_two_probes(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(CHECKLIST.replace("t.word, t.both", USES))
    bench = Bench(tmp_path, load(path), FakeTarget({"word": b"good", "other": b"worse"}))
    bench.engine._probes = {"t.word": word, "t.wanted": wanted}
    assert bench.engine.probe()
    assert bench.engine.probe([("two", "one")])
    assert bench.target.batches[0] == ("word", "other"), "each use needs facts of its own"
    found = bench.session.state.steps["two", "one"].findings
    assert {(one.probe, one.use, one.title, one.result.value, one.items) for one in found} == {
        ("t.word", "", "The word", "pass", ()),
        ("t.wanted", "word: good", "Word good", "pass", ()),
        ("t.wanted", "word: better", "Word better", "fail", ("H2",)),
        ("t.wanted", "wrd: worse", "t.wanted (wrd: worse)", "unknown", ()),
        ("t.gone", "a: 1", "t.gone (a: 1)", "unknown", ()),
        ("t.wanted", "", "t.wanted", "unknown", ()),
    }
    assert len(found) == 6, "a second look takes the first one's place"
    again = read(bench.session.directory)
    assert again.state.steps["two", "one"].findings == found, "the record says the same"

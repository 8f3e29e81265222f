"""A probe that does more than look: nothing is sent without consent; with it, few requests, and marked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event

import click.testing
import msgspec
import pytest

from signoff import __version__, answers, plain, probes, reaching, replaying
from signoff import walk as walking
from signoff.checklist.load import Loaded, load
from signoff.cli import main
from signoff.errors import UsageError
from signoff.facts.base import Facts, HostFact, OutsideFact
from signoff.facts.collect import collect
from signoff.message import say
from signoff.model import Finding, Result
from signoff.probes.base import Judgement, Probe, probe, with_parameters
from signoff.probes.kit import Proves, fail, passed
from signoff.report.timeline import told
from signoff.session.events import Checkpoint, Consented, Looked
from signoff.session.signer import KeySigner
from signoff.session.store import read
from signoff.session.timeline import By, Timeline
from signoff.session.verify import Status, verify
from signoff.target.outside import Outside
from signoff.target.profile import Profile
from signoff.target.profiles import save_profile
from signoff.walk import Walk
from unit.fakes import FakeTarget, NobodyThere

HERE = "127.0.0.1"
MOST = 3
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
    "schema: 1\nid: two\ntitle: {en: Two}\nabout: {en: Two steps.}\nsteps:"
    + STEP.format(id="logins", probes="t.look, t.active, {use: t.tries, with: {tries: 2}}")
    + STEP.format(id="again", probes="t.active")
    + STEP.format(id="quiet", probes="t.look")
)
LOGINS, AGAIN, QUIET = ("two", "logins"), ("two", "again"), ("two", "quiet")


class Shop(BaseHTTPRequestHandler):
    """Remembers who asked for what."""

    seen: list[tuple[str, str]]

    def do_GET(self) -> None:
        """Refuse everybody."""
        self.seen.append((self.path, self.headers.get("User-Agent", "")))
        self.send_response(401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _tries(outside: Outside, profile: Profile, count: int) -> list[int]:
    # It must not take the marker off.
    headers = [("User-Agent", "Mozilla/5.0")]
    return [
        outside.request(f"{profile.url}/login", address=HERE, headers=headers).status for _ in range(count)
    ]


WANTED = [MOST]
"""How many requests the fact makes: the tests have it make more than it may."""
WORD: HostFact[str] = HostFact("word", say("the word"), script="w", parse=lambda output: "good")
ONLY: HostFact[str] = HostFact("only", say("the counter"), script="c", parse=lambda output: "0")
TRIES: OutsideFact[list[int]] = OutsideFact(
    "tries",
    say("Wrong logins"),
    look=lambda outside, profile, facts: _tries(outside, profile, WANTED[0]),
    active=True,
    most=MOST,
)


def _judged(tries: list[int]) -> Judgement:
    observed = say("{count} refused", count=tries.count(401))
    return passed(observed, proves=Proves.OUTSIDE, evidence=map(str, tries)) if tries else fail(observed)


@probe("t.look", title=say("The word"), expected=say("good"), needs=(WORD,))
def look(facts: Facts, profile: Profile) -> Judgement:
    return passed(say("good"), proves=Proves.RUNNING, evidence=[facts[WORD]])


@probe(
    "t.active",
    title=say("Wrong logins are refused"),
    expected=say("401"),
    needs=(WORD, ONLY, TRIES),
    active=True,
    does=say("sends {count} wrong logins.", count=MOST),
)
def active(facts: Facts, profile: Profile) -> Judgement:
    return _judged(facts[TRIES])


class Tries(msgspec.Struct, forbid_unknown_fields=True):
    tries: int


@with_parameters("t.tries", Tries)
def tries(parameters: Tries) -> Probe:
    fact: OutsideFact[list[int]] = OutsideFact(
        f"tries {parameters.tries}",
        say("Wrong logins"),
        look=lambda outside, profile, facts: _tries(outside, profile, parameters.tries),
        active=True,
        most=parameters.tries,
    )

    @probe(
        "t.tries",
        title=say("{count} wrong logins", count=parameters.tries),
        expected=say("401"),
        needs=(fact,),
        active=True,
        does=say("sends {count} wrong logins.", count=parameters.tries),
    )
    def judge(facts: Facts, profile: Profile) -> Judgement:
        return _judged(facts[fact])

    return judge


class Desk:
    """An operator, a server that remembers, and a checklist with active probes."""

    def __init__(self, checklist: Path, seen: list[tuple[str, str]], url: str) -> None:
        self.seen = seen
        self.signer = KeySigner.generate("ann@desk")
        self.target = FakeTarget({"machine": b"shop\n0123456789abcdef\nDebian\n"}, outside_addresses=(HERE,))
        self.profile = Profile(name="shop", address="ssh://deploy@shop.example", url=url)
        self.checklist = checklist
        self.loaded: Loaded = load(checklist)

    def begin(self) -> Walk:
        return Walk.begin(self.profile, [self.loaded], self.signer, NobodyThere())

    def run(self, *arguments: str) -> click.testing.Result:
        save_profile(self.profile)
        return click.testing.CliRunner().invoke(main, [*arguments, "--target", "shop"])

    def asked(self) -> list[str]:
        """What the host was asked since the last time."""
        found = [name for batch in self.target.batches for name in batch]
        self.target.batches.clear()
        return found


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Shop, "seen", [], raising=False)
    monkeypatch.setitem(globals(), "WANTED", [MOST])
    known = {one.id: one for one in (look, active, tries)}
    for module in (probes, walking, answers, replaying):
        monkeypatch.setattr(module, "all_probes", lambda: known)
    path = tmp_path / "two.yaml"
    path.write_text(CHECKLIST)
    with ThreadingHTTPServer((HERE, 0), Shop) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        made = Desk(path, Shop.seen, f"http://{HERE}:{server.server_port}")
        monkeypatch.setattr(reaching, "open_target", lambda profile, prompter: made.target)
        yield made
        server.shutdown()


def finding(walk: Walk, probe: str = "t.active") -> Finding:
    (found,) = walk.state(LOGINS).by_probe[probe]
    return found


def test_without_consent_nothing_is_sent_and_it_is_not_checked(desk: Desk) -> None:
    walk = desk.begin()
    desk.asked()
    assert walk.probe()
    assert desk.seen == []
    assert "word" in (asked := desk.asked())
    assert "only" not in asked, "a fact that only an active probe needs is not looked up either"
    found = finding(walk)
    assert found.result is Result.NOTCHECKED
    assert "sends 3 wrong logins." in found.observed
    assert "signoff audit --active" in found.remedy
    assert finding(walk, "t.tries (tries: 2)").result is Result.NOTCHECKED
    assert finding(walk, "t.look").result is Result.PASS
    assert (walk.state(LOGINS).result, walk.state(LOGINS).probed) == (Result.NOTCHECKED, True)
    assert walk.state(QUIET).result is Result.PASS
    assert walk.is_open(LOGINS)


def test_with_consent_it_is_sent_marked_and_after_withdrawal_nothing_again(desk: Desk) -> None:
    walk = desk.begin()
    walk.consent(LOGINS, "t.active")
    desk.asked()
    assert walk.probe()
    assert "only" in desk.asked()
    agent = f"signoff/{__version__} (active check, session {walk.session.id})"
    assert desk.seen == [("/login", agent)] * MOST
    assert finding(walk).result is Result.PASS
    assert finding(walk).observed == "3 refused"
    assert finding(walk, "t.tries (tries: 2)").result is Result.NOTCHECKED, "another use was not permitted"
    assert walk.state(AGAIN).result is Result.NOTCHECKED, "nor the same on another step"
    desk.seen.clear()
    walk.consent(LOGINS, "t.active", given=False)
    assert walk.probe()
    assert desk.seen == []
    assert finding(walk).result is Result.NOTCHECKED


def test_a_use_with_parameters_is_permitted_by_its_name(desk: Desk) -> None:
    walk = desk.begin()
    walk.consent(LOGINS, "t.tries (tries: 2)")
    assert walk.probe([LOGINS])
    assert len(desk.seen) == 2
    assert finding(walk, "t.tries (tries: 2)").result is Result.PASS
    assert finding(walk).result is Result.NOTCHECKED


def test_a_resumed_session_keeps_the_consent_and_the_record_verifies(desk: Desk, tmp_path: Path) -> None:
    walk = desk.begin()
    walk.probe([QUIET])
    walk.consent(LOGINS, "t.active")
    walk.consent(LOGINS, "t.active")  # once is enough
    walk.consent(AGAIN, "t.active")
    walk.consent(AGAIN, "t.active", given=False)
    walk.close()
    walk = Walk.resume("latest", desk.signer)
    assert walk.state(LOGINS).consents == {("t.active", "")}
    assert walk.state(AGAIN).consents == set()
    walk.connect(NobodyThere())
    assert desk.seen == []
    assert walk.probe()
    assert len(desk.seen) == MOST
    walk.finish()
    signers = tmp_path / "signers"
    signers.write_text(f"{desk.signer.name} {desk.signer.key.line}\n")
    directory = walk.session.directory
    assert verify(directory, signers).status is Status.VALID
    entries = read(directory).entries
    at = [number for number, one in enumerate(entries) if isinstance(one.event, Consented)]
    assert len(at) == 3
    assert all(isinstance(entries[number + 1].event, Checkpoint) for number in at)
    said = [told(one) for one in Timeline(entries).happenings if isinstance(one.what, Consented)]
    assert said == [("permitted", "t.active")] * 2 + [("consent withdrawn", "t.active")]
    assert {one.by for one in Timeline(entries).happenings if isinstance(one.what, Consented)} == {By.PERSON}
    again = {(one.recorded.step, one.recorded.probe): one.same for one in replaying.replay(directory)}
    assert again[AGAIN[1], "t.active"], "judged again, what was not permitted is not checked"
    assert again[LOGINS[1], "t.tries"]


def test_beyond_its_cap_nothing_is_sent_and_the_reason_is_said(desk: Desk) -> None:
    WANTED[0] = MOST + 1
    walk = desk.begin()
    walk.consent(LOGINS, "t.active")
    assert walk.probe()
    assert len(desk.seen) == MOST
    assert finding(walk).result is Result.UNKNOWN
    assert finding(walk).observed == "Wrong logins: The limit of 3 requests in an active check is reached."


def test_an_active_fact_is_not_collected_without_a_session_that_permits_it(desk: Desk) -> None:
    (found,) = collect([TRIES], desk.target, desk.profile, Event())
    assert found.problem == "Wrong logins: not without consent"
    assert desk.seen == []


def test_what_is_stopped_sends_nothing_more(desk: Desk) -> None:
    cancel = Event()

    def stopped(outside: Outside, profile: Profile, facts: Facts) -> list[int]:
        found = _tries(outside, profile, 1)
        cancel.set()
        return found + _tries(outside, profile, 1)

    fact = OutsideFact("stopped", say("Stopped"), look=stopped, active=True, most=MOST)
    assert list(collect([fact], desk.target, desk.profile, cancel, session="S")) == []
    assert len(desk.seen) == 1


def test_the_active_requests_are_a_part_of_the_whole_budget(desk: Desk) -> None:
    outside = Outside([HERE])
    outside._budgets[0].requests = 1
    marked = outside.marked("S", MOST)
    assert _tries(marked, desk.profile, 1) == [401]
    for one in (outside, marked):
        with pytest.raises(Exception, match="in a run is reached"):
            _tries(one, desk.profile, 1)
    assert len(desk.seen) == 1


def test_what_is_done_is_said_and_never_needs_no_consent() -> None:
    with pytest.raises(ValueError, match="does not say what it does"):
        probe("t.mute", title=say("t"), expected=say("e"), needs=(), active=True)(lambda *_: _judged([]))
    with pytest.raises(ValueError, match="needs an active fact"):
        probe("t.sly", title=say("t"), expected=say("e"), needs=(TRIES,))(lambda *_: _judged([]))
    with pytest.raises(ValueError, match="at most"):
        OutsideFact("endless", say("t"), look=lambda *_: 0, active=True)


@pytest.mark.parametrize(
    ("key", "use", "why"),
    [
        (LOGINS, "t.look", "no probe with this name that needs consent"),
        (LOGINS, "t.activ", "did you mean 't.active'"),
        (QUIET, "t.look", "its probes only look"),
    ],
)
def test_there_is_no_consent_to_what_only_looks(desk: Desk, key: tuple[str, str], use: str, why: str) -> None:
    walk = desk.begin()
    before = walk.session.state.events
    with pytest.raises(UsageError, match=why):
        walk.consent(key, use)
    assert walk.session.state.events == before


# the audit


def test_an_audit_sends_nothing_of_the_kind(desk: Desk) -> None:
    done = desk.run("audit", str(desk.checklist), "--format", "json")
    assert done.exit_code == 3, done.output
    assert desk.seen == []
    report = json.loads(done.stdout)
    assert report["counts"] == {"pass": 1, "fail": 0, "unknown": 0, "notchecked": 2}
    assert [step["consents"] for step in report["steps"]] == [[], [], []]


def test_an_audit_with_active_permits_all_of_it_and_says_so(desk: Desk) -> None:
    done = desk.run("audit", str(desk.checklist), "--format", "json", "--active")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert len(desk.seen) == MOST + 2, "a fact is looked up once, however many steps need it"
    assert {agent for _, agent in desk.seen} == {
        f"signoff/{__version__} (active check, session {report['session']})"
    }
    assert report["steps"][0]["consents"] == [
        {"probe": "t.active", "use": ""},
        {"probe": "t.tries", "use": "tries: 2"},
    ]
    assert "It does more than look: sends 3 wrong logins." in done.stderr
    entries = read(Path(report["record"])).entries
    given = [one.seq for one in entries if isinstance(one.event, Consented)]
    looks = [one.seq for one in entries if isinstance(one.event, Looked) and "tries" in one.event.fact]
    assert len(given) == 3
    assert max(given) < min(looks)
    assert click.testing.CliRunner().invoke(main, ["verify", "latest"]).exit_code == 0


def test_the_help_is_honest() -> None:
    said = " ".join(click.testing.CliRunner().invoke(main, ["audit", "--help"]).stdout.split())
    assert "checks that do more than look" in said
    assert "lock an account or raise an alarm" in said


# answers files


def test_an_answers_file_permits_before_anything_is_looked_at(desk: Desk) -> None:
    Path("answers.yaml").write_text("steps: {logins: {consent: [t.active]}, again: {skipped: a}}")
    done = desk.run("run", str(desk.checklist), "--plain", "--answers", "answers.yaml")
    assert done.exit_code == 3, done.output
    assert len(desk.seen) == MOST
    assert "permitted by the operator: t.active" in done.output
    Path("answers.yaml").write_text('steps: {logins: {consent: [t.active, "t.tries (tries: 2)"]}}')
    desk.run("run", str(desk.checklist), "--plain", "--answers", "answers.yaml")
    assert len(desk.seen) == 2 * MOST + 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "steps:\n  logins:\n    consent:\n      - t.active\n      - t.look",
            "5: logins: consent: This step has no",
        ),
        ("steps:\n  logins:\n    consent: [t.activ]", "3: logins: consent: This step has no"),
        ("steps:\n  quiet: {consent: [t.look]}", "2: quiet: consent: This step has no"),
        ("steps:\n  logins: {consent: t.active}", "2: consent: needs a list"),
        ("steps:\n  logins: {consent: []}", "2: logins: no answer"),
    ],
)
def test_a_wrong_consent_is_refused_with_its_line(desk: Desk, text: str, why: str) -> None:
    Path("answers.yaml").write_text(text)
    done = desk.run("run", str(desk.checklist), "--plain", "--answers", "answers.yaml")
    assert done.exit_code == 2, done.output
    assert f"answers.yaml:{why}" in done.stderr, done.stderr
    assert desk.seen == []


# the plain walk


def test_the_plain_walk_shows_what_it_does_and_takes_nothing_but_yes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    walk = desk.begin()
    walk.probe()

    def talk(key: tuple[str, str], *typed: str) -> list[str]:
        lines, asked = iter(typed), list[str]()

        def ask(question: str) -> str:
            asked.append(question)
            return next(lines)

        monkeypatch.setattr(plain, "_ask", ask)
        plain._Face(walk, "en", interactive=True)._ask(key)
        return asked

    assert "p Permit" not in talk(QUIET, "p", "")[0]
    assert "p Permit" in talk(LOGINS, "p", "", "y", "")[0]
    assert walk.state(LOGINS).consents == set(), "neither Enter nor y alone"
    assert desk.seen == []
    said = capsys.readouterr().out
    assert "It does more than look: sends 3 wrong logins." in said
    assert f"(active check, session {walk.session.id})" in said
    talk(LOGINS, "p", "yes", "no", "")
    assert walk.state(LOGINS).consents == {("t.active", "")}
    assert len(desk.seen) == MOST, "the step is looked at again"
    asked = talk(LOGINS, "p", "yes", "", "")
    assert "Type yes to withdraw that" in asked[1]
    assert walk.state(LOGINS).consents == set()
    assert len(desk.seen) == MOST
    assert finding(walk).result is Result.NOTCHECKED

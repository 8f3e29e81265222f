"""The attestation: what a machine is told, and that securesystemslib holds the same signature to be good."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer._key import SSlibKey

from signoff.checklist.load import find, load
from signoff.errors import RecordError
from signoff.model import Finding, Result, Vantage
from signoff.report.attestation import payload, statement
from signoff.session.agent_signer import AgentSigner
from signoff.session.dsse import envelope, pae
from signoff.session.events import Attested, ChecklistRef, Found, Genesis, OperatorRef, Probed, TargetRef
from signoff.session.keys import PublicKey
from signoff.session.signer import KeySigner
from signoff.session.state import SessionState
from signoff.session.wire import Reader
from unit.session.agents import SK_ECDSA, SK_ED25519, AtHand, SecurityKey, in_memory, listening, stock_agent

LOADED = load(find("quick-production"))
STEPS = tuple(step.id for step in LOADED.checklist.steps)
ID = LOADED.checklist.id
DIGEST = hashlib.sha256(b"record").hexdigest()


@dataclass
class Walk:
    """A session's state, fed with what was found and said."""

    state: SessionState

    def tell(self, step: str, result: Result, *, accepted: bool = False) -> None:
        finding = Finding(probe="p", title="t", result=result, vantage=Vantage.HOST, observed="o")
        events: list[Found | Probed] = [
            Found(checklist=ID, step=step, probe="p", findings=(finding,)),
            Probed(checklist=ID, step=step, complete=True),
        ]
        kind: Literal["accepted", "confirmed"] = "accepted" if accepted else "confirmed"
        said = Attested(checklist=ID, step=step, kind=kind, value="v")
        for event in (*events, said):
            self.state.order.owes_checkpoint = False
            self.state.apply(event, session="s", time=datetime.now(UTC))


@pytest.fixture
def walk() -> Walk:
    genesis = Genesis(
        version=1,
        signoff="0",
        session_key="k",
        ledger="",
        target=TargetRef(name="t", address="a", host_key="", machine_id="", profile={}),
        checklists=(ChecklistRef(ID, LOADED.digest, STEPS),),
        operator=OperatorRef("anna@ops", "SHA256:x"),
        mode="walk",
    )
    state = SessionState()
    state.apply(genesis, session="s", time=datetime.now(UTC))
    return Walk(state)


def predicate(walk: Walk) -> dict[str, Any]:
    made = statement(walk.state, [LOADED.checklist], DIGEST)
    assert made["subject"] == [{"name": "session.jsonl", "digest": {"sha256": DIGEST}}]
    found: dict[str, Any] = made["predicate"]
    return found


class TestTheStatement:
    def test_of_a_walk_where_all_was_seen_to_be_right(self, walk: Walk) -> None:
        for step in STEPS:
            walk.tell(step, Result.PASS)
        made = predicate(walk)
        assert made["result"] == "PASSED"
        assert made["passedTests"] == [f"{ID}/{step}" for step in STEPS]
        assert made["warnedTests"] == made["failedTests"] == []
        assert made["configuration"] == [{"name": f"{ID}.yaml", "digest": {"sha256": LOADED.digest}}]

    def test_of_a_walk_where_nothing_was_looked_at(self, walk: Walk) -> None:
        assert predicate(walk)["result"] == "WARNED"
        assert len(predicate(walk)["warnedTests"]) == len(STEPS)

    @pytest.mark.parametrize(
        "result", [Result.UNKNOWN, Result.NOTCHECKED, Result.FAIL, Result.ERROR, Result.NOTAPPLICABLE]
    )
    def test_passes_nothing_that_was_not_seen_to_be_right(self, walk: Walk, result: Result) -> None:
        for step in STEPS:
            walk.tell(step, result)
        made = predicate(walk)
        assert made["passedTests"] == []
        assert made["result"] == ("FAILED" if result in {Result.FAIL, Result.ERROR} else "WARNED")

    def test_an_accepted_risk_is_still_a_failure(self, walk: Walk) -> None:
        for step in STEPS:
            walk.tell(step, Result.PASS)
        walk.tell(STEPS[0], Result.FAIL, accepted=True)
        assert predicate(walk)["failedTests"] == [f"{ID}/{STEPS[0]}"]
        assert predicate(walk)["result"] == "FAILED"

    def test_a_step_that_waits_for_a_person_warns(self, walk: Walk) -> None:
        for step in STEPS:
            walk.tell(step, Result.PASS)
        waiting = next(step.id for step in LOADED.checklist.steps if step.confirm)
        withdrawn = Attested(checklist=ID, step=waiting, kind="withdrawn", reason="r")
        walk.state.order.owes_checkpoint = False
        walk.state.apply(withdrawn, session="s", time=datetime.now(UTC))
        assert predicate(walk)["warnedTests"] == [f"{ID}/{waiting}"]
        assert predicate(walk)["result"] == "WARNED"

    def test_a_step_that_nobody_knows_is_never_passed(self, walk: Walk) -> None:
        for step in STEPS:
            walk.tell(step, Result.PASS)
        made = statement(walk.state, [], DIGEST)["predicate"]
        assert (made["result"], made["passedTests"]) == ("WARNED", [])


def as_key(key: PublicKey) -> SSlibKey:
    """Return an SSH key as securesystemslib has it."""
    reader = Reader(key.blob)
    reader.string()
    public = {"public": reader.string().hex()}
    return SSlibKey(key.fingerprint, "ed25519", "ed25519", public)


def read(made: dict[str, object]) -> Envelope:
    return Envelope.from_dict(json.loads(json.dumps(made)))  # it changes what it is given


class TestTheEnvelope:
    def made(self, signer: KeySigner, walk: Walk) -> dict[str, object]:
        made: dict[str, object] = json.loads(
            envelope(payload(walk.state, [LOADED.checklist], DIGEST), signer)
        )
        return made

    def test_holds_for_securesystemslib(self, walk: Walk) -> None:
        signer = KeySigner.generate("anna@ops")
        whole = read(self.made(signer, walk))
        assert list(whole.verify([as_key(signer.key)], 1)) == [signer.fingerprint]
        assert whole.payload_type == "application/vnd.in-toto+json"
        assert whole.pae() == pae(whole.payload)
        assert json.loads(whole.payload) == statement(walk.state, [LOADED.checklist], DIGEST)

    def test_does_not_hold_once_changed(self, walk: Walk) -> None:
        signer = KeySigner.generate("anna@ops")
        key = as_key(signer.key)
        whole = self.made(signer, walk)
        content = base64.b64decode(str(whole["payload"]))
        changed = content.replace(b'"WARNED"', b'"PASSED"')
        assert changed != content
        payloads = [changed, content + b" ", content[:-1], b""]
        wrong = [{**whole, "payload": base64.b64encode(one).decode()} for one in payloads]
        wrong.append({**whole, "payloadType": "application/json"})
        for one in wrong:
            with pytest.raises(VerificationError):
                read(one).verify([key], 1)
        with pytest.raises(VerificationError):
            read(whole).verify([as_key(KeySigner.generate("x").key)], 1)

    def test_is_the_same_each_time(self, walk: Walk) -> None:
        signer = KeySigner.generate("anna@ops")
        assert self.made(signer, walk) == self.made(signer, walk)

    @pytest.mark.parametrize("kind", ["256", "rsa"])
    def test_a_key_of_another_kind_is_told_so(self, kind: str) -> None:
        with pytest.raises(RecordError, match="needs ssh-ed25519"):
            envelope(b"{}", in_memory(kind))

    def test_an_agent_makes_it_too(self, walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
        held = KeySigner.generate("anna@ops")
        with stock_agent() as agent:
            monkeypatch.setenv("SSH_AUTH_SOCK", agent.path)
            agent.add(held)
            signer = AgentSigner("anna@ops", held.key, AtHand())
            made = json.loads(envelope(payload(walk.state, [LOADED.checklist], DIGEST), signer))
        assert made == self.made(held, walk)
        assert list(read(made).verify([as_key(held.key)], 1)) == [held.fingerprint]

    @pytest.mark.parametrize("kind", [SK_ED25519, SK_ECDSA])
    def test_a_security_key_cannot_and_is_not_asked(self, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
        token = SecurityKey(kind)
        with listening(token) as agent:
            monkeypatch.setenv("SSH_AUTH_SOCK", agent.path)
            agent.on_sign = lambda _: pytest.fail("it was asked to sign")
            with pytest.raises(RecordError, match="needs ssh-ed25519") as refused:
                envelope(b"{}", AgentSigner("anna@ops", token.key, AtHand()))
        assert "security key (FIDO)" in refused.value.hint

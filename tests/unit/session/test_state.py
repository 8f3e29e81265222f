"""The fold: an order of events that cannot be is refused, and changes nothing."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

import pytest

from signoff.errors import RecordError
from signoff.model import Finding, Result, Vantage
from signoff.session.events import (
    AnyEvent,
    Attested,
    Checkpoint,
    Done,
    Enrolled,
    Entered,
    Found,
    Genesis,
    Intended,
    Noted,
    OperatorRef,
    Probed,
    Recovered,
    Sealed,
)
from signoff.session.state import SessionState
from unit.session.records import CHECKLISTS, CONFIRMED, TARGET

NOW = datetime(2026, 1, 2, tzinfo=UTC)
GENESIS = Genesis(
    version=1,
    signoff="0",
    session_key="k",
    ledger="",
    target=TARGET,
    checklists=CHECKLISTS,
    operator=OperatorRef("anna@ops", "SHA256:x"),
    mode="walk",
)
CHECK = Checkpoint(lines=1, size=1, digest="", signature="")
SEALED = Sealed(counts={}, open=())


def state(*events: AnyEvent) -> SessionState:
    folded = SessionState()
    for event in events:
        folded.apply(event, session="s", time=NOW)
    return folded


@pytest.mark.parametrize(
    ("before", "event"),
    [
        ((), CONFIRMED),
        ((), CHECK),
        ((GENESIS,), GENESIS),
        ((GENESIS,), Entered(checklist="quick", step="no-such")),
        ((GENESIS,), Entered(checklist="other", step="ports")),
        ((GENESIS,), Found(checklist="quick", step="no-such", probe="p", findings=())),
        ((GENESIS,), Probed(checklist="quick", step="no-such", complete=True)),
        ((GENESIS,), Attested(checklist="quick", step="no-such", kind="confirmed")),
        ((GENESIS,), Noted(checklist="quick", step="no-such", text="x")),
        ((GENESIS,), Intended(checklist="quick", step="no-such", action="a", subject="s")),
        ((GENESIS,), Enrolled(checklist="quick", step="no-such", account="a", issuer="i")),
        ((GENESIS,), Done(intent=-1, outcome="done")),
        ((GENESIS, CONFIRMED), CONFIRMED),
        ((GENESIS, SEALED, CHECK), CONFIRMED),
        ((GENESIS, SEALED, CHECK), SEALED),
        ((GENESIS, SEALED), SEALED),
    ],
)
def test_an_event_out_of_order_is_refused_and_changes_nothing(
    before: tuple[AnyEvent, ...], event: AnyEvent
) -> None:
    folded = state(*before)
    as_it_was = copy.deepcopy(folded)
    with pytest.raises(RecordError):
        folded.apply(event, session="s", time=NOW)
    assert folded == as_it_was


def test_what_the_closing_of_a_session_may_add_is_taken() -> None:
    folded = state(GENESIS, SEALED, Recovered(size=1, digest=""), CHECK)
    assert folded.sealed == SEALED


def test_later_answers_and_findings_take_the_place_of_earlier_ones() -> None:
    def found(*results: Result) -> Found:
        findings = tuple(
            Finding(probe="p", title="t", result=one, vantage=Vantage.HOST, observed="o") for one in results
        )
        return Found(checklist="quick", step="ports", probe="p", findings=findings)

    probed = Probed(checklist="quick", step="ports", complete=True)
    folded = state(GENESIS, found(Result.FAIL, Result.PASS), found(Result.PASS), probed, CHECK)
    step = folded.steps["quick", "ports"]
    assert [finding.result for finding in step.findings] == [Result.PASS]
    assert step.result is Result.PASS
    accepted = Attested(checklist="quick", step="ports", kind="accepted", reason="r", until="2030-01-01")
    folded = state(GENESIS, accepted, CHECK)
    answer = folded.steps["quick", "ports"].answer
    assert answer is not None
    assert (answer.attested, answer.time) == (accepted, NOW)
    withdrawn = Attested(checklist="quick", step="ports", kind="withdrawn", reason="r")
    folded = state(GENESIS, accepted, CHECK, withdrawn, CHECK)
    assert folded.steps["quick", "ports"].answer is None


def test_an_intended_action_is_pending_until_it_is_done() -> None:
    intended = Intended(checklist="quick", step="secrets", action="rotate", subject=".env")
    folded = state(GENESIS, intended, CHECK)
    assert folded.pending == {2: intended}
    folded = state(GENESIS, intended, CHECK, Done(intent=2, outcome="done"), CHECK)
    assert folded.pending == {}


def test_a_second_factor_belongs_to_its_step() -> None:
    enrolled = Enrolled(checklist="quick", step="secrets", account="admin", issuer="Shop", verified=True)
    folded = state(GENESIS, enrolled, CHECK)
    assert folded.steps["quick", "secrets"].enrolled == [(NOW, enrolled)]
    assert folded.steps["quick", "ports"].enrolled == []

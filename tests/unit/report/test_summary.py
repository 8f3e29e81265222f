"""The machine-readable shape and the exit codes, on which scripts depend."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from signoff.checklist.load import find, load
from signoff.checklist.model import Checklist
from signoff.model import Finding, Result, Severity, Vantage
from signoff.report.summary import exit_code, summary
from signoff.report.text import session_lines
from signoff.session.events import (
    DECISIONS,
    AnyEvent,
    Attested,
    ChecklistRef,
    Checkpoint,
    Found,
    Genesis,
    OperatorRef,
    Probed,
    Sealed,
    TargetRef,
)
from signoff.session.state import SessionState

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
CHECKPOINT = Checkpoint(lines=1, size=1, digest="0" * 64, signature="")
STEPS = ("rotate-secrets", "close-ports", "backups", "admin-access")


@pytest.fixture(scope="module")
def checklists() -> list[Checklist]:
    return [load(find("quick-production")).checklist]


def state(*events: AnyEvent) -> SessionState:
    folded = SessionState()
    genesis = Genesis(
        version=1,
        signoff="0.1.0",
        session_key="ssh-ed25519 AAAA",
        ledger="",
        target=TargetRef(
            name="shop", address="deploy@shop.example:22", host_key="SHA256:x", machine_id="m", profile={}
        ),
        checklists=(ChecklistRef("quick-production", "0" * 64, STEPS),),
        operator=OperatorRef("ann@desk", "SHA256:y"),
        mode="walk",
    )
    for event in (genesis, *events):
        take(folded, event)
        if isinstance(event, Found):
            take(folded, Probed(checklist=event.checklist, step=event.step, complete=True))
    return folded


def take(folded: SessionState, event: AnyEvent) -> None:
    folded.apply(event, session="S", time=NOON)
    if isinstance(event, DECISIONS):
        folded.apply(CHECKPOINT, session="S", time=NOON)


def found(step: str, result: Result, probe: str = "env.mode") -> Found:
    finding = Finding(
        probe=probe, title="A title", result=result, vantage=Vantage.HOST, observed="seen", items=("A5",)
    )
    return Found(checklist="quick-production", step=step, probe=probe, findings=(finding,))


def confirmed(step: str) -> Attested:
    return Attested(checklist="quick-production", step=step, kind="confirmed", value="2026-01-01")


def all_found(result: Result) -> list[AnyEvent]:
    return [found(step, result) for step in STEPS]


def test_has_the_contracts_keys(checklists: list[Checklist]) -> None:
    shown = summary(state(found("backups", Result.FAIL)), Path("/r"), checklists)
    assert {
        "schema",
        "signoff",
        "session",
        "record",
        "target",
        "started",
        "finished",
        "steps",
        "counts",
    } <= set(shown)
    assert shown["schema"] == 1
    assert shown["target"] == {"name": "shop", "address": "deploy@shop.example:22", "host_key": "SHA256:x"}
    assert shown["started"] == "2026-01-02T12:00:00Z"
    assert shown["finished"] is None, "a session that is not sealed is not finished"
    assert shown["counts"] == {"pass": 0, "fail": 1, "unknown": 0, "notchecked": 3}
    step = shown["steps"][2]
    assert {"checklist", "step", "title", "severity", "result", "items", "findings", "attestation"} <= set(
        step
    )
    assert (step["step"], step["severity"], step["result"]) == ("backups", "critical", "fail")
    keys = {"probe", "result", "title", "items", "observed", "expected", "vantage", "remedy", "evidence"}
    assert keys <= set(step["findings"][0])
    assert step["attestation"] is None


def test_a_persons_word_stands_beside_the_machines_result(checklists: list[Checklist]) -> None:
    both = state(found("backups", Result.FAIL), confirmed("backups"))
    step = summary(both, Path("/r"), checklists)["steps"][2]
    assert step["result"] == "fail"
    assert step["attestation"]["kind"] == "confirmed"
    assert step["open"], "a confirmation does not settle what the machine saw fail"


@pytest.mark.parametrize(
    ("events", "walked", "code"),
    [
        (all_found(Result.PASS), False, 0),
        (all_found(Result.PASS), True, 3),
        ([*all_found(Result.PASS), *(confirmed(step) for step in STEPS)], True, 0),
        ([*all_found(Result.PASS), found("backups", Result.UNKNOWN)], False, 3),
        ([*all_found(Result.PASS), found("backups", Result.ERROR)], False, 3),
        ([*all_found(Result.UNKNOWN), found("backups", Result.FAIL)], False, 1),
        ([found("backups", Result.FAIL), confirmed("backups")], True, 1),
        ([], False, 3),
    ],
)
def test_exit_codes(checklists: list[Checklist], events: list[AnyEvent], walked: bool, code: int) -> None:
    assert exit_code(state(*events), checklists, walked=walked) == code


def test_a_failure_below_the_asked_severity_is_not_all_well(checklists: list[Checklist]) -> None:
    steps = tuple(msgspec.structs.replace(step, severity=Severity.LOW) for step in checklists[0].steps)
    mild = [msgspec.structs.replace(checklists[0], steps=steps)]
    failing = state(*all_found(Result.PASS), found("backups", Result.FAIL))
    assert exit_code(failing, mild, fail_on=Severity.LOW, walked=False) == 1
    assert exit_code(failing, mild, fail_on=Severity.HIGH, walked=False) == 3


def test_a_probes_new_findings_take_the_place_of_its_old_ones() -> None:
    again = state(found("backups", Result.FAIL), found("backups", Result.PASS))
    assert again.steps["quick-production", "backups"].result is Result.PASS


def test_a_step_half_probed_is_at_best_not_checked() -> None:
    half = state(found("backups", Result.PASS))
    take(half, Probed(checklist="quick-production", step="backups", complete=False))
    assert half.counts() == {"pass": 0, "fail": 0, "unknown": 0, "notchecked": 4}
    take(half, found("backups", Result.FAIL))
    assert half.counts() == {"pass": 0, "fail": 1, "unknown": 0, "notchecked": 3}


def test_withdrawn_leaves_no_answer() -> None:
    withdrawn = Attested(checklist="quick-production", step="backups", kind="withdrawn", reason="a slip")
    assert state(confirmed("backups"), withdrawn).steps["quick-production", "backups"].answer is None


def test_text_keeps_machine_and_person_apart(checklists: list[Checklist]) -> None:
    sealed = Sealed(counts={}, open=())
    lines = list(
        session_lines(state(found("backups", Result.FAIL), confirmed("backups"), sealed), checklists, "ru")
    )
    assert "✗ fail  Настроить бэкапы и проверить их" in lines
    assert any(line.startswith("  a person says: confirmed, saw: 2026-01-01") for line in lines)

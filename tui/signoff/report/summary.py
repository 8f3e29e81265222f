"""A session as plain data: the shape that ``--format json`` prints and every other report is made from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from signoff import __version__
from signoff.checklist.model import Checklist, Language, Step
from signoff.model import Finding, Result, Severity
from signoff.report.remedies import counted
from signoff.session.state import Answer, SessionState, StepState

SCHEMA = 1

PASSED, FAILED, WRONG_USE, NOT_CHECKED, INTERRUPTED = 0, 1, 2, 3, 130
"""The exit codes that scripts depend on."""

_NEUTRAL = frozenset({Result.PASS, Result.FIXED, Result.INFORMATIONAL, Result.NOTAPPLICABLE})
_GRAVITY = tuple(Severity)


def summary(
    state: SessionState, record: Path, checklists: Sequence[Checklist], language: Language = "en"
) -> dict[str, Any]:
    """Return a session in the shape of the command line's contract (schema 1).

    Texts come from ``checklists``, which are those that the session used. More keys may be added to the
    shape; none is ever renamed.
    """
    known = {(checklist.id, step.id): step for checklist in checklists for step in checklist.steps}
    target = state.genesis.target if state.genesis else None
    return {
        "schema": SCHEMA,
        "signoff": state.genesis.signoff if state.genesis else __version__,
        "session": state.session,
        "record": str(record),
        "target": {
            "name": target.name if target else "",
            "address": target.address if target else "",
            "host_key": target.host_key if target else "",
        },
        "started": timestamp(state.started),
        "finished": timestamp(state.last) if state.sealed else None,
        "sealed": state.sealed is not None,
        "steps": [_step(known.get(key), step, language) for key, step in state.steps.items()],
        "counts": state.counts(),
        "remedies": counted(state),
    }


def _step(step: Step | None, state: StepState, language: Language) -> dict[str, Any]:
    return {
        "checklist": state.checklist,
        "step": state.step,
        "title": step.title.to(language) if step else state.step,
        "severity": step.severity.value if step else "",
        "result": state.result.value,
        "items": list(step.items) if step else [],
        "findings": [_finding(finding) for finding in state.findings],
        "attestation": _attestation(state.answer) if state.answer else None,
        "consents": [{"probe": probe, "use": use} for probe, use in sorted(state.consents)],
        "notes": [{"time": timestamp(time), "text": text} for time, text in state.notes],
        "open": is_open(step, state),
    }


def is_open(step: Step | None, state: StepState) -> bool:
    """Tell whether a step still waits for something."""
    return state.is_open(wants_confirmation=bool(step and step.confirm))


def _finding(finding: Finding) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(finding)
    # The contract's keys are always there, empty ones too.
    return {"expected": "", "remedy": "", "evidence": [], "items": [], **shown}


def _attestation(answer: Answer) -> dict[str, Any]:
    attested = answer.attested
    return {
        "kind": attested.kind,
        "time": timestamp(answer.time),
        "statement": attested.statement,
        "value": attested.value,
        "reason": attested.reason,
        "until": attested.until,
    }


def timestamp(time: datetime | None) -> str | None:
    """Return a time as RFC 3339 in UTC, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if time else None


def exit_code(
    state: SessionState, checklists: Iterable[Checklist], *, fail_on: Severity = Severity.LOW, walked: bool
) -> int:
    """Return the exit code that a session earns.

    A failing step below ``fail_on`` does not count as a failure, but is not "all well" either. Where it was
    ``walked`` (not only audited), a step left open was not checked.
    """
    known = {(checklist.id, step.id): step for checklist in checklists for step in checklist.steps}
    grave = False
    unsettled = False
    for key, step in state.steps.items():
        severity = known[key].severity if key in known else Severity.CRITICAL
        if step.result is Result.FAIL and _GRAVITY.index(severity) <= _GRAVITY.index(fail_on):
            grave = True
        elif step.result not in _NEUTRAL or (walked and is_open(known.get(key), step)):
            unsettled = True
    if grave:
        return FAILED
    return NOT_CHECKED if unsettled else PASSED

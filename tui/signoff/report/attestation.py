"""A session as an in-toto Statement with a test result: what a machine that gates a deployment reads.

A step is a test. ``passedTests`` are the steps that the machine saw to be right and that wait for nobody;
``failedTests`` those that it saw to be wrong, accepted risk or not; ``warnedTests`` all others: what could
not be told, what is still open, and what only a person's word stands for. What does not apply is no test.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from signoff.checklist.model import Checklist
from signoff.model import Result
from signoff.report.summary import is_open
from signoff.session.bundle import JOURNAL
from signoff.session.state import SessionState

STATEMENT: Final = "https://in-toto.io/Statement/v1"
PREDICATE: Final = "https://in-toto.io/attestation/test-result/v0.1"

_SEEN_RIGHT: Final = frozenset({Result.PASS, Result.FIXED, Result.INFORMATIONAL})
_SEEN_WRONG: Final = frozenset({Result.FAIL, Result.ERROR})


def statement(state: SessionState, checklists: Sequence[Checklist], digest: str) -> dict[str, Any]:
    """Return the statement about a sealed record whose ``session.jsonl`` has this SHA-256."""
    known = {(checklist.id, step.id): step for checklist in checklists for step in checklist.steps}
    tests: dict[str, list[str]] = {"passedTests": [], "warnedTests": [], "failedTests": []}
    for key, step in state.steps.items():
        name = f"{step.checklist}/{step.step}"
        waits = key not in known or is_open(known[key], step)
        if step.result in _SEEN_WRONG:
            tests["failedTests"].append(name)
        elif step.result in _SEEN_RIGHT and not waits:
            tests["passedTests"].append(name)
        elif step.result is not Result.NOTAPPLICABLE or waits:
            tests["warnedTests"].append(name)
    return {
        "_type": STATEMENT,
        "subject": [{"name": JOURNAL, "digest": {"sha256": digest}}],
        "predicateType": PREDICATE,
        "predicate": {"result": _result(tests), "configuration": _configuration(state), **tests},
    }


def payload(state: SessionState, checklists: Sequence[Checklist], digest: str) -> bytes:
    """Return the statement's bytes, always alike."""
    return json.dumps(statement(state, checklists, digest), sort_keys=True, separators=(",", ":")).encode(
        "ascii"
    )


def _result(tests: dict[str, list[str]]) -> str:
    if tests["failedTests"]:
        return "FAILED"
    # A session in which nothing was seen to be right has passed nothing.
    return "PASSED" if tests["passedTests"] and not tests["warnedTests"] else "WARNED"


def _configuration(state: SessionState) -> list[dict[str, Any]]:
    used = state.genesis.checklists if state.genesis else ()
    return [{"name": f"{one.id}.yaml", "digest": {"sha256": one.digest}} for one in used]

"""A session as an in-toto Statement with a test result: what a machine that gates a deployment reads.

A step is a test. ``passedTests`` are the steps that the machine saw to be right and that wait for nobody;
``failedTests`` those that it saw to be wrong, accepted risk or not; ``warnedTests`` all others: what could
not be told, what is still open, and what only a person's word stands for. What does not apply is no test.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from signoff.checklist.model import Checklist
from signoff.message import reason, say
from signoff.model import Result
from signoff.report.summary import is_open
from signoff.session.bundle import JOURNAL, SEAL_SIGNATURE, read_signature
from signoff.session.dsse import opened
from signoff.session.files import open_regular
from signoff.session.state import SessionState
from signoff.session.verdict import Bearing, Witness
from signoff.session.wire import SignatureError

STATEMENT: Final = "https://in-toto.io/Statement/v1"
ATTESTATION: Final = "attestation.dsse.json"
PREDICATE: Final = "https://in-toto.io/attestation/test-result/v0.1"

_MOST: Final = 1 << 22
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


def judged(directory: Path, state: SessionState, checklists: Sequence[Checklist]) -> Witness:
    """Judge the attestation that lies with a sealed record: the operator's own, and no other result."""
    try:
        key = read_signature(directory / SEAL_SIGNATURE).key
        with open_regular(directory / JOURNAL) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        with open_regular(directory / ATTESTATION) as file:
            said = opened(file.read(_MOST), key)
    except OSError as problem:
        return _broken(say("it cannot be read as a file: {strerror}", strerror=problem.strerror))
    except SignatureError as problem:
        return _broken(reason(problem))
    if said != payload(state, checklists, digest):
        return _broken(say("it does not say what the record says"))
    return Witness("attestation", ATTESTATION, Bearing.HOLDS)


def _broken(why: str) -> Witness:
    return Witness("attestation", ATTESTATION, Bearing.BROKEN, reason=why)


def _result(tests: dict[str, list[str]]) -> str:
    if tests["failedTests"]:
        return "FAILED"
    # A session in which nothing was seen to be right has passed nothing.
    return "PASSED" if tests["passedTests"] and not tests["warnedTests"] else "WARNED"


def _configuration(state: SessionState) -> list[dict[str, Any]]:
    used = state.genesis.checklists if state.genesis else ()
    return [{"name": f"{one.id}.yaml", "digest": {"sha256": one.digest}} for one in used]

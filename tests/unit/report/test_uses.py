"""A checklist with parameters, from its file to the JSON report: every use of a probe comes out by itself."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event
from typing import Any

from signoff.checklist.load import load
from signoff.credentials.redact import Redactor
from signoff.engine import Engine
from signoff.probes import all_probes
from signoff.report.summary import summary
from signoff.report.text import session_lines
from signoff.session.events import ChecklistRef, TargetRef
from signoff.session.identity import allowed_signers_line
from signoff.session.session import Session
from signoff.session.signer import KeySigner
from signoff.session.store import read
from signoff.session.verify import Status, verify
from signoff.target.profile import Profile
from unit.case_files import CASES, FOLDER
from unit.fakes import FakeTarget

PASSED = ("twin-sshd-pam-on-without-keyboard", "hsts-everywhere", "twin-container-drops-privileges")
WITHOUT_SNIFF = "header-without-always"


def values(*names: str) -> dict[str, Any]:
    """The facts of cases, by their ids."""
    return {fact: one for case in CASES if case.path.stem in names for fact, one in case.values().items()}


def audited(tmp_path: Path, known: dict[str, Any]) -> tuple[Session, dict[str, Any], str]:
    """A session with the checklist on these facts, and what is reported of it."""
    loaded = load(FOLDER / "hardening.yaml", all_probes())
    redactor = Redactor()
    signer = KeySigner.generate("ann@desk")
    session = Session.start(
        signer=signer,
        target=TargetRef(name="t", address="t", host_key="", machine_id="", profile={}),
        checklists=[
            ChecklistRef("hardening", loaded.digest, tuple(step.id for step in loaded.checklist.steps))
        ],
        guard=redactor.refuse,
        sessions=tmp_path / "state" / "sessions",
    )
    profile = Profile(url="https://shop.test", project="/srv/shop")
    engine = Engine([loaded], all_probes(), FakeTarget(), profile, session, redactor, known)
    assert engine.probe(cancel=Event())
    session.seal(signer)
    (tmp_path / "allowed").write_text(f"{allowed_signers_line(signer)}\n")
    report = summary(session.state, session.directory, [loaded.checklist])
    return (
        session,
        json.loads(json.dumps(report)),
        "\n".join(session_lines(session.state, [loaded.checklist], "en")),
    )


def rows(report: dict[str, Any]) -> list[tuple[str, str, str, list[str]]]:
    """Probe, use, result and items of every finding, but what is only told of."""
    findings = [one for step in report["steps"] for one in step["findings"] if not one.get("subject")]
    return [(one["probe"], one.get("use", ""), one["result"], one["items"]) for one in findings]


HSTS = "at_least: 15768000, name: strict-transport-security"
SNIFF = "is: nosniff, name: x-content-type-options"


def test_two_uses_in_one_step_are_two_findings(tmp_path: Path) -> None:
    session, report, text = audited(tmp_path, values(*PASSED))
    assert rows(report) == [
        ("ssh.password", "", "pass", ["A3"]),
        ("ssh.root-login", "", "pass", ["A3"]),
        ("http.header", HSTS, "pass", ["A1", "H5"]),
        ("http.header", SNIFF, "pass", ["H2"]),
        ("containers.user", "", "pass", ["B17"]),
    ]
    assert [one["proves"] for one in report["steps"][1]["findings"]] == ["seen from outside"] * 2
    assert "pass          Header x-content-type-options  [outside]" in text
    assert "pass          SSH with keys only  [host: configured]" in text
    assert read(session.directory).state.steps == session.state.steps
    verdict = verify(session.directory, tmp_path / "allowed")
    assert (verdict.status, verdict.reason) == (Status.VALID, "")


def test_one_of_two_uses_fails_by_itself(tmp_path: Path) -> None:
    _, report, _ = audited(tmp_path, {**values(*PASSED), **values(WITHOUT_SNIFF)})
    assert [row[1:3] for row in rows(report)[2:4]] == [(HSTS, "pass"), (SNIFF, "fail")]
    assert report["steps"][1]["result"] == "fail"

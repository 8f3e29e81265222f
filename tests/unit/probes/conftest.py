"""Every remedy that a probe makes in these tests is looked at, whatever the test is about."""

from __future__ import annotations

import pytest

from signoff.model import Command, Finding
from signoff.probes.base import Judgement, Probe
from unit.harmless import harm_in


@pytest.fixture(autouse=True)
def _remedies_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    make = Probe.finding

    def checked(probe: Probe, judgement: Judgement) -> Finding:
        finding = make(probe, judgement)
        done = finding.fix.command if isinstance(finding.fix, Command) else ""
        for text in (finding.remedy, done):
            if harm := harm_in(text):
                pytest.fail(f"{finding.probe} proposes {harm!r}: {text}")
        return finding

    monkeypatch.setattr(Probe, "finding", checked)

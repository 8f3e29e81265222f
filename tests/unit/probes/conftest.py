"""Every remedy that a probe makes in these tests is looked at, whatever the test is about."""

from __future__ import annotations

import pytest

from signoff.model import Finding
from signoff.probes.base import Judgement, Probe
from unit.harmless import harm_in


@pytest.fixture(autouse=True)
def _remedies_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    make = Probe.finding

    def checked(probe: Probe, judgement: Judgement) -> Finding:
        finding = make(probe, judgement)
        if harm := harm_in(finding.remedy):
            pytest.fail(f"{finding.probe} proposes {harm!r}: {finding.remedy}")
        return finding

    monkeypatch.setattr(Probe, "finding", checked)

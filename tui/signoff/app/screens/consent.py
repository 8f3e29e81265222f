"""The question before a probe does more than look, and before that is withdrawn."""

from __future__ import annotations

from signoff.app.screens.prompts import TypedWord
from signoff.app.widgets.content import joined, line, text
from signoff.message import tr
from signoff.probes.base import Probe
from signoff.report.consent import consent_lines


def consent_dialog(one: Probe, session: str, *, given: bool) -> TypedWord:
    """Show what a probe does; ``given`` is the consent that a typed yes gives, or else withdraws."""
    title, *rest = consent_lines(one, session)
    body = joined(line(title, "bold"), "\n\n", text("\n\n".join(rest)))
    if given:
        does = tr("permit it in this session")
        return TypedWord(tr("Permit this check?"), body, "yes", does)
    return TypedWord(tr("Withdraw your consent?"), body, "yes", tr("withdraw it"))

"""What an operator has to know before a probe may do more than look."""

from __future__ import annotations

from collections.abc import Iterator

from signoff.message import tr, translated
from signoff.probes.base import Probe
from signoff.target.outside import agent


def consent_lines(one: Probe, session: str) -> Iterator[str]:
    """Yield what a probe is, what it does, and how the target's logs show it."""
    yield translated(one.title)
    yield tr("It does more than look: {does}", does=one.does)
    yield tr("The target's logs show its requests as {agent}.", agent=agent(session))

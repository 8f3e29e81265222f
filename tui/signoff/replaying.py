"""Judging a record's kept values again: the same verdicts, byte by byte, or the difference.

What was not kept because it may hold a secret is not judged, and named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from signoff.checklists_used import checklists_of
from signoff.facts.base import Facts, Noted, closure
from signoff.facts.packing import Withheld, WithheldError, unpack
from signoff.message import say
from signoff.misfit import MisfitError
from signoff.model import Finding
from signoff.probes import all_probes
from signoff.probes.base import Probe
from signoff.session.events import Consented, Found, Genesis, Kept, Looked
from signoff.session.reprofiled import profile_of
from signoff.session.store import read
from signoff.session.values import read_values
from signoff.target.profile import Profile


@dataclass(frozen=True, slots=True)
class Replayed:
    """A judgement of a record, judged again.

    ``now`` are the findings that come out now; None where not all that it goes by was kept: ``missing`` are
    the titles of those facts.
    """

    recorded: Found
    now: tuple[Finding, ...] | None
    missing: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether it comes out as it was recorded, byte by byte."""
        return self.now is not None and _bytes(self.now) == _bytes(self.recorded.findings)


def _bytes(findings: tuple[Finding, ...]) -> bytes:
    return msgspec.json.encode(findings, order="deterministic")


def replay(directory: Path) -> Iterator[Replayed]:
    """Yield every judgement of a record, judged again by this signoff.

    The record is to be verified before: here its values are believed. Raises RecordError where it cannot be
    read.
    """
    entries = read(directory).entries
    kept = {
        int(seq): digest
        for entry in entries
        if isinstance(entry.event, Kept)
        for seq, digest in entry.event.values.items()
    }
    lines, uses = read_values(directory), _uses(directory)
    profile, looked = Profile(), dict[str, bytes | None]()
    permitted = dict[tuple[str, str, str, str], bool]()
    for entry in entries:
        match entry.event:
            case Genesis():
                profile = msgspec.convert(entry.event.target.profile, Profile)
            case Looked():
                if (changed := profile_of(entry.event)) is not None:
                    profile = msgspec.convert(changed, Profile)
                looked[entry.event.fact] = lines.get(kept.get(entry.seq, ""))
            case Consented():
                permitted[_use_of(entry.event)] = entry.event.given
            case Found():
                use = _use_of(entry.event)
                known = uses.get(use)
                if known and known.active and not permitted.get(use):
                    yield Replayed(entry.event, (known.unpermitted(),))
                else:
                    yield _again(entry.event, known, looked, profile)


def _use_of(event: Found | Consented) -> tuple[str, str, str, str]:
    return event.checklist, event.step, event.probe, event.use


def _uses(directory: Path) -> Mapping[tuple[str, str, str, str], Probe]:
    """Return the probes of the record's steps, as its checklists use them, where this signoff has them."""
    known, found = all_probes(), {}
    for loaded in checklists_of(directory):
        for step in loaded.checklist.steps:
            for use in step.uses:
                try:
                    found[loaded.checklist.id, step.id, use.use, use.parameters] = known[use.use].used(use)
                except (KeyError, MisfitError):
                    continue
    return found


def _again(
    recorded: Found, probe: Probe | None, looked: Mapping[str, bytes | None], profile: Profile
) -> Replayed:
    if probe is None:
        return Replayed(recorded, None, (recorded.probe,))
    values, missing = dict[str, Any](), list[str]()
    for fact in closure(probe.needs):
        try:
            value = unpack(fact, looked.get(fact.id) or b"")
        except ValueError:
            value = Withheld()
        values[fact.id] = value
        # Of what it needs only through others no more counts than what was left out there.
        if fact in probe.needs and isinstance(value.value if isinstance(value, Noted) else value, Withheld):
            missing.append(fact.title)
    if missing:
        return Replayed(recorded, None, tuple(missing))
    try:
        return Replayed(recorded, probe.findings(Facts(values), profile))
    except WithheldError:
        return Replayed(recorded, None, (say("secrets within what was looked at"),))

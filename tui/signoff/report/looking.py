"""A past session as it is looked at: its record, its timeline and the verdict on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from signoff.checklist.model import Checklist, Language
from signoff.checklists_used import checklists_of
from signoff.errors import SignoffError
from signoff.report.timeline import titles
from signoff.session.store import Record, read
from signoff.session.timeline import Key, Timeline


@dataclass(frozen=True, slots=True)
class Look:
    """A session that was read, as far as it holds.

    ``trouble`` says why its checklists are not here as they were used, so that steps go by their ids.
    """

    record: Record
    timeline: Timeline
    checklists: tuple[Checklist, ...]
    titles: Mapping[Key, str]
    trouble: str = ""


def look(directory: Path, language: Language) -> Look:
    """Read a session to be looked at. Raises RecordError where there is none."""
    record = read(directory)
    checklists: tuple[Checklist, ...] = ()
    trouble = ""
    try:
        checklists = tuple(loaded.checklist for loaded in checklists_of(directory))
    except SignoffError as problem:
        trouble = problem.message
    return Look(record, Timeline(record.entries), checklists, titles(checklists, language), trouble)

"""Where something is to be broken, and what has to hold of a session afterwards."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from signoff.session import store
from signoff.session.events import Noted
from signoff.session.session import Session
from signoff.session.verify import Status, verify
from unit.session.records import Place
from unit.session.test_crash import assert_whole

DECIDE = (sys.executable, str(Path(__file__).with_name("fault_child.py")), "decide")
WORDS = ("one", "two", "three")


@dataclass(frozen=True)
class Broken:
    """Where something is to be broken."""

    place: Place
    folder: Path
    patch: pytest.MonkeyPatch

    def open(self, *words: str) -> Path:
        """Return an open record with these notes."""
        with self.place.start() as session:
            for word in words:
                session.append(note(word))
        return session.directory


def note(text: str) -> Noted:
    return Noted(checklist="quick", step="ports", text=text)


def notes(directory: Path) -> list[str]:
    """Return the notes of a record, as it can be read."""
    return [text for _, text in store.read(directory).state.steps["quick", "ports"].notes]


def seals(broken: Broken, directory: Path) -> None:
    """Hold that a session can be gone on with, and sealed."""
    if not (directory / "seal.sig").exists():
        with Session.resume(directory) as session:
            session.seal(broken.place.operator)
    with broken.place.start():
        pass  # finishes what is left of the seal
    assert verify(directory).status is Status.VALID
    assert_whole(broken.place)

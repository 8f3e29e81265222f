"""What happened in a session, in order: what the machine saw, what a person said, what was done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from signoff.model import Finding
from signoff.session.events import (
    Attested,
    Consented,
    Done,
    Enrolled,
    Found,
    Genesis,
    Intended,
    Looked,
    Noted,
    Probed,
    Recovered,
    Resumed,
    Sealed,
)
from signoff.session.line import Entry
from signoff.session.reprofiled import is_profile
from signoff.session.state import StepState

Key = tuple[str, str]
What = (
    Finding
    | Attested
    | Consented
    | Noted
    | Intended
    | Done
    | Enrolled
    | Probed
    | Genesis
    | Looked
    | Resumed
    | Recovered
    | Sealed
)


class By(StrEnum):
    """Whose word it is. A machine's and a person's are never shown alike."""

    MACHINE = "machine"
    PERSON = "person"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened; ``line`` is its line in the record.

    ``step`` is None where it is the whole session's. ``of`` is, for the end of an action, what was intended;
    for a resumption, the genesis whose machine it should be.
    """

    line: int
    time: datetime
    by: By
    step: Key | None
    what: What
    of: Intended | Genesis | None = None


class Timeline:
    """A session's happenings in order, and how each step stood at any of them."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._steps: dict[Key, list[Entry]] = {}
        self.happenings = tuple(self._read())

    def standing(self, step: Key, line: int) -> StepState:
        """Return a step as it stood once this line of the record was written."""
        state = StepState(*step)
        for entry in self._steps.get(step, ()):
            if entry.seq > line:
                break
            if isinstance(entry.event, (Found, Probed, Consented, Attested, Noted, Enrolled)):
                state.apply(entry.event, entry.time)
        return state

    @property
    def steps(self) -> tuple[Key, ...]:
        """The steps that something happened at, in the order of their first."""
        return tuple(dict.fromkeys(one.step for one in self.happenings if one.step))

    def _read(self) -> Iterator[Happening]:
        intents: dict[int, Intended] = {}
        genesis: Genesis | None = None
        for entry in self._entries:
            event = entry.event
            match event:
                case Found() | Probed() | Consented() | Attested() | Noted() | Enrolled() | Intended():
                    yield from self._at_step(entry, event)
                    if isinstance(event, Intended):
                        intents[entry.seq] = event
                case Done():
                    intent = intents.get(event.intent)
                    step = (intent.checklist, intent.step) if intent else None
                    yield Happening(entry.seq, entry.time, By.SESSION, step, event, intent)
                case Genesis():
                    genesis = event
                    yield Happening(entry.seq, entry.time, By.SESSION, None, event)
                case Resumed():
                    yield Happening(entry.seq, entry.time, By.SESSION, None, event, genesis)
                case Recovered() | Sealed():
                    yield Happening(entry.seq, entry.time, By.SESSION, None, event)
                case Looked() if is_profile(event):
                    yield Happening(entry.seq, entry.time, By.SESSION, None, event)
                case _:  # facts looked up, steps turned to, checkpoints: what it rests on, not what happened
                    pass

    def _at_step(
        self, entry: Entry, event: Found | Probed | Consented | Attested | Noted | Enrolled | Intended
    ) -> Iterator[Happening]:
        step = (event.checklist, event.step)
        self._steps.setdefault(step, []).append(entry)
        if isinstance(event, Found):
            for finding in event.findings:
                yield Happening(entry.seq, entry.time, By.MACHINE, step, finding)
        elif isinstance(event, Probed):
            if not event.complete:
                yield Happening(entry.seq, entry.time, By.MACHINE, step, event)
        else:
            by = By.PERSON if isinstance(event, (Attested, Consented, Noted)) else By.SESSION
            yield Happening(entry.seq, entry.time, by, step, event)

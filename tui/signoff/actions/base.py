"""What an action is, and how several are carried out as one: all of them, or none.

An action changes something on the target. It is made by a plan, which the operator has read and said yes to;
nothing here asks, and nothing runs without being called. First every action looks whether it can be done;
then each is run and checked, its intent on disk before its first change. When one fails, or the operator
stops, everything is put back, in the same order: services are started anew last, both ways.

An intent ends in the record when all is over, with what became of it: an interruption leaves the intents of
the whole undertaking open, and with them what has to be looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from threading import Event
from typing import Literal, Protocol

from signoff.errors import SignoffError
from signoff.session.events import Done, Intended
from signoff.session.session import Session

Say = Callable[[str], None]
"""Told, line by line, what happens; from the thread that carries the actions out."""


class ActionError(SignoffError):
    """An action could not be done, or did not have its effect. ``message`` never holds a secret."""

    exit_code = 1


class Action(Protocol):
    """One change. Its methods block, and raise ActionError; they may be called from a worker thread."""

    @property
    def id(self) -> str:
        """What is done: ``subject.what``, as the record has it."""

    @property
    def subject(self) -> str:
        """What is changed, for people and for the record: a file, a role, services."""

    @property
    def preview(self) -> tuple[str, ...]:
        """What will happen, line by line; no secret is in it."""

    @property
    def digests(self) -> Mapping[str, str]:
        """Keyed digests of what is there ``before`` and ``after``. To be asked after ``prepare``."""

    def prepare(self, say: Say) -> None:
        """Look whether it can be done, and what is there now. Changes nothing."""

    def run(self, say: Say, cancel: Event) -> None:
        """Do it. When it raises, anything between nothing and all of it was done."""

    def check(self, say: Say) -> None:
        """Prove that it took effect."""

    def undo(self, say: Say) -> None:
        """Look what is there, and put back what was. Does nothing where nothing was changed."""


@dataclass(frozen=True)
class StepRecord:
    """Where the actions on one step are written down."""

    session: Session
    checklist: str
    step: str

    def intend(self, action: Action) -> int:
        """Write down what is about to happen; return the intent's number. Raises RecordError."""
        entry = self.session.append(
            Intended(
                checklist=self.checklist,
                step=self.step,
                action=action.id,
                subject=action.subject,
                preview="\n".join(action.preview),
                digests=dict(action.digests),
            )
        )
        return entry.seq

    def end(
        self, intent: int, outcome: Literal["done", "failed", "undone", "unknown"], detail: str = ""
    ) -> None:
        """Write down how it ended. Raises RecordError."""
        self.session.append(Done(intent=intent, outcome=outcome, detail=detail))


class Ending(StrEnum):
    """How an undertaking ended."""

    DONE = "done"
    REFUSED = "nothing was changed"
    PUT_BACK = "everything was put back"
    STUCK = "not everything could be put back"


@dataclass(frozen=True)
class Outcome:
    """How it ended. ``reason`` is why it was not done; ``left`` says what is not as it was, and what to do."""

    ending: Ending
    reason: str = ""
    left: tuple[str, ...] = ()

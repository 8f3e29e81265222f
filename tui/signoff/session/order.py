"""Which event may follow which. The writer, the fold and the verifier all ask here."""

from __future__ import annotations

from dataclasses import dataclass

from signoff.errors import RecordError
from signoff.message import say
from signoff.session.events import (
    DECISIONS,
    AnyEvent,
    Attested,
    Checkpoint,
    Consented,
    Done,
    Enrolled,
    Entered,
    Found,
    Genesis,
    Intended,
    Noted,
    Probed,
    Recovered,
    Resumed,
    Sealed,
    is_name,
)


@dataclass(slots=True)
class Order:
    """Knows the steps that genesis names, and what has been. Its size does not grow with the record."""

    steps: frozenset[tuple[str, str]] | None = None
    sealed: bool = False
    owes_checkpoint: bool = False
    """The last event was a decision, so that a checkpoint has to follow."""

    def check(self, event: AnyEvent) -> None:
        """Raise RecordError where this event cannot come next."""
        if isinstance(event, Genesis):
            _check_genesis(event, begun=self.steps is not None)
            return
        if self.steps is None:
            raise RecordError(say("A record begins with its genesis."))
        if self.owes_checkpoint and not isinstance(event, (Checkpoint, Recovered)):
            raise RecordError(say("The checkpoint after a decision is missing."))
        if self.sealed and not isinstance(event, (Checkpoint, Recovered, Resumed)):
            raise RecordError(say("The session is sealed: nothing can be added to it."))
        if isinstance(event, (Found, Probed, Consented, Entered, Attested, Noted, Intended, Enrolled)):
            self._check_step(event.checklist, event.step)
        if isinstance(event, Done) and event.intent < 1:
            raise RecordError(say("An action ended that was never intended."))

    def admit(self, event: AnyEvent) -> None:
        """Take the event as the next one. Raises RecordError, and changes nothing, where it cannot be."""
        self.check(event)
        if isinstance(event, Genesis):
            self.steps = frozenset(_steps(event))
        self.sealed = self.sealed or isinstance(event, Sealed)
        self.owes_checkpoint = isinstance(event, DECISIONS)

    def _check_step(self, checklist: str, step: str) -> None:
        if self.steps is not None and (checklist, step) not in self.steps:
            raise RecordError(
                say(
                    "No such step in this session: {checklist} {step}.",
                    checklist=ascii(checklist),
                    step=ascii(step),
                )
            )


def _steps(genesis: Genesis) -> list[tuple[str, str]]:
    return [(checklist.id, step) for checklist in genesis.checklists for step in checklist.steps]


def _check_genesis(genesis: Genesis, *, begun: bool) -> None:
    if begun:
        raise RecordError(say("A record has one genesis, at its beginning."))
    if not is_name(genesis.operator.name):
        raise RecordError(say("The operator's name is not a name."))
    steps = _steps(genesis)
    ids = [checklist.id for checklist in genesis.checklists]
    if len(set(steps)) != len(steps) or len(set(ids)) != len(ids):
        raise RecordError(say("A checklist or a step is named twice in the session's genesis."))

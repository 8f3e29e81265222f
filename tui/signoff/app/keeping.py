"""A value that was made here, into a variable: on the target while a walk is open, else on this machine."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from signoff.actions.base import Ending, Outcome, Tell, perform
from signoff.actions.hands import Hands
from signoff.actions.put_away import InVariable
from signoff.credentials.delivery import EnvVariable
from signoff.credentials.env_text import UncertainError
from signoff.errors import RecordError, SignoffError
from signoff.message import say
from signoff.text import one_line

if TYPE_CHECKING:
    from signoff.credentials.secret import Secret
    from signoff.walk import Walk


def open_walk(walk: Walk | None) -> Walk | None:
    """Return the walk that a change would be written down in; None where none is open, or it is sealed."""
    return None if walk is None or walk.session.state.sealed else walk


def usual_file(walk: Walk | None) -> str:
    """Return the file that is most likely meant."""
    return walk.profile.env_file if walk else str(Path.cwd() / ".env")


class Keeping:
    """A value on its way into a variable. Its methods block, and raise SignoffError.

    ``walk`` is None where the file is one of this machine's, and nothing writes down what is done.
    """

    def __init__(
        self, walk: Walk | None, path: str, name: str, value: Secret, *, replaces: bool = False
    ) -> None:
        self.name = name
        self.preview: tuple[str, ...] = ()
        self._walk = walk
        self._value = value
        self._path = path
        self._replaces = replaces
        self._action: InVariable | None = None

    def prepare(self) -> None:
        """See that the file can take the value; then ``preview`` says what will happen. Changes nothing.

        Raise HeldError where the variable has a value, and is not to be replaced.
        """
        remarks: list[str] = []
        if self._walk is None:
            here = self._here()
            here.check()
            self.preview = (*here.preview, *here.remarks())
            return
        record = self._walk.step_record(self._walk.position())
        self._action = InVariable(
            self._path,
            self.name,
            self._value,
            Hands.on(self._walk.target),
            record,
            what=say("the new value"),
            id="env.put",
            replaces=self._replaces,
        )
        self._action.prepare(lambda line: remarks.append(record.safe(line)))
        self.preview = (*self._action.preview, *remarks)

    def carry_out(self, tell: Tell, cancel: Event) -> Outcome:
        """Do it, after the operator has read the preview and said yes."""
        try:
            if self._action is not None:
                return perform([self._action], self._action.record, tell, cancel)
            tell(say("Writing {name} in {path}.", name=one_line(self.name), path=one_line(self._path)))
            self._here().deliver(self._value)
        except (UncertainError, RecordError) as unknown:
            return Outcome(
                Ending.STUCK, unknown.words, (say("Look what {path} has now.", path=one_line(self._path)),)
            )
        except SignoffError as refusal:
            return Outcome(Ending.REFUSED, refusal.words)
        return Outcome(Ending.DONE)

    def _here(self) -> EnvVariable:
        return EnvVariable(Path(self._path).expanduser(), self.name, self._replaces)

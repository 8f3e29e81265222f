"""What an action is, and how several are carried out as one: all of them, or none.

An action changes something on the target. It is made by a plan, which the operator has read and said yes
to; nothing here asks. First every action looks whether it can be done; then each is run and checked, its
intent on disk before its first change. When one fails, or the operator stops, everything is put back, in the
same order: services are started anew last, both ways.

An intent ends in the record when all is over, with what became of it: an interruption leaves the intents of
the whole undertaking open, and with them what has to be looked up.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Event
from typing import Final, Literal, Protocol

from signoff import own_files, paths
from signoff.credentials.fingerprint import KEY_BYTES, Fingerprints
from signoff.credentials.redact import LeakError, Redactor
from signoff.credentials.secret import Secret
from signoff.errors import RecordError, SignoffError, StoppedError
from signoff.message import Message, listed, say
from signoff.message import reason as why
from signoff.session.events import Done, Intended
from signoff.session.session import Session
from signoff.target import private_file

Tell = Callable[[str], None]
"""Told, line by line, what happens; from the thread that carries the actions out."""

PATIENCE: Final = 60.0
"""How long putting one thing back is tried again, in seconds: a server may be starting, a connection gone."""
_PAUSE: Final = 2.0


class ActionError(SignoffError):
    """An action could not be done, or did not have its effect. ``message`` never holds a secret."""

    exit_code = 1


class LastingError(ActionError):
    """What keeps an action from being done will not go away by waiting."""


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

    def prepare(self, tell: Tell) -> None:
        """Look whether it can be done, and what is there now. Changes nothing."""

    def run(self, tell: Tell, cancel: Event) -> None:
        """Do it. When it raises, anything between nothing and all of it was done."""

    def check(self, tell: Tell) -> None:
        """Prove that it took effect."""

    def undo(self, tell: Tell) -> None:
        """Look what is there, and put back what was. Does nothing where nothing was changed."""


@dataclass(frozen=True)
class StepRecord:
    """Where the actions on one step are written down, and who sees to it that no secret comes along.

    ``fingerprints`` make the digests by which, after an interruption, it can be told what is there.
    """

    session: Session
    checklist: str
    step: str
    redactor: Redactor
    fingerprints: Fingerprints = field(default_factory=Fingerprints.of_this_run)

    def know(self, values: Iterable[tuple[str, Secret]]) -> None:
        """Have secrets kept out of the record and out of what is said."""
        self.redactor.know(values)

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
        self.session.append(Done(intent=intent, outcome=outcome, detail=self.safe(detail)))

    def safe(self, text: str) -> str:
        """Return a text that may be shown: without the lines that hold a secret."""
        lines = text.split("\n")
        safe = list(map(self._safe_line, lines))
        return text if safe == lines else listed(safe, "\n")

    def _safe_line(self, line: str) -> str:
        try:
            self.redactor.refuse(line.encode("utf-8", "replace"))
        except LeakError as leak:
            return say("(a line was withheld: it holds {name})", name=leak.name)
        return line


def kept_fingerprints() -> Fingerprints:
    """Return the fingerprints of this machine; their key is made on first use. Raises SignoffError."""
    path = paths.fingerprint_key_file()
    try:
        own_files.judge(path)
        return Fingerprints(path.read_bytes())
    except FileNotFoundError:
        key = secrets.token_bytes(KEY_BYTES)
        private_file.replace(path, key)
        return Fingerprints(key)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else why(problem)
        raise RecordError(
            say("{path} cannot be used: {reason}.", path=path, reason=reason),
            say("Correct its mode, or move it away."),
        ) from None


class Ending(StrEnum):
    """How an undertaking ended."""

    DONE = "done"
    REFUSED = "refused"
    PUT_BACK = "put-back"
    STUCK = "stuck"

    @property
    def words(self) -> Message:
        """The same, in a sentence."""
        return _ENDINGS[self]


_ENDINGS: Final = {
    Ending.DONE: say("Done."),
    Ending.REFUSED: say("Nothing was changed."),
    Ending.PUT_BACK: say("Everything was put back."),
    Ending.STUCK: say("Not everything could be put back."),
}


@dataclass(frozen=True)
class Outcome:
    """How it ended. ``reason`` is why it was not done, ``left`` what is not as it was, and what to do."""

    ending: Ending
    reason: str = ""
    left: tuple[str, ...] = ()


def perform(actions: Sequence[Action], record: StepRecord, tell: Tell, cancel: Event) -> Outcome:
    """Carry out all actions, or none. Blocks until everything is done, or put back.

    ``cancel`` stops it between two steps, and where an action looks at it; what was done is put back then.
    Raises only what is nobody's fault but this program's, after everything was put back.
    """

    def safely(line: str) -> None:
        tell(record.safe(line))

    try:
        for action in actions:
            _go_on(cancel)
            action.prepare(safely)
    except SignoffError as refusal:
        return Outcome(Ending.REFUSED, record.safe(refusal.words))
    return _Undertaking(actions, record, safely).carry_out(cancel)


def _go_on(cancel: Event) -> None:
    if cancel.is_set():
        raise StoppedError(say("Stopped on request."))


class _Undertaking:
    """Some prepared actions on their way: which have begun, and where their intents stand."""

    def __init__(self, actions: Sequence[Action], record: StepRecord, tell: Tell) -> None:
        self._actions = actions
        self._record = record
        self._tell = tell
        self._begun: list[tuple[int, Action]] = []

    def carry_out(self, cancel: Event) -> Outcome:
        try:
            for action in self._actions:
                _go_on(cancel)
                self._begun.append((self._record.intend(action), action))
                action.run(self._tell, cancel)
                action.check(self._tell)
            for action in self._actions:
                action.check(self._tell)
        except SignoffError as failure:
            return self._put_back(self._record.safe(failure.words))
        except BaseException as defect:
            self._put_back(say("an unforeseen {name}", name=type(defect).__name__))
            raise
        for intent, _ in self._begun:
            self._record.end(intent, "done")
        return Outcome(Ending.DONE)

    def _put_back(self, reason: str) -> Outcome:
        self._tell(reason)
        if not self._begun:
            return Outcome(Ending.REFUSED, reason)
        self._tell(say("Putting everything back."))
        left = []
        for intent, action in self._begun:
            problem = self._undone(action)
            if problem:
                left.append(listed((action.subject, problem), ": "))
            try:
                self._record.end(intent, "unknown" if problem else "undone", problem or reason)
            except RecordError as unwritten:
                self._tell(unwritten.words)
        return Outcome(Ending.STUCK if left else Ending.PUT_BACK, reason, tuple(left))

    def _undone(self, action: Action) -> str:
        """Put one thing back, again and again while that fails; return why it could not be, or nothing."""
        end = time.monotonic() + PATIENCE
        said = ""
        while True:
            try:
                action.undo(self._tell)
            except SignoffError as failure:
                problem = self._record.safe(failure.words)
                end = 0 if isinstance(failure, LastingError) else end
            else:
                return ""
            if time.monotonic() > end:
                return problem
            if problem != said:
                self._tell(
                    say(
                        "{subject} could not be put back yet: {problem}",
                        subject=action.subject,
                        problem=problem,
                    )
                )
                said = problem
            time.sleep(_PAUSE)

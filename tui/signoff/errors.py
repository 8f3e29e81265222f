"""Errors for people: what went wrong, and what to do about it."""

from __future__ import annotations

from signoff.message import NOTHING, Message, listed


class SignoffError(Exception):
    """Something the operator can put right.

    ``message`` says what went wrong and where, ``hint`` what to do. The command line prints both and
    exits with ``exit_code``; the app shows them in a dialog.
    """

    exit_code = 2

    def __init__(self, message: Message, hint: Message = NOTHING) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def words(self) -> Message:
        """Message and hint, one below the other."""
        return listed((self.message, self.hint), "\n") if self.hint else self.message

    def __str__(self) -> str:
        return str(self.words)


class UsageError(SignoffError):
    """The command or its arguments do not make sense."""


class ExposedError(SignoffError):
    """Others can change a file that decides what signoff does or believes; ``hint`` has the command."""


class ChecklistError(SignoffError):
    """A checklist file cannot be read; ``message`` names file, line and reason."""


class TargetError(SignoffError):
    """A target cannot be reached, or must not be talked to."""


class RecordError(SignoffError):
    """A session's record cannot be read or written."""


class StoppedError(SignoffError):
    """The operator stopped the work."""

    exit_code = 130

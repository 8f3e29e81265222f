"""Replacing values in a ``.env`` file, byte by byte: whatever is not the value's stays as it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from signoff.credentials.dotenv import Reader
from signoff.credentials.secret import Secret
from signoff.errors import SignoffError


class EnvEditError(SignoffError):
    """A file cannot be edited so that it is sure what its readers make of it. No value is in it.

    ``line`` is the line's number, 0 where it is no line's fault; ``reason`` the message without it.
    """

    def __init__(self, reason: str, hint: str = "", *, line: int = 0) -> None:
        super().__init__(f"Line {line}: {reason}" if line else reason, hint)
        self.line = line
        self.reason = reason


def edit(
    raw: bytes,
    changes: Mapping[str, Secret],
    *,
    append: bool = False,
    readers: Collection[Reader] | None = None,
) -> bytes:
    """Return the file's content with new values for some of its variables; only the values' bytes change.

    A variable that is not there is added at the end where ``append`` allows it. python-dotenv reads each new
    value exactly, and so do ``readers``; where None, all those that read the old one as python-dotenv does.

    Raise EnvEditError for a variable that is there twice or not at all, for a file with lines that do not
    parse, and for a value that cannot be written so.
    """
    raise NotImplementedError

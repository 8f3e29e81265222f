"""The guard on the way to the journal: it sees each line before it is written, and may refuse it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from signoff.errors import RecordError, SignoffError
from signoff.message import say

Guard = Callable[[bytes], None]
"""Raises where bytes must not be written, because a secret is in them."""


class RefusedError(RecordError):
    """A line was not written, because a secret is in it. The message names the secret, and never shows it."""


def checked(guard: Guard | None) -> Guard:
    """Return a guard that sees a line as it is written and as it reads, and refuses with RefusedError."""

    def refuse(line: bytes) -> None:
        if guard is None:
            return
        try:
            guard(line)
            guard(readable(line))
        except SignoffError as problem:
            raise RefusedError(problem.message, problem.hint) from None
        except Exception:  # noqa: BLE001 - its text may quote the secret
            raise RefusedError(
                say("This was not recorded: it holds a secret."), say("Say it without the secret itself.")
            ) from None

    return refuse


def readable(line: bytes) -> bytes:
    """Return all texts of a line, keys too, one after the other, without JSON's escapes."""
    return "\n".join(_texts(msgspec.json.decode(line))).encode("utf-8")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)

"""A defect in the program, told without a secret: which, and where; no message, no source line, no local.

Python's own report of an error prints its message, and a message may quote what was being read.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Final

from signoff.message import tr

_PACKAGES: Final = ("signoff", "textual")
_DEEPEST: Final = 6


def where(error: BaseException) -> tuple[str, ...]:
    """Return where an exception came from, as ``file:line in function``, innermost last."""
    return tuple(_frames(error.__traceback__))[-_DEEPEST:]


def _frames(traceback: TracebackType | None) -> Iterator[str]:
    for frame, line in walk_tb(traceback):
        parts = Path(frame.f_code.co_filename).parts
        package = next((name for name in _PACKAGES if name in parts[:-1]), "")
        if package:
            at = len(parts) - 1 - parts[::-1].index(package)
            yield " in ".join((f"{'/'.join(parts[at:])}:{line}", frame.f_code.co_name))


def _inner(error: BaseException) -> BaseException | None:
    # Textual's WorkerFailed keeps what the worker raised in ``error``.
    wrapped = getattr(error, "error", None)
    return wrapped if isinstance(wrapped, BaseException) else error.__cause__


def report(error: BaseException | None, resume: str = "") -> str:
    """Return what is printed after a defect: what happened, and how to go on."""
    cause = error
    while cause is not None and (inner := _inner(cause)) is not None:
        cause = inner
    name = type(cause).__name__ if cause is not None else "unknown"
    lines = [tr("signoff stopped: a defect in the program ({name}).", name=name)]
    if cause is not None:
        lines += [f"  {line}" for line in where(cause)]
    lines.append(tr("Nothing is lost: what was answered is on disk."))
    if resume:
        lines.append(tr("Go on with: signoff run --resume {resume}", resume=resume))
    lines.append(tr("Please report it with the lines above; they hold nothing of yours."))
    return "\n".join(lines)


def keep_quiet() -> None:
    """Let neither a thread that dies nor a library that logs print what it was working on.

    What the operator has turned on themselves, a handler of the root logger, is left as it is.
    """
    logging.getLogger().addHandler(logging.NullHandler())  # else logging prints warnings on standard error
    threading.excepthook = _thread_died
    sys.unraisablehook = _unraisable


def _thread_died(died: threading.ExceptHookArgs) -> None:
    if died.exc_type is not SystemExit:
        _tell(died.exc_type.__name__, died.exc_value)


def _unraisable(raised: sys.UnraisableHookArgs) -> None:
    _tell(raised.exc_type.__name__, raised.exc_value)


def _tell(name: str, error: BaseException | None) -> None:
    if sys.stderr is None or sys.stderr.closed:
        return
    places = "; ".join(where(error)) if error is not None else ""
    told = tr("signoff: a defect in the background ({name}): {places}", name=name, places=places)
    print(told, file=sys.stderr)  # noqa: T201

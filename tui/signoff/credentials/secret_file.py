"""A new file for a secret, readable by its owner only; a file that exists is never touched."""

from __future__ import annotations

import os
from pathlib import Path

from signoff.credentials.secret import Secret
from signoff.durable import sync_folder
from signoff.errors import UsageError
from signoff.message import say


def check_new(path: Path) -> None:
    """Raise UsageError where no new file can be made at ``path``; makes nothing."""
    if os.path.lexists(path):
        raise UsageError(
            say("{path} exists already.", path=path), say("Nothing is overwritten; choose another name.")
        )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise UsageError(
            say("No file can be made in {parent}.", parent=path.parent),
            say("See that it is there and belongs to you."),
        )


def write_new(path: Path, value: Secret) -> None:
    """Write a secret and a line feed to a new file of mode 0600; it is on disk when this returns.

    Raise UsageError where there is something already, or where it cannot be written: then nothing is left.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        raise _error(path, problem) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(f"{value.reveal()}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except OSError as problem:
        path.unlink(missing_ok=True)
        raise _error(path, problem) from None


def _error(path: Path, problem: OSError) -> UsageError:
    return UsageError(
        say("{path}: {strerror}.", path=path, strerror=problem.strerror), say("Nothing was written there.")
    )

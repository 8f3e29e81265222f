"""The record's files: how they are opened, and errors for people."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import Final

from signoff import durable, own_files
from signoff.errors import RecordError

_REASONS: Final[dict[int, tuple[str, str]]] = {
    errno.ENOSPC: ("the disk is full", "Free some space, then try again."),
    errno.EDQUOT: ("your disk quota is used up", "Free some space, then try again."),
    errno.EROFS: ("the file system is read-only", "Mount it writable, then try again."),
    errno.EIO: ("the disk reports an error", "Look at the disk (dmesg, smartctl) before you go on."),
    errno.EACCES: ("permission was denied", "Look at the owner and mode of the folder."),
    errno.EPERM: ("permission was denied", "Look at the owner, mode and attributes of the folder."),
    errno.ENOENT: ("the folder or file is gone", "Put it back, or begin a new session."),
}

_MOST_NAMED: Final = 1 << 22


def record_error(problem: OSError, what: str, path: Path) -> RecordError:
    """Return the error for people: ``what`` could not be done at ``path``, why, and what to do."""
    fallback = (problem.strerror or str(problem), "")
    reason, hint = _REASONS.get(problem.errno or 0, fallback)
    return RecordError(f"{what}, at {path}: {reason}.", hint)


def make_folder(path: Path) -> None:
    """Make a folder that only its owner can enter, with the folders above it; one that is there is judged.

    Raises ExposedError where others can write to it, RecordError where it cannot be made.
    """
    try:
        durable.make_folder(path)
        own_files.judge(path)
    except OSError as problem:
        raise record_error(problem, "A folder could not be made", path) from None


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file to read: no symbolic link, no pipe that would never end. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def read_named(path: Path, what: str) -> bytes:
    """Read a file that somebody named to decide what to believe; ``what`` is in it, for people.

    Raises RecordError, also where it has more than 4 MiB, and ExposedError where others can change it.
    """
    try:
        own_files.judge(path)
        with open_regular(path.resolve()) as file:
            data = file.read(_MOST_NAMED + 1)
    except FileNotFoundError:
        raise RecordError(f"There is no file {path} with {what}.", "Look for how it is spelt.") from None
    except OSError as problem:
        raise record_error(problem, f"The file with {what} could not be read", path) from None
    if len(data) > _MOST_NAMED:
        raise RecordError(f"The file {path} is far too long for {what}.", "Give the right one.")
    return data

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
from signoff.message import NOTHING, Message, listed, say

_REASONS: Final[dict[int, tuple[Message, Message]]] = {
    errno.ENOSPC: (say("the disk is full"), say("Free some space, then try again.")),
    errno.EDQUOT: (say("your disk quota is used up"), say("Free some space, then try again.")),
    errno.EROFS: (say("the file system is read-only"), say("Mount it writable, then try again.")),
    errno.EIO: (
        say("the disk reports an error"),
        say("Look at the disk (dmesg, smartctl) before you go on."),
    ),
    errno.EACCES: (say("permission was denied"), say("Look at the owner and mode of the folder.")),
    errno.EPERM: (say("permission was denied"), say("Look at the owner, mode and attributes of the folder.")),
    errno.ENOENT: (say("the folder or file is gone"), say("Put it back, or begin a new session.")),
}

_MOST_NAMED: Final = 1 << 22


def record_error(problem: OSError, what: str, path: Path) -> RecordError:
    """Return the error for people: ``what`` could not be done at ``path``, why, and what to do."""
    fallback = (listed((problem.strerror or str(problem),)), NOTHING)
    reason, hint = _REASONS.get(problem.errno or 0, fallback)
    return RecordError(say("{what}, at {path}: {reason}.", what=what, path=path, reason=reason), hint)


def make_folder(path: Path) -> None:
    """Make a folder that only its owner can enter, with the folders above it; one that is there is judged.

    Raises ExposedError where others can write to it, RecordError where it cannot be made.
    """
    try:
        durable.make_folder(path)
        own_files.judge(path)
    except OSError as problem:
        raise record_error(problem, say("A folder could not be made"), path) from None


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file to read: no symbolic link, no pipe that would never end. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, say("not a regular file"), str(path))
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
        raise RecordError(
            say("There is no file {path} with {what}.", path=path, what=what),
            say("Look for how it is spelt."),
        ) from None
    except OSError as problem:
        raise record_error(problem, say("The file with {what} could not be read", what=what), path) from None
    if len(data) > _MOST_NAMED:
        raise RecordError(
            say("The file {path} is far too long for {what}.", path=path, what=what),
            say("Give the right one."),
        )
    return data

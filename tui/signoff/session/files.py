"""Files that survive: whole or not there at all, on disk when a function returns, and errors for people."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import Final

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
    """Make a folder that only its owner can enter, with the folders above it; leave one that is there."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise record_error(problem, "A folder could not be made", path) from None


def sync_folder(path: Path) -> None:
    """Bring a folder's list of names to the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes, at: int) -> None:
    """Write all of ``data`` at an offset, however many writes it takes. Raises OSError."""
    written = 0
    while written < len(data):
        count = os.pwrite(descriptor, data[written:], at + written)
        if count == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written += count


def write_new(path: Path, data: bytes) -> None:
    """Put a file with mode 0600 in place, whole or not at all, over one that may be there. Raises OSError."""
    import tempfile  # slow to import, and never needed to verify

    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        try:
            write_all(descriptor, data, 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(path)
        sync_folder(path.parent)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file to read: no symbolic link, no pipe that would never end. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def read_named(path: Path, what: str) -> bytes:
    """Read a file that somebody named, of 4 MiB at the most; ``what`` is in it, for people.

    Raises RecordError.
    """
    try:
        with open_regular(path.resolve()) as file:
            data = file.read(_MOST_NAMED + 1)
    except FileNotFoundError:
        raise RecordError(f"There is no file {path} with {what}.", "Look for how it is spelt.") from None
    except OSError as problem:
        raise record_error(problem, f"The file with {what} could not be read", path) from None
    if len(data) > _MOST_NAMED:
        raise RecordError(f"The file {path} is far too long for {what}.", "Give the right one.")
    return data

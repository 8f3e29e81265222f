"""Files that survive: whole or not there at all, and on disk when a function returns. All raise OSError."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path


def make_folder(path: Path) -> None:
    """Make a folder and those above it that are not there, whatever the umask only for their owner."""
    for folder in reversed(path.parents):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)


def sync_folder(path: Path) -> None:
    """Bring a folder's list of names to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes, at: int) -> None:
    """Write all of ``data`` at an offset, however many writes it takes."""
    written = 0
    while written < len(data):
        count = os.pwrite(descriptor, data[written:], at + written)
        if count == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written += count


def write_new(path: Path, data: bytes) -> None:
    """Put a file with mode 0600 in place, whole or not at all, over one that may be there."""
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
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise

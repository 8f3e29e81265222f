"""The journal: a file that is only ever added to, by whole lines, each on disk before the call returns."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

from signoff.durable import write_all
from signoff.errors import RecordError
from signoff.message import say
from signoff.session.files import record_error

RESERVE: Final = 1 << 16
"""Bytes kept back beside the journal, so that a session can still be sealed when the disk is full."""

_WHAT: Final = say("The record could not be written")


class Journal:
    """An open journal of ``size`` bytes, all whole lines. The caller holds the session's lock."""

    def __init__(self, path: Path, descriptor: int, size: int) -> None:
        self.path = path
        self.size = size
        self._descriptor = descriptor
        self._broken = False

    @classmethod
    def open(cls, path: Path, size: int) -> Journal:
        """Open a file whose first ``size`` bytes have been verified. Raises RecordError."""
        try:
            return cls(path, os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW), size)
        except OSError as problem:
            raise record_error(problem, _WHAT, path) from None

    def append(self, data: bytes) -> None:
        """Add whole lines, and return when they are on disk.

        Raises RecordError, and leaves the file as it was, where that cannot be done.
        """
        self._check(os.fstat(self._descriptor).st_size == self.size)
        try:
            write_all(self._descriptor, data, self.size)
            os.fsync(self._descriptor)
        except OSError as problem:
            self._restore(b"")
            raise record_error(problem, _WHAT, self.path) from None
        self.size += len(data)

    def replace_tail(self, tail: bytes, data: bytes) -> None:
        """Put whole lines in the place of a torn ``tail``, which is all that follows ``size``.

        At no moment is the tail gone and the lines not begun. Raises RecordError as ``append`` does.
        """
        self._check(os.fstat(self._descriptor).st_size == self.size + len(tail))
        try:
            write_all(self._descriptor, data, self.size)
            os.ftruncate(self._descriptor, self.size + len(data))
            os.fsync(self._descriptor)
        except OSError as problem:
            self._restore(tail)
            raise record_error(problem, _WHAT, self.path) from None
        self.size += len(data)

    def content(self) -> bytes:
        """Return all that has been written. Raises RecordError."""
        try:
            data = os.pread(self._descriptor, self.size, 0)
            while len(data) < self.size and (
                more := os.pread(self._descriptor, self.size - len(data), len(data))
            ):
                data += more
        except OSError as problem:
            raise record_error(problem, say("The record could not be read"), self.path) from None
        return data

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _check(self, whole: bool) -> None:
        if self._broken:
            raise RecordError(
                say(
                    "The record at {path} takes no more: the disk failed while it was written.",
                    path=self.path,
                ),
                say("Look at the disk (dmesg, smartctl); then come back with: signoff run --resume"),
            )
        try:
            there, ours = self.path.lstat(), os.fstat(self._descriptor)
        except OSError as problem:
            raise record_error(problem, _WHAT, self.path) from None
        if (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino) or not whole:
            raise RecordError(
                say("Another program has changed {path} while the session was open.", path=self.path),
                say("Nothing was written. Find out what did it; signoff verify shows what still holds."),
            )

    def _restore(self, tail: bytes) -> None:
        """Bring the file back to what it was before; where even that fails, take no more."""
        try:
            if tail:
                write_all(self._descriptor, tail, self.size)
            elif os.fstat(self._descriptor).st_size == self.size:
                return  # nothing came to be written
            os.ftruncate(self._descriptor, self.size + len(tail))
            os.fsync(self._descriptor)
        except OSError:
            # After a failed fsync nobody knows what is on the disk (fsync(2)).
            self._broken = True


def reserve(path: Path) -> None:
    """Keep bytes back on the disk. Does nothing where that cannot be had: it is a convenience."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(descriptor, 0, RESERVE)
            else:
                write_all(descriptor, bytes(RESERVE), 0)
        finally:
            os.close(descriptor)


def release(path: Path) -> None:
    """Give the kept bytes back to the disk."""
    with contextlib.suppress(OSError):
        path.unlink()

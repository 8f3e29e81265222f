"""Replacing a file with secrets on this machine: whole or not at all, and with everything that it had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from signoff.errors import SignoffError


class EnvFileError(SignoffError):
    """A file could not be read or replaced. It is as it was."""


class ConcurrentEditError(EnvFileError):
    """Somebody else has changed the file meanwhile. It is as they left it."""


class UncertainError(SignoffError):
    """It is not known whether the file was replaced: the old content is there or the new one, whole."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a file is besides its content. ``path`` is where it really is, after symbolic links.

    ``listed`` tells whether an access control list (acl(5)) names more users. ``mtime`` is in nanoseconds.
    """

    path: str
    mode: int
    uid: int
    gid: int
    mtime: int
    listed: bool = False
    attributes: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class EnvText:
    """A file's content as it was read, and what else it was at that time."""

    raw: bytes = field(repr=False)
    identity: Identity


def kept_mode(identity: Identity, *, group_reads: bool = False) -> int:
    """Return the mode that a file has after it was written: no wider than 0600 unless its group needs it.

    A group that may read a file closed to others (0640) was let in on purpose, and stays; that of a file
    open to all (0644) stays where a service reads it so (``group_reads``).
    """
    raise NotImplementedError


class EnvFile:
    """A file of this machine's. Its methods raise EnvFileError; ``signoff.actions.env_file`` has its twin."""

    def __init__(self, path: Path, *, group_reads: bool = False) -> None:
        raise NotImplementedError

    def read(self) -> EnvText:
        """Return what is there. A draft that a killed write has left behind is removed."""
        raise NotImplementedError

    def write(self, new: bytes, expected: EnvText) -> EnvText:
        """Put ``new`` in the place of what was read, and return what is there now.

        Raise ConcurrentEditError where something else is there than ``expected``.
        """
        raise NotImplementedError

    def restore(self, before: EnvText) -> EnvText:
        """Put back content, owner, mode, attributes and time of change as they were read.

        Only over what ``write`` of this object has written, or tried to; does nothing where nothing changed.
        """
        raise NotImplementedError

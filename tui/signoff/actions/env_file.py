"""Replacing a file with secrets on a target: whole or not at all, and with everything that it had."""

from __future__ import annotations

from signoff.credentials.env_file import EnvText
from signoff.target.base import Target


class EnvFile:
    """A file on a target, read and written as the login user, or as root.

    The methods raise EnvFileError (nothing was changed), ConcurrentEditError and UncertainError, all of them
    from ``signoff.credentials.env_file``. ``group_reads`` as there.
    """

    def __init__(self, target: Target, path: str, *, root: bool = False, group_reads: bool = False) -> None:
        raise NotImplementedError

    def read(self) -> EnvText:
        """Return what is there. A draft that a killed write has left behind is removed by the next write."""
        raise NotImplementedError

    def write(self, new: bytes, expected: EnvText) -> EnvText:
        """Put ``new`` in the place of what was read, and return what is there now.

        Raise ConcurrentEditError where something else is there than ``expected``. When the connection is
        lost, look what became of it; raise UncertainError only where that cannot be found out.
        """
        raise NotImplementedError

    def restore(self, before: EnvText) -> EnvText:
        """Put back content, owner, mode, attributes and time of change as they were read.

        Only over what ``write`` of this object has written, or tried to; does nothing where nothing changed.
        """
        raise NotImplementedError

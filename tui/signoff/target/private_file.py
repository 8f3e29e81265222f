"""Replacing a small file of the operator's, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from signoff.durable import make_folder, write_new
from signoff.errors import TargetError
from signoff.message import say


def replace(path: Path, data: bytes) -> None:
    """Put ``data`` in the place of the file at ``path``, which only its owner may read (0600).

    The old content or the new one is there at any moment. Raise TargetError where it cannot be written.
    """
    path = path.resolve()  # a link, into a repository of dotfiles say, stays one
    try:
        make_folder(path.parent)
        write_new(path, data)
    except OSError as reason:
        raise TargetError(
            say("{path} cannot be written: {strerror}.", path=path, strerror=reason.strerror),
            say("See that the folder belongs to you and that the disk is not full."),
        ) from None

"""Replacing a small file of the operator's, whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from signoff.errors import TargetError


def replace(path: Path, data: bytes) -> None:
    """Put ``data`` in the place of the file at ``path``, which only its owner may read (0600).

    The old content or the new one is there at any moment. Raise TargetError where it cannot be written.
    """
    path = path.resolve()  # a link, into a repository of dotfiles say, stays one
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            _write(new, data)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
        _sync(path.parent)
    except OSError as reason:
        raise TargetError(
            f"{path} cannot be written: {reason.strerror}.",
            "See that the folder belongs to you and that the disk is not full.",
        ) from None


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

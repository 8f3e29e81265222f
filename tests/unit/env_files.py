"""A file with settings for the tests that replace it, and all that is to be seen of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

OLD = b"\xef\xbb\xbf# settings\r\nA=old-old-old-old\r\n\r\nB='\xff'"
NEW = OLD.replace(b"old-old-old-old", b"new-new-new-new")
ACL = "system.posix_acl_access"

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="wants root")
linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="wants Linux")


def put(file: Path, content: bytes = OLD) -> Path:
    """Write a file whose last change is long ago."""
    file.write_bytes(content)
    file.chmod(0o600)
    os.utime(file, ns=(1_600_000_000_123_456_789, 1_600_000_000_123_456_789))
    return file


def traits(file: Path) -> tuple[object, ...]:
    """Return all that undo has to bring back."""
    status = file.lstat()
    names = os.listxattr(file) if hasattr(os, "listxattr") else []
    return (
        file.read_bytes(),
        oct(status.st_mode),
        status.st_uid,
        status.st_gid,
        status.st_mtime_ns,
        {name: os.getxattr(file, name) for name in names},
    )


def names(folder: Path) -> set[str]:
    """Return what is in a folder."""
    return {entry.name for entry in folder.iterdir()}

"""The typed values that lie beside a journal: one a line, named by the SHA-256 of its line.

The journal has the digests, so that no other value can be slipped in. A record holds without the file.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from signoff.durable import write_all
from signoff.session.files import open_regular

VALUES: Final = "values.jsonl"
LONGEST: Final = 1 << 22
"""The most bytes that one value may have; a longer one is not kept."""
_MOST: Final = 1 << 25


def digest_of(line: bytes) -> str:
    """Return how a value is named: the SHA-256 of its line, without the line feed."""
    return hashlib.sha256(line).hexdigest()


def add_values(directory: Path, lines: Collection[bytes]) -> None:
    """Add values, each without a line feed, that are not there yet. Raises OSError: then none was added."""
    path = directory / VALUES
    known = read_values(directory)
    fresh = [line for line in dict.fromkeys(lines) if digest_of(line) not in known]
    if not fresh:
        return
    if sum(len(line) + 2 for line in (*known.values(), *fresh)) > _MOST:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        end = os.fstat(descriptor).st_size
        try:
            # What an interruption left torn is a line of its own then, and nobody's value.
            torn = end > 0 and os.pread(descriptor, 1, end - 1) != b"\n"
            write_all(descriptor, b"\n" * torn + b"".join(line + b"\n" for line in fresh), end)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)


def read_values(directory: Path) -> Mapping[str, bytes]:
    """Return the values by their digests; none where there is no file. Raises OSError."""
    try:
        with open_regular(directory / VALUES) as file:
            content = file.read(_MOST + 1)
    except FileNotFoundError:
        return {}
    if len(content) > _MOST:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(directory / VALUES))
    return {digest_of(line): line for line in content.split(b"\n") if line}

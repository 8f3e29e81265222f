"""Keys that are not to be believed any more, whatever the time: what ``ssh-keygen -Y verify -r`` reads.

A plain list of public keys, one a line. ssh-keygen's binary form of it (KRL) is not read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from signoff.errors import RecordError
from signoff.message import say
from signoff.session.files import read_named
from signoff.session.keys import PublicKey
from signoff.session.wire import SignatureError

_HOW: Final = say(
    "List the public keys, one a line, and nothing else but comments (#): ssh-keygen -r reads it too."
)


def read(path: Path) -> frozenset[PublicKey]:
    """Read a list of revoked keys. Raises RecordError where any line of it cannot be read.

    What is not understood might be the very key, so that here nothing is passed over.
    """
    data = read_named(path, say("the revoked keys"))
    if data.startswith(b"SSHKRL\n\0"):
        raise RecordError(
            say("The revoked keys in {path} are in ssh-keygen's binary form (KRL).", path=path), _HOW
        )
    keys = set()
    for number, raw in enumerate(data.split(b"\n"), 1):
        line = raw.decode("utf-8", "replace").strip(" \t\r")
        if not line or line.startswith("#"):
            continue
        try:
            keys.add(PublicKey.from_line(line))
        except SignatureError as problem:
            raise RecordError(
                say(
                    "Line {number} of the revoked keys in {path} cannot be read: {problem}.",
                    number=number,
                    path=path,
                    problem=problem,
                ),
                _HOW,
            ) from None
    return frozenset(keys)

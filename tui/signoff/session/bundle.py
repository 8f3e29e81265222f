"""What lies in a record's folder."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from signoff.message import say
from signoff.session.events import Genesis
from signoff.session.files import open_regular
from signoff.session.scan import Scan
from signoff.session.sshsig import GENESIS, MAX_ARMOUR, Signature, parse
from signoff.session.values import VALUES, read_values
from signoff.session.wire import SignatureError

JOURNAL: Final = "session.jsonl"
GENESIS_SIGNATURE: Final = "genesis.sig"
SEAL_SIGNATURE: Final = "seal.sig"
TIMESTAMP: Final = "timestamp.tsr"
SESSION_KEY: Final = "session.key"
LOCK: Final = "lock"
RESERVE: Final = "reserve"
LEDGER: Final = "ledger.jsonl"

OWN: Final = frozenset(
    {JOURNAL, VALUES, GENESIS_SIGNATURE, SEAL_SIGNATURE, TIMESTAMP, SESSION_KEY, LOCK, RESERVE}
)
_COPY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.[a-z]{1,8}", re.ASCII)

DRAFT: Final = ".new-"
"""What the folder's name begins with until the session stands in the ledger."""


def ledger_beside(sessions: Path) -> Path:
    """Return the ledger that belongs to a folder of sessions."""
    return sessions.parent / LEDGER


def is_copy_name(name: str) -> bool:
    """Tell whether a file kept with the record may have this name."""
    return _COPY.fullmatch(name) is not None and name not in OWN


def changed_copies(directory: Path, genesis: Genesis) -> list[str]:
    """Return the names of the kept checklists, ``<id>.yaml``, that are not the ones that line 1 names.

    One that is not there is no matter: the record holds without it. Raises OSError.
    """
    changed = []
    for checklist in genesis.checklists:
        name = f"{checklist.id}.yaml"
        if not is_copy_name(name) or not os.path.lexists(directory / name):
            continue
        with open_regular(directory / name) as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != checklist.digest:
                changed.append(name)
    return changed


def has_values(directory: Path, digests: Iterable[str]) -> bool:
    """Tell whether the kept values are all there, as the journal names them, or none is. Raises OSError."""
    there = read_values(directory)
    return not there or all(digest in there for digest in digests)


def read_signature(path: Path) -> Signature:
    """Read a signature file. Raises OSError, or SignatureError where it is malformed."""
    with open_regular(path) as file:
        return parse(file.read(MAX_ARMOUR + 1))


def check_genesis(scan: Scan, signature: Signature) -> None:
    """Raise SignatureError unless line 1 is signed, by the key that it names; it has been scanned."""
    signature.verify_message(GENESIS, scan.first_line)
    if scan.genesis is None or scan.genesis.operator.key != signature.key.fingerprint:
        raise SignatureError(say("it is made by another key than line 1 names"))

"""What lies in a record's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from signoff.session.files import open_regular
from signoff.session.scan import Scan
from signoff.session.sshsig import GENESIS, MAX_ARMOUR, Signature, parse
from signoff.session.wire import SignatureError

JOURNAL: Final = "session.jsonl"
GENESIS_SIGNATURE: Final = "genesis.sig"
SEAL_SIGNATURE: Final = "seal.sig"
SESSION_KEY: Final = "session.key"
LOCK: Final = "lock"
RESERVE: Final = "reserve"
LEDGER: Final = "ledger.jsonl"

DRAFT: Final = ".new-"
"""What the folder's name begins with until the session stands in the ledger."""


def ledger_beside(sessions: Path) -> Path:
    """Return the ledger that belongs to a folder of sessions."""
    return sessions.parent / LEDGER


def read_signature(path: Path) -> Signature:
    """Read a signature file. Raises OSError, or SignatureError where it is malformed."""
    with open_regular(path) as file:
        return parse(file.read(MAX_ARMOUR + 1))


def check_genesis(scan: Scan, signature: Signature) -> None:
    """Raise SignatureError unless line 1 is signed, by the key that it names; it has been scanned."""
    signature.verify_message(GENESIS, scan.first_line)
    if scan.genesis is None or scan.genesis.operator.key != signature.key.fingerprint:
        raise SignatureError("it is made by another key than line 1 names")

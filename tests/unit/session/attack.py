"""What an attack is: what is done to a record, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from signoff.session.signer import KeySigner
from signoff.session.verify import Status
from unit.session.records import Place
from unit.session.scene import (
    Do,
)


@dataclass(frozen=True)
class Attack:
    """One attack: what is done to a record, what signoff must say, and what its reason must speak of."""

    row: str
    what: str
    do: Do
    ours: Status = Status.INVALID
    says: str = ""
    laxer: str = ""
    begin: Callable[[Place], Path] = Place.sealed


OTHER = KeySigner.generate("other@host")
PAST = f"{datetime.now(UTC) - timedelta(days=30):%Y%m%d}"
FUTURE = f"{datetime.now(UTC) + timedelta(days=30):%Y%m%d}"
BYTES = "it reads bytes and not lines, and the bytes are signed"
ARMOUR = "only in its line feeds: it skips white space, and what follows END"
COPIES = "it is not shown the checklists"
LEDGER = "it is not shown the ledger"
J, SEAL, COPY = "session.jsonl", "seal.sig", "quick.yaml"

"""The verdict on a record: does it hold, and what does that rest on?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Status(StrEnum):
    """The verdict's word."""

    VALID = "VALID"
    """Sealed, unchanged, and signed by somebody whom the verifier trusts."""
    UNSEALED = "UNSEALED"
    """The chain and the checkpoints hold, but there is no seal: interrupted, or cut."""
    UNTRUSTED = "UNTRUSTED"
    """The signatures hold, but the verifier's list does not allow their key."""
    INVALID = "INVALID"
    """Something does not hold."""


class Standing(StrEnum):
    """What the ledger beside the sessions says of a record."""

    LISTED = "listed"
    ABSENT = "absent"
    """There is a ledger, and it does not know the session."""
    CONTRADICTS = "contradicts"
    """The ledger knows another session, or another end of this one."""
    UNKNOWN = "unknown"
    """There is no ledger beside the record: it lies on another machine, or has been exported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a record holds, and what that rests on.

    ``reason`` says why it is not valid, ``line`` the first line that does not hold (None where it is not a
    line's matter). ``lines`` hold, and ``covered`` of them are covered by a signature that holds; of an
    unsealed record the lines after those rest on nothing but their chain. ``remarks`` are things seen that
    do not change the verdict. Text that came from the record is inert.
    """

    status: Status
    reason: str = ""
    line: int | None = None
    session: str = ""
    operator: str = ""
    key: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    lines: int = 0
    covered: int = 0
    sealed: bool = False
    ledger: Standing = Standing.UNKNOWN
    remarks: tuple[str, ...] = ()

"""The verdict on a record: does it hold, and what does that rest on?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from signoff.session.when import When


class Status(StrEnum):
    """The verdict's word."""

    VALID = "VALID"
    """Sealed, unchanged, and signed by somebody whom the verifier trusts."""
    UNSEALED = "UNSEALED"
    """The chain and the checkpoints hold, but there is no seal: interrupted, or cut."""
    UNTRUSTED = "UNTRUSTED"
    """The signatures hold, but the verifier's list does not allow their key."""
    NEWER = "NEWER"
    """It was begun by a newer signoff, which its operator has signed: this one cannot judge it."""
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


class Bearing(StrEnum):
    """What a witness is worth to this verifier."""

    HOLDS = "holds"
    UNTRUSTED = "untrusted"
    """The verifier does not know its key or its authority, so that it says nothing."""
    BROKEN = "does not hold"


@dataclass(frozen=True, slots=True)
class Witness:
    """A time-stamp, a counter-signature or an attestation that lies with the record. Its texts are inert.

    ``who`` is the authority's or the person's name; ``time`` what a time-stamp that holds says; ``reason``
    why it does not hold, or why it is not trusted.
    """

    kind: Literal["time-stamp", "counter-signature", "attestation"]
    file: str
    bearing: Bearing
    who: str = ""
    time: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a record holds, and what that rests on.

    ``reason`` says why it is not valid, ``line`` the first line that does not hold (None where it is not a
    line's matter). ``lines`` hold, and ``covered`` of them are covered by a signature that holds; of an
    unsealed record the lines after those rest on nothing but their chain. ``remarks`` are things seen that
    do not change the verdict. ``when`` says as of when the operator's signatures were judged, and by what
    that time was chosen; with ``revocations`` a list of revoked keys was asked. Text that came from the
    record is inert.
    """

    status: Status
    when: When
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
    nonce: str = ""
    witnesses: tuple[Witness, ...] = ()
    remarks: tuple[str, ...] = ()
    revocations: bool = False

    @property
    def broken(self) -> tuple[str, ...]:
        """The files of witnesses that do not hold. The record may hold all the same, but not with them."""
        return tuple(one.file for one in self.witnesses if one.bearing is Bearing.BROKEN)

"""A record's place in the ledgers: what it claims, and what they say to that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from signoff.message import say
from signoff.session.ledger import LedgerEntry
from signoff.session.ledgers import Known
from signoff.session.verdict import Standing


@dataclass(frozen=True, slots=True)
class Claims:
    """What is known of a record by itself.

    first    the SHA-256 of its first line
    follows  the ledger's line that it says it was begun behind
    whole    the SHA-256 of the whole file where it is sealed, empty where it is not
    """

    session: str
    first: str
    follows: str
    whole: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the ledgers say of a record.

    ``by`` are those that list it; ``sealed`` tells whether one of them knows its seal; ``contradiction`` is
    what speaks against it, for people.
    """

    standing: Standing
    by: tuple[Known, ...] = ()
    sealed: bool = False
    contradiction: str = ""


def ask(ledgers: Sequence[Known], claims: Claims, *, at_home: bool) -> Answer:
    """Ask the ledgers for a record. That they do not know it tells something only ``at_home``, where it was
    made: the ledgers of others need not know it.
    """
    listed, ended = [], False
    for one in ledgers:
        begun, seal = one.reading.of(claims.session, "genesis"), one.reading.of(claims.session, "seal")
        if begun is None:
            continue
        against = _against(begun, seal, claims)
        if against:
            return Answer(
                Standing.CONTRADICTS, contradiction=say("{whose} {against}", whose=one.whose, against=against)
            )
        listed.append(one)
        ended = ended or seal is not None
    if listed:
        return Answer(Standing.LISTED, tuple(listed), ended)
    return Answer(Standing.ABSENT if at_home else Standing.UNKNOWN)


def _against(begun: LedgerEntry, seal: LedgerEntry | None, claims: Claims) -> str:
    if (begun.digest, begun.prev) != (claims.first, claims.follows):
        return say("knows another session under this id")
    if seal is not None and not claims.whole:
        return say("knows a seal of this session, which has been taken away")
    if seal is not None and seal.digest != claims.whole:
        return say("knows another seal of this session")
    return ""

"""What a record cannot prove by itself: said in the same words wherever a record is handed over."""

from __future__ import annotations

from textwrap import wrap
from typing import Final

PREAMBLE: Final = "What no record can prove without a witness from outside:"

LIMITS: Final = (
    "that the operator did not make the session anew and sign it again;",
    "that the newest session was not deleted together with the ledger's end;",
    "the absolute time: every time in a record is the clock of the operator's machine;",
    "that a confirmation is true: a person can say what is not so;",
    "that the server, if it is already in somebody else's hands, told the truth.",
)
"""What stays possible, one a line, in the order of how far a witness helps."""

WITNESSES: Final = (
    "A time-stamp by an authority (RFC 3161) shows that the sealed record existed at that time, as it is: it "
    "was not made later. A second person's counter-signature shows that they had it before them as it is. An "
    "auditor's nonce, given just before the walk, shows that the session was begun after that. None of them "
    "makes a confirmation true, or a server honest."
)
"""What each witness adds, and what none of them does."""


def limits() -> str:
    """Return the whole text, as Markdown that reads as plain text too."""
    points = [line for limit in LIMITS for line in wrap(f"- {limit}", 100, subsequent_indent="  ")]
    return "\n".join([PREAMBLE, "", *points, "", *wrap(WITNESSES, 100)])

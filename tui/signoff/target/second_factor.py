"""How a product's database takes a new second factor: the statements of ``targets.toml``."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from signoff.message import NOTHING, Message, say

_SEED: Final = re.compile(r"(?<!:):seed\b")
_QUOTED: Final = re.compile(r""":?['"]:?(?:seed|account)['"]""")


class SecondFactor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What `[TARGET.second_factor]` says. ``:seed`` and ``:account`` stand for the two.

    sql        ``UPDATE admins SET totp_secret = :seed WHERE email = :account``; it has to change one row
    undo       takes it back: ``UPDATE admins SET totp_secret = NULL WHERE email = :account``
    database   the database's name, where it is not the target's own
    container  the container that PostgreSQL runs in, where the project has several
    """

    sql: str
    undo: str = ""
    database: str = ""
    container: str = ""


def wrong_with(statement: str) -> tuple[Message, Message]:
    """Return why a statement cannot be run, and what to do about it; two empty texts where it can."""
    if "\\" in statement or ";" in statement.strip().rstrip(";") or "\0" in statement:
        return say("The statement is more than one, or holds a backslash."), say(
            "Write one SQL statement, on its own."
        )
    if _QUOTED.search(statement):
        # Within quotes psql replaces nothing: the product would be given the placeholder as its key.
        return (
            say("The statement has :seed or :account in quotes."),
            say("Write them without: they are values already."),
        )
    return NOTHING, NOTHING


def has_place(sql: str) -> bool:
    """Tell whether a statement says where the key goes."""
    return _SEED.search(sql) is not None

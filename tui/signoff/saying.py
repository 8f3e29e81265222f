"""What an operator says of a step, looked over and made into an event: bad input never reaches the record."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final

from signoff.checklist.model import Confirmation, Language
from signoff.errors import UsageError
from signoff.message import Message, say
from signoff.session.events import Attested, Noted
from signoff.session.timeline import Key
from signoff.text import inert, one_line

LONGEST: Final = 2000
"""Characters of one text; an answer is a remark, not a document."""

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def confirmed(key: Key, confirmation: Confirmation | None, value: str, language: Language) -> Attested:
    """Say that a step's statement is true, with the value that was seen. Raises UsageError."""
    if confirmation is None:
        raise UsageError(say("This step has nothing to confirm: the machine sees all of it."))
    return Attested(
        checklist=key[0],
        step=key[1],
        kind="confirmed",
        statement=confirmation.statement.to(language),
        value=_said(value, say("Say what you saw: {to}", to=confirmation.value.to(language))),
    )


def skipped(key: Key, reason: str) -> Attested:
    """Leave a step out. Raises UsageError without a reason."""
    said = _said(reason, say("Say why the step is skipped."))
    return Attested(checklist=key[0], step=key[1], kind="skipped", reason=said)


def not_applicable(key: Key, reason: str) -> Attested:
    """Say that a step does not apply here. Raises UsageError without a reason."""
    said = _said(reason, say("Say why the step does not apply."))
    return Attested(checklist=key[0], step=key[1], kind="notapplicable", reason=said)


def accepted(key: Key, reason: str, until: date) -> Attested:
    """Accept a risk until a day that is still to come. Raises UsageError."""
    to_come(until)
    said = _said(reason, say("Say why the risk is accepted."))
    return Attested(checklist=key[0], step=key[1], kind="accepted", reason=said, until=until.isoformat())


def today() -> date:
    """Return the day that it is now, by UTC."""
    return datetime.now(UTC).date()


def day(text: str) -> date:
    """Read a day as YYYY-MM-DD (RFC 3339). Raises UsageError."""
    try:
        if _DAY.fullmatch(text.strip()):
            return date.fromisoformat(text.strip())
    except ValueError:
        pass
    raise UsageError(say("{text} is no date.", text=repr(one_line(text, 40))), say("Write it as YYYY-MM-DD."))


def to_come(until: date) -> None:
    """Raise UsageError for a day that is not in the future."""
    if until <= today():
        raise UsageError(
            say("{until} is not in the future.", until=until), say("A risk is accepted until a day to come.")
        )


def withdrawn(key: Key, reason: str) -> Attested:
    """Take an answer back. Raises UsageError without a reason."""
    said = _said(reason, say("Say why the answer is taken back."))
    return Attested(checklist=key[0], step=key[1], kind="withdrawn", reason=said)


def noted(key: Key, text: str) -> Noted:
    """Put down a remark on a step. Raises UsageError where it is empty."""
    return Noted(checklist=key[0], step=key[1], text=_said(text, say("Write something.")))


def _said(text: str, hint: Message) -> str:
    said = inert(text).strip()
    if not said:
        raise UsageError(say("Nothing was said."), hint)
    if len(said) > LONGEST:
        raise UsageError(
            say("That is longer than {longest} characters.", longest=LONGEST), say("Say it in fewer words.")
        )
    return said

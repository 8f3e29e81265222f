"""When is a signature judged? A list of signers says of a key from when on, and until when, it counts.

A signature has no time in it, and the times in a record are its operator's word: whoever comes by an expired
key can date a record back. So it is judged now, as ``ssh-keygen -Y verify`` does, unless something from
outside of the record says more:

- A time-stamp that holds, by an authority whom the verifier trusts. The record and its seal were there by
  then, so the operator's signatures are judged as of then (that the line 1 under the seal was signed too
  follows from the seal, which the same key made). A counter-signature is not under the time-stamp and may
  be years younger: it is judged now.
- The verifier's own knowledge, ``--at``: every signature is judged as of that time, as with
  ``ssh-keygen -Overify-time``.

A key that is revoked, or that the list has not (any more), counts at no time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from signoff.errors import UsageError
from signoff.message import say
from signoff.session.allowed_signers import from_stamp
from signoff.text import one_line

_ISO: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})",
    re.ASCII | re.IGNORECASE,
)
_HOW: Final = say(
    "Write 2026-01-02T03:04:05Z, or 2026-01-02T05:04:05+02:00, or as ssh-keygen does: 20260102030405Z, "
    "which is this machine's local time without the Z."
)


class Judged(StrEnum):
    """By what a time was chosen."""

    NOW = "now"
    GIVEN = "given"
    STAMPED = "time-stamp"


@dataclass(frozen=True, slots=True)
class When:
    """The time at which signatures are judged, to the second, in UTC."""

    at: datetime
    by: Judged

    def with_stamp(self, stamped: datetime | None) -> When:
        """Return when the operator's signatures are judged, if a time-stamp that holds is from ``stamped``.

        One from the future proves no more than the verifier sees: that the record is there now.
        """
        if stamped is None or self.by is Judged.GIVEN:
            return self
        return When(min(_second(stamped), self.at), Judged.STAMPED)


def when(given: datetime | None) -> When:
    """Return when signatures are judged as far as the verifier says. Raises UsageError for the future."""
    now = _second(present())
    if given is None:
        return When(now, Judged.NOW)
    if _second(given) > now:
        raise UsageError(
            say(
                "{shown} is still to come, and nobody can know what will be trusted then.", shown=shown(given)
            ),
            say("Give --at a time until now, which is {shown}.", shown=shown(now)),
        )
    return When(_second(given), Judged.GIVEN)


def present() -> datetime:
    """Return what time it is."""
    return datetime.now(UTC)


def check_not_before(judged: When, claimed: datetime) -> None:
    """Raise UsageError where the verifier gave a time at which, by its own times, nothing was signed yet."""
    if judged.by is Judged.GIVEN and judged.at < _second(claimed):
        raise UsageError(
            say(
                "At {shown} there was nothing to judge: by the record's own times it was signed at {shown2}.",
                shown=shown(judged.at),
                shown2=shown(claimed),
            ),
            say("Give --at a time from then on. A day without an hour is its first second."),
        )


def claim(now: str, then: str, claimed: datetime, judged: When, *, sealed: bool) -> str:
    """Return what is to be said of the time at which a record claims to be signed; empty where nothing is.

    ``now`` and ``then`` say why its key is not trusted as of the two times, empty where it is.
    """
    if judged.by is not Judged.NOW or bool(now) == bool(then) or _second(claimed) > judged.at:
        return ""
    if then:
        return say(
            "judged now; at {claimed}, when the record says that it was signed, {then}",
            claimed=shown(claimed),
            then=then,
        )
    proof = say("a time-stamp by an authority that you trust would prove it (--tsa-ca FILE); ")
    return say(
        "the key was allowed at {claimed}, when the record says that it was signed, but that is the "
        "operator's word; {proof}if you know it from elsewhere, judge as of then: signoff verify --at "
        "{claimed}",
        claimed=shown(claimed),
        proof=proof if sealed else "",
    )


def read_time(text: str) -> datetime:
    """Read a time: ISO 8601 with its offset, or as ssh-keygen writes it. Raises UsageError."""
    try:
        if not _ISO.fullmatch(text):
            return from_stamp(text)
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(say("{text} is no time to judge at.", text=repr(one_line(text, 60))), _HOW) from None
    return _second(moment)


def stamp(moment: datetime) -> str:
    """Return a time as ssh-keygen takes it."""
    return f"{moment.astimezone(UTC):%Y%m%d%H%M%S}Z"


def shown(moment: datetime) -> str:
    """Return a time for people, to the second, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _second(moment: datetime) -> datetime:
    """Cut a time to the second: ssh-keygen reckons in seconds."""
    return moment.astimezone(UTC).replace(microsecond=0)

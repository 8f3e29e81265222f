"""Enrolling a second factor during a walk: what is proposed, and which action takes the key to its place.

Faces ask and show; this is what they have in common. Its functions that talk to the target block.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import Final
from urllib.parse import urlsplit

import msgspec

from signoff.actions.base import Action, Ending, Outcome, StepRecord, Tell
from signoff.actions.hands import Hands
from signoff.actions.second_factor import KeyInDatabase, deliver, in_new_file, in_variable
from signoff.actions.stores import postgres_of
from signoff.credentials.totp import Checked, Enrolment
from signoff.errors import SignoffError, UsageError
from signoff.facts.base import Malformed, Unavailable
from signoff.facts.containers import CONTAINERS
from signoff.message import say
from signoff.target.profile import Profile
from signoff.walk import Walk


class Place(StrEnum):
    """Where a key goes once a code was right."""

    HAND = "hand"
    FILE = "file"
    VARIABLE = "variable"
    DATABASE = "database"


PLACES: Final = {
    Place.HAND: say("the product, by your own hand"),
    Place.FILE: say("a new file on this machine, readable by you only"),
    Place.VARIABLE: say("a variable of the product's .env"),
    Place.DATABASE: say("the product's database"),
}
"""What they are called."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator has chosen. ``file`` and ``variable`` are empty where the place has none."""

    account: str
    place: Place
    file: str = ""
    variable: str = ""


def proposed(profile: Profile) -> tuple[str, str]:
    """Return the account and the issuer that are likely meant, by the site's name."""
    host = (urlsplit(profile.url).hostname or "").removeprefix("www.")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        site = host
    else:
        site = ""
    return (f"admin@{site}", site) if site else ("admin", profile.name)


def new_file(profile: Profile) -> str:
    """Return a name for the file that the key may go to."""
    return f"~/{profile.name or 'signoff'}-second-factor.key"


def unready(profile: Profile, place: Place) -> str:
    """Return why a place cannot be chosen; empty where it can."""
    if place is not Place.DATABASE:
        return ""
    if profile.second_factor is None:
        return say(
            "targets.toml has no [{name}.second_factor] with the statement", name=profile.name or "TARGET"
        )
    if not (profile.second_factor.database or profile.database):
        return say("targets.toml does not name the database")
    return ""


def delivery(walk: Walk, record: StepRecord, wanted: Wanted, enrolment: Enrolment) -> Action | None:
    """Return the action that takes the key to its place; None where the operator does it.

    Raises SignoffError where that cannot be told, or the target cannot be reached.
    """
    match wanted.place:
        case Place.HAND:
            return None
        case Place.FILE:
            path = Path(wanted.file).expanduser().absolute()
            return in_new_file(path, enrolment.secret, record)
        case Place.VARIABLE:
            hands = Hands.on(walk.target)
            return in_variable(wanted.file, wanted.variable, enrolment.secret, hands, record)
        case Place.DATABASE:
            return _in_database(walk, record, wanted, enrolment)


def _in_database(walk: Walk, record: StepRecord, wanted: Wanted, enrolment: Enrolment) -> Action:
    profile = walk.profile
    if reason := unready(profile, Place.DATABASE):
        raise UsageError(
            say("{upper}{reason}.", upper=reason[0].upper(), reason=reason[1:]),
            say("See the README's section on targets."),
        )
    factor = profile.second_factor
    assert factor is not None  # noqa: S101 - it would not be ready
    try:
        containers = walk.look([CONTAINERS])[CONTAINERS]
    except (Unavailable, Malformed) as unseen:
        raise UsageError(
            say("Where PostgreSQL runs cannot be seen: {reason}.", reason=unseen.reason)
        ) from None
    return KeyInDatabase(
        msgspec.structs.replace(factor, database=factor.database or profile.database),
        postgres_of(containers, profile.project, factor.container),
        wanted.account,
        enrolment.secret,
        Hands.on(walk.target),
        record,
    )


def look(walk: Walk, record: StepRecord, wanted: Wanted, enrolment: Enrolment) -> None:
    """See that a file can take the key, before anybody has scanned it. Changes nothing; raises SignoffError.

    A statement is tried in its delivery only: even rolled back it is more than a look.
    """
    if wanted.place in {Place.FILE, Place.VARIABLE}:
        action = delivery(walk, record, wanted, enrolment)
        if action is not None:
            action.prepare(lambda _line: None)


def carry_out(
    record: StepRecord, enrolment: Enrolment, checked: Checked, action: Action, tell: Tell, cancel: Event
) -> Outcome:
    """Carry out a delivery that the operator has read and said yes to; a failing record is an ending."""
    try:
        return deliver(enrolment, checked, action, record, tell, cancel)
    except SignoffError as unwritten:
        left = say(
            "Look whether the key is there: {subject}. The record does not say it.", subject=action.subject
        )
        return Outcome(Ending.STUCK, record.safe(unwritten.words), (left,))

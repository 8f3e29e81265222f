"""A target's profile that was read again while its session was open: from there on findings are judged by it.

It is written down as a fact, whose ``command`` is the profile itself. An event of its own, or a field more,
would have every signoff before this one call the record INVALID, and nothing about it is.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from signoff.session.events import Looked
from signoff.session.line import canonical

FACT: Final = "targets.toml"
VANTAGE: Final = "operator"
"""The operator's own machine: no fact of a target is seen from there."""


def looked(profile: dict[str, Any]) -> Looked:
    """Return the event that says by what profile is judged from here on."""
    text = canonical(profile).rstrip(b"\n")
    return Looked(
        fact=FACT,
        vantage=VANTAGE,
        command=text.decode("ascii"),
        status=0,
        size=len(text),
        digest=hashlib.sha256(text).hexdigest(),
        as_root=False,
    )


def is_profile(event: Looked) -> bool:
    """Tell whether a fact is a profile that was read again."""
    return (event.fact, event.vantage) == (FACT, VANTAGE)


def profile_of(event: Looked) -> dict[str, Any] | None:
    """Return the profile that an event holds; None where it holds none, or it was kept out of the record."""
    if not is_profile(event):
        return None
    try:
        return msgspec.json.decode(event.command, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None

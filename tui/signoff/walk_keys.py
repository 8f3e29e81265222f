"""The keys of a walk: the one table from which the app and the plain walk have what each key means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class WalkKey:
    """A key, and what it does.

    ``id`` is its name in the operator's own key map, ``name`` what stands beside it, ``help`` a sentence.
    Line by line there is nothing to turn or to copy: ``plain`` tells whether the key is there too.
    """

    id: str
    key: str
    name: str
    help: str
    plain: bool = True


_KEYS: Final = (
    WalkKey("act", "x", "Fix", "Fix what the step asks for; shows first what will happen"),
    WalkKey("confirm", "c", "Confirm", "Say what you saw; the value is asked for"),
    WalkKey("skip", "s", "Skip", "Leave this step out, with a reason"),
    WalkKey("accept-risk", "a", "Accept risk", "Accept the risk until a date"),
    WalkKey("not-applicable", "N", "N/A", "Say that this step does not apply here"),
    WalkKey("note", "n", "Note", "Write a remark on this step"),
    WalkKey("withdraw", "u", "Withdraw", "Take your answer back"),
    WalkKey("permit", "p", "Permit", "Permit a check that does more than look"),
    WalkKey("recheck", "r", "Recheck", "Look at this step again"),
    WalkKey("recheck-all", "R", "Recheck all", "Look at every step again"),
    WalkKey("generate", "g", "Generate", "Make strong keys and passwords"),
    WalkKey("finish", "f", "Finish", "Look over everything, and seal the record"),
    WalkKey("help", "?", "Help", "What every key does here"),
    WalkKey("quit", "q", "Quit", "Leave; everything is on disk, and can be gone on with"),
    WalkKey("copy", "y", "Copy", "Copy a command, or the new line of an edit", plain=False),
    WalkKey("evidence", "e", "Evidence", "Show or hide all evidence", plain=False),
    WalkKey("steps", "l", "Steps", "Go to the list of steps", plain=False),
    WalkKey("home", "h", "Home", "Leave this session as it is; it can be gone on with", plain=False),
)

WALK_KEYS: Final[Mapping[str, WalkKey]] = {one.id: one for one in _KEYS}
"""By their ids, in the order in which they are shown."""

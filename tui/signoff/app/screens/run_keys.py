"""The keys of the walk: what each does, and what it depends on whether it may be pressed.

Each has a name for the operator's own key map, and a sentence for the help.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.binding import Binding, BindingType

from signoff.app.bindings import walk_key

BINDINGS: Final[tuple[BindingType, ...]] = (
    walk_key("recheck", "recheck"),
    walk_key("act", "act"),
    walk_key("confirm", "say('confirm')"),
    walk_key("skip", "say('skip')"),
    walk_key("accept-risk", "say('accept')"),
    walk_key("note", "say('note')"),
    walk_key("finish", "finish"),
    walk_key("not-applicable", "say('not_applicable')", show=False),
    walk_key("recheck-all", "recheck_all", show=False),
    walk_key("permit", "permit", show=False),
    walk_key("withdraw", "say('withdraw')", show=False),
    walk_key("copy", "copy", show=False),
    walk_key("evidence", "evidence", show=False),
    walk_key("generate", "generate", show=False),
    Binding("right,j", "step(1)", "Next step", id="next-step", show=False, tooltip="Turn to the next step"),
    Binding(
        "left,k",
        "step(-1)",
        "Previous step",
        id="previous-step",
        show=False,
        tooltip="Turn to the step before",
    ),
    walk_key("steps", "steps", show=False),
    # Of the panel, wherever the focus is: the list of steps has arrows enough.
    Binding(
        "pagedown,space",
        "page(1)",
        "Page down",
        id="page-down",
        show=False,
        priority=True,
        tooltip="Read on by a page",
    ),
    Binding(
        "pageup",
        "page(-1)",
        "Page up",
        id="page-up",
        show=False,
        priority=True,
        tooltip="Read back by a page",
    ),
    Binding("escape", "stop_work", "Stop", id="stop-work", show=False, tooltip="Stop looking"),
    walk_key("home", "home", show=False),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand with the step that is shown. ``offers`` tells that there is something to be done."""

    sealed: bool
    busy: bool
    offers: bool
    confirmable: bool
    answered: bool
    active: bool

    def allows(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Tell whether a key is there; None where it is shown, but cannot be pressed now."""
        match action, parameters:
            case "stop_work", _:
                return self.busy
            case "act", _:
                # Two of us would ask the target at once.
                return (None if self.busy else True) if self.offers and not self.sealed else False
            case "say", ("confirm",):
                return True if self.confirmable and not self.sealed else None
            case "say", ("withdraw",):
                return True if self.answered and not self.sealed else None
            case "permit", _:
                return True if self.active and not self.sealed else None
            case "say" | "recheck" | "recheck_all", _:
                return None if self.sealed else True
            case _:
                return True

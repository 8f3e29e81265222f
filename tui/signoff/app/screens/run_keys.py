"""The keys of the walk: what each does, and what it depends on whether it may be pressed.

Each has a name for the operator's own key map, and a sentence for the help.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.binding import Binding, BindingType

BINDINGS: Final[tuple[BindingType, ...]] = (
    Binding("r", "recheck", "Recheck", id="recheck", tooltip="Look at this step again"),
    Binding("x", "act", "Act", id="act", tooltip="Have done what the step asks; shows first what it takes"),
    Binding("c", "say('confirm')", "Confirm", id="confirm", tooltip="Say what you saw; a dialog asks for it"),
    Binding("s", "say('skip')", "Skip", id="skip", tooltip="Leave this step out, with a reason"),
    Binding("a", "say('accept')", "Accept risk", id="accept-risk", tooltip="Accept the risk until a date"),
    Binding("n", "say('note')", "Note", id="note", tooltip="Write a remark on this step"),
    Binding("f", "finish", "Finish", id="finish", tooltip="Look over everything, and seal the record"),
    Binding(
        "N",
        "say('not_applicable')",
        "N/A",
        id="not-applicable",
        show=False,
        tooltip="Say that this step does not apply here",
    ),
    Binding(
        "R",
        "recheck_all",
        "Recheck all",
        id="recheck-all",
        show=False,
        tooltip="Look at every step again",
    ),
    Binding("u", "say('withdraw')", "Withdraw", id="withdraw", show=False, tooltip="Take your answer back"),
    Binding("y", "copy", "Copy", id="copy", show=False, tooltip="Copy a command to the terminal's clipboard"),
    Binding("e", "evidence", "Evidence", id="evidence", show=False, tooltip="Show or hide all evidence"),
    Binding("g", "generate", "Generate", id="generate", show=False, tooltip="Make strong keys and passwords"),
    Binding("right,j", "step(1)", "Next step", id="next-step", show=False, tooltip="Turn to the next step"),
    Binding(
        "left,k",
        "step(-1)",
        "Previous step",
        id="previous-step",
        show=False,
        tooltip="Turn to the step before",
    ),
    Binding("l", "steps", "Steps", id="steps", show=False, tooltip="Go to the list of steps"),
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
    Binding(
        "h",
        "home",
        "Home",
        id="home",
        show=False,
        tooltip="Leave this session as it is; it can be gone on with",
    ),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand with the step that is shown. ``offers`` tells that there is something to be done."""

    sealed: bool
    busy: bool
    offers: bool
    confirmable: bool
    answered: bool

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
            case "say" | "recheck" | "recheck_all", _:
                return None if self.sealed else True
            case _:
                return True

"""What a step's actions are in the app: one word of a checklist, one screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from textual.screen import Screen

    from signoff.engine import Key
    from signoff.walk import Walk

Changed = Callable[[], object]
"""To be called when something on the target may have changed: the step is looked at again."""


Offer = Callable[["Walk", "Key", Changed], "Screen[Any]"]
"""Makes the screen that asks for the rest."""


def _rotate_secrets(walk: Walk, key: Key, changed: Changed) -> Screen[Any]:
    from signoff.app.screens.rotation import RotationScreen

    return RotationScreen(walk, key, changed)


def _enrol_second_factor(walk: Walk, key: Key, _changed: Changed) -> Screen[Any]:
    from signoff.app.screens.enrolment import EnrolmentScreen

    return EnrolmentScreen(walk, key)


OFFERS: Final[Mapping[str, Offer]] = {
    "rotate-secrets": _rotate_secrets,
    "enrol-second-factor": _enrol_second_factor,
}
"""By the words of ``signoff.checklist.model.ACTIONS``."""

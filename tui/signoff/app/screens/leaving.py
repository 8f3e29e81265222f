"""Leaving where something would be lost that is nowhere else: asked about, never refused."""

from __future__ import annotations

from collections.abc import Iterable

from textual.screen import Screen

from signoff.app.screens.base import SignoffScreen
from signoff.app.screens.prompts import TypedWord
from signoff.app.widgets.content import text
from signoff.message import tr


class LeavingDialog(TypedWord):
    """Asks whether what would be lost may be lost."""

    def __init__(self, lost: str) -> None:
        super().__init__(tr("Leave all the same?"), text(lost), "leave", "leave")


def loss(screens: Iterable[Screen[object]]) -> str:
    """Return what leaving these screens would lose, in a sentence; empty where it is nothing."""
    lost = (screen.would_be_lost for screen in screens if isinstance(screen, SignoffScreen))
    return next(filter(None, lost), "")

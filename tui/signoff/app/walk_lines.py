"""The lines around a walk's steps: its checklists, where its target is, and how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from signoff.app.theme import STYLES
from signoff.app.view import StepView
from signoff.app.widgets.content import joined
from signoff.message import tr
from signoff.model import SYMBOLS, Result, word

if TYPE_CHECKING:
    from signoff.checklist.model import Language
    from signoff.walk import Walk


def titles(walk: Walk, language: Language) -> str:
    """Return what is walked through."""
    return ", ".join(one.checklist.title.to(language) for one in walk.checklists)


def whereabouts(walk: Walk) -> str:
    """Return where the target is, and whether it can be asked."""
    genesis = walk.session.state.genesis
    address = genesis.target.address if genesis else walk.profile.address
    return address if walk.connected else tr("{address}, not connected", address=address)


def counts(walk: Walk, views: Sequence[StepView], *, finish: str) -> Content:
    """Return how many steps came out how, and what is left; ``finish`` is the key that finishes."""
    parts: list[Content | str | tuple[str, str]] = []
    for result in Result:
        count = sum(view.result is result for view in views if view.has_probes)
        if count:
            parts += [(f"{SYMBOLS[result]} {count} {word(result)}", STYLES[result]), "   "]
    still = sum(view.open for view in views)
    if walk.session.state.sealed is not None:
        parts.append((tr("sealed"), "bold $success"))
    elif still:
        parts.append(tr("{still} open", still=still))
    else:
        parts += [tr("nothing open: "), (finish, "bold $accent"), tr(" finishes")]
    if walk.notes:
        parts.append((tr("   see: on the way to the target"), "$muted"))
    return joined(*parts)

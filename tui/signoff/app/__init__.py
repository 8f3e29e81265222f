"""The app: a face of ``signoff.walk.Walk``. Textual is imported in this package only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signoff.checklist.load import Loaded
    from signoff.target.profile import Profile


def run_app(
    *,
    profile: Profile | None = None,
    checklists: Sequence[Loaded] = (),
    resume: str | None = None,
    nonce: str = "",
    language: str = "en",
) -> int:
    """Run the app until the operator leaves it; return the exit code.

    With a ``profile`` and ``checklists`` a session begins at once, with ``resume`` one goes on; without any
    the home screen is shown. Nothing is connected to, and no record is opened, before the first frame.
    """
    from signoff.app.guard import clean_environment

    clean_environment()
    from signoff.app.app import SignoffApp, Start

    return SignoffApp(Start(profile, tuple(checklists), resume, nonce), language=language).run_guarded()

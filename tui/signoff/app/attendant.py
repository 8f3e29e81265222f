"""At hand while a key signs: asks for its passphrase, and says when it wants to be touched."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Any

from signoff.app.prompter import ScreenPrompter

if TYPE_CHECKING:
    from textual.app import App

    from signoff.credentials.secret import Secret

_TO_GO = 2.0
"""Seconds for the dialog to go, before whatever comes next is shown."""


class ScreenAttendant:
    """Implements ``signoff.session.signer.Attendant`` with dialogs; called from worker threads."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._prompter = ScreenPrompter(app)

    def passphrase(self, path: str) -> Secret | None:
        """Ask for the signing key's passphrase."""
        return self._prompter.signing_passphrase(path)

    @contextmanager
    def waiting(self, what: str, seconds: float) -> Iterator[Event]:
        """Show what is waited for until it has come, or until the operator stops it."""
        from signoff.app.screens.waiting import WaitingDialog

        stopped, over, gone = Event(), Event(), Future[None]()

        def show() -> None:
            self._app.push_screen(
                WaitingDialog(what, seconds, stopped, over), lambda _: gone.set_result(None)
            )

        shown = self._app.call_later(show)
        try:
            yield stopped
        finally:
            over.set()
            if shown:
                with contextlib.suppress(TimeoutError):
                    gone.result(_TO_GO)

"""Questions from a worker thread, asked on the screen: what a target wants to know while it is opened."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from signoff.message import tr

if TYPE_CHECKING:
    from textual.app import App
    from textual.screen import Screen

    from signoff.credentials.secret import Secret

T = TypeVar("T")


class ScreenPrompter:
    """Implements ``signoff.target.base.Prompter`` with dialogs.

    Its methods are called from one worker thread at a time, and block it until the operator has answered.
    After ``close`` every question, also one that is on the screen, is answered with no.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._lock = Lock()
        self._closed = False
        self._asked: Future[Any] | None = None

    def accept_host_key(self, host: str, kind: str, fingerprint: str) -> bool:
        """Show an unknown host key; True only after "yes" was typed."""
        from signoff.app.screens.prompts import host_key_dialog

        def dialog() -> Screen[bool]:
            return host_key_dialog(host, kind, fingerprint)

        return self._ask(dialog) is True

    def passphrase(self, path: str) -> Secret | None:
        """Ask for a key file's passphrase."""
        return self._secret(
            tr("Passphrase"),
            tr("The key {path} is protected by a passphrase.", path=path),
            tr("go on without this key"),
        )

    def signing_passphrase(self, path: str) -> Secret | None:
        """Ask for the passphrase of the key that signs the record."""
        return self._secret(
            tr("Passphrase of your signing key"),
            tr("The key {path} signs your record, and is protected by a passphrase.", path=path),
            tr("goes back; nothing is signed"),
        )

    def login_password(self, user: str, host: str) -> Secret | None:
        """Ask for the login password."""
        return self._secret(
            tr("Login password"),
            tr("{host} asks for the password of {user}.", host=host, user=user),
            tr("give up"),
        )

    def sudo_password(self, user: str, host: str) -> Secret | None:
        """Ask for the password for sudo."""
        return self._secret(
            tr("Password for sudo"),
            tr(
                "Some things on {host} can only be seen by root. sudo asks for the password of {user}. It "
                "is kept in memory only, while this session is open.",
                host=host,
                user=user,
            ),
            tr("go on without root; what needs it stays unknown"),
        )

    def close(self) -> None:
        """Answer everything with no from now on. Called when the screen goes, or the app."""
        with self._lock:
            self._closed = True
            asked = self._asked
        if asked is not None:
            _settle(asked, None)

    def _secret(self, title: str, why: str, without: str) -> Secret | None:
        from signoff.app.screens.prompts import SecretDialog

        return self._ask(lambda: SecretDialog(title, why, without))

    def _ask(self, dialog: Callable[[], Screen[T]]) -> T | None:
        future: Future[T | None] = Future()
        with self._lock:
            if self._closed:
                return None
            self._asked = future
        if not self._app.call_later(self._show, dialog, future):
            return None  # the app is going
        return future.result()

    def _show(self, dialog: Callable[[], Screen[T]], future: Future[T | None]) -> None:
        if not self._closed:
            self._app.push_screen(dialog(), lambda answer: _settle(future, answer))


def _settle(future: Future[Any], answer: Any) -> None:
    if not future.done():
        future.set_result(answer)

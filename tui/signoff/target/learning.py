"""A prompter that remembers for the redactor what was typed: it must not turn up in the record either."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from signoff.credentials.secret import Secret
from signoff.message import say
from signoff.target.base import Prompter

Know = Callable[[Iterable[tuple[str, Secret]]], None]
"""Takes secrets with their names: ``Redactor.know``."""


class LearningPrompter:
    """Passes every question on, and tells ``know`` of every secret that was the answer."""

    def __init__(self, prompter: Prompter, know: Know) -> None:
        self._prompter = prompter
        self._know = know

    def accept_host_key(self, host: str, kind: str, fingerprint: str) -> bool:
        """Ask; this is no secret."""
        return self._prompter.accept_host_key(host, kind, fingerprint)

    def passphrase(self, path: str) -> Secret | None:
        """Ask for a key file's passphrase."""
        return self._learn(say("the key's passphrase"), self._prompter.passphrase(path))

    def login_password(self, user: str, host: str) -> Secret | None:
        """Ask for the login password."""
        return self._learn(say("the login password"), self._prompter.login_password(user, host))

    def sudo_password(self, user: str, host: str) -> Secret | None:
        """Ask for the password for sudo."""
        return self._learn(say("the password for sudo"), self._prompter.sudo_password(user, host))

    def _learn(self, name: str, answer: Secret | None) -> Secret | None:
        if answer:
            self._know([(name, answer)])
        return answer

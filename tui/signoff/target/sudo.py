"""Root on a target, by sudo(8): without a password where that is allowed, else with one, asked for once."""

from __future__ import annotations

import re
import secrets
from threading import Lock
from typing import Final

from signoff.credentials.secret import Secret
from signoff.message import say
from signoff.target.base import Prompter
from signoff.target.shell import NoShell, Opening, Shell, Start, Stop, Stopped, open_shell

_TRIES: Final = 3  # the password, and asked again at most twice

# In C, so that what sudo says can be told apart. The second wording is sudo-rs's.
_SUDO: Final = ("env", "LC_ALL=C", "sudo")
_WANTS_PASSWORD: Final = re.compile(r"password is required|authentication is required", re.IGNORECASE)


class Refused(Exception):  # noqa: N818 - an answer, not a failure
    """There is no root to be had. ``reason`` is for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Sudo:
    """How root is had on one target. Keeps the password in memory until ``forget``."""

    def __init__(self, prompter: Prompter, user: str, host: str) -> None:
        self._prompter = prompter
        self._user = user
        self._host = host
        self._password: Secret | None = None
        self._refusal = ""
        self._one_at_a_time = Lock()

    def shell(self, start: Start, stop: Stop) -> Shell:
        """Return a root shell. Raise Refused where there is none to be had, and as `open_shell` does.

        A refusal is remembered, and the operator is asked once: of several callers the others wait.
        """
        with self._one_at_a_time:
            return self._shell(start, stop)

    def _shell(self, start: Start, stop: Stop) -> Shell:
        if self._refusal:
            raise Refused(self._refusal)
        try:
            return self._with_password(start, stop) if self._password else self._open(start, stop)
        except Refused as refused:
            self._refusal = refused.reason
            self._password = None
            raise

    def forget(self) -> None:
        """Let go of the password."""
        self._password = None

    def _open(self, start: Start, stop: Stop) -> Shell:
        try:
            return _checked(open_shell(start, stop, through=(*_SUDO, "-n")))
        except NoShell as refusal:
            if not _WANTS_PASSWORD.search(refusal.said):
                raise Refused(refusal.said or say("sudo gave no shell")) from None
        self._ask(stop)
        return self._with_password(start, stop)

    def _with_password(self, start: Start, stop: Stop) -> Shell:
        prompt = secrets.token_hex(16)
        opening = Opening(start, through=(*_SUDO, "-k", "-S", "-p", f"{prompt}:"))
        try:
            return _checked(self._answer(opening, prompt.encode() + b":", stop))
        except NoShell as refusal:
            opening.process.close()
            raise Refused(refusal.said or say("sudo gave no shell")) from None
        except BaseException:
            opening.process.close()
            raise

    def _answer(self, opening: Opening, prompt: bytes, stop: Stop) -> Shell:
        # The password is sent when sudo's own prompt is seen and at no other time: had sudo been content
        # without one, the shell behind it would read the password as a command.
        for turn in range(_TRIES + 1):
            shell = opening.shell(stop, until=prompt)
            if shell:
                return shell
            if turn == _TRIES:
                break
            if turn:
                self._ask(stop)
            if self._password is None:
                break
            opening.process.send(f"{self._password.reveal()}\n".encode("utf-8", "replace"))
        raise Refused(say("sudo did not accept the password"))

    def _ask(self, stop: Stop) -> None:
        for _ in range(_TRIES):
            password = self._prompter.sudo_password(self._user, self._host)
            if stop():
                raise Stopped
            if not password:
                raise Refused(say("sudo wants a password, and none was given"))
            # What follows a line feed would be read by the shell behind sudo.
            if not set(password.reveal()) & set("\n\r\0"):
                self._password = password
                return
        raise Refused(say("a password for sudo is a single line"))


def _checked(shell: Shell) -> Shell:
    if not shell.is_root:
        shell.process.close()
        raise Refused(say("sudo gave a shell that is not root's"))
    return shell

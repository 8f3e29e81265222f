"""The ssh-agent (draft-miller-ssh-agent): which keys it has, and a signature by one of them.

Spoken to directly, two messages in all. paramiko's client waits for ever, believes whatever length it is
told, and is for targets only; this one is loaded by every command that signs.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from signoff.errors import RecordError, StoppedError
from signoff.message import say
from signoff.session.keys import RSA, PublicKey
from signoff.session.wire import Reader, SignatureError, string
from signoff.text import inert

SOCKET: Final = "SSH_AUTH_SOCK"

_REQUEST_IDENTITIES: Final = b"\x0b"
_IDENTITIES_ANSWER: Final = b"\x0c"
_SIGN_REQUEST: Final = b"\x0d"
_SIGN_RESPONSE: Final = b"\x0e"
_FAILURE: Final = b"\x05"
_RSA_SHA2_512: Final = 4

_MAX_ANSWER: Final = 1 << 18
"""What OpenSSH's own agent takes at most."""
_LOOK_EVERY: Final = 0.1
_TO_LIST: Final = 10.0
_NO_AGENT: Final = say("In a shell of yours, `ssh-add -l` has to list the key; start signoff there.")

Patience = Callable[[float], bool]
"""Is told the seconds that an answer has been waited for; False where nobody wants to wait any longer."""


class AgentError(RecordError):
    """The agent is not there, or did not do what it was asked."""


class RefusedError(AgentError):
    """The agent said no."""


class LateError(AgentError):
    """The agent has not answered in time."""


@dataclass(frozen=True, slots=True)
class AgentKey:
    """A key that an agent has, and its comment: anybody's text."""

    key: PublicKey
    comment: str


class Agent:
    """An ssh-agent behind a Unix socket. A connection lasts for one question."""

    def __init__(self, path: str) -> None:
        self.path = path

    @classmethod
    def here(cls) -> Agent:
        """Return the agent that the environment names. Raises AgentError where it names none."""
        path = os.environ.get(SOCKET, "")
        if not path:
            raise AgentError(
                say("There is no ssh-agent here: {socket} is not set.", socket=SOCKET), _NO_AGENT
            )
        return cls(path)

    def listed(self) -> tuple[AgentKey, ...]:
        """Return the keys it has. Raises AgentError."""
        answer = self._ask(_REQUEST_IDENTITIES, _TO_LIST, lambda _waited: True)
        try:
            if answer.take(1) != _IDENTITIES_ANSWER:
                raise self._rubbish()
            keys = []
            for _ in range(answer.uint32()):
                blob, comment = answer.string(), answer.string()
                keys.append(AgentKey(PublicKey.from_blob(blob), inert(comment)))
            answer.end()
        except SignatureError:
            raise self._rubbish() from None
        return tuple(keys)

    def sign(self, key: PublicKey, data: bytes, seconds: float, patience: Patience) -> bytes:
        """Return the SSH signature blob over ``data``; unchecked. Raises AgentError, StoppedError."""
        flags = _RSA_SHA2_512 if key.kind == RSA else 0
        question = _SIGN_REQUEST + string(key.blob) + string(data) + flags.to_bytes(4, "big")
        answer = self._ask(question, seconds, patience)
        try:
            kind = answer.take(1)
            if kind == _FAILURE:
                raise RefusedError(
                    say("The ssh-agent refused to sign with {fingerprint}.", fingerprint=key.fingerprint)
                )
            if kind != _SIGN_RESPONSE:
                raise self._rubbish()
            blob = answer.string()
            answer.end()
        except SignatureError:
            raise self._rubbish() from None
        return blob

    def _ask(self, question: bytes, seconds: float, patience: Patience) -> Reader:
        begun = time.monotonic()

        def check() -> None:
            waited = time.monotonic() - begun
            if not patience(waited):
                raise StoppedError(say("The signature was not waited for."))
            if waited >= seconds:
                raise LateError(
                    say(
                        "The ssh-agent did not answer within {seconds} seconds.",
                        seconds=format(seconds, ".0f"),
                    ),
                    _NO_AGENT,
                )

        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(_LOOK_EVERY)
                link.connect(self.path)
                link.sendall(string(question))
                size = int.from_bytes(_receive(link, 4, check), "big")
                if not 0 < size <= _MAX_ANSWER:
                    raise self._rubbish()
                return Reader(_receive(link, size, check))
        except TimeoutError:
            raise LateError(
                say("The ssh-agent at {path} does not listen.", path=inert(self.path)), _NO_AGENT
            ) from None
        except EOFError:
            raise AgentError(
                say("The ssh-agent at {path} hung up without an answer.", path=inert(self.path)), _NO_AGENT
            ) from None
        except OSError as problem:
            raise AgentError(
                say(
                    "The ssh-agent at {path} cannot be reached: {strerror}.",
                    path=inert(self.path),
                    strerror=problem.strerror or problem,
                ),
                _NO_AGENT,
            ) from None

    def _rubbish(self) -> AgentError:
        return AgentError(
            say("What listens at {path} does not answer like an ssh-agent.", path=inert(self.path)),
            say("Let {socket} name your agent's socket.", socket=SOCKET),
        )


def _receive(link: socket.socket, size: int, check: Callable[[], None]) -> bytes:
    """Read exactly ``size`` bytes; ``check`` is called time and again while they do not come."""
    received = b""
    while len(received) < size:
        check()
        try:
            piece = link.recv(size - len(received))
        except TimeoutError:
            continue
        if not piece:
            raise EOFError
        received += piece
    return received

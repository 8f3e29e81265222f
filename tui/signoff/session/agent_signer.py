"""Signing through the ssh-agent: the only way for security keys (FIDO), which want a touch each time."""

from __future__ import annotations

from contextlib import ExitStack
from threading import Event
from typing import Final

from signoff.message import Message, say
from signoff.session import sshsig
from signoff.session.agent import Agent, AgentError, LateError, RefusedError
from signoff.session.keys import RSA, RSA_SHA512, PublicKey
from signoff.session.signer import Attendant, Know
from signoff.session.wire import Reader, SignatureError

SECONDS: Final = 60.0
"""How long a person is waited for: a touch, a PIN, a yes to the agent."""

_SOON: Final = 0.5
"""An agent that needs nobody has answered by then."""
_TOUCH: Final = say(
    "Touch your security key now: it blinks. If your agent asks for its PIN, give that first."
)
_CONFIRM: Final = say("Your ssh-agent is signing. It may be asking you to confirm.")
_UNTOUCHED: Final = say(
    "Plug it in, and touch it while it blinks. Where it has a PIN, the agent needs a way to ask for it "
    "(ssh-askpass)."
)


class AgentSigner:
    """A key that only the agent has. The agent is not needed before something is signed."""

    def __init__(self, name: str, key: PublicKey, attendant: Attendant) -> None:
        self.name = name
        self.key = key
        self._attendant = attendant

    def __repr__(self) -> str:
        return f"AgentSigner({self.name!r}, {self.key.fingerprint})"

    @property
    def fingerprint(self) -> str:
        """The key's fingerprint, ``SHA256:...``."""
        return self.key.fingerprint

    def tell(self, know: Know) -> None:
        """Tell nothing: what is typed for the key, is typed to the agent."""

    def ready(self) -> None:
        """See that the agent is there, and has the key. Raises AgentError."""
        self._agent()

    def sign(self, namespace: str, message: bytes) -> str:
        """Return an armoured SSH signature over ``message``. Raises AgentError; StoppedError."""
        return sshsig.make(self.key, namespace, message, self.blob)

    def blob(self, message: bytes) -> bytes:
        """Return the SSH signature blob over exactly these bytes. Raises AgentError; StoppedError."""
        blob = self._asked(self._agent(), message)
        self._check_algorithm(blob)
        return blob

    def _agent(self) -> Agent:
        agent = Agent.here()
        if self.key not in {one.key for one in agent.listed()}:
            raise AgentError(
                say(
                    "Your ssh-agent does not have the key {fingerprint} ({name}).",
                    fingerprint=self.fingerprint,
                    name=self.name,
                ),
                say("Add it with ssh-add; unlock the agent with ssh-add -X where it is locked."),
            )
        return agent

    def _asked(self, agent: Agent, message: bytes) -> bytes:
        with ExitStack() as until_signed:
            stopped: Event | None = None

            def wait(what: str) -> Event:
                return until_signed.enter_context(self._attendant.waiting(what, SECONDS))

            def patience(waited: float) -> bool:
                nonlocal stopped
                if stopped is None and waited >= _SOON:
                    stopped = wait(_CONFIRM)
                return stopped is None or not stopped.is_set()

            if self.key.wants_touch:
                stopped = wait(_TOUCH)
            try:
                return agent.sign(self.key, message, SECONDS, patience)
            except LateError:
                if not self.key.wants_touch:
                    raise
                raise AgentError(
                    say(
                        "The security key was not touched within {seconds} seconds.",
                        seconds=format(SECONDS, ".0f"),
                    ),
                    _UNTOUCHED,
                ) from None
            except RefusedError as problem:
                raise AgentError(problem.message, self._why_refused()) from None

    def _why_refused(self) -> Message:
        if self.key.wants_touch:
            return say(
                "The security key was not touched in time, or is not there. {untouched}", untouched=_UNTOUCHED
            )
        return say("Say yes where the agent asks, or add the key anew: ssh-add.")

    def _check_algorithm(self, blob: bytes) -> None:
        if self.key.kind != RSA:
            return
        try:
            algorithm = Reader(blob).string()
        except SignatureError:
            algorithm = b""
        if algorithm != RSA_SHA512.encode("ascii"):
            raise AgentError(
                say(
                    "The ssh-agent signed with {algorithm}, not {rsa_sha512}.",
                    algorithm=ascii(algorithm.decode("ascii", "replace")[:40]),
                    rsa_sha512=RSA_SHA512,
                ),
                say("Use an agent that knows RFC 8332, OpenSSH's own for example, or an Ed25519 key."),
            )

"""What every target can do, whatever the way to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Event
from typing import TYPE_CHECKING, Protocol

from signoff.target.command import Command, Output

if TYPE_CHECKING:
    from signoff.credentials.secret import Secret


class Prompter(Protocol):
    """Asks the operator while a target is being opened. May be called from a worker thread; blocks."""

    def accept_host_key(self, host: str, kind: str, fingerprint: str) -> bool:
        """Show an unknown host key; True only on a deliberate yes."""

    def passphrase(self, path: str) -> Secret | None:
        """Ask for a key file's passphrase; None to go on without the key."""

    def login_password(self, user: str, host: str) -> Secret | None:
        """Ask for the login password; None to give up."""

    def sudo_password(self, user: str, host: str) -> Secret | None:
        """Ask once for the password for sudo; None to go on without root."""


class Target(Protocol):
    """A machine that can be asked. Its methods raise TargetError where it cannot be reached."""

    @property
    def address(self) -> str:
        """Where it is: ``local``, or ``user@host:port``."""

    @property
    def host_key(self) -> str:
        """The SSH host key's fingerprint (``SHA256:...``), empty for this machine."""

    @property
    def outside_addresses(self) -> tuple[str, ...]:
        """IP addresses by which the operator's machine reaches it directly; empty where it cannot."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the operator should know of the way there; a part of their ssh configuration not honoured."""

    def collect(self, commands: Sequence[Command], cancel: Event) -> Iterator[Output]:
        """Run the commands in as few round trips as possible; yield each output as it arrives.

        Yields exactly one Output for each command, in any order. A command that could not run is
        yielded with its problem, not raised.
        """

    def execute(
        self,
        script: str,
        payload: bytes = b"",
        *,
        root: bool = False,
        timeout: float = 60.0,
        cancel: Event | None = None,
        on_output: Callable[[bytes], None] | None = None,
    ) -> Output:
        """Run a POSIX sh script that changes something, once; see `signoff.target.executing.execute`."""

    def close(self) -> None:
        """Let go of the connection and of any password held."""

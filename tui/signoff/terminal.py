"""What every command says and asks on the terminal, and the key that signs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import click

from signoff.credentials.secret import Secret
from signoff.engine import Progress
from signoff.message import tr
from signoff.paths import identity_file
from signoff.session.identity import in_use
from signoff.session.signer import Signer
from signoff.text import inert, one_line, spoken


def tell(line: str = "") -> None:
    """Tell the operator something that is no part of the result."""
    click.echo(spoken(line), err=True)


class TerminalPrompter:
    """Asks on the terminal; where there is none it answers nothing, and never waits."""

    def __init__(self, host_key: str = "") -> None:
        self._host_key = host_key

    def accept_host_key(self, host: str, kind: str, fingerprint: str) -> bool:
        """Accept the host key that was announced; ask for a typed yes for any other."""
        if self._host_key:
            return fingerprint == self._host_key
        tell(
            tr(
                "The host key of {host} is not known: {kind} {fingerprint}",
                host=inert(host),
                kind=inert(kind),
                fingerprint=inert(fingerprint),
            )
        )
        tell(
            tr(
                "Compare it with what the machine itself says: ssh-keygen -lf "
                "/etc/ssh/ssh_host_ed25519_key.pub"
            )
        )
        if not sys.stdin.isatty():
            return False
        return bool(click.prompt(tr("Type yes to trust it"), default="no", err=True).strip() == "yes")

    def passphrase(self, path: str) -> Secret | None:
        """Ask for a key file's passphrase."""
        return ask_secret(tr("Passphrase of {path} (empty to go on without this key)", path=inert(path)))

    def login_password(self, user: str, host: str) -> Secret | None:
        """Ask for the login password."""
        return ask_secret(tr("Password of {user}@{host}", user=inert(user), host=inert(host)))

    def sudo_password(self, user: str, host: str) -> Secret | None:
        """Ask once for the password for sudo."""
        return ask_secret(
            tr(
                "Password for sudo of {user}@{host} (empty to go on without root)",
                user=inert(user),
                host=inert(host),
            )
        )


def ask_secret(prompt: str) -> Secret | None:
    """Ask on the terminal, without echo; None where there is no terminal, or nothing was typed."""
    if not sys.stdin.isatty():
        return None
    typed = click.prompt(prompt, default="", hide_input=True, show_default=False, err=True)
    return Secret(typed) if typed else None


class TerminalAttendant:
    """Is at hand while a key signs, at the terminal."""

    def passphrase(self, path: str) -> Secret | None:
        """Ask for a key file's passphrase."""
        return ask_secret(tr("Passphrase of {path}", path=inert(path)))

    @contextmanager
    def waiting(self, what: str, seconds: float) -> Iterator[Event]:
        """Say what the operator is waited for. Ctrl-C stops it, as everything else."""
        tell(
            tr(
                "{what} (Waiting for up to {seconds} seconds; Ctrl-C stops.)",
                what=what,
                seconds=f"{seconds:.0f}",
            )
        )
        yield Event()


def show_progress(progress: Progress) -> None:
    """Show how far the probing is, where somebody looks."""
    if sys.stderr.isatty():
        line = one_line(
            tr(
                "looking: {title} ({done} of {total})",
                title=progress.title,
                done=progress.done,
                total=progress.total,
            ),
            76,
        )
        click.echo(f"\r{line:<78}", nl=progress.done == progress.total, err=True)


def signer_here() -> Signer:
    """Return the operator's signer; what it needs is asked for on the terminal. Raises SignoffError."""
    own = identity_file()
    first = not own.exists()
    signer = in_use(TerminalAttendant())
    if first and own.exists():
        tell(tr("Made your signing key: {own} ({fingerprint})", own=own, fingerprint=signer.fingerprint))
    return signer

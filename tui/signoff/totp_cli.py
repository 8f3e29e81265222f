"""``signoff totp``: enrolling a second factor, and checking a code."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signoff.commands import Group
from signoff.errors import StoppedError, UsageError
from signoff.message import say, tr

if TYPE_CHECKING:
    from signoff.credentials.delivery import Delivery
    from signoff.credentials.secret import Secret

_LONGEST_INPUT = 4096


@click.group(cls=Group)
def totp() -> None:
    """Enrol a second factor (TOTP, RFC 6238), and check its codes."""


@totp.command("new")
@click.argument("account")
@click.option("--issuer", required=True, metavar="NAME", help="Who asks for the code: your product's name.")
@click.option(
    "--write",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the key to a new file, readable by you only.",
)
@click.option(
    "--env",
    type=(click.Path(exists=True, dir_okay=False, path_type=Path), str),
    metavar="FILE KEY",
    help="Write the key to a variable of a .env file.",
)
@click.option("--no-qr", is_flag=True, help="Show the key as text instead of a QR code.")
def new(account: str, issuer: str, write: Path | None, env: tuple[Path, str] | None, no_qr: bool) -> None:
    """Make a key for ACCOUNT, show it, and ask for a code from the authenticator app.

    Nothing is written before a code was right. Without a terminal the otpauth URI is printed, and nothing
    is checked.

    \b
    Examples:
      signoff totp new admin@shop.example --issuer Shop
      signoff totp new admin --issuer Shop --env .env ADMIN_TOTP_KEY
      signoff totp new admin --issuer Shop --write admin.key --no-qr
      signoff totp new admin --issuer Shop | qrencode -t png -o - | ssh desk 'cat > code.png'
    """
    from signoff.credentials.totp import new as make

    if write and env:
        raise UsageError(
            say("--write and --env do not go together."), say("The key is delivered to one place.")
        )
    enrolment = make(account, issuer)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        if write or env:
            raise UsageError(
                say("A key is delivered when a code was right, and here is no terminal to type one on."),
                say("Without --write and --env the URI is printed, for a pipe."),
            )
        click.echo(enrolment.uri.reveal())
        click.echo(tr("NOT verified: no code was typed. Check one with: signoff totp verify"), err=True)
        return
    from signoff.totp_terminal import enrol

    enrol(enrolment, _delivery(write, env), text=no_qr)


def _delivery(write: Path | None, env: tuple[Path, str] | None) -> Delivery | None:
    if write:
        from signoff.credentials.delivery import NewFile

        return NewFile(write)
    if env:
        from signoff.credentials.delivery import EnvVariable

        return EnvVariable(*env)
    return None


@totp.command("verify")
def verify() -> int:
    """Check a code against a key: asks for both, or reads them from standard input, a line each.

    The key is base32 in any grouping, or an otpauth URI. It is never taken from the command line, where
    every user of the machine could read it; nor is the code, which is good for a while.

    \b
    Exit codes: 0 the code is right; 1 it is not; 2 that is no key, or no code.
    Examples:
      signoff totp verify
      { cat admin.key; echo 123456; } | signoff totp verify
    """
    from signoff.credentials.totp import Answer, Verifier, read_seed

    given, code = _asked() if sys.stdin.isatty() else _piped()
    checked = Verifier(read_seed(given)).check(code)
    if checked.answer is Answer.MALFORMED:
        raise UsageError(checked.words())
    click.echo(checked.words())
    return 0 if checked else 1


def _asked() -> tuple[Secret, str]:
    from signoff.credentials.secret import Secret

    try:
        seed = Secret(click.prompt(tr("Key or otpauth URI (hidden)"), hide_input=True, err=True))
        return seed, click.prompt(tr("Code"), err=True)
    except click.Abort:
        raise StoppedError(say("Stopped; nothing was checked.")) from None


def _piped() -> tuple[Secret, str]:
    from signoff.credentials.secret import Secret

    read = Secret(sys.stdin.buffer.read(_LONGEST_INPUT).decode("utf-8", "replace"))
    lines = [Secret(line) for line in read.reveal().splitlines() if line.strip()]
    if len(lines) != 2:
        raise UsageError(
            say("Standard input has to hold two lines: the key, then a code."),
            say("Example: { cat admin.key; echo 123456; } | signoff totp verify"),
        )
    return lines[0], lines[1].reveal()

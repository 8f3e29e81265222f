"""The command line. Every command imports what it needs when it runs, so that each starts fast."""

from __future__ import annotations

import sys

import click

from signoff import __version__
from signoff.checklist_cli import checklist
from signoff.commands import Commands
from signoff.env_cli import env
from signoff.identity_cli import identity
from signoff.ledger_cli import ledger
from signoff.message import tr, use_language
from signoff.record_cli import countersign, export, verify, witness
from signoff.sessions_cli import sessions
from signoff.totp_cli import totp
from signoff.walk_cli import audit, need_terminal, run


@click.group(
    cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="signoff")
@click.pass_context
def main(context: click.Context) -> int | None:
    """Walk through the production security checklist of your own server, and keep a signed record.

    Without a command it opens the app: your targets, recent sessions, and what was left unfinished.

    \b
    Examples:
      signoff                                       the app
      signoff run --target ssh://deploy@shop.example/srv/shop
      signoff audit --format json > audit.json
      signoff generate key
    """
    from signoff.settings import language_of

    context.obj = context.obj or language_of(None)
    use_language(context.obj)
    if context.invoked_subcommand is not None:
        return None
    need_terminal("signoff")
    from signoff.app import run_app

    return run_app(language=context.obj)


@main.command()
@click.argument("kind")
@click.option("--length", type=click.IntRange(1, 4096), help="Characters (words for a passphrase).")
@click.option("--count", type=click.IntRange(1, 10_000), default=1, show_default=True)
def generate(kind: str, length: int | None, count: int) -> None:
    """Print strong random values, one a line and nothing else.

    KIND is one of: key, password, token, hex, django, jwt, fernet, postgres, redis, uuid, passphrase,
    recovery-codes.

    \b
    Examples:
      signoff generate key
      signoff generate password --length 32 --count 5
      signoff generate key | ssh shop 'cat > /srv/shop/new-key'
    """
    from signoff.credentials.generate import generate as make

    for _ in range(count):
        made = make(kind, length)
        click.echo(made.value.reveal())
        if sys.stderr.isatty() and count == 1:
            click.echo(
                tr(
                    "{kind}, {length} characters, {bits} bits",
                    kind=made.kind,
                    length=made.length,
                    bits=f"{made.bits:.0f}",
                ),
                err=True,
            )


@main.command()
def where() -> None:
    """Print every file and folder that signoff uses.

    \b
    Example:
      signoff where
    """
    from signoff import paths
    from signoff.checklist.load import builtin_directory

    for name, path in (
        (tr("configuration"), paths.config_directory()),
        (tr("settings"), paths.settings_file()),
        (tr("targets"), paths.targets_file()),
        (tr("known hosts"), paths.known_hosts_file()),
        (tr("identity"), paths.identity_file()),
        (tr("allowed signers"), paths.allowed_signers_file()),
        (tr("state"), paths.state_directory()),
        (tr("sessions"), paths.sessions_directory()),
        (tr("ledger"), paths.ledger_file()),
        (tr("others' ledgers"), paths.ledgers_directory()),
        (tr("checklists"), builtin_directory()),
    ):
        click.echo(f"{name:<16} {path}")


for command in (run, audit, checklist, env, totp, sessions, identity, ledger, verify, countersign, witness):
    main.add_command(command)
sessions.add_command(export)

"""``signoff env``: rating the secrets of a .env file, and replacing some of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click

from signoff import completion
from signoff.commands import Group
from signoff.errors import UsageError
from signoff.message import say

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@click.group(cls=Group)
def env() -> None:
    """Rate the secrets of a .env file, and replace some of them safely."""


@env.command("check")
@click.argument("file", default=".env", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def env_check(file: Path, form: str) -> int:
    """Rate every secret of FILE (.env here): weak, reused, default, test or exposed. Values are never shown.

    Exposed is what is or was in git, and what other users of the machine may read, copies beside it too.

    \b
    Exit codes: 0 all well, 1 something is weak, 2 wrong use, 3 something could not be checked.
    Examples:
      signoff env check
      signoff env check /srv/shop/.env --format json
    """
    from signoff.env_check import CODES, as_json, check, text_lines

    checked = check(file)
    if form == "json":
        click.echo(json.dumps(as_json(checked), ensure_ascii=False, indent=2))
    else:
        for line in text_lines(checked):
            click.echo(line)
    return CODES.get(checked.result, 0)


@env.command("rotate")
@click.argument("words", nargs=-1, required=True, metavar="[FILE] KEY ...")
@click.option(
    "--target",
    metavar="T",
    help="Where the file is, as for `signoff run`; this machine without it.",
    shell_complete=completion.target_names,
)
@click.option("--yes", is_flag=True, help="Go on without asking.")
@click.option(
    "--lose",
    multiple=True,
    metavar="KEY",
    help="Replace KEY although what was encrypted or hashed with it is lost (repeat for more).",
)
def env_rotate(words: tuple[str, ...], target: str | None, yes: bool, lose: tuple[str, ...]) -> int:
    """Replace the secrets KEY ... of FILE (.env), and whatever has to change with them.

    Says first what it entails. PostgreSQL and Redis get a new password before the file does, and prove it;
    services are started anew and waited for. If any of it fails, all of it is put back. Passwords within URLs
    change along. What a provider issues is asked for, and a mail password is tried before it is stored.

    \b
    Exit codes: 0 done, 1 put back or stuck half-way, 2 refused: nothing was changed or recorded,
    130 answered with no. What is still weak is said, and changes none of them.
    Examples:
      signoff env rotate SECRET_KEY JWT_SECRET_KEY
      signoff env rotate /srv/shop/.env POSTGRES_PASSWORD --yes
      signoff env rotate .env REDIS_PASSWORD --target shop
      signoff env rotate FERNET_KEY --lose FERNET_KEY
    """
    from signoff.env_rotation import run_rotation

    file, names = ("", words) if _KEY.fullmatch(words[0]) else (words[0], words[1:])
    if not names:
        raise UsageError(
            say("Which secrets?"),
            say("signoff env rotate {file} KEY ...; see: signoff env check {file}", file=file),
        )
    return run_rotation(file, tuple(dict.fromkeys(names)), target, yes=yes, lose=frozenset(lose))

"""``signoff run`` and ``signoff audit``: walking a checklist with its operator, and probing without one."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signoff import completion
from signoff.commands import Command
from signoff.errors import UsageError
from signoff.message import say

if TYPE_CHECKING:
    from signoff.checklist.load import Loaded
    from signoff.checklist.model import Language

_TARGET_HELP = (
    "A saved target's name, 'local', ssh://[user@]host[:port][/project/dir], or a host of ~/.ssh/config."
)
_NONCE = click.option(
    "--nonce", default="", help="A word from your auditor, to be bound into the record's first line."
)


def need_terminal(command: str) -> None:
    """Raise UsageError where the app cannot be drawn."""
    # Textual draws on standard error.
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise UsageError(
            say("This is no terminal, and the app needs one."),
            say(
                "Run {command} in a terminal, or for scripts and screen readers: signoff run --plain",
                command=repr(command),
            ),
        )
    if os.environ.get("TERM", "dumb") in {"", "dumb"}:
        raise UsageError(
            say("This terminal cannot draw the app (TERM is unset or 'dumb')."),
            say("Use: signoff run --plain, or set TERM, for example TERM=xterm-256color."),
        )


def _load(names: Sequence[str]) -> tuple[Loaded, ...]:
    from signoff.checklist.load import find, load
    from signoff.probes import all_probes

    probes = all_probes()
    return tuple(load(find(name), probes) for name in names or ("quick-production",))


@click.command(cls=Command)
@click.argument("checklist", required=False, shell_complete=completion.checklist_ids)
@click.option("--target", metavar="T", help=_TARGET_HELP, shell_complete=completion.target_names)
@click.option("--plain", is_flag=True, help="Questions and answers, line by line, instead of the app.")
@click.option(
    "--answers",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Take the answers from a YAML file (with --plain), checked before anything begins; never asks.",
)
@click.option(
    "--resume", is_flag=False, flag_value="latest", metavar="[ID]", help="Go on with an unfinished session."
)
@_NONCE
@click.pass_obj
def run(
    language: Language,
    checklist: str | None,
    target: str | None,
    plain: bool,
    answers: Path | None,
    resume: str | None,
    nonce: str,
) -> int:
    """Walk a checklist, step by step. The default: the quick production list, on this machine, here.

    \b
    Examples:
      signoff run                                   this machine, the current directory
      signoff run --target ssh://deploy@shop.example/srv/shop
      signoff run --resume                          go on where you were
      signoff run --plain                           without the full-screen app
      signoff run --plain --answers answers.yaml    from a script
    """
    if resume and (checklist or target or nonce):
        raise UsageError(
            say("A session that is resumed has its checklist, target and nonce already."),
            say("Leave them out."),
        )
    if answers and not plain:
        raise UsageError(say("--answers goes with --plain."), say("signoff run --plain --answers FILE"))
    if plain:
        from signoff.plain import run_plain

        return run_plain(
            _load([checklist] if checklist else []), target or "local", answers, resume, language, nonce
        )
    need_terminal("signoff run")
    from signoff.app import run_app
    from signoff.target.profiles import resolve

    if resume:
        return run_app(resume=resume, language=language)
    loaded = _load([checklist] if checklist else [])
    return run_app(profile=resolve(target or "local"), checklists=loaded, nonce=nonce, language=language)


@click.command(cls=Command)
@click.argument("checklists", nargs=-1, shell_complete=completion.checklist_ids)
@click.option(
    "--target", default="local", metavar="T", help=_TARGET_HELP, shell_complete=completion.target_names
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to a file.")
@click.option(
    "--fail-on",
    type=click.Choice(["critical", "high", "medium", "low"]),
    default="low",
    show_default=True,
    help="The least severity of a failing step for exit code 1.",
)
@click.option(
    "--active",
    is_flag=True,
    help="Consent to all checks that do more than look: they send requests that a visitor would not, and the "
    "target may count them, slow down, lock an account or raise an alarm. Its logs name signoff and the "
    "session. Without it these are not checked, and the exit code is 3 at best.",
)
@_NONCE
@click.pass_obj
def audit(
    language: Language,
    checklists: tuple[str, ...],
    target: str,
    form: str,
    output: Path | None,
    fail_on: str,
    nonce: str,
    active: bool,
) -> int:
    """Run the probes of some checklists and nothing else; signed and recorded, like a walk.

    \b
    Exit codes: 0 all well, 1 something failed, 2 wrong use, 3 something could not be checked.
    Examples:
      signoff audit --target shop
      signoff audit quick-production --target shop --format json --output audit.json
      signoff audit --fail-on critical
      signoff audit --target shop --active          also what does more than look
    """
    from signoff.auditing import run_audit

    return run_audit(_load(checklists), target, form, output, fail_on, language, nonce, active=active)

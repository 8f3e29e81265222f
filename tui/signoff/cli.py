"""The command line. Every command imports what it needs when it runs, so that each starts fast."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signoff import __version__, completion
from signoff.defect import keep_quiet, report
from signoff.env_cli import env
from signoff.errors import SignoffError, UsageError
from signoff.identity_cli import identity
from signoff.ledger_cli import ledger
from signoff.record_cli import countersign, export, verify, witness
from signoff.totp_cli import totp

if TYPE_CHECKING:
    from signoff.checklist.load import Loaded
    from signoff.checklist.model import Language

_TARGET_HELP = (
    "A saved target's name, 'local', ssh://[user@]host[:port][/project/dir], or a host of ~/.ssh/config."
)


class _Commands(click.Group):
    """Turns what went wrong into a message and an exit code, in one place."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        keep_quiet()
        kwargs |= {"standalone_mode": False, "prog_name": "signoff"}
        try:
            result = super().main(*args, **kwargs)
            sys.stdout.flush()
        except SignoffError as error:
            _complain(error.message, error.hint)
            sys.exit(error.exit_code)
        except click.ClickException as error:
            error.show()
            sys.exit(2)
        except (click.Abort, KeyboardInterrupt):
            click.echo(
                "\nInterrupted. What was answered is on disk; go on with: signoff run --resume", err=True
            )
            sys.exit(130)
        except BrokenPipeError:
            # The reader has left (`signoff ... | head`); what is still buffered has nowhere to go.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(141)
        except OSError as error:
            _complain(
                f"{error.filename or 'signoff'}: {error.strerror}", "Nothing that was answered is lost."
            )
            sys.exit(2)
        except Exception as defect:  # noqa: BLE001 - Python's own report would print what it was working on
            click.echo(report(defect), err=True)
            sys.exit(1)
        sys.exit(result if isinstance(result, int) else 0)


def _complain(message: str, hint: str) -> None:
    from signoff.text import inert

    click.echo(f"signoff: {inert(message)}", err=True)
    if hint:
        click.echo(inert(hint), err=True)


@click.group(
    cls=_Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="signoff")
@click.option("--language", type=click.Choice(["en", "ru"]), help="The language of the checklists' texts.")
@click.pass_context
def main(context: click.Context, language: str | None) -> int | None:
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

    context.obj = language_of(language)
    if context.invoked_subcommand is not None:
        return None
    _need_terminal("signoff")
    from signoff.app import run_app

    return run_app(language=context.obj)


def _need_terminal(command: str) -> None:
    # Textual draws on standard error.
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise UsageError(
            "This is no terminal, and the app needs one.",
            f"Run {command!r} in a terminal, or for scripts and screen readers: signoff run --plain",
        )
    if os.environ.get("TERM", "dumb") in {"", "dumb"}:
        raise UsageError(
            "This terminal cannot draw the app (TERM is unset or 'dumb').",
            "Use: signoff run --plain, or set TERM, for example TERM=xterm-256color.",
        )


def _load(names: Sequence[str]) -> tuple[Loaded, ...]:
    from signoff.checklist.load import find, load
    from signoff.probes import all_probes

    probes = all_probes()
    return tuple(load(find(name), probes) for name in names or ("quick-production",))


@main.command()
@click.argument("checklist", required=False, shell_complete=completion.checklist_ids)
@click.option("--target", metavar="T", help=_TARGET_HELP, shell_complete=completion.target_names)
@click.option("--plain", is_flag=True, help="Questions and answers, line by line, instead of the app.")
@click.option(
    "--answers",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Take the answers from a YAML file (with --plain); never asks.",
)
@click.option(
    "--resume", is_flag=False, flag_value="latest", metavar="[ID]", help="Go on with an unfinished session."
)
@click.option(
    "--nonce", default="", help="A word from your auditor, to be bound into the record's first line."
)
@click.pass_obj
def run(
    language: str,
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
            "A session that is resumed has its checklist, target and nonce already.", "Leave them out."
        )
    if answers and not plain:
        raise UsageError("--answers goes with --plain.", "signoff run --plain --answers FILE")
    if plain:
        from signoff.plain import run_plain

        return run_plain(
            _load([checklist] if checklist else []), target or "local", answers, resume, language, nonce
        )
    _need_terminal("signoff run")
    from signoff.app import run_app
    from signoff.target.profiles import resolve

    if resume:
        return run_app(resume=resume, language=language)
    loaded = _load([checklist] if checklist else [])
    return run_app(profile=resolve(target or "local"), checklists=loaded, nonce=nonce, language=language)


@main.command()
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
    "--nonce", default="", help="A word from your auditor, to be bound into the record's first line."
)
@click.pass_obj
def audit(
    language: str,
    checklists: tuple[str, ...],
    target: str,
    form: str,
    output: Path | None,
    fail_on: str,
    nonce: str,
) -> int:
    """Run the probes of some checklists and nothing else; signed and recorded, like a walk.

    \b
    Exit codes: 0 all well, 1 something failed, 2 wrong use, 3 something could not be checked.
    Examples:
      signoff audit --target shop
      signoff audit quick-production --target shop --format json --output audit.json
      signoff audit --fail-on critical
    """
    from signoff.plain import run_audit

    return run_audit(_load(checklists), target, form, output, fail_on, language, nonce)


@main.group()
def checklist() -> None:
    """List, show and validate checklists."""


@checklist.command("list")
@click.pass_obj
def checklist_list(language: str) -> None:
    """List the checklists that come with signoff.

    \b
    Example:
      signoff checklist list
    """
    from signoff.checklist.load import available, load

    for name, path in available().items():
        found = load(path).checklist
        click.echo(f"{name}  {len(found.steps)} steps  {found.title.to(language)}")


@checklist.command("show")
@click.argument("name", metavar="ID", shell_complete=completion.checklist_ids)
@click.pass_obj
def checklist_show(language: str, name: str) -> None:
    """Show a checklist's steps: what is asked, why, and how to put it right.

    \b
    Example:
      signoff checklist show quick-production
    """
    from signoff.checklist.load import find, load
    from signoff.report.text import checklist_lines

    for line in checklist_lines(load(find(name)).checklist, language):
        click.echo(line)


@checklist.command("validate")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def checklist_validate(files: tuple[Path, ...]) -> int:
    """Check checklist files; says file, line and reason of the first mistake in each.

    \b
    Example:
      signoff checklist validate my-checklist.yaml
    """
    from signoff.checklist.load import load
    from signoff.errors import ChecklistError
    from signoff.probes import all_probes

    wrong = 0
    for path in files:
        try:
            found = load(path, all_probes()).checklist
        except ChecklistError as error:
            wrong += 1
            _complain(error.message, error.hint)
        else:
            click.echo(f"{path}: {len(found.steps)} steps, all well")
    return 2 if wrong else 0


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
            click.echo(f"{made.kind}, {made.length} characters, {made.bits:.0f} bits", err=True)


main.add_command(totp)
main.add_command(env)
main.add_command(identity)
main.add_command(ledger)
main.add_command(verify)
main.add_command(countersign)
main.add_command(witness)


@main.group()
def sessions() -> None:
    """List, show and hand over past sessions."""


sessions.add_command(export)


@sessions.command("list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def sessions_list(form: str) -> int:
    """List the sessions, newest first: those on this machine, and those that a ledger knows.

    Each is held against the ledgers: what is missing, was made anew or has lost its seal is told.

    \b
    Exit codes: 0 all well; 1 something is missing or does not hold; 3 no ledger knows a session.
    Examples:
      signoff sessions list
      signoff sessions list --format json
    """
    import json

    from signoff.report.listing import exit_code, listing, listing_lines
    from signoff.session.survey import survey

    found = survey()
    if form == "json":
        click.echo(json.dumps(listing(found), indent=2))
    else:
        for line in listing_lines(found):
            click.echo(line)
    return exit_code(found)


@sessions.command("show")
@click.argument("session", metavar="ID", shell_complete=completion.session_ids)
@click.option("--evidence", is_flag=True, help="With the evidence behind each finding.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def sessions_show(language: Language, session: str, evidence: bool, form: str) -> None:
    """Show a session: whether it holds, what came out, and step by step what happened when.

    What the machine saw and what a person said stand beside each other, and are never told alike. ID may be
    'latest'.

    \b
    Examples:
      signoff sessions show latest
      signoff sessions show 20260102-030405-1a2b3c4d --evidence
      signoff sessions show latest --format json
    """
    import json

    from signoff.report.judging import judge
    from signoff.report.looking import look
    from signoff.report.summary import summary
    from signoff.report.text import session_lines, verdict_lines
    from signoff.report.timeline import timeline_data, timeline_lines, verdict_data
    from signoff.session.store import find
    from signoff.text import one_line

    directory = find(session)
    found, verdict = look(directory, language), judge(directory)
    state, damage = found.record.state, found.record.damage
    if form == "json":
        shown = summary(state, directory, found.checklists, language)
        more = {"verdict": verdict_data(verdict), "timeline": timeline_data(found.timeline), "damage": damage}
        click.echo(json.dumps(shown | more, indent=2))
        return
    if found.trouble:
        click.echo(f"Steps go by their ids. {one_line(found.trouble, 400)}", err=True)
    for line in (
        *verdict_lines(verdict),
        "",
        *session_lines(state, found.checklists, language, evidence=evidence),
        "",
        "What happened, times in UTC:",
        *timeline_lines(found.timeline, found.titles),
    ):
        click.echo(line)
    if damage:
        click.echo(f"The record is damaged after this: {one_line(damage)}")


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
        ("configuration", paths.config_directory()),
        ("settings", paths.settings_file()),
        ("targets", paths.targets_file()),
        ("known hosts", paths.known_hosts_file()),
        ("identity", paths.identity_file()),
        ("allowed signers", paths.allowed_signers_file()),
        ("state", paths.state_directory()),
        ("sessions", paths.sessions_directory()),
        ("ledger", paths.ledger_file()),
        ("others' ledgers", paths.ledgers_directory()),
        ("checklists", builtin_directory()),
    ):
        click.echo(f"{name:<16} {path}")

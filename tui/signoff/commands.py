"""What all commands share: their language, and what went wrong as a message and an exit code."""

from __future__ import annotations

import os
import sys
from copy import copy
from typing import Any, Self

import click

from signoff import core_dumps
from signoff.defect import keep_quiet, report
from signoff.errors import SignoffError
from signoff.message import own, tr, use_language
from signoff.text import spoken


def _choose(context: click.Context, _option: click.Parameter, language: str | None) -> None:
    if language:
        context.obj = language
        use_language(language)


class _Spoken(click.Command):
    """A command that takes ``--language``, and gives its help in that language."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(
                ["--language", "--lang"],
                type=click.Choice(["en", "ru"]),
                help="The language of all texts.",
                callback=_choose,
                expose_value=False,
                is_eager=True,
            )
        )

    def format_help(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help."""
        super(_Spoken, self._spoken()).format_help(context, formatter)

    def get_short_help_str(self, limit: int = 45) -> str:
        """Return what stands beside the command in its group's help."""
        return super(_Spoken, self._spoken()).get_short_help_str(limit)

    def _spoken(self) -> Self:
        spoken = copy(self)
        # What begins with \b are examples, which are the same in any language.
        parts = (self.help or "").split("\n\n")
        spoken.help = "\n\n".join(one if one.startswith("\b") else own(one) for one in parts)
        spoken.params = [copy(one) for one in self.params]
        for one in spoken.params:
            if isinstance(one, click.Option):
                one.help = own(one.help or "")
        return spoken


class Command(_Spoken):
    """A command."""


class Group(_Spoken, click.Group):
    """A group of commands."""

    command_class = Command


class Commands(Group):
    """Turns what went wrong into a message and an exit code, in one place."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command."""
        core_dumps.forbid()
        keep_quiet()
        kwargs |= {"standalone_mode": False, "prog_name": "signoff"}
        try:
            use_language(_usual_language())
            result = super().main(*args, **kwargs)
            sys.stdout.flush()
        except SignoffError as error:
            complain(error.message, error.hint)
            sys.exit(error.exit_code)
        except click.ClickException as error:
            error.show()
            sys.exit(2)
        except (click.Abort, KeyboardInterrupt):
            click.echo(
                tr("\nInterrupted. What was answered is on disk; go on with: signoff run --resume"), err=True
            )
            sys.exit(130)
        except BrokenPipeError:
            # The reader has left (`signoff ... | head`); what is still buffered has nowhere to go.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(141)
        except OSError as error:
            complain(
                f"{error.filename or 'signoff'}: {error.strerror}", tr("Nothing that was answered is lost.")
            )
            sys.exit(2)
        except Exception as defect:  # noqa: BLE001 - Python's own report would print what it was working on
            click.echo(report(defect), err=True)
            sys.exit(1)
        sys.exit(result if isinstance(result, int) else 0)


def _usual_language() -> str:
    from signoff.settings import language_of

    try:
        return language_of(None)
    except SignoffError:
        return "en"  # whatever is wrong with the settings is told by what needs them


def complain(message: str, hint: str) -> None:
    """Tell what went wrong, and what to do."""
    click.echo(f"signoff: {spoken(message)}", err=True)
    if hint:
        click.echo(spoken(hint), err=True)

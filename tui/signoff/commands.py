"""The group that all commands belong to: what went wrong becomes a message and an exit code, in one place."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from signoff import core_dumps
from signoff.defect import keep_quiet, report
from signoff.errors import SignoffError
from signoff.message import tr
from signoff.text import spoken


class Commands(click.Group):
    """Turns what went wrong into a message and an exit code, in one place."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        core_dumps.forbid()
        keep_quiet()
        kwargs |= {"standalone_mode": False, "prog_name": "signoff"}
        try:
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


def complain(message: str, hint: str) -> None:
    """Tell what went wrong, and what to do."""
    click.echo(f"signoff: {spoken(message)}", err=True)
    if hint:
        click.echo(spoken(hint), err=True)

"""``signoff checklist``: listing, showing and validating checklists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from signoff import completion
from signoff.commands import Group, complain
from signoff.message import tr

if TYPE_CHECKING:
    from signoff.checklist.model import Language


@click.group(cls=Group)
def checklist() -> None:
    """List, show and validate checklists."""


@checklist.command("list")
@click.pass_obj
def checklist_list(language: Language) -> None:
    """List the checklists that come with signoff.

    \b
    Example:
      signoff checklist list
    """
    from signoff.checklist.load import available, load

    for name, path in available().items():
        found = load(path).checklist
        click.echo(
            tr(
                "{name}  {count} steps  {title}",
                name=name,
                count=len(found.steps),
                title=found.title.to(language),
            )
        )


@checklist.command("show")
@click.argument("name", metavar="ID", shell_complete=completion.checklist_ids)
@click.pass_obj
def checklist_show(language: Language, name: str) -> None:
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
    """Check checklist files; says file, line and reason of every mistake.

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
            complain(error.message, error.hint)
        else:
            click.echo(tr("{path}: {count} steps, all well", path=path, count=len(found.steps)))
    return 2 if wrong else 0

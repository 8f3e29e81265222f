"""``signoff sessions``: listing and showing past sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from signoff import completion
from signoff.commands import Group
from signoff.message import tr, translated

if TYPE_CHECKING:
    from signoff.checklist.model import Language


@click.group(cls=Group)
def sessions() -> None:
    """List, show and hand over past sessions."""


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
        click.echo(
            tr("Steps go by their ids. {trouble}", trouble=one_line(translated(found.trouble), 400)), err=True
        )
    for line in (
        *verdict_lines(verdict),
        "",
        *session_lines(state, found.checklists, language, evidence=evidence),
        "",
        tr("What happened, times in UTC:"),
        *timeline_lines(found.timeline, found.titles),
    ):
        click.echo(line)
    if damage:
        click.echo(tr("The record is damaged after this: {damage}", damage=one_line(translated(damage))))

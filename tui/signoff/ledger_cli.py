"""The ledgers of a team: taking in those of other machines."""

from __future__ import annotations

from pathlib import Path

import click

from signoff.commands import Group
from signoff.message import tr, translated


@click.group(cls=Group)
def ledger() -> None:
    """Collect the ledgers of your team's machines."""


@ledger.command("merge")
@click.argument(
    "sources", metavar="FILE_OR_DIRECTORY...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--restore",
    is_flag=True,
    help="Also put back the lines that this machine's own ledger has lost, where a source has them.",
)
def ledger_merge(sources: tuple[Path, ...], restore: bool) -> int:
    """Take in the ledgers of other machines, so that a session that is missing there shows here.

    Give a ledger's file, a copy of a colleague's state directory (with all the ledgers that they know), or
    an archive that was exported with --ledger. Each ledger is checked line by line and kept as it is, beside
    this machine's own; none is ever rewritten, and taking one in twice changes nothing.

    \b
    Exit codes: 0 taken in; 1 one does not hold, or two of one machine differ; 2 wrong use.
    Examples:
      signoff ledger merge ./anna/ledger.jsonl
      signoff ledger merge /media/usb/signoff       a copy of ~/.local/state/signoff
    """
    from signoff import paths
    from signoff.errors import RecordError
    from signoff.session.ledgers import Chain, Taken, chains_at, disagreements, known, merge
    from signoff.text import one_line, spoken

    chains: list[Chain] = []
    refused = 0
    for source in sources:
        if not source.exists():
            raise click.BadParameter(tr("{source} is not there.", source=one_line(str(source))))
        try:
            chains += chains_at(source)
        except RecordError as problem:
            refused += 1
            click.echo(f"signoff: {spoken(problem.words)}", err=True)
    state = paths.state_directory()
    said = {
        Taken.NEW: tr("taken in"),
        Taken.LONGER: tr("taken in, longer than before"),
        Taken.KNOWN: tr("known already"),
        Taken.RESTORED: tr("this machine's own, restored to its end"),
    }
    for chain, taken in merge(state, chains, restore=restore):
        first, lines = chain.reading.first[:12], chain.reading.lines
        click.echo(
            tr(
                "{first}  {lines} lines  {said}  ({source})",
                first=first,
                lines=lines,
                said=said[taken],
                source=one_line(chain.source),
            )
        )
    differing = list(disagreements(known(state)))
    for trouble in differing:
        click.echo(f"! {one_line(translated(trouble), 600)}")
    return 1 if refused or differing else 0

"""The headless audit: probe, seal, report. The report goes to standard output, all else to standard error."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click

from signoff.checklist.load import Loaded
from signoff.checklist.model import Language
from signoff.errors import UsageError
from signoff.message import say, tr
from signoff.model import Severity
from signoff.report.consent import consent_lines
from signoff.report.summary import exit_code, summary
from signoff.report.text import session_lines
from signoff.target.profiles import resolve
from signoff.terminal import TerminalPrompter, show_progress, signer_here, tell
from signoff.walk import Walk


def run_audit(
    loaded: Sequence[Loaded],
    target: str,
    form: str,
    output: Path | None,
    fail_on: str,
    language: Language,
    nonce: str,
    *,
    active: bool = False,
) -> int:
    """Probe, seal, report. Returns the exit code. ``active`` consents to what does more than look."""
    signer = signer_here()
    with closing(
        Walk.begin(resolve(target), loaded, signer, TerminalPrompter(), mode="audit", nonce=nonce)
    ) as walk:
        for note in walk.notes:
            tell(note)
        if active:
            _permit_all(walk)
        walk.probe(progress=show_progress)
        walk.finish()
        checklists = [one.checklist for one in loaded]
        state, record = walk.session.state, walk.session.directory
    if form == "json":
        text = json.dumps(summary(state, record, checklists, language), ensure_ascii=False, indent=2)
    else:
        text = "\n".join(
            [*session_lines(state, checklists, language), tr("record   {record}", record=record)]
        )
    _deliver(text, output)
    return exit_code(state, checklists, fail_on=Severity(fail_on), walked=False)


def _permit_all(walk: Walk) -> None:
    for key in walk.keys:
        for one in walk.active(key):
            for line in consent_lines(one, walk.session.id):
                tell(line)
            walk.consent(key, one.name)


def _deliver(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text)
        return
    try:
        output.write_text(text + "\n", "utf-8")
    except OSError as error:
        raise UsageError(
            say("{output}: {strerror}", output=output, strerror=error.strerror),
            say("The session is recorded all the same; see: signoff sessions list"),
        ) from None
    tell(tr("Written to {output}", output=output))

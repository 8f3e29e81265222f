"""``signoff env rotate``: a walk of one step in which some secrets are replaced, recorded as any other."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click
import msgspec

from signoff.checklist.load import find, load
from signoff.engine import Key
from signoff.errors import SignoffError, UsageError
from signoff.message import say, tr
from signoff.probes import all_probes
from signoff.report.text import step_lines
from signoff.rotating import Rotation
from signoff.rotation_terminal import agreed, carried_out
from signoff.target.profile import Profile
from signoff.target.profiles import resolve
from signoff.terminal import TerminalPrompter, show_progress, signer_here, tell
from signoff.walk import Walk, approach

_CHECKLIST = "secret-rotation"


def run_rotation(
    file: str, names: tuple[str, ...], target: str | None, *, yes: bool, lose: frozenset[str]
) -> int:
    """Plan, ask, and only then begin a session: carry out, probe again, seal.

    Returns 0 where it was done, 1 where it was not; what else is weak there is said, and is no failure of
    this. Raises SignoffError before anything was changed or recorded.
    """
    profile, path = _where(file, target)
    checklist = load(find(_CHECKLIST), all_probes())
    signer = signer_here()
    with closing(approach(profile, signer, TerminalPrompter())) as reached:
        for note in reached.target.notes:
            tell(note)
        plan = agreed(Rotation.on(reached), names, path, yes=yes, lose=lose)
        with closing(Walk.start(reached, [checklist], signer)) as walk:
            (key,) = walk.keys
            walk.probe(progress=show_progress)
            done = carried_out(walk, key, plan)
            _conclude(walk, key)
    return 0 if done else 1


def _conclude(walk: Walk, key: Key) -> None:
    """Probe again, show the findings, and seal. Trouble is told: what was done stays done."""
    try:
        walk.probe([key], progress=show_progress)
        for line in step_lines(walk.step(key).title.to("en"), walk.state(key), still_open=walk.is_open(key)):
            click.echo(line)
        walk.finish()
    except SignoffError as trouble:
        tell(trouble.words)
    if walk.session.state.sealed is None:
        tell(tr("Not sealed. Go on with: signoff run --resume {id}", id=walk.session.id))
    click.echo(tr("record {directory}", directory=walk.session.directory))


def _where(file: str, target: str | None) -> tuple[Profile, str]:
    """Return the profile to work on, and the file's path for it."""
    if target is not None:
        return resolve(target), file
    path = Path(file or ".env").absolute()
    if not path.is_file():
        raise UsageError(say("{path} is not there.", path=path), say("Give the path of a .env file."))
    here = Path.cwd()
    project = here if path.is_relative_to(here) else path.parent
    profile = msgspec.structs.replace(
        resolve("local"), project=str(project), env_files=(str(path.relative_to(project)),)
    )
    return profile, str(path.relative_to(project))

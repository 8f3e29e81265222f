"""``signoff env rotate``: a walk of one step in which some secrets are replaced, recorded as any other."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event
from types import FrameType

import click
import msgspec

from signoff.actions.base import Ending
from signoff.actions.rotation import RotationPlan
from signoff.actions.variables import Entry
from signoff.checklist.load import find, load
from signoff.credentials.secret import Secret
from signoff.engine import Key
from signoff.errors import SignoffError, StoppedError, UsageError
from signoff.probes import all_probes
from signoff.report.text import step_lines
from signoff.rotating import Rotation, carry_out, told
from signoff.target.profile import Profile
from signoff.target.profiles import resolve
from signoff.terminal import TerminalPrompter, ask_secret, say, show_progress, signer_here
from signoff.text import inert
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
            say(inert(note))
        try:
            rotation = Rotation.on(reached)
            given = {one.name: _given(one) for one in rotation.to_paste(names, path)}
            chosen = rotation.plan(names, path, given)
            _ask(chosen, yes=yes, lose=lose)
        except (click.Abort, KeyboardInterrupt):
            raise StoppedError("Interrupted. Nothing was changed.") from None
        with closing(Walk.start(reached, [checklist], signer)) as walk:
            (key,) = walk.keys
            walk.probe(progress=show_progress)
            with _stop_on_signals() as stop:
                outcome = carry_out(walk, key, chosen, say, stop)
            for line in told(outcome):
                say(line)
            _conclude(walk, key)
    return 0 if outcome.ending is Ending.DONE else 1


def _conclude(walk: Walk, key: Key) -> None:
    """Probe again, show the findings, and seal. Trouble is told: what was done stays done."""
    try:
        walk.probe([key], progress=show_progress)
        for line in step_lines(walk.step(key).title.to("en"), walk.state(key), still_open=walk.is_open(key)):
            click.echo(line)
        walk.finish()
    except SignoffError as trouble:
        say(inert(str(trouble)))
    if walk.session.state.sealed is None:
        say(f"Not sealed. Go on with: signoff run --resume {walk.session.id}")
    click.echo(f"record {walk.session.directory}")


def _where(file: str, target: str | None) -> tuple[Profile, str]:
    """Return the profile to work on, and the file's path for it."""
    if target is not None:
        return resolve(target), file
    path = Path(file or ".env").absolute()
    if not path.is_file():
        raise UsageError(f"{path} is not there.", "Give the path of a .env file.")
    here = Path.cwd()
    project = here if path.is_relative_to(here) else path.parent
    profile = msgspec.structs.replace(
        resolve("local"), project=str(project), env_files=(str(path.relative_to(project)),)
    )
    return profile, str(path.relative_to(project))


def _given(entry: Entry) -> Secret:
    say(f"{entry.name} is {entry.policy.title}. {entry.policy.entails}")
    value = ask_secret(f"The new {entry.name} (it is not shown)")
    if value is None:
        raise UsageError(f"{entry.name} cannot be made here, and none was given.", "Run it in a terminal.")
    return value


def _ask(chosen: RotationPlan, *, yes: bool, lose: frozenset[str]) -> None:
    """Show what will happen, and take nothing but a typed yes. Raises StoppedError, UsageError."""
    for line in (*chosen.entails, "", *chosen.preview, *chosen.warnings):
        say(inert(line))
    unnamed = [name for name in chosen.orphaning if name not in lose]
    asking = not yes and sys.stdin.isatty()
    if unnamed and not asking:
        raise UsageError(
            f"Data would be lost by changing {', '.join(unnamed)}. Nothing was changed.",
            f"When it was re-encrypted, or may be lost: {' '.join(f'--lose {name}' for name in unnamed)}",
        )
    if not yes and not asking:
        raise UsageError("Nobody can be asked here. Nothing was changed.", "To go on without asking: --yes")
    for name in unnamed:
        if _typed(f"Data is lost with the old {name}. Type its name to go on") != name:
            raise StoppedError("Nothing was changed.")
    if not yes and _typed("Type yes to do all of this") != "yes":
        raise StoppedError("Nothing was changed.")


def _typed(question: str) -> str:
    return str(click.prompt(question, default="", show_default=False, err=True)).strip()


@contextmanager
def _stop_on_signals() -> Iterator[Event]:
    """Turn Ctrl-C, a hang-up and a polite kill into a request to put everything back."""
    stop = Event()

    def asked(number: int, frame: FrameType | None) -> None:
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, asked) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

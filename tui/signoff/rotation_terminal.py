"""A rotation on a terminal: what is asked for, shown and answered, and how it ends."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from types import FrameType

import click

from signoff.actions.base import Ending
from signoff.actions.rotation import RotationPlan
from signoff.actions.variables import Entry
from signoff.credentials.secret import Secret
from signoff.engine import Key
from signoff.errors import StoppedError, UsageError
from signoff.message import say, tr
from signoff.rotating import Rotation, carry_out, told
from signoff.terminal import ask_secret, tell
from signoff.walk import Walk


def agreed(
    rotation: Rotation,
    names: Sequence[str],
    path: str = "",
    *,
    yes: bool = False,
    lose: frozenset[str] = frozenset(),
) -> RotationPlan:
    """Return the plan that the operator has read and said yes to. Raises StoppedError, UsageError."""
    try:
        given = {one.name: _given(one) for one in rotation.to_paste(names, path)}
        plan = rotation.plan(names, path, given)
        _ask(plan, yes=yes, lose=lose)
    except (click.Abort, KeyboardInterrupt):
        raise StoppedError(say("Interrupted. Nothing was changed.")) from None
    return plan


def carried_out(walk: Walk, key: Key, plan: RotationPlan) -> bool:
    """Carry a plan out, and say how it ended. True where it was done."""
    with _stop_on_signals() as stop:
        outcome = carry_out(walk, key, plan, tell, stop)
    for line in told(outcome):
        tell(line)
    return outcome.ending is Ending.DONE


def _given(entry: Entry) -> Secret:
    tell(
        tr(
            "{name} is {title}. {entails}",
            name=entry.name,
            title=entry.policy.title,
            entails=entry.policy.entails,
        )
    )
    value = ask_secret(tr("The new {name} (it is not shown)", name=entry.name))
    if value is None:
        raise UsageError(
            say("{name} cannot be made here, and none was given.", name=entry.name),
            say("Run it in a terminal."),
        )
    return value


def _ask(chosen: RotationPlan, *, yes: bool, lose: frozenset[str]) -> None:
    """Show what will happen, and take nothing but a typed yes. Raises StoppedError, UsageError."""
    for line in (*chosen.entails, "", *chosen.preview, *chosen.warnings):
        tell(line)
    unnamed = [name for name in chosen.orphaning if name not in lose]
    asking = not yes and sys.stdin.isatty()
    if unnamed and not asking:
        raise UsageError(
            say("Data would be lost by changing {unnamed}. Nothing was changed.", unnamed=", ".join(unnamed)),
            say(
                "When it was re-encrypted, or may be lost: {unnamed}",
                unnamed=" ".join(f"--lose {name}" for name in unnamed),
            ),
        )
    if not yes and not asking:
        raise UsageError(
            say("Nobody can be asked here. Nothing was changed."), say("To go on without asking: --yes")
        )
    for name in unnamed:
        if _typed(tr("Data is lost with the old {name}. Type its name to go on", name=name)) != name:
            raise StoppedError(say("Nothing was changed."))
    if not yes and _typed(tr("Type yes to do all of this")) != "yes":
        raise StoppedError(say("Nothing was changed."))


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

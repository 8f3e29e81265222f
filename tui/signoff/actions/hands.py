"""The hands of an action on a target: scripts that change something, as root where root is to be had."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from shlex import quote
from threading import Event
from typing import Final

from signoff.actions.base import ActionError, LastingError
from signoff.message import say
from signoff.target.base import Target
from signoff.target.command import Output, Problem
from signoff.text import one_line

SETTLED_WITHIN: Final = 60.0
"""How long is waited for a script that was lost on the way, in seconds."""

_WHY: Final = {
    Problem.TIMED_OUT: say("it took too long and was ended"),
    Problem.KILLED: say("something on the host ended it"),
    Problem.CANCELLED: say("it was stopped"),
    Problem.LOST: say("the connection was lost; whether it was done is to be seen"),
}


_RUN: Final = "SIGNOFF_RUN"
"""A variable by which the processes of one script are found again, when nobody knows whether they ended."""

# Without /proc nothing is found, and nothing waited for. With -q alone a match counts whatever else there is:
# a process that ends as grep looks, or is another user's, would make it say 2, as if it had found nothing.
_SETTLE: Final = r"""n=0
while grep -qzsxE '@RUNS@' /proc/[0-9]*/environ; do
  [ "$n" -lt @SECONDS@ ] || exit 9
  n=$((n + 1)); sleep 1
done
"""


@dataclass(frozen=True)
class Hands:
    """A target to change, and whether as root. One script runs at a time."""

    target: Target
    root: bool
    _unsettled: set[str] = field(default_factory=set, repr=False)

    @classmethod
    def on(cls, target: Target) -> Hands:
        """Find out whether root is to be had. Raises TargetError, ActionError."""
        output = target.execute("true", root=True)
        if output.problem is Problem.NEEDS_ROOT:
            return cls(target, root=False)
        _raise(output, say("Whether root is to be had could not be found out"))
        return cls(target, root=True)

    def run(
        self,
        what: str,
        script: str,
        payload: bytes = b"",
        *,
        timeout: float = 60.0,
        cancel: Event | None = None,
        on_output: Callable[[bytes], None] | None = None,
    ) -> Output:
        """Run a script to its end, whatever its status. ``what`` begins the sentence of an ActionError.

        Where an earlier one was lost on the way, it is waited for until it has ended: it must not undo behind
        our back what is put back now.
        """
        self._settle()
        run = secrets.token_hex(8)
        self._unsettled.add(run)
        output = self.target.execute(
            f"export {_RUN}={run}\n{script}",
            payload,
            root=self.root,
            timeout=timeout,
            cancel=cancel,
            on_output=on_output,
        )
        if output.problem in {None, Problem.NEEDS_ROOT}:
            self._unsettled.discard(run)
        _raise(output, what)
        return output

    def _settle(self) -> None:
        if not self._unsettled:
            return
        runs = "|".join(f"{_RUN}={run}" for run in self._unsettled)
        script = _SETTLE.replace("@RUNS@", runs).replace("@SECONDS@", f"{SETTLED_WITHIN:.0f}")
        output = self.target.execute(script, root=self.root, timeout=SETTLED_WITHIN + 10)
        _raise(output, say("Whether what was begun has ended could not be seen"))
        if output.status != 0:
            raise ActionError(say("What was begun before still runs on the target."))
        self._unsettled.clear()

    def in_container(self, container: str, script: str) -> str:
        """Return a script that runs another in a container, or here where that is empty; input goes on."""
        return f"exec docker exec -i {quote(container)} sh -c {quote(script)}" if container else script


def _raise(output: Output, what: str) -> None:
    if output.problem is Problem.NEEDS_ROOT:
        raise LastingError(
            say(
                "{what}: it needs root, and there is none ({stderr}).",
                what=what,
                stderr=one_line(output.stderr),
            )
        )
    if output.problem is not None:
        raise ActionError(say("{what}: {why}.", what=what, why=_WHY[output.problem]))


def failed(what: str, output: Output) -> ActionError:
    """Return the error for a script that ended badly, with the end of what it said."""
    said = one_line(b" ".join((output.stderr or output.stdout).split()[-40:]), 300)
    return ActionError(
        say("{what}: {said}", what=what, said=said or say("exit status {status}", status=output.status))
    )

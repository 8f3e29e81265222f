"""The hands of an action on a target: scripts that change something, as root where root is to be had."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from shlex import quote
from threading import Event
from typing import Final

from signoff.actions.base import ActionError, LastingError
from signoff.target.base import Target
from signoff.target.command import Output, Problem
from signoff.text import one_line

_WHY: Final = {
    Problem.TIMED_OUT: "it took too long and was ended",
    Problem.KILLED: "something on the host ended it",
    Problem.CANCELLED: "it was stopped",
    Problem.LOST: "the connection was lost; whether it was done is to be seen",
}


@dataclass(frozen=True)
class Hands:
    """A target to change, and whether as root."""

    target: Target
    root: bool

    @classmethod
    def on(cls, target: Target) -> Hands:
        """Find out whether root is to be had. Raises TargetError, ActionError."""
        output = target.execute("true", root=True)
        if output.problem is Problem.NEEDS_ROOT:
            return cls(target, root=False)
        _raise(output, "Whether root is to be had could not be found out")
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
        """Run a script to its end, whatever its status. ``what`` begins the sentence of an ActionError."""
        output = self.target.execute(
            script, payload, root=self.root, timeout=timeout, cancel=cancel, on_output=on_output
        )
        _raise(output, what)
        return output

    def in_container(self, container: str, script: str) -> str:
        """Return a script that runs another in a container, or here where that is empty; input goes on."""
        return f"exec docker exec -i {quote(container)} sh -c {quote(script)}" if container else script


def _raise(output: Output, what: str) -> None:
    if output.problem is Problem.NEEDS_ROOT:
        raise LastingError(f"{what}: it needs root, and there is none ({one_line(output.stderr)}).")
    if output.problem is not None:
        raise ActionError(f"{what}: {_WHY[output.problem]}.")


def failed(what: str, output: Output) -> ActionError:
    """Return the error for a script that ended badly, with the end of what it said."""
    said = one_line(b" ".join((output.stderr or output.stdout).split()[-40:]), 300)
    return ActionError(f"{what}: {said or f'exit status {output.status}'}")

"""Work that is bounded: what a target shows may be short, and yet take longer than anybody waits."""

from __future__ import annotations

from signoff.facts.base import Malformed
from signoff.message import say


class Budget:
    """Steps that may still be taken. ``what`` names what is looked through, for people."""

    def __init__(self, most: int, what: str) -> None:
        self.left = self.most = most
        self._what = what

    def spend(self, steps: int = 1) -> None:
        """Take steps; raise Malformed where no more are left: what was not looked at is not judged."""
        self.left -= steps
        if self.left < 0:
            raise Malformed(
                say("{what}: more than can be judged (over {most} steps)", what=self._what, most=self.most)
            )

    @property
    def spent(self) -> int:
        """The steps taken so far."""
        return self.most - self.left

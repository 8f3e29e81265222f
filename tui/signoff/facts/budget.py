"""Work that is bounded: what a target shows may be short, and yet take longer than anybody waits."""

from __future__ import annotations

from dataclasses import dataclass

from signoff.facts.base import Malformed
from signoff.message import say


@dataclass
class Budget:
    """Steps that may still be taken. ``what`` names what is looked through, for people."""

    most: int
    what: str
    spent: int = 0

    def spend(self, steps: int = 1) -> None:
        """Take steps; raise Malformed where no more are left: what was not looked at is not judged."""
        self.spent += steps
        if self.spent > self.most:
            raise Malformed(
                say("{what}: more than can be judged (over {most} steps)", what=self.what, most=self.most)
            )

"""How a variable gets a new value: what fits its name and its present value, and what the change entails."""

from __future__ import annotations

from dataclasses import dataclass

from signoff.credentials.generate import Generated
from signoff.credentials.secret import Secret


@dataclass(frozen=True, slots=True)
class Policy:
    """How a secret is renewed.

    ``kind`` and ``length`` are for `generate`; without a kind the value comes from elsewhere and is pasted.
    ``entails`` says what the change brings about; ``orphans`` whether data is lost by it.
    """

    id: str
    title: str
    kind: str
    entails: str
    orphans: bool = False
    length: int | None = None
    prefix: str = ""

    @property
    def pasted(self) -> bool:
        """Whether the value comes from elsewhere: a provider, or another program's administrator."""
        return not self.kind


def policy_for(name: str, value: Secret) -> Policy:
    """Return the policy for a variable, by its name and by the shape of its present value."""
    raise NotImplementedError


def make(policy: Policy) -> Generated:
    """Make a new value. Raises UsageError for a value that is pasted."""
    raise NotImplementedError

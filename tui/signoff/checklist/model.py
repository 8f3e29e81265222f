"""The checklist's model: what the YAML files say, typed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, Literal

import msgspec

from signoff.message import say
from signoff.model import Severity

Language = str
"""An ISO 639-1 code, ``en`` or ``ru``."""

ACTIONS: Final[Mapping[str, str]] = {
    "rotate-secrets": say("rate the secrets, and replace those you choose"),
    "enrol-second-factor": say("enrol an account's second factor"),
}
"""What a step may offer to do, by the words that checklists use."""


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text in English, and in Russian where it has been translated."""

    en: str
    ru: str = ""

    def to(self, language: Language) -> str:
        """Return the text in a language; in English where there is none."""
        return (self.ru if language == "ru" else "") or self.en


class Confirmation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What only a person can know: the statement they put their name to, and the value they saw."""

    statement: Text
    value: Text
    """What to type in as seen: a date, a count, a name. A critical step takes no answer without it."""
    items: tuple[str, ...] = ()


class Use(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A probe as a step uses it: with what parameters, and for which of the source's items.

    Probe and parameters together are a use's identity.
    """

    use: str
    given: dict[str, Any] = msgspec.field(default_factory=dict, name="with")
    items: tuple[str, ...] = ()

    @property
    def parameters(self) -> str:
        """The parameters in words, the same in whatever order they stand; empty where there are none."""
        return ", ".join(f"{name}: {value}" for name, value in sorted(self.given.items()))

    def __str__(self) -> str:
        return f"{self.use} ({self.parameters})" if self.given else self.use


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing to get right."""

    id: str
    title: Text
    ask: Text
    """What is asked of the operator, in a sentence."""
    why: Text
    severity: Severity
    items: tuple[str, ...]
    """The ids of the source's items that this step answers."""
    probes: tuple[str | Use, ...] = ()
    """A bare name, or a use with parameters or items of its own."""
    confirm: Confirmation | None = None
    actions: tuple[str, ...] = ()
    """What signoff offers to do about it, of ``ACTIONS``."""
    remedy: Text
    valid_days: int
    """How long an answer holds, in days."""

    @property
    def uses(self) -> tuple[Use, ...]:
        """The probes, bare names too, as uses."""
        return tuple(Use(use=one) if isinstance(one, str) else one for one in self.probes)

    @property
    def valid(self) -> timedelta:
        """How long an answer holds."""
        return timedelta(days=self.valid_days)


class Checklist(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An ordered list of steps for one occasion.

    ``manner`` is how it is worked through: ``read-do`` (read each step, then do it) or ``do-confirm``
    (work from memory, then confirm each step).
    """

    schema: Literal[1]
    id: str
    title: Text
    about: Text
    manner: Literal["read-do", "do-confirm"] = "read-do"
    source: str = ""
    steps: tuple[Step, ...]

    def step(self, step_id: str) -> Step:
        """Return a step by its id; raise KeyError where there is none."""
        for step in self.steps:
            if step.id == step_id:
                return step
        raise KeyError(step_id)

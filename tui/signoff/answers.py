"""An answers file: what a script has to say of the steps of a walk.

Example::

    host_key: SHA256:...        # the one host key to accept; without it only known ones are
    finish: true                # seal the record at the end (the default)
    steps:
      rotate-secrets:
        confirmed: "2026-01-02"             # the value that was seen
      close-ports:
        skipped: The provider's firewall is not ours to see.
        note: Asked for access.
      quick-production/backups:             # the checklist's id, where two have the same step
        accepted: Moving to a managed database.
        until: "2026-03-01"
      admin-access:
        notapplicable: There is no admin panel.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from signoff.checklist.model import Language
from signoff.checklist.yaml import Document, Misfit
from signoff.errors import UsageError
from signoff.text import one_line

if TYPE_CHECKING:
    from signoff.engine import Key
    from signoff.walk import Walk

_KINDS = ("confirmed", "skipped", "notapplicable", "accepted")


class Scripted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said of one step: at most one answer, and a note."""

    confirmed: str = ""
    skipped: str = ""
    notapplicable: str = ""
    accepted: str = ""
    until: str = ""
    note: str = ""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The answers that are given."""
        return tuple(kind for kind in _KINDS if getattr(self, kind))


class Answers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole answers file."""

    steps: dict[str, Scripted] = {}
    host_key: str = ""
    finish: bool = True

    def check(self, walk: Walk) -> None:
        """Raise UsageError where a step is named that the walk has not, before anything is answered."""
        names = {name for key in walk.keys for name in (key[1], "/".join(key))}
        for name in self.steps:
            if name not in names:
                known = ", ".join(key[1] for key in walk.keys)
                raise UsageError(f"The answers name a step {one_line(name, 60)!r}.", f"Known: {known}")

    def give(self, walk: Walk, key: Key, language: Language) -> None:
        """Say of a step what the file says of it, if anything."""
        said = self.steps.get("/".join(key)) or self.steps.get(key[1])
        if said is None:
            return
        if said.note:
            walk.note(key, said.note)
        if said.confirmed:
            walk.confirm(key, said.confirmed, language)
        elif said.skipped:
            walk.skip(key, said.skipped)
        elif said.notapplicable:
            walk.not_applicable(key, said.notapplicable)
        elif said.accepted:
            walk.accept_risk(key, said.accepted, date.fromisoformat(said.until))


def load_answers(path: Path) -> Answers:
    """Read an answers file. Raises UsageError with file, line and reason."""
    try:
        document = Document(path.read_text("utf-8"))
        answers = msgspec.convert(document.value, Answers)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "Give the path of an answers file.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8", "Save the file as UTF-8.") from None
    except Misfit as misfit:
        raise UsageError(f"{path}:{misfit.line}: {misfit.reason}") from None
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {one_line(str(error))}", "See: signoff run --help") from None
    for name, said in answers.steps.items():
        line = document.line(f"$.steps.{name}")
        if len(said.kinds) > 1:
            raise UsageError(f"{path}:{line}: {name} has two answers: {' and '.join(said.kinds)}")
        if said.accepted and not _is_date(said.until):
            raise UsageError(
                f"{path}:{line}: {name}: say until when the risk is accepted (until: YYYY-MM-DD)"
            )
    return answers


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True

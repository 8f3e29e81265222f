"""An answers file: what a script has to say of the steps of a walk.

It is looked over whole, against the checklists, before anything begins.

Example::

    host_key: SHA256:...        # the one host key to accept; without it only known ones are
    finish: true                # seal the record at the end (the default)
    steps:
      rotate-secrets:
        confirmed: "2026-01-02"             # the value that was seen
        consent: [logins.limit]             # the probes that may do more than look
      close-ports:
        skipped: The provider's firewall is not ours to see.
        note: Asked for access.
      quick-production/backups:             # the checklist's id, where two have the same step
        accepted: Moving to a managed database.
        until: "2030-03-01"
      admin-access:
        notapplicable: There is no admin panel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from signoff import saying
from signoff.checklist.load import Loaded
from signoff.checklist.model import Language, Step
from signoff.checklist.yaml import Document
from signoff.errors import UsageError
from signoff.message import Message, listed, say
from signoff.misfit import MisfitError, Place, fitted, nearest
from signoff.probes import active_probes, all_probes, named
from signoff.text import one_line

if TYPE_CHECKING:
    from signoff.engine import Key
    from signoff.session.events import Attested
    from signoff.walk import Walk

_KINDS: Final = ("confirmed", "skipped", "notapplicable", "accepted")


class Scripted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said of one step: one answer, a note, and what its probes may do."""

    confirmed: str | None = None
    skipped: str | None = None
    notapplicable: str | None = None
    accepted: str | None = None
    until: str | None = None
    note: str | None = None
    consent: tuple[str, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The answers that are given."""
        return tuple(kind for kind in _KINDS if getattr(self, kind) is not None)

    def attested(self, key: Key, step: Step, language: Language) -> Attested | None:
        """Return the answer as it goes into a record. Raises UsageError where it makes no sense."""
        if self.confirmed is not None:
            return saying.confirmed(key, step.confirm, self.confirmed, language)
        if self.skipped is not None:
            return saying.skipped(key, self.skipped)
        if self.notapplicable is not None:
            return saying.not_applicable(key, self.notapplicable)
        if self.accepted is not None:
            return saying.accepted(key, self.accepted, saying.day(self.until or ""))
        return None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole answers file."""

    steps: dict[str, Scripted] = {}
    host_key: str = ""
    finish: bool = True


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers that make sense, step by step; the one host key to accept, and whether to seal at the end."""

    steps: Mapping[Key, Scripted]
    host_key: str
    finish: bool

    def permit(self, walk: Walk) -> None:
        """Consent to what the file consents to; to be done before the target is looked at."""
        for key, said in self.steps.items():
            for use in said.consent:
                walk.consent(key, use)

    def give(self, walk: Walk, key: Key, language: Language) -> None:
        """Say of a step what the file says of it, if anything."""
        said = self.steps.get(key)
        if said is None:
            return
        if said.note is not None:
            walk.note(key, said.note)
        if attested := said.attested(key, walk.step(key), language):
            walk.attest(attested)


def load_answers(path: Path, checklists: Sequence[Loaded], language: Language) -> Answers:
    """Read an answers file. Raises UsageError with all that is wrong, and where."""
    steps = {(one.checklist.id, step.id): step for one in checklists for step in one.checklist.steps}
    try:
        document = Document(path.read_text("utf-8"))
        file = fitted(document.value, _File, document.line)
        if problems := [(document.line(place), reason) for place, reason in _mistakes(file, steps, language)]:
            raise MisfitError(problems)
    except OSError as error:
        raise UsageError(
            say("{path}: {strerror}", path=path, strerror=error.strerror),
            say("Give the path of an answers file."),
        ) from None
    except UnicodeDecodeError:
        raise UsageError(say("{path}: not UTF-8", path=path), say("Save the file as UTF-8.")) from None
    except MisfitError as misfit:
        raise UsageError(
            misfit.told(path), say("Nothing was begun. See the README for an answers file.")
        ) from None
    named = {_meant(name, steps)[0]: said for name, said in file.steps.items()}
    return Answers(named, file.host_key, file.finish)


def _meant(name: str, steps: Mapping[Key, Step]) -> tuple[Key, ...]:
    """Return the steps that a name may stand for: ``backups``, or ``quick-production/backups``."""
    return tuple(key for key in steps if name in {key[1], "/".join(key)})


def _mistakes(file: _File, steps: Mapping[Key, Step], language: Language) -> Iterator[tuple[Place, Message]]:
    """Yield what the types alone cannot say: where, and what is wrong."""
    seen: dict[Key, str] = {}
    for name, said in file.steps.items():
        place = ("steps", name)
        match _meant(name, steps):
            case ():
                yield (
                    place,
                    say("there is no step {nearest}", nearest=nearest(name, [key[1] for key in steps])),
                )
            case (key,) if key in seen:
                yield (
                    place,
                    say("the step {key} is answered already, as {seen}", key="/".join(key), seen=seen[key]),
                )
            case (key,):
                seen[key] = name
                for part, reason in _step_mistakes(said, key, steps[key], language):
                    yield (*place, *part), say("{name}: {reason}", name=one_line(name, 60), reason=reason)
            case several:
                names = ", ".join("/".join(key) for key in several)
                yield place, say("several checklists have this step; name one: {names}", names=names)


def _step_mistakes(
    said: Scripted, key: Key, step: Step, language: Language
) -> Iterator[tuple[Place, Message]]:
    kinds = said.kinds
    if len(kinds) > 1:
        yield (), say("two answers, {kinds}: a step takes one", kinds=" and ".join(kinds))
    elif not kinds and said.note is None and not said.consent:
        yield (), say("no answer: give one of {kinds}, or a note", kinds=", ".join(_KINDS))
    if said.until is not None and "accepted" not in kinds:
        yield ("until",), say("until goes with accepted")
    if kinds == ("accepted",):
        if said.until is None:
            yield (), say("accepted until when? Add until: YYYY-MM-DD")
        else:
            yield from _refused("until", lambda: saying.to_come(saying.day(said.until or "")))
        yield from _refused("accepted", lambda: saying.accepted(key, said.accepted or "", date.max))
    elif len(kinds) == 1:
        yield from _refused(kinds[0], lambda: said.attested(key, step, language))
    if said.note is not None:
        yield from _refused("note", lambda: saying.noted(key, said.note or ""))
    active = active_probes(step, all_probes())
    for number, use in enumerate(said.consent):
        for place, reason in _refused("consent", partial(named, active, use)):
            yield (*place, number), reason


def _refused(part: str, make: Callable[[], object]) -> Iterator[tuple[Place, Message]]:
    """Yield why something cannot be said, by the rules that hold for whoever says it."""
    try:
        make()
    except UsageError as refusal:
        yield (part,), listed(filter(None, (f"{part}:", refusal.message, refusal.hint)), " ")

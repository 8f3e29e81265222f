"""Load and validate checklists: the ones that come with signoff, and the operator's own files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

from signoff.checklist.model import ACTIONS, Checklist, Step, Use
from signoff.checklist.yaml import Document
from signoff.errors import ChecklistError, UsageError
from signoff.message import Message, say
from signoff.misfit import MisfitError, Place, fitted, nearest
from signoff.model import Severity
from signoff.text import one_line

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checklist, the file it came from, that file's bytes, and their SHA-256."""

    checklist: Checklist
    path: Path
    raw: bytes
    digest: str


class Usable(Protocol):
    """A probe, as far as a checklist that uses it is concerned."""

    def misfits(self, given: Mapping[str, Any]) -> Iterator[tuple[Place, Message]]:
        """Yield what is wrong with the parameters that it is given, with the place in them."""


def builtin_directory() -> Path:
    """Return the folder of the checklists that come with signoff."""
    installed = Path(str(files("signoff"))) / "checklists"
    # In a source tree the checklists lie beside tui/, and are put into the package when it is built.
    return installed if installed.is_dir() else Path(__file__).parents[3] / "checklists"


def load(path: Path, probes: Collection[str] | None = None) -> Loaded:
    """Read one checklist file.

    With ``probes``, a step that names a probe outside them is refused; where they are more than names, also
    one that gives a probe other parameters than it takes. Raises ChecklistError with file, line and reason.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ChecklistError(
            say("{path}: {strerror}", path=path, strerror=error.strerror),
            say("Give the path of a checklist's YAML file."),
        ) from None
    if len(raw) > _LARGEST:
        raise ChecklistError(say("{path}: larger than 1 MiB; this is no checklist", path=path))
    try:
        document = Document(raw.decode("utf-8"))
        checklist = _checked(document, probes)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ChecklistError(
            say("{path}:{line}: not UTF-8", path=path, line=line), say("Save the file as UTF-8.")
        ) from None
    except MisfitError as misfit:
        raise ChecklistError(misfit.told(path)) from None
    return Loaded(checklist, path, raw, hashlib.sha256(raw).hexdigest())


def _checked(document: Document, probes: Collection[str] | None) -> Checklist:
    checklist = fitted(document.value, Checklist, document.line)
    if problems := [(document.line(place), reason) for place, reason in _mistakes(checklist, probes)]:
        raise MisfitError(problems)
    return checklist


def _mistakes(checklist: Checklist, probes: Collection[str] | None) -> Iterator[tuple[Place, Message]]:
    """Yield what the types alone cannot say: where, and what is wrong."""
    if not _ID.fullmatch(checklist.id):
        yield (
            ("id",),
            say("{id} is not an id: small letters, digits and single hyphens", id=repr(checklist.id)),
        )
    if not checklist.steps:
        yield ("steps",), say("a checklist needs a step")
    seen: set[str] = set()
    for number, step in enumerate(checklist.steps):
        if step.id in seen:
            yield ("steps", number, "id"), say("the step {id} stands here twice", id=repr(step.id))
        seen.add(step.id)
        for place, reason in _step_mistakes(step, probes):
            yield ("steps", number, *place), reason


def _step_mistakes(step: Step, probes: Collection[str] | None) -> Iterator[tuple[Place, Message]]:
    if not _ID.fullmatch(step.id):
        yield ("id",), say("{id} is not an id: small letters, digits and single hyphens", id=repr(step.id))
    for name in ("title", "ask", "why", "remedy"):
        if not getattr(step, name).en.strip():
            yield (name,), say("{name} says nothing", name=name)
    if step.valid_days < 1:
        yield ("valid_days",), say("an answer must hold for at least one day")
    if not step.items:
        yield ("items",), say("name at least one source item")
    if not step.probes and step.confirm is None:
        yield ("id",), say("a step needs a probe, something to confirm, or both")
    if step.confirm and step.severity is Severity.CRITICAL and not step.confirm.value.en.strip():
        yield (
            ("confirm", "value"),
            say("a critical step is only confirmed with the value that was seen: say which"),
        )
    yield from _name_mistakes(
        "probe", [one.use for one in step.uses], probes, [str(one) for one in step.uses]
    )
    if isinstance(probes, Mapping):
        yield from _parameter_mistakes(step.uses, probes)
    yield from _name_mistakes("action", step.actions, ACTIONS)


def _parameter_mistakes(
    uses: tuple[Use, ...], probes: Mapping[str, Usable]
) -> Iterator[tuple[Place, Message]]:
    for number, use in enumerate(uses):
        if use.use in probes:
            for place, reason in probes[use.use].misfits(use.given):
                yield (
                    ("probes", number, "with", *place),
                    say("{use}: {reason}", use=one_line(use.use, 60), reason=reason),
                )


def _name_mistakes(
    kind: str, names: Sequence[str], known: Collection[str] | None, uses: Sequence[str] = ()
) -> Iterator[tuple[Place, Message]]:
    """Yield the names that nothing has, and what stands there twice: a name, or a use of one."""
    uses = uses or names
    for number, name in enumerate(names):
        place = (f"{kind}s", number)
        if uses[number] in uses[:number]:
            yield (
                place,
                say("the {kind} {uses} stands here twice", kind=kind, uses=repr(one_line(uses[number], 100))),
            )
        if known is not None and name not in known:
            yield place, say("there is no {kind} {nearest}", kind=kind, nearest=nearest(name, known))


def available(folder: Path | None = None) -> dict[str, Path]:
    """Return the checklists of a folder by id (the built-in ones without one): a file's name is its id."""
    directory = folder or builtin_directory()
    return {path.stem: path for path in sorted(directory.glob("*.yaml"))}


def find(name: str, folder: Path | None = None) -> Path:
    """Return the file of a checklist by its id, or by its path. Raise UsageError where there is none."""
    known = available(folder)
    if name in known:
        return known[name]
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} or "/" in name:
        if path.is_file():
            return path
        raise UsageError(say("There is no checklist file {path}.", path=path), say("Check the path."))
    raise UsageError(
        say("There is no checklist {name}.", name=repr(one_line(name, 60))),
        say("Known: {known}. See: signoff checklist list", known=", ".join(known) or say("none")),
    )

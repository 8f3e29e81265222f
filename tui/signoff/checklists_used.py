"""The checklists as a session uses them: named in its first line, copied beside it, and found again there.

The first line has their digests, so that no other text can be slipped in.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from signoff.checklist.load import Loaded, available, load
from signoff.errors import RecordError
from signoff.message import say
from signoff.session.events import ChecklistRef
from signoff.session.store import read


def reference(loaded: Loaded) -> ChecklistRef:
    """Return how a session's first line names a checklist."""
    steps = tuple(step.id for step in loaded.checklist.steps)
    return ChecklistRef(id=loaded.checklist.id, digest=loaded.digest, steps=steps)


def copies(checklists: Iterable[Loaded]) -> dict[str, bytes]:
    """Return the files that are kept with a record, by name."""
    return {_copy_name(loaded.checklist.id): loaded.raw for loaded in checklists}


def checklists_of(directory: Path) -> tuple[Loaded, ...]:
    """Return the checklists as a session used them. Raises RecordError where one cannot be had any more."""
    genesis = read(directory).state.genesis
    return tuple(_as_used(reference, directory) for reference in genesis.checklists) if genesis else ()


def _as_used(reference: ChecklistRef, directory: Path) -> Loaded:
    for path in (directory / _copy_name(reference.id), available().get(reference.id)):
        if path and path.is_file():
            loaded = load(path)
            if loaded.digest == reference.digest:
                return loaded
    raise RecordError(
        say(
            "{directory}: the checklist {id} is not there as the session used it.",
            directory=directory,
            id=reference.id,
        ),
        say("The record itself is not touched by this; see: signoff verify"),
    )


def _copy_name(checklist: str) -> str:
    return f"{checklist}.yaml"

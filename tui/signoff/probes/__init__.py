"""How we judge: one module a subject. A probe is found by being in a module here, or in an entry point.

Third parties add theirs with an entry point of the group ``signoff.probes`` that names a module.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from signoff.checklist.model import Step
from signoff.errors import UsageError
from signoff.message import say
from signoff.misfit import MisfitError, nearest
from signoff.probes.base import Probe


def _modules() -> Iterator[ModuleType]:
    for module in pkgutil.iter_modules(__path__):
        yield importlib.import_module(f"{__name__}.{module.name}")
    for entry in entry_points(group="signoff.probes"):
        yield entry.load()


_JUDGED_BY = ("facts", "probes", "credentials")
"""The folders whose code and dated data a verdict rests on."""


@cache
def code_digest() -> str:
    """Return the SHA-256 over what verdicts rest on: over a line of ``sha256sum`` for every file, by path."""
    package = Path(__file__).parents[1]
    every = sorted(path for name in _JUDGED_BY for path in (package / name).rglob("*"))
    lines = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(package)}\n"
        for path in every
        if path.is_file() and path.suffix != ".pyc"
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@cache
def all_probes() -> dict[str, Probe]:
    """Return every probe by its id. Raise UsageError where two have the same."""
    found: dict[str, Probe] = {}
    for module in _modules():
        for value in vars(module).values():
            if isinstance(value, Probe) and found.setdefault(value.id, value) is not value:
                raise UsageError(
                    say(
                        "Two probes are called {id}; one is in {name__}.", id=value.id, name__=module.__name__
                    ),
                    say("Uninstall one of the packages that bring them."),
                )
    return found


def active_probes(step: Step, probes: Mapping[str, Probe]) -> tuple[Probe, ...]:
    """Return what of a step's probes does more than look, as the step uses them."""
    found = []
    for use in step.uses:
        with suppress(KeyError, MisfitError):
            found.append(probes[use.use].used(use))
    return tuple(one for one in found if one.active)


def named(active: Iterable[Probe], name: str) -> tuple[Probe, ...]:
    """Return the active probes that a name means: a probe's uses, or one of them. Raises UsageError."""
    every = tuple(active)
    if found := tuple(one for one in every if name in {one.id, one.name}):
        return found
    if not every:
        raise UsageError(say("This step has no probe that needs consent: its probes only look."))
    near = nearest(name, [one.name for one in every])
    raise UsageError(say("This step has no probe with this name that needs consent: {near}.", near=near))

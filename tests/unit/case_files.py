"""Cases: what a real host or server said, and what a probe is to make of it.

A case is a text file below ``tests/cases/SUBJECT/PROBE/RESULT/``, named for its trap; a near twin, the
smallest harmless difference, has a name with ``twin-`` in front. It begins with a line on what is the matter,
a ``use`` as a checklist writes it, and what the target's profile says. After each ``--- FACT`` comes what the
fact's script printed, or the answers from outside, one a line as JSON; ``--- FACT: PROBLEM`` is a script that
could not run. All were recorded on hosts of the lab; where the lab has no such host, a recorded one had one
thing changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import yaml

from signoff.checklist.model import Use
from signoff.facts.base import Fact, Facts, HostFact, closure
from signoff.facts.collect import _value
from signoff.facts.kinds import Reply
from signoff.model import Finding, Result
from signoff.probes import all_probes
from signoff.probes.base import Probe
from signoff.target.command import Output, Problem
from signoff.target.profile import Profile

FOLDER = Path(__file__).parents[1] / "cases"
_MARK = "--- "


class Heading(msgspec.Struct, forbid_unknown_fields=True):
    """What a case is about."""

    about: str
    use: Use
    profile: Profile


@dataclass(frozen=True)
class Case:
    """One case. ``told`` is what each fact's look came to, by the fact's id."""

    path: Path
    heading: Heading
    told: Mapping[str, str]
    problems: Mapping[str, str]

    @classmethod
    def read(cls, path: Path) -> Case:
        """Read a file."""
        heading, *parts = f"\n{path.read_text('utf-8')}".split(f"\n{_MARK}")
        told, problems = dict[str, str](), dict[str, str]()
        for part in parts:
            name, _, text = part.partition("\n")
            fact, _, problem = name.partition(": ")
            told[fact], problems[fact] = f"{text}\n", problem
        return cls(path, msgspec.convert(yaml.safe_load(heading), Heading), told, problems)

    @property
    def result(self) -> Result:
        """What is to come out."""
        return Result(self.path.parent.name)

    @property
    def probe(self) -> Probe:
        """The probe, with the case's parameters."""
        return all_probes()[self.heading.use.use].used(self.heading.use)

    def value(self, fact: Fact[Any], text: str) -> Any:
        """Return a fact's value by what was told, whole or in part."""
        if not isinstance(fact, HostFact):
            return tuple(msgspec.json.decode(line, type=Reply) for line in text.splitlines() if line)
        problem = Problem(self.problems[fact.id]) if self.problems[fact.id] else None
        output = Output(fact.id, None if problem else 0, text.encode(), problem=problem)
        return _value(fact, output, self.heading.profile)

    def values(self) -> dict[str, Any]:
        """Return the value of every fact that the probe needs."""
        return {fact.id: self.value(fact, self.told[fact.id]) for fact in closure(self.probe.needs)}

    def findings(self, values: Mapping[str, Any] | None = None) -> tuple[Finding, ...]:
        """Judge, by other values where there are any."""
        return self.probe.findings(Facts(values or self.values()), self.heading.profile)


CASES = [Case.read(path) for path in sorted(FOLDER.glob("*/*/*/*.txt"))]


def write(path: Path, about: str, use: Use, profile: dict[str, Any], told: Mapping[str, str]) -> None:
    """Write a case down."""
    heading = {"about": about, "use": msgspec.to_builtins(use), "profile": profile}
    parts = [yaml.safe_dump(heading, sort_keys=False, allow_unicode=True, width=110)]
    parts += [f"{_MARK}{name}\n{text.rstrip()}\n" for name, text in told.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(parts), "utf-8")

"""What a host is like at one moment, so that two moments can be compared."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SNAPSHOT = Path(__file__).with_name("snapshot.py")
"""The script that takes a snapshot; it runs on the host, with nothing but its Python."""


@dataclass(frozen=True)
class State:
    """Named sections, each a mapping of things to how they are. Two equal states: nothing was changed."""

    sections: Mapping[str, Mapping[str, str]]

    @classmethod
    def parse(cls, text: str) -> "State":
        """Read what the snapshot script prints."""
        return cls(json.loads(text))

    def differences(self, later: "State") -> list[str]:
        """One line for each thing that appeared, vanished or changed."""
        lines = []
        for name in sorted({*self.sections, *later.sections}):
            before, after = self.sections.get(name, {}), later.sections.get(name, {})
            for key in sorted({*before, *after}):
                if key not in after:
                    lines.append(f"{name}: gone: {key} {before[key]}")
                elif key not in before:
                    lines.append(f"{name}: new: {key} {after[key]}")
                elif before[key] != after[key]:
                    lines.append(f"{name}: changed: {key}: {before[key]} -> {after[key]}")
        return lines

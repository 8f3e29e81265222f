"""YAML as plain values, within bounds: a few hundred bytes of aliases can stand for more than fits a memory.

Aliases and merge keys are counted as what they stand for, before anything is made of them. Numbers and dates
stay the texts that they are written as; compose's own tags (``!reset``, ``!override``) are passed over.
"""

from __future__ import annotations

from typing import Any, Final

import yaml

LONGEST: Final = 1 << 20
"""The most characters of a document."""
MOST: Final = 100_000
"""The most values that a document may stand for; of a long text, each 64 characters count as one more."""
DEEPEST: Final = 64
"""The most values within each other."""
_TEXT: Final = 64


class TooMuch(yaml.YAMLError):
    """A document stands for more than is read."""


class _Loader(yaml.SafeLoader):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._count = self._depth = self._lowest = 0
        self._measures: dict[int, tuple[int, int]] = {}
        """Of each finished node, how many values it stands for, and how many of them within each other."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose a node, and count it with all that is in it."""
        before, lowest = self._count, self._lowest
        alias = self.check_event(yaml.AliasEvent)
        self._depth += 1
        self._lowest = self._depth
        if not alias:
            self._stay_within(1, 0)
        node = super().compose_node(parent, index)
        if alias:
            if id(node) not in self._measures:
                raise TooMuch("a value that holds itself")
            self._stay_within(*self._measures[id(node)])
        else:
            if isinstance(node, yaml.ScalarNode):
                self._stay_within(len(node.value) // _TEXT, 0)
            self._measures[id(node)] = self._count - before, self._lowest - self._depth
        self._lowest = max(lowest, self._lowest)
        self._depth -= 1
        return node

    def _stay_within(self, count: int, depth: int) -> None:
        self._count += count
        self._lowest = max(self._lowest, self._depth + depth)
        if self._count > MOST:
            raise TooMuch(f"more than {MOST} values")
        if self._lowest > DEEPEST:
            raise TooMuch(f"more than {DEEPEST} values within each other")


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag.rpartition(":")[2] in {"bool", "null", "merge"}]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _untagged(loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node)
    return loader.construct_mapping(node) if isinstance(node, yaml.MappingNode) else None


yaml.add_multi_constructor("!", _untagged, Loader=_Loader)
for _kind in ("int", "float", "timestamp"):
    yaml.add_constructor(f"tag:yaml.org,2002:{_kind}", yaml.SafeLoader.construct_yaml_str, Loader=_Loader)


def load(text: str) -> Any:
    """Return what a document says; raise TooMuch, or another yaml.YAMLError where it is no YAML."""
    if len(text) > LONGEST:
        raise TooMuch(f"more than {LONGEST} characters")
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except (RecursionError, ValueError, TypeError, AttributeError, LookupError) as problem:
        # What SafeLoader makes of tags that do not fit: !!bool on a text, !!binary on what is none.
        raise yaml.YAMLError(type(problem).__name__) from None

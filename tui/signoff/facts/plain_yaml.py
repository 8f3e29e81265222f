"""YAML as plain values, within bounds: a few hundred bytes of aliases can stand for more than fits a memory.

Aliases and merge keys are counted as what they stand for, before anything is made of them. Numbers and dates
stay the texts that they are written as; compose's own tags (``!reset``, ``!override``) are passed over.
"""

from __future__ import annotations

from itertools import chain
from typing import Any, ClassVar, Final

import yaml

from signoff.message import say

LONGEST: Final = 1 << 20
"""The most characters of a document."""
MOST: Final = 100_000
"""The most values that a document may stand for; of a long text, each 64 characters count as one more."""
DEEPEST: Final = 64
"""The most values within each other."""
_TEXT: Final = 64
_BOOL, _NULL, _MERGE = (f"tag:yaml.org,2002:{name}" for name in ("bool", "null", "merge"))


class TooMuch(yaml.YAMLError):
    """A document stands for more than is read."""


class _Loader(yaml.SafeLoader):
    """Whatever is of another type than these is the text, the list or the mapping that it is written as."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as in the class above
        first: [(tag, pattern) for tag, pattern in known if tag in {_BOOL, _NULL, _MERGE}]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    yaml_constructors: ClassVar[dict[str | None, Any]] = {
        tag: yaml.SafeLoader.yaml_constructors[tag] for tag in (_BOOL, _NULL)
    }


def _measure(node: yaml.Node, known: dict[int, tuple[int, int] | None]) -> tuple[int, int]:
    """Return how many values a node stands for, and how many of them within each other."""
    if id(node) not in known:
        known[id(node)] = None
        text = isinstance(node, yaml.ScalarNode)
        parts = chain.from_iterable(node.value) if isinstance(node, yaml.MappingNode) else node.value
        inner = [] if text else [_measure(part, known) for part in parts]
        count = 1 + (len(node.value) // _TEXT if text else sum(count for count, _ in inner))
        depth = 1 + max((depth for _, depth in inner), default=0)
        if count > MOST:
            raise TooMuch(say("more than {most} values", most=MOST))
        if depth > DEEPEST:
            raise RecursionError
        known[id(node)] = count, depth
    measured = known[id(node)]
    if measured is None:
        raise TooMuch(say("a value that holds itself"))
    return measured


def load(text: str) -> Any:
    """Return what a document says; raise TooMuch, or another yaml.YAMLError where it is no YAML."""
    if len(text) > LONGEST:
        raise TooMuch(say("more than {most} characters", most=LONGEST))
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _measure(node, {})
        return loader.construct_document(node)
    except RecursionError:
        raise TooMuch(say("more than {most} values within each other", most=DEEPEST)) from None
    except (ValueError, TypeError, AttributeError, LookupError) as problem:
        # What SafeLoader makes of tags that do not fit: !!bool on a text that is none.
        raise yaml.YAMLError(type(problem).__name__) from None

"""YAML as plain values, within bounds: a few hundred bytes of aliases can stand for more than fits a memory.

Aliases and merge keys are counted as what they stand for, before anything is made of them. Numbers and dates
stay the texts that they are written as; compose's own tags (``!reset``, ``!override``) are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, chain
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


def _sizes(node: yaml.Node, above: tuple[yaml.Node, ...] = ()) -> Iterator[int]:
    """Yield how much a node counts, and all that is in it; an alias is what it stands for."""
    if node in above:
        raise TooMuch(say("a value that holds itself"))
    if len(above) == DEEPEST:
        raise RecursionError
    yield 1
    if isinstance(node, yaml.ScalarNode):
        yield len(node.value) // _TEXT
    else:
        parts = chain.from_iterable(node.value) if isinstance(node, yaml.MappingNode) else node.value
        for part in parts:
            yield from _sizes(part, (*above, node))


def load(text: str) -> Any:
    """Return what a document says; raise TooMuch, or another yaml.YAMLError where it is no YAML."""
    if len(text) > LONGEST:
        raise TooMuch(say("more than {most} characters", most=LONGEST))
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        if any(total > MOST for total in accumulate(_sizes(node))):
            raise TooMuch(say("more than {most} values", most=MOST))
        return loader.construct_document(node)
    except RecursionError:
        raise TooMuch(say("more than {most} values within each other", most=DEEPEST)) from None
    except (ValueError, TypeError, AttributeError, LookupError) as problem:
        # What SafeLoader makes of tags that do not fit: !!bool on a text that is none.
        raise yaml.YAMLError(type(problem).__name__) from None

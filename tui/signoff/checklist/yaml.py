"""YAML with line numbers: plain values, and where each of them stands in the file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from signoff.text import one_line

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_BOOLEANS = {"true": True, "false": False}
_DEEPEST = 20
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")


@dataclass(frozen=True, slots=True)
class Misfit(Exception):  # noqa: N818 - turned into a ChecklistError by whoever knows the file's name
    """A YAML text is not what it should be: the line (from 1) and the reason."""

    line: int
    reason: str


class Document:
    """A YAML document as plain values, that remembers its lines.

    Duplicate keys, anchors, aliases and deep nesting are refused: the first hide a mistake, the others can
    make a small file huge. Raises Misfit.
    """

    def __init__(self, text: str) -> None:
        try:
            _refuse_tricks(text)
            self._root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark: yaml.Mark | None = error.problem_mark or error.context_mark
            reason = one_line(error.problem or error.context or "not YAML")
            raise Misfit(mark.line + 1 if mark else 1, f"not YAML: {reason}") from None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            character = f"U+{ord(text[error.position]):04X}"
            raise Misfit(line, f"a character that YAML does not allow: {character}") from None
        if self._root is None:
            raise Misfit(1, "the file is empty")
        self.value = self._plain(self._root)

    def _plain(self, node: Node) -> Any:
        if isinstance(node, MappingNode):
            return self._mapping(node)
        if isinstance(node, SequenceNode):
            return [self._plain(item) for item in node.value]
        # Of YAML 1.1's own types only whole numbers and true and false are read: a date stays the text it
        # was written as, and `no` and `on` are words.
        if node.tag == "tag:yaml.org,2002:int" and _NUMBER.fullmatch(node.value):
            return int(node.value)
        plain = isinstance(node, ScalarNode) and node.style is None
        return _BOOLEANS.get(node.value, node.value) if plain else node.value

    def _mapping(self, node: MappingNode) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise Misfit(key.start_mark.line + 1, "a key must be a plain word")
            if key.value in found:
                raise Misfit(
                    key.start_mark.line + 1, f"the key {one_line(key.value, 40)!r} stands here twice"
                )
            found[key.value] = self._plain(value)
        return found

    def line(self, path: str) -> int:
        """Return the line (from 1) of a value by its path, ``$.steps[2].title``, or of its nearest parent."""
        node = self._root
        for name, index in _STEP.findall(path):
            child = _child(node, name, index)
            if child is None:
                break
            node = child
        assert node is not None  # noqa: S101 - __init__ refuses an empty document
        return int(node.start_mark.line) + 1


def _refuse_tricks(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if getattr(event, "anchor", None):
            raise Misfit(line, "anchors and aliases are not allowed")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise Misfit(line, "nested too deeply")


def _child(node: Node | None, name: str, index: str) -> Node | None:
    if isinstance(node, MappingNode) and name:
        return next((value for key, value in node.value if key.value == name), None)
    if isinstance(node, SequenceNode) and index.isdecimal() and int(index) < len(node.value):
        found: Node = node.value[int(index)]
        return found
    return None

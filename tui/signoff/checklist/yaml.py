"""YAML with line numbers: plain values, and where each of them stands in the file."""

from __future__ import annotations

import re
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from signoff.message import Message, say
from signoff.misfit import MisfitError, Place, in_our_words
from signoff.text import one_line

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_BOOLEANS = {"true": True, "false": False}
_DEEPEST = 20
_WORDS = {
    "mapping values are not allowed": say("a colon within a value needs quotes around the value"),
    "could not find expected ':'": say("a key needs a colon and a value"),
    "cannot start any token": say("a tab cannot indent, and a value that begins with @, ` or % needs quotes"),
    "while scanning a quoted scalar": say("the quotes are not closed"),
    "unexpected end of stream": say("the quotes are not closed"),
    "expected <block end>": say("the line is indented otherwise than those it belongs to"),
    "expected ',' or": say("a bracket or brace is not closed"),
    "expected the node content": say("a value is missing"),
    "unknown escape character": say("a backslash in double quotes must be doubled"),
    "expected a single document": say("only one document goes into a file: take the line --- out"),
}


class Document:
    """A YAML document as plain values, that remembers its lines.

    Duplicate keys, anchors, aliases and deep nesting are refused: the first hide a mistake, the others can
    make a small file huge. Raises MisfitError.
    """

    def __init__(self, text: str) -> None:
        try:
            _refuse_tricks(text)
            self._root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark: yaml.Mark | None = error.problem_mark or error.context_mark
            said = f"{error.context or ''} {error.problem or ''}"
            reason = in_our_words(said, _WORDS, say("see https://yaml.org"))
            raise _misfit(mark.line + 1 if mark else 1, say("not YAML: {reason}", reason=reason)) from None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            character = f"U+{ord(text[error.position]):04X}"
            raise _misfit(
                line, say("a character that YAML does not allow: {character}", character=character)
            ) from None
        if self._root is None:
            raise _misfit(1, say("the file is empty"))
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
                raise _misfit(key.start_mark.line + 1, say("a key must be a plain word"))
            if key.value in found:
                raise _misfit(
                    key.start_mark.line + 1,
                    say("the key {key} stands here twice", key=repr(one_line(key.value, 40))),
                )
            found[key.value] = self._plain(value)
        return found

    def line(self, place: Place) -> int:
        """Return the line (from 1) of a value, which is its key's, or that of its nearest parent."""
        node = self._root
        assert node is not None  # noqa: S101 - __init__ refuses an empty document
        found = node
        for key in place:
            child = _child(node, key)
            if child is None:
                break
            found, node = child
        return int(found.start_mark.line) + 1


def _refuse_tricks(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if getattr(event, "anchor", None):
            raise _misfit(line, say("anchors and aliases are not allowed"))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise _misfit(line, say("nested too deeply"))


def _child(node: Node, key: str | int) -> tuple[Node, Node] | None:
    """Return where a value begins, and the value."""
    if isinstance(node, MappingNode):
        return next(((name, value) for name, value in node.value if name.value == key), None)
    if isinstance(node, SequenceNode) and isinstance(key, int) and key < len(node.value):
        item: Node = node.value[key]
        return item, item
    return None


def _misfit(line: int, reason: Message) -> MisfitError:
    return MisfitError([(line, reason)])

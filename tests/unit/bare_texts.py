"""Finds texts for people that go through no template, and templates that no translator can be given."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from signoff.locale.extract import constants_of, name_of, plural_of, templates

Found = tuple[int, str]
"""A line, and what stands there."""

_TEXT: Final = re.compile(r"[A-Za-z]{2,}[,.:;!?]? +\S*[A-Za-z{]|\ban? [a-z]{2}|^\W*[A-Z][a-z]+\b")
"""What reads as a text wherever it stands: a blank between words, or a capitalised word."""
_WORD: Final = re.compile(r"[A-Za-z]{2}")
_SHOWN: Final = frozenset(
    (
        *("Content", "Static", "TitleBar", "busy", "echo", "joined", "line", "notify", "prompt", "styled"),
        *("_label", "_labelled", "_row", "labelled", "tell", "text"),
    )
)
"""What these are given is seen as it is: there a single word is a text, too."""

_STYLE: Final = re.compile(r"((not )?(bold|dim|italic) ?)*(\$[\w-]+( on \$[\w-]+)?|\{\})?")
_COMMAND: Final = re.compile(
    r"(\{\})*(BEGIN|SET|SELECT|ALTER|ACL|CONFIG|ECHO|INFO|cat|cd|chmod|chown|command|docker|echo|exec|export|head"
    r"|ids=|journalctl|openssl|psql|rm|run|signoff|ssh-keygen|sudo|systemctl|\w+\(\)|~|/|\"?\$[({]|\{\{"
    r"| ?-{1,2}\w|\{\} \|)"
)
"""What begins as a command, its options, a path, or a call."""
_NAMES: Final = frozenset(
    ("Accept", "Connection", "Content-Type", "Enter", "Host", "Id", "Redis", "User-Agent", "yes", "signoff")
)
"""Keys, products, headers, and what is typed: the same in any language."""
_NOT_TOLD: Final = frozenset(
    (
        *("AssertionError", "NotImplementedError", "TypeError", "TypeVar", "cast", "compile", "debug"),
        *("defstruct", "error", "getLogger", "len", "quote", "warning", "words_of"),
    )
)
"""Calls that are given regular expressions, types, log lines, names, or a defect's reason."""
_TOLD_BY_OTHERS: Final[dict[str, set[int | str]]] = {
    "Binding": {2, "tooltip", "key_display"},
    "WalkKey": {2, 3},
    "option": {"help", "metavar"},
    "Option": {"help"},
    "argument": {"metavar"},
}
"""Texts that are translated where they are shown."""


class _Known(NamedTuple):
    """What a module's other lines say: the constants that are told as templates or help, and its lines."""

    told: set[str]
    lines: list[str]

    def is_block(self, node: ast.expr) -> bool:
        """Tell whether a text stands in triple quotes: a script, or a file as an example."""
        return re.match(r'r?f?r?"""', self.lines[node.lineno - 1][node.col_offset :]) is not None


def bare(source: str) -> Iterator[Found]:
    """Yield the texts for people of a module that are no template."""
    tree = ast.parse(source)
    told = {
        one.id
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for one in (*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "help"))
        if isinstance(one, ast.Name) and name_of(call) in {"say", "tr", "option"}
    }
    yield from _inside(tree, _Known({*told, "__all__"}, source.splitlines()), shown=False)


def _inside(node: ast.AST, known: _Known, *, shown: bool) -> Iterator[Found]:
    types = {getattr(node, "annotation", None), getattr(node, "returns", None)}
    for child in ast.iter_child_nodes(node):
        if child not in types:
            yield from _bare(child, known, shown=shown)


def _bare(node: ast.AST, known: _Known, *, shown: bool) -> Iterator[Found]:
    match node:
        case ast.Constant() | ast.JoinedStr():
            text = _told(node)
            if _reads(text, shown=shown) and not known.is_block(node):
                yield node.lineno, text
            for value in ast.iter_child_nodes(node):
                if isinstance(value, ast.FormattedValue):
                    yield from _bare(value.value, known, shown=shown)
        case ast.Call():
            yield from _called(node, known)
        case ast.Compare():
            for one in (node.left, *node.comparators):
                if not isinstance(one, (ast.Constant, ast.Tuple, ast.Set)):
                    yield from _bare(one, known, shown=False)
        case _ if not _is_exempt(node, known):
            yield from _inside(node, known, shown=shown and isinstance(node, ast.expr))


def _told(node: ast.Constant | ast.JoinedStr) -> str:
    """Return a text as it stands, with a place for each value of an f-string."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in node.values)


def _is_exempt(node: ast.AST, known: _Known) -> bool:
    """Tell whether nothing in a node is for people: a docstring, a key, a value of an enumeration."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name in known.told
        case ast.Expr(value=ast.Constant()) | ast.Assert() | ast.Subscript() | ast.MatchValue() | ast.arg():
            return True
        case ast.FunctionDef(name=name):
            return name == "__repr__"
        case ast.ClassDef(bases=[ast.Name(id="StrEnum" | "Enum"), *_]):
            return True
        case _:
            return False


def _called(call: ast.Call, known: _Known) -> Iterator[Found]:
    name = name_of(call)
    if name in _NOT_TOLD:
        return
    template = name in {"say", "tr"}
    by_others = (
        _TOLD_BY_OTHERS.get(name, set()) | ({0, 1, "plural"} if template else set()) | {"id", "classes"}
    )
    yield from _bare(call.func, known, shown=False)
    for place, one in enumerate(call.args):
        if place not in by_others:
            yield from _bare(one, known, shown=name in _SHOWN)
    for keyword in call.keywords:
        if keyword.arg not in by_others:
            yield from _bare(keyword.value, known, shown=template and not isinstance(keyword.value, ast.Call))


def _reads(text: str, *, shown: bool) -> bool:
    if text in _NAMES or text.isupper() or _STYLE.fullmatch(text) or _COMMAND.match(text):
        return False
    return bool((_WORD if shown else _TEXT).search(text))


_PLACE: Final = re.compile(r"\{(\w+)\}")


def unfit(source: str) -> Iterator[Found]:
    """Yield the templates that are no literal, whose places are not the values that they are given, or that
    are translated when the module is imported: the language is not known then.
    """
    tree = ast.parse(source)
    constants = constants_of(tree)
    later = {
        id(call)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for part in (function.body if isinstance(function.body, list) else [function.body])
        for call in ast.walk(part)
    }
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or name_of(call) not in {"say", "tr"} or not call.args:
            continue
        ones, others = templates(call.args[0], constants), templates(plural_of(call), constants)
        if not ones or others is None:
            yield call.lineno, "no literal"
            continue
        if name_of(call) == "tr" and id(call) not in later:
            yield call.lineno, "at import"
        given = {one.arg for one in call.keywords} - {"plural"}
        for one in ones:
            places = {place for text in (one, *others) for place in _PLACE.findall(text)}
            if places | ({"count"} & given if others else set()) != given:
                yield call.lineno, one

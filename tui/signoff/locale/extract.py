"""Finds the texts for people in a source file; for babel, and for the tests.

They stand in ``say`` and ``tr``; what a key does, in its binding; a command's help, in its docstring.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from inspect import cleandoc
from typing import IO, Any

Texts = tuple[str, ...]
"""One text; or that for one, and that for any other number."""

_KEYS = {"Binding": (2,), "WalkKey": (2, 3)}
"""Where in a call a text for people stands without being told as one."""


def extract(file: IO[bytes], *_babel: Any, **_options: Any) -> Iterator[tuple[int, str, Texts, list[str]]]:
    """Yield what babel wants: the line, gettext's function, the texts, no comments."""
    for line, texts in found(ast.parse(file.read())):
        yield line, "ngettext" if len(texts) > 1 else "gettext", texts, []


def found(tree: ast.Module) -> Iterator[tuple[int, Texts]]:
    """Yield every text with its line."""
    constants = constants_of(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for texts in _called(node, constants):
                if all(texts):
                    yield node.lineno, texts
        elif isinstance(node, ast.FunctionDef) and any(map(_is_command, node.decorator_list)):
            for part in help_parts(cleandoc(ast.get_docstring(node) or "")):
                yield node.lineno, (part,)


def constants_of(tree: ast.Module) -> dict[str, str]:
    """Return the module's constants that are texts."""
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }


def templates(node: ast.expr | None, constants: dict[str, str]) -> list[str] | None:
    """Return the literals that an argument is one of: itself, a constant, or either side of a condition."""
    match node:
        case None:
            return []
        case ast.Constant(value=str(text)):
            return [text]
        case ast.Name(id=name) if name in constants:
            return [constants[name]]
        case ast.IfExp(body=one, orelse=other):
            ones, others = templates(one, constants), templates(other, constants)
            return None if ones is None or others is None else ones + others
        case _:
            return None


def name_of(call: ast.Call) -> str:
    """Return the name of what is called."""
    called = call.func
    return called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")


def plural_of(call: ast.Call) -> ast.expr | None:
    """Return the template for any number but one, by name or as the second argument."""
    named = next((one.value for one in call.keywords if one.arg == "plural"), None)
    return named or (call.args[1] if len(call.args) > 1 else None)


def help_parts(text: str) -> list[str]:
    """Return the paragraphs of a help text that are to be translated: examples are not."""
    return [part for part in text.split("\n\n") if part and not part.startswith("\b")]


def _called(call: ast.Call, constants: dict[str, str]) -> Iterator[Texts]:
    name = name_of(call)
    if name in {"say", "tr"} and call.args:
        plurals = templates(plural_of(call), constants) or []
        for text in templates(call.args[0], constants) or []:
            yield (text, *plurals)
    if name in _KEYS:
        for place in _KEYS[name]:
            yield from ((text,) for text in templates(call.args[place], constants) or [])
    for keyword in call.keywords:
        if (name, keyword.arg) in {("Binding", "tooltip"), ("option", "help"), ("Option", "help")}:
            yield from ((text,) for text in templates(keyword.value, constants) or [])


def _is_command(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and name_of(decorator) in {"command", "group"}

"""The operator's own keys: ``[keys]`` in settings.toml, by the bindings' ids."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator, Mapping

from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import _character_to_key

from signoff.message import say
from signoff.text import one_line

# What records an answer must be a key that nobody presses in passing.
_DELIBERATE = frozenset({"record", "seal"})
_TOO_EASY = frozenset({"enter", "space", "tab", "escape", "backspace"})


def all_bindings() -> Iterator[tuple[type[DOMNode], Binding]]:
    """Yield every binding of the app's own screens and widgets, with the class that has it."""
    from signoff import app as package
    from signoff.app.app import SignoffApp

    seen: set[type[DOMNode]] = set()
    modules = [
        importlib.import_module(one.name) for one in pkgutil.walk_packages(package.__path__, "signoff.app.")
    ]
    for module in modules:
        for _name, found in inspect.getmembers(module, inspect.isclass):
            if not issubclass(found, DOMNode) or not found.__module__.startswith("signoff.app"):
                continue
            if found not in seen:
                seen.add(found)
                for binding in Binding.make_bindings(found.__dict__.get("BINDINGS", ())):
                    yield found, binding
    assert SignoffApp in seen  # noqa: S101 - the app's own keys can be changed too


def keymap(wanted: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the key map that Textual is given, and what is wrong with the one that is wanted."""
    if not wanted:
        return {}, []
    known = {binding.id for _owner, binding in all_bindings() if binding.id}
    good: dict[str, str] = {}
    wrong: list[str] = []
    for name, keys in wanted.items():
        shown = one_line(name, 40)
        pressed = [_long(key) for key in keys.split(",") if key.strip()]
        if name not in known:
            wrong.append(say("there is no key called {shown}; the help shows the names.", shown=shown))
        elif not pressed:
            wrong.append(say("{shown} has no key.", shown=shown))
        elif name in _DELIBERATE and any(_easy(key) for key in pressed):
            wrong.append(say("{shown} must have a deliberate key, with ctrl or a function key.", shown=shown))
        else:
            good[name] = ",".join(pressed)
    wrong += [
        say("{key} is asked for twice: {names}.", key=key, names=" and ".join(names))
        for key, names in _twice(good)
    ]
    return good, wrong


def _long(key: str) -> str:
    key = key.strip()
    return _character_to_key(key) if len(key) == 1 else key


def _easy(key: str) -> bool:
    return key in _TOO_EASY or not (key.startswith("ctrl+") or (key.startswith("f") and key[1:].isdecimal()))


def _twice(good: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    by_key: dict[str, list[str]] = {}
    for name, keys in good.items():
        for key in keys.split(","):
            by_key.setdefault(key, []).append(name)
    for key, names in by_key.items():
        if len(names) > 1:
            yield key, names

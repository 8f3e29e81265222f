"""What is wrong with a file that an operator writes: where, and in our words what, with the nearest name.

The libraries that read such files speak of objects and of types of Python's; none of their texts is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final, TypeVar

import msgspec

from signoff.message import Message, listed, say
from signoff.text import one_line

Place = tuple[str | int, ...]
"""Where a value stands in a file: the keys, and the places in lists, that lead to it."""

Problem = tuple[int, Message]
"""A line (from 1; 0 where it is not known), and what is wrong there."""

_T = TypeVar("_T")


class MisfitError(Exception):
    """A file does not say what it should; whoever knows its name makes an error for people of it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__(self.problems)

    def told(self, file: object, prefix: str = "") -> Message:
        """Return all that is wrong, a line each, as ``file:line: prefix reason``."""
        lines = (listed((f"{at(file, line)}: {prefix}", reason), "") for line, reason in self.problems)
        return listed(lines, "\n")


def at(file: object, line: int) -> str:
    """Return how a place in a file is written."""
    return f"{file}:{line}" if line else str(file)


def nearest(name: str, known: Iterable[str]) -> Message:
    """Return what to say of a name that nothing has: ``'skiped'; did you mean 'skipped'?``"""
    names = [one for one in known if one]
    shown = repr(one_line(name, 60))
    if close := _close(name, names):
        return say("{shown}; did you mean {close}?", shown=shown, close=repr(close))
    return say("{shown}; known: {names}", shown=shown, names=", ".join(names) or say("none"))


def misfits(value: object, model: type) -> Iterator[tuple[Place, Message]]:
    """Yield what of a file's plain values does not fit what they should be, with its place."""
    # Only for a file that is wrong: the start has no time for it.
    from msgspec.inspect import type_info

    try:
        msgspec.convert(value, model)
    except msgspec.ValidationError:
        yield from tuple(_unfit(value, type_info(model), ())) or [((), say("this does not fit"))]


def fitted(value: object, model: type[_T], line: Callable[[Place], int]) -> _T:
    """Return a file's plain values as what they should be; ``line`` knows where each of them stands.

    Raises MisfitError with all that does not fit.
    """
    try:
        return msgspec.convert(value, model)
    except msgspec.ValidationError:
        pass
    raise MisfitError((line(place), reason) for place, reason in misfits(value, model))


def in_our_words(said: str, words: Mapping[str, Message], otherwise: Message) -> Message:
    """Return our words for a parser's; ``words`` has them by a part of its text."""
    return next((ours for part, ours in words.items() if part in said), otherwise)


def _unfit(value: object, wanted: Any, place: Place) -> Iterator[tuple[Place, Message]]:
    """Yield what does not fit, with its place: whatever kinds of values our files' models have."""
    from msgspec import inspect as kinds

    match wanted:
        case kinds.UnionType():
            yield from _unfit(value, _meant(value, wanted), place)
        case kinds.StructType() if isinstance(value, dict):
            yield from _unfit_keys(value, wanted, place)
        case kinds.DictType() if isinstance(value, dict):
            for key, item in value.items():
                yield from _unfit(item, wanted.value_type, (*place, key))
        case kinds.VarTupleType() | kinds.ListType() if isinstance(value, list):
            for number, item in enumerate(value):
                yield from _unfit(item, wanted.item_type, (*place, number))
        case kinds.EnumType() | kinds.LiteralType():
            values = wanted.cls if isinstance(wanted, kinds.EnumType) else wanted.values
            if value not in tuple(values):
                yield (
                    place,
                    listed(
                        (_name(place), _choice(value, [str(getattr(one, "value", one)) for one in values])),
                        "",
                    ),
                )
        case _ if (need := _NEEDS.get(type(wanted).__name__)) and need[0] != _kind(value):
            there = say("an empty value") if value == "" else _kind(value)
            quotes = (
                say("; put it in quotes") if need == _TEXT and not isinstance(value, (dict, list)) else ""
            )
            yield (
                place,
                say(
                    "{name}needs {need}, not {there}{quotes}",
                    name=_name(place),
                    need=need[1],
                    there=there,
                    quotes=quotes,
                ),
            )


def _meant(value: object, union: Any) -> Any:
    """Return what of several a value is to be: of ours one beside nothing, or a text beside its long form."""
    from msgspec import inspect as kinds

    first, *rest = (one for one in union.types if not isinstance(one, kinds.NoneType))
    return rest[0] if rest and isinstance(value, dict) else first


def _unfit_keys(value: dict[str, object], wanted: Any, place: Place) -> Iterator[tuple[Place, Message]]:
    fields = {field.encode_name: field for field in wanted.fields}
    unknown = [key for key in value if key not in fields]
    # A key that is only misspelt is not missing as well.
    meant = {_close(key, [name for name in fields if name not in value]) for key in unknown}
    for key in unknown:
        yield (
            (*place, key),
            say(
                "unknown key {nearest}", nearest=nearest(key, (name for name in fields if name not in value))
            ),
        )
    for name, field in fields.items():
        if name in value:
            yield from _unfit(value[name], field.type, (*place, name))
        elif field.required and name not in meant:
            yield place, say("{name}the key {name2} is missing", name=_name(place), name2=repr(name))


def _choice(value: object, known: list[str]) -> str:
    if isinstance(value, (str, int)):
        return say("there is no {nearest}", nearest=nearest(str(value), known))
    return say(
        "needs one of {known}, not {kind}", known=", ".join(one for one in known if one), kind=_kind(value)
    )


_TEXT: Final = (say("text"), say("text"))
_NEEDS: Final[Mapping[str, tuple[str, str]]] = {
    "StrType": _TEXT,
    "IntType": (say("a number"), say("a whole number")),
    "BoolType": (say("true or false"), say("true or false")),
    "StructType": (say("keys with values"), say("keys with values")),
    "DictType": (say("keys with values"), say("keys with values")),
    "VarTupleType": (say("a list"), say("a list")),
    "ListType": (say("a list"), say("a list")),
}
"""What a value has to be, and how to ask for it, by the kind that the model has there."""


def _kind(value: object) -> str:
    match value:
        case bool():
            return say("true or false")
        case int():
            return say("a number")
        case float():
            return say("a fraction")
        case str():
            return say("text")
        case dict():
            return say("keys with values")
        case list():
            return say("a list")
        case _:
            return say("a date or time")


def _close(name: str, known: Collection[str]) -> str:
    return next(iter(get_close_matches(name, known, 1)), "")


def _name(place: Place) -> str:
    """Return how a place is called in front of what is wrong there: a line has little of it."""
    if not place:
        return ""
    *before, last = place
    if isinstance(last, int):
        return (
            say("{before}, item {last}: ", before=before[-1], last=last + 1)
            if before
            else say("item {last}: ", last=last + 1)
        )
    return f"{one_line(last, 60)}: "

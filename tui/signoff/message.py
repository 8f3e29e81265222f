"""Texts for people: an English template with named values, so that it can be said in another language.

A `Message` is its English text, which is what is recorded and signed. Template and values go along with it;
only a template of this program's own is ever filled in, and in one pass, so that a value cannot bring in
another place to fill.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

import msgspec

_PLACE: Final = re.compile(r"\{(\w+)\}")
_DOMAIN: Final = "signoff"
_LOCALE: Final = Path(__file__).parent / "locale"


def _filled(template: str, values: Mapping[str, str | int]) -> str:
    return _PLACE.sub(lambda place: str(values.get(place[1], place[0])), template)


def _chosen(template: str, plural: str, values: Mapping[str, str | int]) -> str:
    return plural if plural and values.get("count") != 1 else template


def _plain(value: str | int) -> str | int:
    return str(value) if isinstance(value, str) else value


def reason(error: BaseException) -> str:
    """Return the message that an error was raised with, or else its text."""
    first = error.args[0] if error.args else ""
    return first if isinstance(first, Message) else str(error)


def _value(value: object) -> str | int:
    if isinstance(value, BaseException):
        return reason(value)
    return value if isinstance(value, (str, int)) else str(value)


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message as it is recorded beside its English text. ``plural`` is for any ``count`` but one."""

    template: str
    plural: str = ""
    values: dict[str, str | int | Said] = {}


class Message(str):
    """A text for people, in English; `say` makes one, `translated` gives it in the operator's language."""

    __slots__ = ("plural", "template", "values")
    template: str
    plural: str
    values: Mapping[str, str | int]

    def __new__(cls, template: str, plural: str, values: Mapping[str, str | int]) -> Self:
        """Fill a template in."""
        self = super().__new__(cls, _filled(_chosen(template, plural, values), values))
        self.template, self.plural, self.values = template, plural, dict(values)
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        """Return what a copy is made of."""
        return self.template, self.plural, self.values

    @property
    def said(self) -> Said:
        """How it is recorded."""
        values = {
            name: one.said if isinstance(one, Message) else _plain(one) for name, one in self.values.items()
        }
        return Said(str(self.template), str(self.plural), values)


NOTHING: Final = Message("", "", {})
"""The empty message."""


def say(template: str, /, plural: str = "", **values: object) -> Message:
    """Make a message of a literal template with ``{name}`` for each value.

    Where ``plural`` is given, it is taken for any ``count`` but one.
    """
    return Message(template, plural, {name: _value(one) for name, one in values.items()})


def listed(texts: Iterable[str], between: str = "; ", most: int = 0) -> Message:
    """Join texts into one; with ``most`` only as many, and how many more there are."""
    every = list(texts)
    told = every[:most] if most else every
    if len(told) < len(every):
        told.append(say("and {count} more", count=len(every) - len(told)))
    places = {f"t{number}": text for number, text in enumerate(told)}
    return Message(between.join(f"{{{name}}}" for name in places), "", places)


def translated(text: str) -> str:
    """Return a message in the operator's language; any other text as it is."""
    if not isinstance(text, Message):
        return text
    if text.plural:
        count = text.values.get("count")
        if not isinstance(count, int):
            return str(text)
        # The other form is part of what is looked up: see locale/mo.py.
        template = _spoken().npgettext(text.plural, text.template, text.plural, count)
    else:
        template = _spoken().gettext(text.template) if text.template else ""
    return _filled(
        template,
        {name: translated(one) if isinstance(one, str) else one for name, one in text.values.items()},
    )


def tr(template: str, /, plural: str = "", **values: object) -> str:
    """Make a message, and return it in the operator's language at once: for a screen or a terminal."""
    return translated(say(template, plural, **values))


def recorded(text: str, said: Said | None) -> str:
    """Return a recorded English text in the operator's language.

    What was recorded beside it counts only where it makes the same English text; its template is looked up,
    and never filled in where this program does not have it.
    """
    if said is None:
        return own(text)
    message = restored(said)
    return translated(message) if message == text else text


def own(text: str) -> str:
    """Return a text of this program's own that is no message, as a key's name or a help text is."""
    return _spoken().gettext(text) if text else ""


def use_language(language: str) -> None:
    """Say everything in this language from now on: ``en``, or one that there is a catalogue for."""
    _language[0] = language


def plain(value: object) -> object:
    """Return a message as its English text alone: how msgspec is to write one (``enc_hook``)."""
    if isinstance(value, str):
        return str(value)
    raise NotImplementedError(f"cannot write a {type(value).__name__}")


@contextmanager
def english() -> Iterator[None]:
    """Say everything in English meanwhile, in this thread: what is handed over is as the record has it."""
    before = _here.set("en")
    try:
        yield
    finally:
        _here.reset(before)


_language = ["en"]
_here: ContextVar[str] = ContextVar("language", default="")


def _spoken() -> gettext.NullTranslations:
    return _catalogue(_here.get() or _language[0])


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation(_DOMAIN, _LOCALE, [language], fallback=True)


def restored(said: Said) -> Message:
    """Return the message that was recorded."""
    values = {name: restored(one) if isinstance(one, Said) else one for name, one in said.values.items()}
    return Message(said.template, said.plural, values)

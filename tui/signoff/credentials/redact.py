"""The last guard before the record: a line that would hold a live secret is refused.

What counts as a live secret: a value of at least 8 characters and 40 bits (length times alphabet) that is
no well-known default or placeholder. ``postgres`` is some host's password and everybody's word: to refuse
it would refuse every mention of PostgreSQL, and would hide nothing. Such values never reach the record by
the other guard, the Secret type.
"""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import re
import shlex
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

import msgspec

from signoff.credentials.dotenv import Variable
from signoff.credentials.placeholders import is_default
from signoff.credentials.recognise import secret_like, url_password
from signoff.credentials.secret import Secret
from signoff.credentials.strength import bits
from signoff.errors import SignoffError
from signoff.message import say

LEAST_LENGTH: Final = 8
LEAST_BITS: Final = 40
_FRAGMENT: Final = 20
"""The beginning or end of a cut-off secret is refused from this many characters on."""
_JSON_DEPTH: Final = 3


class LeakError(SignoffError):
    """A line would have held a secret. The message names the variable only."""

    def __init__(self, name: str) -> None:
        super().__init__(
            say("The value of {name} was about to be written to the record; it was not.", name=name),
            say("This is a defect of a probe or of a note: take the value out of it."),
        )
        self.name = name


def is_live(value: Secret) -> bool:
    """Tell whether a value is secret enough to be looked for in every line."""
    text = value.reveal()
    return len(text) >= LEAST_LENGTH and bits(value) >= LEAST_BITS and not is_default(text)


def find_secrets(value: object, name: str = say("a secret")) -> Iterator[tuple[str, Secret]]:
    """Find the secrets within a parsed fact, each with the name of its variable or field.

    Goes through dataclasses, msgspec Structs, mappings and sequences. Of an environment (a mapping of names
    to Secrets, a file's Variables) only those are taken that hold secrets: ``PATH`` is wrapped, and is none.
    """
    if isinstance(value, Secret):
        yield name, value
        return
    if isinstance(value, Variable):
        value = {value.name: value.value}
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(item, Secret) or secret_like(str(key), item):
                yield from find_secrets(item, str(key))
        return
    for inner, item in _parts(value, name):
        yield from find_secrets(item, inner)


def _parts(value: object, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, (list, tuple, set, frozenset)):
        yield from ((name, item) for item in value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
    elif isinstance(value, msgspec.Struct):
        yield from ((field, getattr(value, field)) for field in value.__struct_fields__)


def _texts(value: Secret) -> Iterator[str]:
    """Yield what of a value must not be seen: all of it, its lines, and a long one's beginning and end."""
    text = value.reveal()
    yield text
    lines = [line.strip() for line in text.splitlines()]
    if len(lines) > 1:
        parts = [line for line in lines if len(line) >= _FRAGMENT]
    else:
        parts = [text[:_FRAGMENT], text[-_FRAGMENT:]] if len(text) >= 2 * _FRAGMENT else []
    yield from (part for part in parts if "-----" not in part and is_live(Secret(part)))


def _encodings(text: str) -> Iterator[str]:
    raw = text.encode("utf-8", "surrogateescape")
    yield text
    yield from (quote(raw, safe=""), quote(raw), quote_plus(raw))
    yield re.sub("%..", lambda found: found[0].lower(), quote(raw, safe=""))
    yield from (shlex.quote(text), text.replace("'", "'\\''"), repr(text)[1:-1])
    yield from (html.escape(text), html.escape(text, quote=False))
    yield from (raw.hex(), raw.hex().upper())
    # In the midst of a longer text base64 falls on one of three alignments; the characters at the edges
    # depend on the neighbours and are left out.
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
        inner = whole[(0, 2, 3)[offset] : len(whole) - (1 if (offset + len(raw)) % 3 else 0)]
        yield inner
        yield inner.translate(str.maketrans("+/", "-_"))


def _escaped(text: str) -> set[str]:
    """Return a text as it stands in JSON, and in JSON within JSON: the record quotes what quotes already."""
    found = level = {text}
    for _ in range(_JSON_DEPTH):
        level = {json.dumps(one, ensure_ascii=way)[1:-1] for one in level for way in (True, False)}
        found = found | level
    return found


def forms(value: Secret) -> frozenset[bytes]:
    """Return the ways in which a secret can stand in a line: raw, base64, hex, URL, shell, HTML, JSON."""
    return frozenset(
        written.encode("utf-8", "surrogateescape")
        for text in _texts(value)
        for encoded in _encodings(text)
        for written in _escaped(encoded)
        if len(written) >= LEAST_LENGTH
    )


class Redactor:
    """Knows every live secret of a run. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self.__lock = threading.Lock()
        self.__forms: dict[bytes, str] = {}

    def know(self, secrets: Iterable[tuple[str, Secret]]) -> None:
        """Remember secrets, each with the name to tell when it turns up: ``know(find_secrets(fact))``.

        Of a URL the password is remembered. Values that are not live are passed over.
        """
        # Every process of a service runs with the same ones: the forms are made once for each value.
        live = {url_password(secret) or secret: name for name, secret in secrets}
        fresh = {form: name for value, name in live.items() if is_live(value) for form in forms(value)}
        with self.__lock:
            self.__forms = {**fresh, **self.__forms}

    def refuse(self, line: bytes) -> None:
        """Raise LeakError where ``line`` holds a live secret in any form."""
        name = self.__hit(line)
        if name is not None:
            raise LeakError(name)

    def __hit(self, line: bytes) -> str | None:
        return next((name for form, name in self.__forms.items() if form in line), None)

    def __repr__(self) -> str:
        return f"Redactor({len(self.__forms)} forms)"

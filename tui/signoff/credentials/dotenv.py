"""Reading ``.env`` files: the values, and where programs would not agree on them.

python-dotenv reads, without interpolation. There is no standard: bash runs the file, systemd knows neither
``export`` nor comments behind a value (systemd.exec(5), EnvironmentFile=), ``docker run --env-file`` takes
quotes for part of the value, and compose expands ``$``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from dotenv.parser import Binding, parse_stream

from signoff.credentials.secret import Secret

_DOLLAR: Final = re.compile(r"\$[A-Za-z0-9_{(!?*@#$-]")
_SHELL: Final = frozenset("&;|<>()`")
_COMMENT: Final = re.compile(r"\s*(#.*)?")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)


class Reader(StrEnum):
    """A program that reads such files in its own way."""

    COMPOSE = "docker compose"
    BASH = "bash"
    SYSTEMD = "systemd"
    DOCKER = "docker run --env-file"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a file. ``readings`` are the other programs' values; None where one makes none of it."""

    name: str
    value: Secret
    line: int
    readings: Mapping[Reader, Secret | None]

    @property
    def disputed(self) -> tuple[Reader, ...]:
        """The programs that read another value, or none."""
        return tuple(reader for reader, value in self.readings.items() if value != self.value)

    def may_be(self, value: Secret) -> bool:
        """Tell whether some program reads this value."""
        return value == self.value or value in self.readings.values()


@dataclass(frozen=True, slots=True)
class EnvFile:
    """What a file says. Of a variable that is there twice, the last counts.

    ``repeated`` are the names that are there more than once with different values; ``broken`` the numbers
    of the lines that cannot be read.
    """

    variables: Mapping[str, Variable]
    repeated: tuple[str, ...] = ()
    broken: tuple[int, ...] = ()


def read(content: bytes) -> EnvFile:
    """Read a file's content. Never raises: what cannot be read is in ``broken``."""
    text = content.decode("utf-8", "surrogateescape")
    variables: dict[str, Variable] = {}
    repeated: dict[str, None] = {}
    broken = []
    for binding in parse_stream(io.StringIO(text, newline="")):
        line = binding.original.line + _blank_lines(binding)
        if binding.error or (binding.key is not None and binding.value is None):
            broken.append(line)
        elif binding.key is not None and binding.value is not None:
            variable = Variable(binding.key, Secret(binding.value), line, dict(_readings(binding)))
            earlier = variables.get(binding.key)
            if earlier and earlier.value != variable.value:
                repeated[binding.key] = None
            variables[binding.key] = variable
    return EnvFile(variables, tuple(repeated), tuple(broken))


def _blank_lines(binding: Binding) -> int:
    text = binding.original.string
    return text[: len(text) - len(text.lstrip())].count("\n")


def _readings(binding: Binding) -> Iterator[tuple[Reader, Secret | None]]:
    head, _, raw = binding.original.string.lstrip().partition("=")
    raw = raw.removesuffix("\n")
    name = head.removeprefix("export ").strip()
    plain = head == name
    readings = {
        Reader.COMPOSE: _compose(raw, binding.value or ""),
        # A carriage return at the end of a line is a part of the value for bash and Docker.
        Reader.BASH: _bash(raw) if head in {name, f"export {name}"} else None,
        Reader.SYSTEMD: _systemd(raw.removesuffix("\r")) if head.strip() == name else None,
        Reader.DOCKER: raw if plain and "\n" not in raw else None,
    }
    yield from ((reader, None if value is None else Secret(value)) for reader, value in readings.items())


def _compose(raw: str, value: str) -> str | None:
    """Return what compose reads; None where it expands something, which version 1 and 2 do differently."""
    return None if not raw.startswith("'") and _DOLLAR.search(raw) else value


def _bash(raw: str) -> str | None:
    """Return what ``source`` assigns; None where it expands, runs or refuses something."""
    if raw.startswith("~"):
        return None
    parts, position = list[str](), 0
    while position < len(raw):
        if raw[position] in " \t\n":
            return "".join(parts) if _COMMENT.fullmatch(raw, position) else None
        part = _bash_part(raw, position)
        if part is None:
            return None
        parts.append(part[0])
        position = part[1]
    return "".join(parts)


def _bash_part(raw: str, start: int) -> tuple[str, int] | None:
    """Return the next part of a word and its end; None where it is no plain text."""
    if raw[start] == "'":
        end = raw.find("'", start + 1)
        return None if end < 0 else (raw[start + 1 : end], end + 1)
    if raw[start] == '"':
        quoted = _QUOTED.match(raw, start)
        if not quoted or "`" in quoted[1] or _DOLLAR.search(re.sub(r"\\.", "", quoted[1])):
            return None
        return re.sub(r'\\(["\\$`])', r"\1", quoted[1]), quoted.end()
    if raw[start] == "\\":
        return raw[start + 1 : start + 2], start + 2
    # A home directory is put in for ~ also after a colon.
    if raw[start] in _SHELL or _DOLLAR.match(raw, start) or raw.startswith(":~", start):
        return None
    return raw[start], start + 1


def _systemd(raw: str) -> str:
    """Return what systemd reads: quotes count at a value's start only, and nothing is a comment there."""
    value, rest = "", raw.lstrip(" \t")
    while rest[:1] in {"'", '"'}:
        quote = rest[0]
        pattern = r"'([^']*)'?" if quote == "'" else r'"((?:[^"\\]|\\.)*)"?'
        quoted = re.match(pattern, rest, re.DOTALL)
        if not quoted:
            break
        inner = quoted[1] if quote == "'" else re.sub(r'\\(["\\$`])', r"\1", quoted[1])
        value += inner
        rest = rest[quoted.end() :].lstrip(" \t")
    return value + re.sub(r"\\(.)", r"\1", rest.rstrip(" \t"))

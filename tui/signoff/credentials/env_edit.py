"""Replacing values in a ``.env`` file, byte by byte: whatever is not the value's stays as it is.

python-dotenv finds the values, and reads the result again before it is returned. Programs that read such
files in other ways are foretold by ``signoff.credentials.dotenv``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from dotenv.parser import Binding, parse_stream

from signoff.credentials.dotenv import Reader, Variable, read
from signoff.credentials.secret import Secret
from signoff.errors import SignoffError
from signoff.message import NOTHING, Message, say
from signoff.text import one_line

_BOM: Final = "\ufeff"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_HEAD: Final = re.compile(r"\s*^[ \t]*(?:export[ \t]+)?(?:'[^']+'|[^=#\s]+)[ \t]*=([ \t]*)", re.MULTILINE)
_QUOTED: Final = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_COMMENT: Final = re.compile(r"\s+#.*")
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.,:/@%?+=-]*", re.ASCII)
"""What needs no quotes for any program."""

_ODD: Final = {
    "\0": say("a NUL, as in no text"),
    "\r": say("a carriage return that ends no line"),
    _BOM: say("a second byte order mark"),
}
_SAFE: Final = say("Take a value of letters, digits, _ and -, as `signoff generate` makes them.")


class EnvEditError(SignoffError):
    """A file cannot be edited so that it is sure what its readers make of it. No value is in it.

    ``line`` is the line's number, 0 where it is no line's fault; ``reason`` the message without it.
    """

    def __init__(self, reason: Message, hint: Message = NOTHING, *, line: int = 0) -> None:
        super().__init__(say("Line {line}: {reason}", line=line, reason=reason) if line else reason, hint)
        self.line = line
        self.reason = reason


def edit(
    raw: bytes,
    changes: Mapping[str, Secret],
    *,
    append: bool = False,
    readers: Collection[Reader] | None = None,
) -> bytes:
    """Return the file's content with new values for some of its variables; only the values' bytes change.

    A variable that is not there is added at the end where ``append`` allows it. python-dotenv reads each new
    value exactly, and so do ``readers``; where None, all those that read the old one as python-dotenv does.

    Raise EnvEditError for a variable that is there twice or not at all, for a file with lines that do not
    parse, and for a value that cannot be written so.
    """
    for name, value in changes.items():
        _check(name, value)
        lines = _lines(raw)
        line = _only(lines, name, raw)
        if line is not None:
            raw = _replaced(raw, lines, line, value, readers)
        elif append:
            raw = _appended(raw, name, value, readers)
        else:
            raise EnvEditError(
                say("there is no {name} in the file.", name=name),
                say("Add the line by hand, then try again."),
            )
    return raw


@dataclass(frozen=True, slots=True)
class _Line:
    """What python-dotenv takes for one: an assignment, a comment, or blank lines.

    ``start`` is where its text begins in the file's text, ``number`` the line on which the assignment is.
    """

    binding: Binding
    start: int
    number: int

    @property
    def text(self) -> str:
        return self.binding.original.string


def _check(name: str, value: Secret) -> None:
    if not _NAME.fullmatch(name):
        raise EnvEditError(say("{name} is no name for a variable.", name=repr(one_line(name, 60))))
    text = value.reveal()
    if not text.isprintable() or text.strip() != text:
        raise EnvEditError(
            say(
                "the new value of {name} has a line feed, a control character or a blank at an end.",
                name=name,
            ),
            _SAFE,
        )
    if "${" in text:
        raise EnvEditError(
            say("the new value of {name} has ${ in it, which programs replace.", name=name), _SAFE
        )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _lines(raw: bytes) -> list[_Line]:
    """Take a file apart; raise EnvEditError where programs would do so in different ways."""
    text = _text(raw)
    body = text.removeprefix(_BOM)
    odd = re.search(rf"\0|\r(?!\n)|^{_BOM}", body)
    if odd:
        raise EnvEditError(
            say("there is {odd}.", odd=_ODD[odd[0]]), line=body.count("\n", 0, odd.start()) + 1
        )
    lines = list(_bindings(body, len(text) - len(body)))
    for line in lines:
        if line.binding.error:
            raise EnvEditError(
                say("this is no assignment, or its quotes do not close."),
                say("Programs disagree about what follows such a line. Put it right by hand."),
                line=line.number,
            )
    return lines


def _bindings(body: str, start: int) -> Iterator[_Line]:
    number = 1
    for binding in parse_stream(io.StringIO(body, newline="")):
        string = binding.original.string
        blank = string[: len(string) - len(string.lstrip())]
        yield _Line(binding, start, number + blank.count("\n"))
        start += len(string)
        number += string.count("\n")


def _only(lines: list[_Line], name: str, raw: bytes) -> _Line | None:
    """Return the one line that assigns a variable; None where there is none."""
    found = [line for line in lines if line.binding.key == name]
    # Some programs know no value of several lines: each of its lines is one of the file's to them.
    looks = re.compile(rf"^[ \t]*(?:export[ \t]+)?['\"]?{name}['\"]?[ \t]*[=:]", re.MULTILINE)
    body = _text(raw).removeprefix(_BOM)
    numbers = {line.number for line in found}
    numbers |= {body.count("\n", 0, match.start()) + 1 for match in looks.finditer(body)}
    if len(numbers) > 1:
        first, second, *_ = sorted(numbers)
        raise EnvEditError(
            say("{name} is there a second time, after line {first}.", name=name, first=first),
            say("Programs do not agree which of them counts. Remove one, then try again."),
            line=second,
        )
    if found and found[0].binding.value is None:
        raise EnvEditError(
            say("{name} has no = and no value.", name=name),
            say("Write it as an assignment."),
            line=found[0].number,
        )
    return found[0] if found else None


def _replaced(
    raw: bytes, lines: list[_Line], line: _Line, value: Secret, readers: Collection[Reader] | None
) -> bytes:
    name = line.binding.key or ""
    text = _text(raw)
    start, end = _span(line)
    _check_continuations(text, line, end)
    old = read(raw).variables[name]
    needed = _agreeing(old) if readers is None else frozenset(readers)
    others = [other.text for other in lines if other is not line]

    def written(form: str) -> bytes | None:
        new = _bytes(text[:start] + form + text[end:])
        try:
            after = _lines(new)
        except EnvEditError:
            return None
        same = [other.text for other in after if other.binding.key != name] == others
        return new if same else None

    return _first(written, name, value, needed, quote=text[start:end][:1])


def _span(line: _Line) -> tuple[int, int]:
    """Return where the value stands in the file's text, its quotes included."""
    head = _HEAD.match(line.text)
    if head is None:
        raise EnvEditError(say("there is an unusual blank character around the name."), line=line.number)
    rest = line.text[head.end() :]
    quoted = _QUOTED.match(rest)
    if quoted:
        length = quoted.end()
    elif head[1] and rest.startswith("#"):
        length = 0
    else:
        length = len(_COMMENT.sub("", re.split(r"[\r\n]", rest, maxsplit=1)[0]).rstrip())
    start = line.start + (head.end() if length else head.start(1))
    return start, start + length


def _check_continuations(text: str, line: _Line, end: int) -> None:
    """Raise where a backslash joins the assignment with the line before it or after it."""
    blank = len(line.text) - len(line.text.lstrip())
    before = text[: line.start + blank].rpartition("\n")[0].rpartition("\n")[2]
    rest = text[end:].partition("\n")[0]
    if any(part.rstrip("\r").endswith("\\") for part in (before, text[:end] + rest)):
        raise EnvEditError(
            say("a backslash at a line's end joins two lines for some programs, and not for others."),
            say("Take it away, then try again."),
            line=line.number,
        )


def _appended(raw: bytes, name: str, value: Secret, readers: Collection[Reader] | None) -> bytes:
    text = _text(raw)
    body = text.removeprefix(_BOM)
    last = body.removesuffix("\n").rpartition("\n")[2].rstrip("\r")
    if last.endswith("\\"):
        raise EnvEditError(
            say("the last line ends with a backslash, which would join it with the new one."),
            say("Take it away, then try again."),
            line=body.removesuffix("\n").count("\n") + 1,
        )
    ending = "\r\n" if "\r\n" in body else "\n"
    gap = ending if body and not body.endswith("\n") else ""
    # With a carriage return at its end no value is what it was for these two.
    usual = set(Reader) - ({Reader.BASH, Reader.DOCKER} if ending == "\r\n" else set())

    def written(form: str) -> bytes | None:
        return _bytes(f"{text}{gap}{name}={form}{ending}")

    return _first(written, name, value, frozenset(usual if readers is None else readers), quote="")


def _agreeing(variable: Variable) -> frozenset[Reader]:
    return frozenset(Reader) - frozenset(variable.disputed)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _first(
    written: Callable[[str], bytes | None],
    name: str,
    value: Secret,
    needed: Collection[Reader],
    *,
    quote: str,
) -> bytes:
    """Return the file with the first form of the value that every program needed reads as the value."""
    refusing: dict[Reader, None] = {}
    for form in _forms(value, quote):
        new = written(form)
        variable = read(new).variables.get(name) if new is not None else None
        if new is None or variable is None or variable.value != value:
            continue
        disputed = [reader for reader in variable.disputed if reader in needed]
        if not disputed:
            return new
        refusing |= dict.fromkeys(disputed)
    who = ", ".join(refusing) or say("programs that read dotenv files")
    raise EnvEditError(
        say("there is no way to write the new value of {name} that suits {who}.", name=name, who=who), _SAFE
    )


def _forms(value: Secret, quote: str) -> Iterator[str]:
    text = value.reveal()
    if _PLAIN.fullmatch(text):
        yield text
    for mark in sorted("'\"", key=lambda mark: mark != quote):
        special = "'\\" if mark == "'" else '"\\$`'
        if not set(text) & set(special):
            yield f"{mark}{text}{mark}"
    if "#" not in text:  # of which programs disagree where it begins a comment
        yield text

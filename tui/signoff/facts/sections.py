"""How a script on the target tells several things in one output, and how they are told apart again.

A heading is ``#name`` with its fields after tabs; every line of content begins with ``|``, so that no content
can pass for a heading. ``#cut`` marks what was not looked at, ``#stranger`` what was passed over because
nobody who is to be trusted runs it. ``#unavailable`` is a program that did not answer (``ask`` of lib.sh),
with the command to run by hand. ``#end`` is the last line: without it the script did not run to its end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from importlib.resources import files
from shlex import quote

from signoff.facts.base import Malformed, Unavailable
from signoff.message import Message, listed, say
from signoff.target.command import Output
from signoff.text import one_line

_CUT, _STRANGER, _UNAVAILABLE = "cut", "stranger", "unavailable"

_CALL = """
exec 8>&1
left=$(main 9>&1 >&8 8>&-) || exit
if [ -n "$left" ]; then printf '%s\\n' "$left"; fi
echo '#end'
"""
"""Runs the scripts, and says last what they left out or passed over: marks have a descriptor of their own."""


def read_script(*names: str) -> str:
    """Return scripts of the folder ``scripts`` as one, with what they print with (``lib.sh``).

    A short one may be its own text instead of a name; it has a space in it.
    """
    folder = files("signoff.facts").joinpath("scripts")
    library, *texts = (
        f"{name}\n" if " " in name else folder.joinpath(name).read_text("utf-8")
        for name in ("lib.sh", *names)
    )
    return f"{library}main() {{\n{''.join(texts)}:\n}}{_CALL}"


def assigned(**values: str) -> str:
    """Return the values as variables of a script."""
    return "".join(f"{name}={quote(value)}\n" for name, value in values.items())


@dataclass(frozen=True)
class Section:
    """One heading with its fields, and the lines below it."""

    name: str
    fields: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines as one text, with a line feed at the end of each."""
        return "".join(f"{line}\n" for line in self.lines)

    def field(self, index: int) -> str:
        """Return a field; an empty text where there is none."""
        return self.fields[index] if index < len(self.fields) else ""


def sections(output: Output) -> tuple[Section, ...]:
    """Return the sections of an output.

    Raises Unavailable where a program did not answer, Malformed where the output is not of this form or was
    cut off.
    """
    lines = output.stdout.decode("utf-8", "replace").split("\n")
    found = tuple(_sections(lines))
    for section in found:
        # Also of a script that did not go on without the answer.
        if section.name == _UNAVAILABLE:
            raise Unavailable(_reason(section), one_line(section.field(0), 400))
    if not found or found[-1].name != "end":
        raise Malformed(say("the script did not run to its end"), one_line(output.stderr))
    return tuple(section for section in found[:-1] if section.name not in {_CUT, _STRANGER})


def _reason(section: Section) -> Message:
    """Return why a program did not answer: ``ask`` of lib.sh tells which, why, and what it said."""
    why, program, said = (one_line(section.field(number)) for number in (1, 2, 3))
    match why:
        case "missing":
            return say("{program}: not installed", program=program)
        case "late":
            return say("{program}: no answer within {seconds} s", program=program, seconds=said)
        case "refused":
            return say("{program}: permission refused: {said}", program=program, said=said)
    code = say("{program}: exit code {code}", program=program, code=why)
    return listed(filter(None, (code, said)), ": ")


def left_out(output: Output) -> tuple[str, ...]:
    """Return what a script says that it did not look at, whatever else it printed."""
    return _marks(output, _CUT)


def strangers(output: Output) -> tuple[str, ...]:
    """Return what a script saw of people who are not to be trusted, and passed over."""
    return _marks(output, _STRANGER)


def _marks(output: Output, name: str) -> tuple[str, ...]:
    lines = output.stdout.decode("utf-8", "replace").split("\n")
    found = (line.removeprefix(f"#{name}\t") for line in lines if line.startswith(f"#{name}\t"))
    return tuple(dict.fromkeys(map(one_line, found)))


def _sections(lines: list[str]) -> Iterator[Section]:
    heading: list[str] = []
    content: list[str] = []
    for line in lines:
        if line.startswith("#"):
            if heading:
                yield Section(heading[0], tuple(heading[1:]), tuple(content))
            heading, content = line[1:].split("\t"), []
        elif line.startswith("|") and heading:
            content.append(line[1:])
        elif line:
            # No excerpt: what came may hold a secret.
            raise Malformed(say("the script printed something unexpected"))
    if heading:
        yield Section(heading[0], tuple(heading[1:]), tuple(content))


Named = Mapping[str, Sequence[Section]]
"""The sections of an output by their names; none under a name that it does not have."""


def by_name(found: Iterable[Section]) -> Named:
    """Return the sections by their names, in order."""
    named = defaultdict[str, list[Section]](list)
    for section in found:
        named[section.name].append(section)
    return named


def clock(found: Named) -> tuple[datetime, str]:
    """Return the host's time in its own zone, and what else the script says there."""
    section = next(iter(found["now"]), Section("now", (), ()))
    try:
        zone = datetime.strptime(section.field(1), "%z").tzinfo or UTC
        return datetime.fromtimestamp(int(section.field(0)), zone), section.field(2)
    except (ValueError, OverflowError, OSError):
        raise Malformed(say("the host's clock could not be read")) from None


def moment(seconds: str, zone: tzinfo | None = UTC) -> datetime | None:
    """Read a time as scripts tell it; None where there is none."""
    return datetime.fromtimestamp(int(seconds), zone) if seconds.isdecimal() else None

"""How a script on the target tells several things in one output, and how they are told apart again.

A heading is ``#name`` with its fields after tabs; every line of content begins with ``|``, so that no content
can pass for a heading. ``#end`` is the last line: without it the script did not run to its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from signoff.facts.base import Malformed
from signoff.target.command import Output
from signoff.text import one_line

# The containers of this machine: DOCKER_HOST goes before a docker context, which may lead to another one.
_SHOW = r"""
unset DOCKER_CONTEXT
export DOCKER_HOST=unix:///var/run/docker.sock
show() { sed 's/^/|/'; echo; }
head_of() { printf '#%s' "$1"; shift; for field in "$@"; do printf '\t%s' "$field"; done; echo; }
"""


def read_script(*names: str) -> str:
    """Return scripts of the folder ``scripts`` as one, with the two functions that they print with."""
    folder = files("signoff.facts").joinpath("scripts")
    return _SHOW + "".join(folder.joinpath(name).read_text("utf-8") for name in names)


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
    """Return the sections of an output; raise Malformed where it is not of this form or was cut."""
    lines = output.stdout.decode("utf-8", "replace").split("\n")
    found = tuple(_sections(lines))
    if not found or found[-1].name != "end":
        raise Malformed("the script did not run to its end", one_line(output.stderr))
    return found[:-1]


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
            raise Malformed("the script printed something unexpected")
    if heading:
        yield Section(heading[0], tuple(heading[1:]), tuple(content))

"""Dockerfiles and .dockerignore: what gets into an image with its files, and what stands in it openly."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Final

from signoff.credentials.secret import Secret
from signoff.facts.budget import Budget
from signoff.text import one_line

_MOST_PATTERNS: Final = 1000
"""Of a .dockerignore; every one is tried on every file with secrets."""


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A Dockerfile. ``variables`` are ``ENV`` and ``ARG`` with a value: whoever has the image can read them.

    ``takes_all`` tells whether it copies its whole context, less what .dockerignore names; ``readable``
    whether it may be read.
    """

    path: str
    readable: bool = True
    takes_all: bool = False
    variables: Mapping[str, Secret] = field(default_factory=dict, repr=False)

    @property
    def context(self) -> str:
        """The directory that it is built in, where nothing else is said."""
        return str(PurePosixPath(self.path).parent)


@dataclass(frozen=True, slots=True)
class Dockerignore:
    """A .dockerignore: its patterns in their order (docs.docker.com, build context)."""

    path: str
    patterns: tuple[str, ...] = ()

    def ignores(self, path: str) -> bool:
        """Tell whether a path within the context stays out of it. The last pattern that fits decides.

        Raise Malformed where there are more patterns than can be tried.
        """
        Budget(_MOST_PATTERNS, one_line(self.path)).spend(len(self.patterns))
        parts = PurePosixPath(path).parts
        fitting = [one for one in self.patterns if _fits(_parts(one), parts)]
        return bool(fitting) and not fitting[-1].startswith("!")


def _parts(pattern: str) -> tuple[str, ...]:
    """Return a pattern folder by folder: ``**.env`` is ``**/*.env``, and ``.`` means nothing."""
    path = re.sub(r"\*\*(?=[^/*])", "**/*", pattern.removeprefix("!").strip().lstrip("/"))
    return PurePosixPath(re.sub(r"(\*\*/)+", "**/", path)).parts or (".",)


def _fits(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Whether a path, or a folder above it, is meant. A star crosses no slash, ** any number."""
    if not pattern or not path:
        return not pattern
    if pattern[0] == "**":
        return any(_fits(pattern[1:], path[start:]) for start in range(len(path)))
    return fnmatchcase(path[0], pattern[0]) and _fits(pattern[1:], path[1:])


def parse_dockerfile(path: str, text: Secret | None) -> Dockerfile:
    """Read a Dockerfile. Never raises: a line that cannot be read says nothing."""
    if text is None:
        return Dockerfile(path, readable=False)
    without_comments = re.sub(r"^[^\S\n]*#.*\n?", "", text.reveal(), flags=re.MULTILINE)
    lines = re.sub(r"\\\s*\n", " ", without_comments)
    found = re.findall(r"^[^\S\n]*([A-Za-z]+)[^\S\n]+(\S.*)$", lines, re.MULTILINE)
    return Dockerfile(
        path,
        takes_all=any(_takes_all(rest) for word, rest in found if word.upper() in {"COPY", "ADD"}),
        variables=dict(
            pair for word, rest in found if word.upper() in {"ENV", "ARG"} for pair in _pairs(rest)
        ),
    )


def parse_dockerignore(path: str, text: Secret | None) -> Dockerignore:
    """Read a .dockerignore."""
    lines = text.reveal().splitlines() if text else []
    return Dockerignore(path, tuple(line.strip() for line in lines if line.strip() and line[0] != "#"))


def _takes_all(rest: str) -> bool:
    # From another stage is from an image, not from the context.
    words = [word.strip('[]",') for word in rest.split() if not word.startswith("--")]
    return "--from=" not in rest and not {".", "./", "/", "*", "./*"}.isdisjoint(words[:-1])


def _pairs(rest: str) -> Iterator[tuple[str, Secret]]:
    try:
        words = shlex.split(rest)
    except ValueError:
        return
    if words and "=" not in words[0]:
        # ENV NAME the rest of the line; ARG NAME has no value.
        words = ["=".join(rest.split(maxsplit=1))]
    for word in words:
        name, equals, value = word.partition("=")
        if equals and not value.startswith("$"):
            yield name, Secret(value)

"""Dockerfiles and .dockerignore: what gets into an image with its files, and what stands in it openly."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import lru_cache
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
        ignored = False
        parts = PurePosixPath(path).parts
        ends = range(1, len(parts) + 1)
        above = ["/".join(parts[:end]) for end in ends]
        within = ["/".join(parts[start:end]) for end in ends for start in range(end)]
        for pattern in self.patterns:
            plain = pattern.lstrip("!").strip("/")
            anywhere = plain.startswith("**/")
            names, wanted = (within, plain.removeprefix("**/")) if anywhere else (above, plain)
            if any(_fits(wanted, name) and _same_depth(name, wanted) for name in names):
                ignored = not pattern.startswith("!")
        return ignored


@lru_cache(_MOST_PATTERNS)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(translate(text))


def _fits(pattern: str, name: str) -> bool:
    return bool(_pattern(pattern).match(name))


def _same_depth(path: str, pattern: str) -> bool:
    # fnmatch's star crosses slashes, Docker's does not.
    return "**" in pattern or path.count("/") == pattern.count("/")


def parse_dockerfile(path: str, text: Secret | None) -> Dockerfile:
    """Read a Dockerfile. Never raises: a line that cannot be read says nothing."""
    if text is None:
        return Dockerfile(path, readable=False)
    instructions = list(_instructions(text.reveal()))
    return Dockerfile(
        path,
        takes_all=any(_takes_all(rest) for word, rest in instructions if word in {"COPY", "ADD"}),
        variables=dict(
            pair for word, rest in instructions if word in {"ENV", "ARG"} for pair in _pairs(rest)
        ),
    )


def parse_dockerignore(path: str, text: Secret | None) -> Dockerignore:
    """Read a .dockerignore."""
    lines = text.reveal().splitlines() if text else []
    return Dockerignore(path, tuple(line.strip() for line in lines if line.strip() and line[0] != "#"))


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    without_comments = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\s*\n", " ", without_comments).splitlines():
        word, _, rest = line.strip().partition(" ")
        yield word.upper(), rest.strip()


def _takes_all(rest: str) -> bool:
    # From another stage is from an image, not from the context.
    if "--from=" in rest:
        return False
    words = [word.strip('[]",') for word in rest.split() if not word.startswith("--")]
    return any(word in {".", "./", "/", "*", "./*"} for word in words[:-1])


def _pairs(rest: str) -> Iterator[tuple[str, Secret]]:
    try:
        words = shlex.split(rest)
    except ValueError:
        return
    if words and "=" not in words[0]:
        # ENV NAME the rest of the line; ARG NAME has no value.
        name, _, value = rest.partition(" ")
        words = [f"{name}={value.strip()}"] if value else []
    for word in words:
        name, equals, value = word.partition("=")
        if equals and not value.startswith("$"):
            yield name, Secret(value)

"""How compose made a container, and with which words it makes it anew. Pure: labels in, commands out.

There are two of it. Version 1 is a program, ``docker-compose``; version 2 a plugin, ``docker compose``, and
in some places a program by the old name. It is the target's own that is called, whichever made the container.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from posixpath import basename, dirname, join, normpath
from shlex import join as words_of
from shlex import quote
from typing import Final

LABEL: Final = "com.docker.compose."
"""How the labels begin by which compose knows its containers."""

_LOOKED_FOR: Final = re.compile(r"(docker-)?compose(\.override)?\.ya?ml")
"""The files that compose takes unasked."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The versions of ``docker compose`` and ``docker-compose`` on a target; empty where there is none."""

    plugin: str = ""
    program: str = ""

    def words(self, version: str, *, underscored: bool) -> tuple[str, ...]:
        """Return the command for a container that compose ``version`` made.

        Version 2 gives names with hyphens (``shop-db-1``). An ``underscored`` one keeps its name, by which
        backups and others know it, only where version 2 is told so.
        """
        may_be_first = self.program.startswith("1.") or not (self.program or self.plugin)
        if may_be_first and (version.startswith("1.") or (self.program and not self.plugin)):
            return ("docker-compose",)
        words = ("docker-compose",) if self.program and not self.plugin else ("docker", "compose")
        return (*words, "--compatibility") if underscored else words


NONE: Final = Programs()
"""What is not known."""


@dataclass(frozen=True)
class Composed:
    """A project as compose was told when it made a container, and the container's service in it.

    ``files`` and ``env_files`` are absolute, unless where they lie cannot be told.
    """

    program: tuple[str, ...]
    project: str
    directory: str
    files: tuple[str, ...]
    env_files: tuple[str, ...]
    service: str = field(compare=False)

    @property
    def second(self) -> bool:
        """Whether it is version 2 that is called."""
        return self.program != ("docker-compose",)

    @property
    def whole(self) -> tuple[str, ...]:
        """The words for this project in exactly these files, to be said in its directory."""
        named = ("-p", self.project) if self.project else ()
        # Of itself compose takes the first file's directory, and from there .env and what else is relative.
        away = self.files and dirname(self.files[0]) != self.directory
        options = ["--project-directory", self.directory] if away else []
        for option, paths in (("-f", self.files), ("--env-file", self.env_files)):
            for path in paths:
                options += [option, path.removeprefix(join(self.directory, ""))]
        return (*self.program, *named, *options)

    def up(self, *options: str) -> str:
        """Return a command for people that makes the service anew: as short as compose finds it all."""
        # What compose calls a project of itself.
        usual = re.sub(r"[^-_a-z0-9]", "", basename(self.directory).lower())
        words = (*self.program, *(("-p", self.project) if self.project not in {"", usual} else ()))
        found = all(
            dirname(one) == self.directory and _LOOKED_FOR.fullmatch(basename(one)) for one in self.files
        )
        if self.env_files or not found:
            words = self.whole
        return f"cd {quote(self.directory)} && {words_of([*words, 'up', '-d', *options, self.service])}"


def composed(name: str, labels: Mapping[str, str], programs: Programs) -> Composed | None:
    """Return how compose made a container of this name; None where it did not."""
    about = {key.removeprefix(LABEL): value for key, value in labels.items() if key.startswith(LABEL)}
    service, project = about.get("service"), about.get("project", "")
    if not service:
        return None
    directory = about.get("project.working_dir", "")
    files = [path for path in about.get("project.config_files", "").split(",") if path]
    env_files = [path for path in about.get("project.environment_file", "").split(",") if path]
    # Version 1 notes paths from where it was called. ``-f deploy/x.yml`` leads into ``deploy``, which is the
    # project's directory then.
    above = dirname(normpath(files[0])) if files else ""
    start = (directory.removesuffix(f"/{above}") or directory[:1]) if above else directory
    underscored = name == f"{project}_{service}_{about.get('container-number', '1')}"
    return Composed(
        program=programs.words(about.get("version", ""), underscored=underscored),
        project=project,
        directory=directory,
        files=tuple(normpath(join(start, path)) for path in files),
        env_files=tuple(normpath(join(start, path)) for path in env_files),
        service=service,
    )

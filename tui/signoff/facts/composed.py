"""How compose made a container, and with which words it makes it anew. Pure: labels in, commands out.

There are two of it. Version 1 is a program, ``docker-compose``; version 2 a plugin, ``docker compose``, and
in some places a program by the old name. It is the target's own that is called, whichever made the container.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from posixpath import normpath
from shlex import join, quote
from typing import Final

LABEL: Final = "com.docker.compose."
"""How the labels begin by which compose knows its containers."""

_LOOKED_FOR: Final = (
    *("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"),
    *("compose.override.yml", "compose.override.yaml", "docker-compose.override.yml"),
    "docker-compose.override.yaml",
)
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
        options = [option for path in self.files for option in ("-f", self._near(path))]
        options += [option for path in self.env_files for option in ("--env-file", self._near(path))]
        named = ("-p", self.project) if self.project else ()
        return (*self.program, *named, *self._elsewhere(), *options)

    def up(self, *options: str) -> str:
        """Return a command for people that makes the service anew: as short as compose finds it all."""
        words = list(self.program)
        # What compose calls a project of itself.
        if self.project and self.project != re.sub(
            r"[^-_a-z0-9]", "", PurePosixPath(self.directory).name.lower()
        ):
            words += ["-p", self.project]
        usual = {f"{self.directory}/{name}" for name in _LOOKED_FOR}
        if not usual.issuperset(self.files) or self.env_files:
            words = list(self.whole)
        return f"cd {quote(self.directory)} && {join([*words, 'up', '-d', *options, self.service])}"

    def _near(self, path: str) -> str:
        return path.removeprefix(f"{self.directory.rstrip('/')}/")

    def _elsewhere(self) -> tuple[str, ...]:
        # Of itself compose takes the first file's directory, and from there .env and what else is relative.
        away = self.files and str(PurePosixPath(self.files[0]).parent) != self.directory
        return ("--project-directory", self.directory) if away else ()


def composed(name: str, labels: Mapping[str, str], programs: Programs) -> Composed | None:
    """Return how compose made a container of this name; None where it did not."""
    about = {key.removeprefix(LABEL): value for key, value in labels.items() if key.startswith(LABEL)}
    service = about.get("service")
    if not service:
        return None
    directory = about.get("project.working_dir", "")
    files = _paths(about.get("project.config_files", ""))
    start = _start(directory, files)
    project = about.get("project", "")
    underscored = name == f"{project}_{service}_{about.get('container-number', '1')}"
    return Composed(
        program=programs.words(about.get("version", ""), underscored=underscored),
        project=project,
        directory=directory,
        files=tuple(normpath(f"{start}/{one}") if one[0] != "/" else one for one in files),
        env_files=tuple(
            normpath(f"{start}/{one}") if one[0] != "/" else one
            for one in _paths(about.get("project.environment_file", ""))
        ),
        service=service,
    )


def _paths(label: str) -> tuple[str, ...]:
    return tuple(filter(None, label.split(",")))


def _start(directory: str, files: tuple[str, ...]) -> str:
    """Return where compose was called: version 1 notes paths from there. ``-f deploy/x.yml`` leads into
    ``deploy``, which is the project's directory then.
    """
    above = PurePosixPath(files[0]).parent.parts if files and files[0][0] != "/" else ()
    parts = PurePosixPath(directory).parts
    if above and ".." not in above and parts[-len(above) :] == above:
        return str(PurePosixPath(*parts[: -len(above)]))
    return directory

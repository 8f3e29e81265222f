"""What the probes on secrets share: which files are in use, by whom, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from posixpath import normpath

from signoff.credentials.dotenv import Reader, Variable
from signoff.credentials.recognise import secret_like, words
from signoff.facts.base import Facts, Unavailable
from signoff.facts.environment import ENVIRONMENT, Environment, Kind, SecretFile
from signoff.facts.units import UNITS
from signoff.message import say
from signoff.probes.remedies import command, within
from signoff.target.profile import Profile
from signoff.text import one_line

_DEFAULT = Profile().env_files
_SERVED = frozenset({"public", "public_html", "htdocs", "html", "static", "wwwroot", "webroot"})


@dataclass(frozen=True, slots=True)
class Reference:
    """That something reads a file: a unit, a compose service, or the profile says so."""

    path: str
    by: str
    reader: Reader | None
    required: bool


def references(facts: Facts, profile: Profile) -> tuple[Reference, ...]:
    """Return who reads which file, as far as can be seen."""
    environment = facts[ENVIRONMENT]
    found = list(_of_compose(environment))
    if not facts.missing(UNITS):
        found += [
            Reference(normpath(one.path), unit.name, Reader.SYSTEMD, one.required)
            for unit in facts[UNITS].units
            for one in unit.env_files
        ]
    if profile.env_files != _DEFAULT:
        found += [
            Reference(
                normpath(f"{environment.project}/{name}" if name[:1] != "/" else name),
                "targets.toml",
                None,
                True,
            )
            for name in profile.env_files
        ]
    return tuple(found)


def _of_compose(environment: Environment) -> Iterator[Reference]:
    for compose in environment.compose:
        directory, name = PurePosixPath(compose.path).parent, PurePosixPath(compose.path).name
        for service in compose.services:
            for one in service.env_files:
                if "$" not in one.path:
                    path = normpath(str(directory / one.path))
                    yield Reference(path, f"{service.name} in {name}", Reader.COMPOSE, one.required)


def readers(file: SecretFile, environment: Environment, known: Iterable[Reference]) -> frozenset[Reader]:
    """Return which programs read a file for sure. Compose reads ``.env`` beside its own file unasked."""
    found = {one.reader for one in known if one.path in {file.path, file.target} and one.reader}
    if file.path in {str(PurePosixPath(one.path).parent / ".env") for one in environment.compose}:
        found.add(Reader.COMPOSE)
    return frozenset(found)


def used_files(facts: Facts, profile: Profile) -> tuple[SecretFile, ...]:
    """Return the project's own files that programs read: what something refers to, or what looks like it.

    A file that something of the project names is its own wherever it lies.
    """
    named = _named(facts, profile)
    project = facts[ENVIRONMENT].project
    return tuple(
        file
        for file in facts[ENVIRONMENT].files
        if file.path in named
        or file.target in named
        or (file.kind is Kind.LIVE and within(file.target, project))
    )


def foreign_files(facts: Facts, profile: Profile) -> tuple[SecretFile, ...]:
    """Return the files that lie outside of the project by their real paths, and that nothing of it names.

    Not examples: there is nothing in them.
    """
    environment = facts[ENVIRONMENT]
    own = used_files(facts, profile)
    known = {path for file in (*own, *environment.mounted) for path in (file.path, file.target)}
    led_out = (file for file in environment.files if not within(file.target, environment.project))
    return tuple(
        file
        for file in (*led_out, *environment.elsewhere)
        if file.path not in known and file.kind is not Kind.EXAMPLE
    )


def _named(facts: Facts, profile: Profile) -> frozenset[str]:
    """Return the files that the project reads by name: its units, its compose files, and the profile."""
    environment = facts[ENVIRONMENT]
    by_profile = (normpath(PurePosixPath(environment.project, name)) for name in profile.env_files)
    # Compose reads it unasked.
    beside = (str(PurePosixPath(one.path).parent / ".env") for one in environment.compose)
    return frozenset((*(one.path for one in references(facts, profile)), *by_profile, *beside))


def no_files(facts: Facts) -> Unavailable:
    """Say that it is not known where the secrets are kept."""
    project = one_line(facts[ENVIRONMENT].project)
    return Unavailable(
        say(
            "no file with secrets was found in {project}; where they are kept is not known (put "
            "the files' names into targets.toml as env_files)",
            project=project,
        )
    )


def readable_files(facts: Facts, profile: Profile) -> tuple[SecretFile, ...]:
    """Return the files in use; raise Unavailable where there is none, or where one could not be read."""
    found = used_files(facts, profile)
    if not found:
        raise no_files(facts)
    for file in found:
        if file.content is None:
            raise Unavailable(closed(file), command("sudo cat", [file.path]))
    return found


def distinct(files: Iterable[SecretFile]) -> tuple[SecretFile, ...]:
    """Return each file once: a link and the file that it leads to are one."""
    found: dict[str, SecretFile] = {}
    for file in files:
        found.setdefault(file.target, file)
    return tuple(found.values())


def closed(file: SecretFile) -> str:
    """Say why there is nothing to judge in a file."""
    if not file.readable:
        return f"{one_line(file.path)} may be read by {one_line(file.access.owner)} and root only"
    return f"{one_line(file.path)} is too large to be a file with secrets ({file.size} bytes)"


def secrets_of(files: Iterable[SecretFile]) -> tuple[tuple[SecretFile, Variable], ...]:
    """Return every variable that holds a secret, with its file."""
    return tuple(
        (file, variable)
        for file in files
        if file.content
        for variable in file.content.variables.values()
        if secret_like(variable.name, variable.value)
    )


def surroundings(facts: Facts, profile: Profile) -> tuple[str, ...]:
    """Return the words that an attacker would try: names of the host, project, database and users."""
    environment = facts[ENVIRONMENT]
    users = [
        variable.value.reveal()
        for file in environment.live
        if file.content
        for variable in file.content.variables.values()
        if words(variable.name)[-1:] in {("user",), ("username",), ("db",), ("database",)}
    ]
    texts = (profile.name, profile.url, profile.database, PurePosixPath(environment.project).name, *users)
    return tuple({word.casefold() for text in texts for word in re.split(r"[^\w]+", text) if len(word) > 2})


def served(path: str) -> str:
    """Return the folder above a path that web servers serve from, by its name; empty where there is none."""
    return min(_SERVED.intersection(PurePosixPath(path).parent.parts), default="")


def listing(names: Iterable[str], most: int = 8) -> str:
    """Return names in a row, the first few of many."""
    found = [one_line(name, 60) for name in names]
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more

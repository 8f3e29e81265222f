"""What the probes on secrets share: which files are in use, by whom, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from posixpath import normpath

from signoff.credentials.dotenv import Reader, Variable
from signoff.credentials.recognise import secret_like, words
from signoff.facts.base import Facts, Unavailable
from signoff.facts.environment import ENVIRONMENT, Kind, SecretFile
from signoff.facts.units import UNITS, Unit
from signoff.message import Message, listed, say
from signoff.model import Vantage
from signoff.probes.base import probe
from signoff.probes.remedies import command, within
from signoff.target.profile import Profile
from signoff.text import one_line

on_secrets = partial(probe, needs=(ENVIRONMENT, UNITS), vantage=Vantage.PROJECT)
"""Make a judge of the files with secrets a probe; whoever reads them is needed too."""
_SERVED = frozenset({"public", "public_html", "htdocs", "html", "static", "wwwroot", "webroot"})


@dataclass(frozen=True, slots=True)
class Reference:
    """That something reads a file: a unit, a compose service, or the profile says so.

    ``by`` is empty where it is read because it is where such files are looked for.
    """

    path: str
    by: str
    reader: Reader | None
    required: bool


def references(facts: Facts, profile: Profile) -> tuple[Reference, ...]:
    """Return who reads which file, as far as can be seen."""
    environment = facts[ENVIRONMENT]
    found = [
        Reference(normpath(one.path), unit.name, Reader.SYSTEMD, one.required)
        for unit in units_of(facts)
        for one in unit.env_files
    ]
    for compose in environment.compose:
        folder, name = PurePosixPath(compose.path).parent, PurePosixPath(compose.path).name
        # It reads the file beside its own unasked.
        found.append(Reference(str(folder / ".env"), "", Reader.COMPOSE, required=False))
        found += [
            Reference(normpath(folder / one.path), f"{service.name} in {name}", Reader.COMPOSE, one.required)
            for service in compose.services
            for one in service.env_files
            if "$" not in one.path
        ]
    asked = profile.env_files != Profile().env_files
    for path in profile.env_files:
        by = "targets.toml" if asked else ""
        found.append(Reference(normpath(PurePosixPath(environment.project, path)), by, None, required=asked))
    return tuple(found)


def units_of(facts: Facts) -> tuple[Unit, ...]:
    """Return the project's units; none where they cannot be seen."""
    return () if facts.missing(UNITS) else facts[UNITS].units


def used_files(facts: Facts, profile: Profile) -> tuple[SecretFile, ...]:
    """Return the project's own files that programs read: what something refers to, or what looks like it.

    A file that something of the project names is its own wherever it lies.
    """
    named = {one.path for one in references(facts, profile)}
    project = facts[ENVIRONMENT].project
    return tuple(
        file
        for file in facts[ENVIRONMENT].files
        if {file.path, file.target} & named or (file.kind is Kind.LIVE and within(file.target, project))
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


def no_files(facts: Facts) -> Unavailable:
    """Say that it is not known where the secrets are kept."""
    return Unavailable(
        say(
            "no file with secrets was found in {project}; where they are kept is not known"
            " (put the files' names into targets.toml as env_files)",
            project=one_line(facts[ENVIRONMENT].project),
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


def closed(file: SecretFile) -> Message:
    """Say why there is nothing to judge in a file."""
    path, owner = one_line(file.path), one_line(file.access.owner)
    if not file.readable:
        return say("{path} may be read by {owner} and root only", path=path, owner=owner)
    return say("{path} is too large to be a file with secrets ({size} bytes)", path=path, size=file.size)


def variables_of(files: Iterable[SecretFile]) -> Iterator[tuple[SecretFile, Variable]]:
    """Yield every variable of the files that were read, with its file."""
    for file in files:
        for variable in file.content.variables.values() if file.content else ():
            yield file, variable


def secrets_of(files: Iterable[SecretFile]) -> tuple[tuple[SecretFile, Variable], ...]:
    """Return every variable that holds a secret, with its file."""
    return tuple((file, one) for file, one in variables_of(files) if secret_like(one.name, one.value))


def surroundings(facts: Facts, profile: Profile) -> tuple[str, ...]:
    """Return the words that an attacker would try: names of the host, project, database and users."""
    environment = facts[ENVIRONMENT]
    users = [
        variable.value.reveal()
        for _, variable in variables_of(environment.live)
        if words(variable.name)[-1:] in {("user",), ("username",), ("db",), ("database",)}
    ]
    texts = (profile.name, profile.url, profile.database, PurePosixPath(environment.project).name, *users)
    return tuple({word.casefold() for text in texts for word in re.split(r"[^\w]+", text) if len(word) > 2})


def served(path: str) -> str:
    """Return the folder above a path that web servers serve from, by its name; empty where there is none."""
    return min(_SERVED.intersection(PurePosixPath(path).parent.parts), default="")


def listing(names: Iterable[str], most: int = 8) -> Message:
    """Return names in a row, each once, the first few of many."""
    return listed((one_line(name, 60) for name in dict.fromkeys(names) if name), ", ", most)

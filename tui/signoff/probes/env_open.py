"""Secrets in places that were not made for them: compose files, units, Dockerfiles, images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from posixpath import basename, dirname, join, normpath

from signoff.credentials.placeholders import is_placeholder
from signoff.credentials.recognise import secret_like, url_password
from signoff.credentials.secret import Secret
from signoff.facts.base import Facts
from signoff.facts.compose import Compose
from signoff.facts.composed import NONE
from signoff.facts.containers import CONTAINERS
from signoff.facts.dockerfile import Dockerfile
from signoff.facts.environment import ENVIRONMENT, Environment, Kind, kind_of
from signoff.facts.units import UNITS, Unit
from signoff.model import Result, Vantage
from signoff.probes.base import Judgement, probe
from signoff.probes.remedies import command, within
from signoff.probes.secretfiles import listing, units_of
from signoff.target.profile import Profile
from signoff.text import one_line

_MOVE = "Move them into a file with secrets (mode 0600), refer to that, and make new ones: they were open."


@probe(
    "env.hardcoded",
    title="Secrets written into other files",
    expected="none in compose files, units, Dockerfiles or images",
    needs=(ENVIRONMENT, UNITS, CONTAINERS),
    vantage=Vantage.PROJECT,
)
def hardcoded(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge what stands in the project's own files, and what of the units any user can ask for."""
    del profile
    environment, units = facts[ENVIRONMENT], units_of(facts)
    containers = () if facts.missing(CONTAINERS) else facts[CONTAINERS]
    program = " ".join((containers[0].programs if containers else NONE).words("", underscored=False))
    used = [path for one in containers if one.composed for path in one.composed.files]
    found = [*_unread(environment, used), *_dockerfiles(environment), *_units(units)]
    for compose in environment.compose:
        # By the name alone: where compose was called the directory may have gone by another one, a link.
        runs = facts.missing(CONTAINERS) or basename(compose.path) in map(basename, used)
        for_developers = kind_of(compose.path) is not Kind.LIVE and not runs
        found += _compose(compose, program, for_developers=for_developers)
    if facts.missing(UNITS):
        found.append(Judgement(result=Result.UNKNOWN, subject="units", observed=facts.missing(UNITS)))
    yield from found
    if all(one.result is Result.INFORMATIONAL for one in found):
        paths = [one.path for one in environment.compose] + [one.path for one in environment.dockerfiles]
        looked = listing([*map(basename, paths), *(unit.name for unit in units if unit.exists)])
        yield Judgement(
            result=Result.PASS,
            observed=f"no secret in {looked}" if looked else "there is no compose file, Dockerfile or unit",
        )


def _secrets(variables: Mapping[str, Secret]) -> dict[str, Secret]:
    return {name: value for name, value in variables.items() if value and secret_like(name, value)}


def _compose(compose: Compose, program: str, *, for_developers: bool) -> Iterator[Judgement]:
    path = one_line(compose.path)
    if compose.problem:
        yield Judgement(
            result=Result.UNKNOWN,
            subject=compose.path,
            observed=f"{path} was not read: {compose.problem}",
            remedy=f"{command(f'{program} -f', [compose.path])} config --quiet",
        )
    places = [place for service in compose.services for place in (service.environment, service.written)]
    found = [pair for place in places for pair in _secrets(place).items()]
    names = listing(name for name, _ in found)
    if found and for_developers and all(_known(value) for _, value in found):
        yield Judgement(
            result=Result.INFORMATIONAL,
            subject=compose.path,
            observed=f"{path} is for developers, and nothing runs by it; {names}: a default",
        )
    elif found:
        yield Judgement(
            result=Result.FAIL,
            subject=compose.path,
            observed=f"{names} in {path} itself",
            remedy=f"{_MOVE} In the compose file: NAME: ${{NAME:?}}",
        )


def _known(value: Secret) -> bool:
    inner = url_password(value)
    return is_placeholder((value if inner is None else inner).reveal())


def _unread(environment: Environment, used: list[str]) -> Iterator[Judgement]:
    """Name the compose files that count, and are not at the project's top: they are not seen."""
    read = {one.path for one in environment.compose}
    taken = [join(dirname(one.path), other) for one in environment.compose for other in one.others]
    own = [path for path in used if within(path, environment.project)]
    for path in dict.fromkeys(map(normpath, taken + own)):
        if path not in read:
            yield Judgement(
                result=Result.UNKNOWN,
                subject=path,
                observed=f"{one_line(path)} is a compose file of the project, and was not looked at",
                remedy="Look for passwords and keys in it yourself: NAME: ${NAME:?} is how they belong.",
            )


def _dockerfiles(environment: Environment) -> Iterator[Judgement]:
    for dockerfile in environment.dockerfiles:
        path, context = one_line(dockerfile.path), one_line(dockerfile.context)
        if not dockerfile.readable:
            yield Judgement(
                result=Result.UNKNOWN, subject=dockerfile.path, observed=f"{path} may not be read"
            )
        if names := _secrets(dockerfile.variables):
            yield Judgement(
                result=Result.FAIL,
                subject=dockerfile.path,
                observed=f"{listing(names)} in {path}: everybody with the image can read them",
                remedy=f"{_MOVE} What only the build needs: RUN --mount=type=secret",
            )
        if dockerfile.takes_all and (taken := [*_taken(dockerfile, environment)]):
            yield Judgement(
                result=Result.FAIL,
                subject=f"{dockerfile.path}: image",
                observed=f"{path} copies {listing(taken)} into the image: no .dockerignore keeps them out",
                remedy=f"In {context}/.dockerignore, add the lines .env* and !.env.example;"
                " build again, and make new secrets: whoever has an old image has the old ones",
            )


def _taken(dockerfile: Dockerfile, environment: Environment) -> Iterator[str]:
    """Yield the files with secrets that a build takes in. A Dockerfile's own .dockerignore goes first."""
    names = (f"{dockerfile.path}.dockerignore", f"{dockerfile.context}/.dockerignore")
    ignoring = [one for name in names for one in environment.dockerignores if one.path == name][:1]
    for file in environment.files:
        inside = file.path.removeprefix(f"{dockerfile.context}/")
        if (
            file.kind in {Kind.LIVE, Kind.COPY}
            and inside != file.path
            and not any(one.ignores(inside) for one in ignoring)
        ):
            yield inside


def _units(units: Iterable[Unit]) -> Iterator[Judgement]:
    for unit in units:
        if names := [*_secrets(unit.environment), *_secrets(unit.written)]:
            yield Judgement(
                result=Result.FAIL,
                subject=unit.name,
                observed=f"{listing(names)} in {one_line(unit.name)}: any user can see them (systemctl show)",
                remedy=f"{command('systemctl edit', [unit.name])}: EnvironmentFile= or LoadCredential=."
                f" {_MOVE}",
            )

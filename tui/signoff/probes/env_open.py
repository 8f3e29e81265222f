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
from signoff.message import say
from signoff.model import Result
from signoff.probes.base import Judgement
from signoff.probes.kit import Proves, decision, fail, informational, passed, unknown
from signoff.probes.remedies import command, within
from signoff.probes.secretfiles import listing, on_secrets, units_of
from signoff.target.profile import Profile
from signoff.text import one_line

_MOVE = say(
    "Move them into a file with secrets (mode 0600), refer to that, and make new ones: they were open."
)


@on_secrets(
    "env.hardcoded",
    title=say("Secrets written into other files"),
    expected=say("none in compose files, units, Dockerfiles or images"),
    needs=(ENVIRONMENT, UNITS, CONTAINERS),
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
    if missing := facts.missing(UNITS):
        found.append(unknown(missing, subject="units"))
    yield from found
    if all(one.result is Result.INFORMATIONAL for one in found):
        paths = [one.path for one in environment.compose] + [one.path for one in environment.dockerfiles]
        looked = [*map(basename, paths), *(unit.name for unit in units if unit.exists)]
        observed = say("no secret in {names}", names=listing(looked))
        if not looked:
            observed = say("there is no compose file, Dockerfile or unit")
        evidence = [one_line(name) for name in (environment.project, *looked)]
        yield passed(observed, proves=Proves.CONFIGURED, evidence=evidence)


def _secrets(variables: Mapping[str, Secret]) -> dict[str, Secret]:
    return {name: value for name, value in variables.items() if value and secret_like(name, value)}


def _compose(compose: Compose, program: str, *, for_developers: bool) -> Iterator[Judgement]:
    path = one_line(compose.path)
    if compose.problem:
        observed = say("{path} was not read: {problem}", path=path, problem=compose.problem)
        look = say("{command} config --quiet", command=command(f"{program} -f", [compose.path]))
        yield unknown(observed, remedy=decision(look), subject=compose.path)
    places = [place for service in compose.services for place in (service.environment, service.written)]
    found = [pair for place in places for pair in _secrets(place).items()]
    names = listing(name for name, _ in found)
    if found and for_developers and all(_known(value) for _, value in found):
        unused = say("{path} is for developers, and nothing runs by it", path=path)
        told = say("{unused}; {names}: a default", unused=unused, names=names)
        yield informational(told, subject=compose.path)
    elif found:
        refer = say("{move} In the compose file: NAME: ${NAME:?}", move=_MOVE)
        observed = say("{names} in {path} itself", names=names, path=path)
        yield fail(observed, remedy=decision(refer), subject=compose.path)


def _known(value: Secret) -> bool:
    inner = url_password(value)
    return is_placeholder((value if inner is None else inner).reveal())


def _unread(environment: Environment, used: list[str]) -> Iterator[Judgement]:
    """Name the compose files that count, and are not at the project's top: they are not seen."""
    read = {one.path for one in environment.compose}
    taken = [join(dirname(one.path), other) for one in environment.compose for other in one.others]
    own = [path for path in used if within(path, environment.project)]
    look = say("Look for passwords and keys in it yourself: NAME: ${NAME:?} is how they belong.")
    for path in dict.fromkeys(map(normpath, taken + own)):
        if path not in read:
            name = one_line(path)
            observed = say("{name} is a compose file of the project, and was not looked at", name=name)
            yield unknown(observed, remedy=decision(look), subject=path)


def _dockerfiles(environment: Environment) -> Iterator[Judgement]:
    for one in environment.dockerfiles:
        path, context = one_line(one.path), one_line(one.context)
        if not one.readable:
            yield unknown(say("{path} may not be read", path=path), subject=one.path)
        if names := listing(_secrets(one.variables)):
            mount = say("{move} What only the build needs: RUN --mount=type=secret", move=_MOVE)
            observed = say(
                "{names} in {path}: everybody with the image can read them", names=names, path=path
            )
            yield fail(observed, remedy=decision(mount), subject=one.path)
        if one.takes_all and (taken := listing(_taken(one, environment))):
            keep_out = say(
                "In {context}/.dockerignore, add the lines .env* and !.env.example; build again, and make new"
                " secrets: whoever has an old image has the old ones",
                context=context,
            )
            copies = say("{path} copies {names} into the image", path=path, names=taken)
            observed = say("{copies}: no .dockerignore keeps them out", copies=copies)
            yield fail(observed, remedy=decision(keep_out), subject=f"{one.path}: image")


def _taken(dockerfile: Dockerfile, environment: Environment) -> Iterator[str]:
    """Yield the files with secrets that a build takes in. A Dockerfile's own .dockerignore goes first."""
    names = (f"{dockerfile.path}.dockerignore", f"{dockerfile.context}/.dockerignore")
    ignoring = [one for name in names for one in environment.dockerignores if one.path == name][:1]
    for file in environment.files:
        inside = file.path.removeprefix(f"{dockerfile.context}/")
        ignored = inside == file.path or any(one.ignores(inside) for one in ignoring)
        if file.kind in {Kind.LIVE, Kind.COPY} and not ignored:
            yield inside


def _units(units: Iterable[Unit]) -> Iterator[Judgement]:
    for unit in units:
        if names := listing((*_secrets(unit.environment), *_secrets(unit.written))):
            of = one_line(unit.name)
            observed = say("{names} in {unit}: any user can see them (systemctl show)", names=names, unit=of)
            into = say(
                "systemctl edit {unit}: EnvironmentFile= or LoadCredential=. {move}", unit=of, move=_MOVE
            )
            yield fail(observed, remedy=decision(into), subject=unit.name)

"""Secrets in places that were not made for them: compose files, units, Dockerfiles, images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from posixpath import normpath

from signoff.credentials.placeholders import is_placeholder
from signoff.credentials.recognise import secret_like, url_password
from signoff.credentials.secret import Secret
from signoff.facts.base import Facts
from signoff.facts.composed import NONE
from signoff.facts.containers import CONTAINERS
from signoff.facts.dockerfile import Dockerfile
from signoff.facts.environment import ENVIRONMENT, Environment, Kind, kind_of
from signoff.facts.units import UNITS
from signoff.message import say
from signoff.model import Result, Vantage
from signoff.probes.base import Judgement, probe
from signoff.probes.kit import decision
from signoff.probes.remedies import command
from signoff.probes.secretfiles import listing
from signoff.target.profile import Profile
from signoff.text import one_line

_MOVE = "Move them into a file with secrets (mode 0600), refer to that, and make new ones: they were open."


@probe(
    "env.hardcoded",
    title=say("Secrets written into other files"),
    expected=say("none in compose files, units, Dockerfiles or images"),
    needs=(ENVIRONMENT, UNITS, CONTAINERS),
    vantage=Vantage.PROJECT,
)
def hardcoded(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge what stands in the project's own files, and what of the units any user can ask for."""
    del profile
    environment = facts[ENVIRONMENT]
    found = [*_compose(facts), *_unread(facts), *_dockerfiles(environment), *_units(facts)]
    yield from found
    if all(one.result is Result.INFORMATIONAL for one in found):
        files = [one.path for one in environment.compose] + [one.path for one in environment.dockerfiles]
        units = [] if facts.missing(UNITS) else [unit.name for unit in facts[UNITS].units if unit.exists]
        looked = listing([*(PurePosixPath(path).name for path in files), *units])
        yield Judgement(
            result=Result.PASS,
            observed=say("no secret in {looked}", looked=looked)
            if looked
            else say("there is no compose file, Dockerfile or unit"),
        )


def _secrets(variables: Mapping[str, Secret]) -> list[str]:
    return [name for name, value in variables.items() if value and secret_like(name, value)]


def _compose(facts: Facts) -> Iterator[Judgement]:
    for compose in facts[ENVIRONMENT].compose:
        path = one_line(compose.path)
        if compose.problem:
            yield Judgement(
                result=Result.UNKNOWN,
                subject=compose.path,
                observed=say("{path} was not read: {problem}", path=path, problem=compose.problem),
                remedy=decision(
                    say("{command} config --quiet", command=command(f"{_program(facts)} -f", [compose.path]))
                ),
            )
        found = [
            (name, variables[name])
            for service in compose.services
            for variables in (service.environment, service.written)
            for name in _secrets(variables)
        ]
        names = dict.fromkeys(name for name, _ in found)
        if names and _for_developers(compose.path, facts) and all(_known(value) for _, value in found):
            yield Judgement(
                result=Result.INFORMATIONAL,
                subject=compose.path,
                observed=say(
                    "{path} is for developers, and nothing runs by it; {listing}: a default",
                    path=path,
                    listing=listing(names),
                ),
            )
        elif names:
            yield Judgement(
                result=Result.FAIL,
                subject=compose.path,
                observed=say("{listing} in {path} itself", listing=listing(names), path=path),
                remedy=decision(say("{move} In the compose file: NAME: ${NAME:?}", move=_MOVE)),
            )


def _program(facts: Facts) -> str:
    """Return the target's compose; version 2 where it is not known."""
    containers = () if facts.missing(CONTAINERS) else facts[CONTAINERS]
    programs = next((one.programs for one in containers), NONE)
    return " ".join(programs.words("", underscored=False))


def _known(value: Secret) -> bool:
    inner = url_password(value)
    return is_placeholder((value if inner is None else inner).reveal())


def _for_developers(path: str, facts: Facts) -> bool:
    """Whether a compose file is called one for developers, and no container is made by it for sure."""
    if kind_of(path) is Kind.LIVE or facts.missing(CONTAINERS):
        return False
    # By the name alone: where compose was called the directory may have gone by another one, a link.
    used = (file for one in facts[CONTAINERS] if one.composed for file in one.composed.files)
    return PurePosixPath(path).name not in {PurePosixPath(file).name for file in used}


def _unread(facts: Facts) -> Iterator[Judgement]:
    """Name the compose files that count, and are not at the project's top: they are not seen."""
    environment = facts[ENVIRONMENT]
    paths = [
        str(PurePosixPath(one.path).parent / other) for one in environment.compose for other in one.others
    ]
    for container in () if facts.missing(CONTAINERS) else facts[CONTAINERS]:
        named = container.composed.files if container.composed else ()
        paths += [path for path in named if PurePosixPath(path).is_relative_to(environment.project)]
    read = {one.path for one in environment.compose}
    for path in dict.fromkeys(map(normpath, paths)):
        if path not in read:
            yield Judgement(
                result=Result.UNKNOWN,
                subject=path,
                observed=say(
                    "{path} is a compose file of the project, and was not looked at", path=one_line(path)
                ),
                remedy=decision(
                    say("Look for passwords and keys in it yourself: NAME: ${NAME:?} is how they belong.")
                ),
            )


def _dockerfiles(environment: Environment) -> Iterator[Judgement]:
    for dockerfile in environment.dockerfiles:
        path = one_line(dockerfile.path)
        if not dockerfile.readable:
            yield Judgement(
                result=Result.UNKNOWN,
                subject=dockerfile.path,
                observed=say("{path} may not be read", path=path),
            )
        names = _secrets(dockerfile.variables)
        if names:
            yield Judgement(
                result=Result.FAIL,
                subject=dockerfile.path,
                observed=say(
                    "{listing} in {path}: everybody with the image can read them",
                    listing=listing(names),
                    path=path,
                ),
                remedy=decision(say("{move} What only the build needs: RUN --mount=type=secret", move=_MOVE)),
            )
        taken = list(_taken(dockerfile, environment)) if dockerfile.takes_all else []
        if taken:
            context = dockerfile.context
            yield Judgement(
                result=Result.FAIL,
                subject=f"{dockerfile.path}: image",
                observed=say(
                    "{path} copies {listing} into the image: no .dockerignore keeps them out",
                    path=path,
                    listing=listing(taken),
                ),
                remedy=decision(
                    say(
                        "In {context}/.dockerignore, add the lines .env* and !.env.example; build again, and "
                        "make new secrets: whoever has an old image has the old ones",
                        context=one_line(context),
                    )
                ),
            )


def _taken(dockerfile: Dockerfile, environment: Environment) -> Iterator[str]:
    """Yield the files with secrets that a build takes in. A Dockerfile's own .dockerignore goes first."""
    names = (f"{dockerfile.path}.dockerignore", f"{dockerfile.context}/.dockerignore")
    found = [one for name in names for one in environment.dockerignores if one.path == name]
    for file in environment.files:
        path = PurePosixPath(file.path)
        if file.kind in {Kind.LIVE, Kind.COPY} and path.is_relative_to(dockerfile.context):
            inside = str(path.relative_to(dockerfile.context))
            if not found or not found[0].ignores(inside):
                yield inside


def _units(facts: Facts) -> Iterator[Judgement]:
    if facts.missing(UNITS):
        yield Judgement(result=Result.UNKNOWN, subject="units", observed=facts.missing(UNITS))
        return
    for unit in facts[UNITS].units:
        names = [*dict.fromkeys((*_secrets(unit.environment), *_secrets(unit.written)))]
        if names:
            yield Judgement(
                result=Result.FAIL,
                subject=unit.name,
                observed=say(
                    "{listing} in {name}: any user can see them (systemctl show)",
                    listing=listing(names),
                    name=one_line(unit.name),
                ),
                remedy=decision(
                    say(
                        "{command}: EnvironmentFile= or LoadCredential=. {move}",
                        command=command("systemctl edit", [unit.name]),
                        move=_MOVE,
                    )
                ),
            )

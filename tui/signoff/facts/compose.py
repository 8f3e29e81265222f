"""Compose files: which files with secrets their services read, and what stands in them openly."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from signoff.credentials.secret import Secret
from signoff.facts import plain_yaml

_VARIABLE: Final = re.compile(r"\$(?:\$|\{?([A-Za-z_]\w*))")
"""``$NAME``, ``${NAME}``, ``${NAME:-default}``; of ``$$``, a plain dollar, nothing is caught."""


@dataclass(frozen=True, slots=True)
class EnvReference:
    """An entry of ``env_file``. Compose refuses to start a service whose required file is missing."""

    path: str
    required: bool = True


@dataclass(frozen=True)
class ComposeService:
    """A service. ``environment`` is what stands in the file itself, a default in ``${NAME:-...}`` too;
    ``written`` is what looks so in its command, its health check and the arguments of its build.

    ``interpolates`` are the variables that compose fills in, anywhere in it: of its own ``.env``, and of the
    environment that compose is run in.
    """

    name: str
    env_files: tuple[EnvReference, ...] = ()
    environment: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    written: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    builds: str = ""
    """The directory that its image is built of, empty where it is not built."""
    mounts: tuple[str, ...] = ()
    """The paths of the host that it sees."""
    interpolates: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Compose:
    """A compose file. ``problem`` says why its services are not known."""

    path: str
    services: tuple[ComposeService, ...] = ()
    secrets: tuple[str, ...] = ()
    """The names under ``secrets``: files that are mounted, not variables."""
    problem: str = ""
    others: tuple[str, ...] = ()
    """The compose files that it takes in (``include``, ``extends``), relative to its own directory."""


def parse_compose(path: str, text: Secret | None) -> Compose:
    """Read a compose file. Never raises: what cannot be read is the result's ``problem``."""
    if text is None:
        return Compose(path, problem="it may not be read")
    try:
        document = plain_yaml.load(text.reveal())
    except plain_yaml.TooMuch as much:
        return Compose(path, problem=f"it stands for more than is read: {much}")
    except yaml.MarkedYAMLError as error:
        # Of the error the line's number alone: its text quotes the file, and that may hold a secret.
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        return Compose(path, problem=f"it is no YAML in line {line}")
    except yaml.YAMLError:
        return Compose(path, problem="it is no YAML")
    if not isinstance(document, dict):
        return Compose(path, problem="it is no compose file")
    services = document.get("services") or {}
    secrets = document.get("secrets") or {}
    if not isinstance(services, dict):
        return Compose(path, problem="it is no compose file")
    return Compose(
        path,
        services=tuple(_service(str(name), one) for name, one in services.items() if isinstance(one, dict)),
        secrets=tuple(map(str, secrets)) if isinstance(secrets, dict) else (),
        others=tuple(dict.fromkeys(_others(document.get("include"), services))),
    )


def _others(include: Any, services: dict[Any, Any]) -> Iterator[str]:
    for one in include if isinstance(include, list) else []:
        paths = one.get("path") if isinstance(one, dict) else one
        yield from map(str, paths if isinstance(paths, list) else [paths])
    for service in services.values():
        extends = service.get("extends") if isinstance(service, dict) else None
        if isinstance(extends, dict) and extends.get("file"):
            yield str(extends["file"])


def _service(name: str, service: dict[Any, Any]) -> ComposeService:
    build = service.get("build")
    context = build.get("context", ".") if isinstance(build, dict) else build
    return ComposeService(
        name=name,
        env_files=tuple(_references(service.get("env_file"))),
        environment=dict(_environment(service.get("environment"))),
        written=dict(_written(service)),
        builds=str(context) if context else "",
        mounts=tuple(_mounts(service.get("volumes"))),
        interpolates=frozenset((*_interpolated(service), *_passed_on(service.get("environment")))),
    )


def _interpolated(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from filter(None, _VARIABLE.findall(value))
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _interpolated(item)


def _passed_on(entry: Any) -> Iterator[str]:
    """Yield the names under ``environment`` that have no value there: it is taken from where compose runs."""
    if isinstance(entry, dict):
        yield from (str(key) for key, value in entry.items() if value is None)
    elif isinstance(entry, list):
        yield from (str(one) for one in entry if "=" not in str(one))


def _references(entry: Any) -> Iterator[EnvReference]:
    for one in entry if isinstance(entry, list) else [entry]:
        if isinstance(one, str):
            yield EnvReference(one)
        elif isinstance(one, dict) and isinstance(one.get("path"), str):
            yield EnvReference(one["path"], one.get("required") is not False)


def _environment(entry: Any) -> Iterator[tuple[str, Secret]]:
    if isinstance(entry, dict):
        pairs = [(str(key), "=", str(value)) for key, value in entry.items() if value is not None]
    else:
        pairs = [str(one).partition("=") for one in entry] if isinstance(entry, list) else []
    for key, equals, value in pairs:
        reference = re.fullmatch(r"\$(\w+|\{\w+(?:(?::?-)(?P<default>.*)|[:?+].*)?\})", value, re.DOTALL)
        literal = reference["default"] if reference else value
        if equals and literal:
            yield key, Secret(literal)


# redis-server --requirepass VALUE, redis-cli -a VALUE, --password=VALUE, PGPASSWORD=VALUE, a URL with one.
_OPTION: Final = re.compile(
    r"(?:^|[\s\"'])(?:--?([A-Za-z][\w-]*)(?:=|\s+)|([A-Za-z_]\w*)=)(?=(\"[^\"]*\"|'[^']*'|[^\s\"']+))"
)
# Each try ends soon, or where the next URL begins: the time grows with the text, not with its square.
_URL: Final = re.compile(
    r"[a-z][\w+.-]{0,30}://[^\s\"'/:]*+:(?:(?!://)[^\s\"'@$])++@[^\s\"']+", re.IGNORECASE
)
_PASSWORD_OPTIONS: Final = frozenset({"requirepass", "masterauth"})


def _written(service: dict[Any, Any]) -> Iterator[tuple[str, Secret]]:
    """Yield what is named like a secret in the texts of a service that are no environment."""
    build, health = service.get("build"), service.get("healthcheck")
    yield from _environment(build.get("args") if isinstance(build, dict) else None)
    texts = [service.get("command"), service.get("entrypoint")]
    texts.append(health.get("test") if isinstance(health, dict) else None)
    for text in texts:
        line = " ".join(map(str, text)) if isinstance(text, list) else str(text or "")
        yield from written_in(line)


def written_in(line: str) -> Iterator[tuple[str, Secret]]:
    """Yield the options, assignments and URLs of a command that may hold a secret, by their names."""
    for url in _URL.findall(line):
        yield "a URL's password", Secret(url)
    for option, variable, value in _OPTION.findall(line):
        plain = value.strip("\"'")
        if not plain.startswith("-") and "$" not in plain and "://" not in plain:
            password = option in _PASSWORD_OPTIONS or (option == "a" and "redis-cli" in line)
            yield "password" if password else option or variable, Secret(plain)


def _mounts(entry: Any) -> Iterator[str]:
    for one in entry if isinstance(entry, list) else []:
        source = one.get("source") if isinstance(one, dict) else str(one).partition(":")[0]
        # A name without a slash is a volume of Docker's own.
        if isinstance(source, str) and source[:1] in {".", "/", "~", "$"}:
            yield source

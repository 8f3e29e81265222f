"""Compose files: which files with secrets their services read, and what stands in them openly."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from signoff.credentials.secret import Secret
from signoff.facts import plain_yaml
from signoff.message import say

_VARIABLE: Final = re.compile(r"\$(?:\$|\{?([A-Za-z_]\w*))")
"""``$NAME``, ``${NAME}``, ``${NAME:-default}``; of ``$$``, a plain dollar, nothing is caught."""
_REFERENCE: Final = re.compile(r"\A\$(\w+|\{\w+(?:(?::?-)(?P<default>.*)|[:?+].*)?\})\Z", re.DOTALL)


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
    builds: bool = False
    """Whether its image is built of what lies here."""
    mounts: tuple[str, ...] = ()
    """The paths of the host that it sees."""
    interpolates: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Compose:
    """A compose file. ``problem`` says why its services are not known."""

    path: str
    services: tuple[ComposeService, ...] = ()
    problem: str = ""
    others: tuple[str, ...] = ()
    """The compose files that it takes in (``include``, ``extends``), relative to its own directory."""


def parse_compose(path: str, text: Secret | None) -> Compose:
    """Read a compose file. Never raises: what cannot be read is the result's ``problem``."""
    if text is None:
        return Compose(path, problem=say("it may not be read"))
    try:
        document = plain_yaml.load(text.reveal())
    except plain_yaml.TooMuch as much:
        return Compose(path, problem=say("it stands for more than is read: {much}", much=much.args[0]))
    except yaml.YAMLError as error:
        # Of the error the line's number alone: its text quotes the file, and that may hold a secret.
        if mark := getattr(error, "problem_mark", None):
            return Compose(path, problem=say("it is no YAML in line {line}", line=mark.line + 1))
        return Compose(path, problem=say("it is no YAML"))
    services = (document.get("services") or {}) if isinstance(document, dict) else None
    if not isinstance(services, dict):
        return Compose(path, problem=say("it is no compose file"))
    known = {str(name): one for name, one in services.items() if isinstance(one, dict)}
    included = [one.get("path") if isinstance(one, dict) else one for one in _list(document.get("include"))]
    others = [other for one in included for other in _list(one)]
    others += [_mapping(one.get("extends")).get("file") or "" for one in known.values()]
    return Compose(
        path,
        services=tuple(_service(name, one) for name, one in known.items()),
        others=tuple(dict.fromkeys(filter(None, map(str, others)))),
    )


def _mapping(entry: Any) -> dict[Any, Any]:
    return entry if isinstance(entry, dict) else {}


def _list(entry: Any) -> list[Any]:
    """Return a list as it is, and of one value, which may stand in its place, a list."""
    return entry if isinstance(entry, list) else [] if entry is None else [entry]


def _service(name: str, service: dict[Any, Any]) -> ComposeService:
    environment = _variables(service.get("environment"))
    # Their values are taken from where compose runs.
    passed_on = [name for name, value in environment.items() if value is None]
    files = [one if isinstance(one, dict) else {"path": one} for one in _list(service.get("env_file"))]
    volumes = [
        one.get("source") if isinstance(one, dict) else str(one).partition(":")[0]
        for one in _list(service.get("volumes"))
    ]
    return ComposeService(
        name=name,
        env_files=tuple(
            EnvReference(one["path"], one.get("required") is not False)
            for one in files
            if isinstance(one.get("path"), str)
        ),
        environment=_literals(environment),
        written=dict(_written(service)),
        builds=service.get("build") not in (None, ""),
        # A name without a slash is a volume of Docker's own.
        mounts=tuple(one for one in volumes if isinstance(one, str) and one[:1] in {".", "/", "~", "$"}),
        interpolates=frozenset(filter(None, (*_VARIABLE.findall(str(service)), *passed_on))),
    )


def _variables(entry: Any) -> dict[str, str | None]:
    """Return variables, written as a mapping or as ``NAME=VALUE``; None where one is given no value."""
    if isinstance(entry, dict):
        return {str(key): None if value is None else str(value) for key, value in entry.items()}
    pairs = (str(one).partition("=") for one in _list(entry))
    return {name: value if equals else None for name, equals, value in pairs}


def _literals(variables: Mapping[str, str | None]) -> dict[str, Secret]:
    """Return what stands in the file itself: of ``${NAME:-default}`` the default, of ``${NAME}`` nothing."""
    literals = {name: _REFERENCE.sub(r"\g<default>", value or "") for name, value in variables.items()}
    return {name: Secret(literal) for name, literal in literals.items() if literal}


# redis-server --requirepass VALUE, redis-cli -a VALUE, --password=VALUE, PGPASSWORD=VALUE, a URL with one.
_OPTION: Final = re.compile(
    r"(?:^|[\s\"'])(?:--?([A-Za-z][\w-]*)(?:=|\s+)|([A-Za-z_]\w*)=)(?=(\"[^\"]*\"|'[^']*'|[^\s\"']+))"
)
# Each try ends soon, or where the next URL begins: the time grows with the text, not with its square.
_URL: Final = re.compile(
    r"[a-z][\w+.-]{0,30}://[^\s\"'/:]*+:(?:(?!://)[^\s\"'@$])++@[^\s\"']+", re.IGNORECASE
)


def _written(service: dict[Any, Any]) -> Iterator[tuple[str, Secret]]:
    """Yield what is named like a secret in the texts of a service that are no environment."""
    yield from _literals(_variables(_mapping(service.get("build")).get("args"))).items()
    test = _mapping(service.get("healthcheck")).get("test")
    for text in (service.get("command"), service.get("entrypoint"), test):
        yield from written_in(" ".join(map(str, _list(text))))


def written_in(line: str) -> Iterator[tuple[str, Secret]]:
    """Yield the options, assignments and URLs of a command that may hold a secret, by their names."""
    for url in _URL.findall(line):
        yield "a URL's password", Secret(url)
    for option, variable, value in _OPTION.findall(line):
        plain = value.strip("\"'")
        if not plain.startswith("-") and "$" not in plain and "://" not in plain:
            password = option in {"requirepass", "masterauth"} or (option == "a" and "redis-cli" in line)
            yield "password" if password else option or variable, Secret(plain)

"""Whose password a variable holds, and where that PostgreSQL or Redis runs. Pure: files and facts in.

What it cannot tell it says, and nothing is changed: a file alone would lock the product out of its store.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from signoff.actions import postgres, redis_conf
from signoff.credentials.dsn import Account, account
from signoff.credentials.recognise import Form, form_of, url_password
from signoff.credentials.secret import Secret
from signoff.errors import UsageError
from signoff.facts.containers import EVERYWHERE, Container
from signoff.message import say
from signoff.text import one_line

_PASSWORD: Final = re.compile(r"(PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|PW|AUTH)$", re.IGNORECASE)
_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "user": ("USER", "USERNAME", "LOGIN"),
    "host": ("HOST", "HOSTNAME", "SERVER", "ADDR", "ADDRESS"),
    "port": ("PORT",),
    "database": ("DB", "DATABASE", "NAME", "DBNAME", "DB_NAME"),
}
_HERE: Final = re.compile(r"(|localhost|127\.\d+\.\d+\.\d+|::1|/.*|host\.docker\.internal|host-gateway)")
_IMAGES: Final = {
    Form.POSTGRES: re.compile(r"postgres|postgis|timescale|pgvector"),
    Form.REDIS: re.compile(r"redis|valkey|keydb|dragonfly"),
}
_POOLERS: Final = re.compile(r"bouncer|pgpool|odyssey|pgcat|supavisor|twemproxy|envoy|haproxy|sentinel")
_POOLER_PORTS: Final = frozenset({6432, 26379})
_PORT: Final = {Form.POSTGRES: 5432, Form.REDIS: 6379}


@dataclass(frozen=True, slots=True)
class Store:
    """An account in a PostgreSQL or Redis on the target. ``container`` is None for the host's own."""

    form: Form
    container: Container | None
    host: str
    port: int
    user: str
    database: str

    def role(self, old: Secret, new: Secret) -> postgres.RoleChange:
        """Return the change of a PostgreSQL role's password."""
        container = self.container
        server = postgres.Server(
            container=container.name if container else "",
            superuser=_superuser(container) if container else "postgres",
            host=self.host,
            port=self.port,
        )
        return postgres.RoleChange(server, self.user, self.database, old, new)

    def login(self, old: Secret, new: Secret) -> redis_conf.UserChange:
        """Return the change of a Redis user's password."""
        name = self.container.name if self.container else ""
        server = redis_conf.Server(container=name, host=self.host, port=self.port)
        return redis_conf.UserChange(server, old, new, self.user)


def store_of(
    name: str, value: Secret, variables: Mapping[str, Secret], containers: Iterable[Container], project: str
) -> Store:
    """Return the account whose password a variable holds.

    ``variables`` are those of its file, ``containers`` all of the target's. Raises UsageError where it cannot
    be told.
    """
    form = form_of(name, value)
    if value.reveal().casefold().startswith(("rediss:", "valkeys:")):
        raise UsageError(
            say("{name}: a Redis behind TLS is not known here.", name=name),
            say("Change its password by hand."),
        )
    running = tuple(one for one in containers if one.running)
    known = _account(name, value, variables, form)
    container, port = _place(name, form, known, running, project)
    if form is Form.POSTGRES and not known.user:
        known = _initial(name, known, value, (container,) if container else running)
        container = container or next((one for one in running if _is(one, form)), None)
    if container is None and not _HERE.fullmatch(known.host):
        raise UsageError(
            say(
                "{name}: its server, {host}, is not on this target.", name=name, host=one_line(known.host, 80)
            ),
            say("Change the password there, then paste it here."),
        )
    return Store(
        form=form,
        container=container,
        host="127.0.0.1" if container or not re.fullmatch(r"127\.[\d.]+|::1", known.host) else known.host,
        port=port,
        user=known.user or "default",
        database=known.database or ("postgres" if form is Form.POSTGRES else ""),
    )


def postgres_of(containers: Iterable[Container], project: str, name: str = "") -> postgres.Server:
    """Return the project's PostgreSQL, or the one in the container called ``name``; the host's own else.

    Raises UsageError where there is no such container, or where it cannot be told which is meant.
    """
    running = [one for one in containers if one.running]
    if name:
        found = [one for one in running if name in {one.name, one.labels.get("com.docker.compose.service")}]
        found = [one for one in found if _in_project(one, project)] or found
    else:
        found = [one for one in running if _is(one, Form.POSTGRES) and _in_project(one, project)]
    if len(found) > 1 or (name and not found):
        names = ", ".join(one_line(one.name, 80) for one in found)
        raise UsageError(
            say("Several containers may be meant: {names}.", names=names)
            if found
            else say("No container {name} runs.", name=one_line(name, 80)),
            say("Name the one with PostgreSQL in targets.toml: container, below second_factor."),
        )
    if not found:
        return postgres.Server()
    return postgres.Server(container=found[0].name, superuser=_superuser(found[0]))


def _account(name: str, value: Secret, variables: Mapping[str, Secret], form: Form) -> Account:
    """Return what its own URL says; or the variables beside it, and a URL with the same password."""
    own = account(value) if url_password(value) else None
    if own is not None:
        return own
    known = _beside(name, variables)
    for other, text in variables.items():
        if url_password(text) == value and form_of(other, text) is form and (also := account(text)):
            known = Account(
                user=known.user or also.user,
                host=known.host or also.host,
                port=known.port or also.port,
                database=known.database or also.database,
            )
    return known


def _beside(name: str, variables: Mapping[str, Secret]) -> Account:
    prefix = _PASSWORD.sub("", name)

    def field(what: str) -> str:
        names = (f"{prefix}{ending}".upper() for ending in _FIELDS[what])
        by_name = {key.upper(): value for key, value in variables.items()}
        return next((by_name[one].reveal() for one in names if by_name.get(one)), "")

    port = field("port")
    return Account(field("user"), field("host"), int(port) if port.isdecimal() else 0, field("database"))


def _initial(name: str, known: Account, value: Secret, containers: Iterable[Container]) -> Account:
    """Return the account that a container's own POSTGRES_PASSWORD makes when its database is new."""
    given = [one for one in containers if one.env.get("POSTGRES_PASSWORD") == value]
    if len(given) != 1:
        raise UsageError(
            say("{name}: whose password it is cannot be told.", name=name),
            say("Set {sub}USER beside it, to the role that logs in with it.", sub=_PASSWORD.sub("", name)),
        )
    return replace(known, user=_superuser(given[0]))


def _superuser(container: Container) -> str:
    given = container.env.get("POSTGRES_USER")
    return given.reveal() if given else "postgres"


def _place(
    name: str, form: Form, known: Account, running: tuple[Container, ...], project: str
) -> tuple[Container | None, int]:
    """Return the container that the account is in, and the server's port there; None for the host's own."""
    if known.port in _POOLER_PORTS or _POOLERS.search(known.host):
        raise _pooler(name)
    usual = known.port or _PORT[form]
    if _HERE.fullmatch(known.host):
        found = _published(running, usual)
        if found:
            return found
        own = [one for one in running if _is(one, form) and _in_project(one, project)]
        if not known.host and len(own) == 1:
            return own[0], usual
        if not known.host and own:
            raise UsageError(
                say("{name}: several containers may be meant.", name=name), say("Set its host beside it.")
            )
        return None, usual
    named = [one for one in running if known.host in {one.name, one.labels.get("com.docker.compose.service")}]
    named = [one for one in named if _in_project(one, project)] or named
    if len(named) > 1:
        raise UsageError(
            say("{name}: several containers are called {host}.", name=name, host=one_line(known.host, 80))
        )
    if named and _POOLERS.search(named[0].image):
        raise _pooler(name)
    return (named[0], usual) if named else (None, usual)


def _published(running: tuple[Container, ...], port: int) -> tuple[Container, int] | None:
    """Return the container that a port of this machine leads into, and the port there."""
    for one in running:
        for published in one.published:
            if published.port == port and published.address in {*EVERYWHERE, "127.0.0.1", "::1"}:
                return one, published.container_port
    return None


def _is(container: Container, form: Form) -> bool:
    return bool(_IMAGES[form].search(container.image)) and not _POOLERS.search(container.image)


def _in_project(container: Container, project: str) -> bool:
    directory = container.labels.get("com.docker.compose.project.working_dir", "")
    return bool(directory) and PurePosixPath(directory).is_relative_to(project)


def _pooler(name: str) -> UsageError:
    return UsageError(
        say(
            "{name}: between the product and its store is another program, which has the password too.",
            name=name,
        ),
        say("Change it by hand in all three places."),
    )

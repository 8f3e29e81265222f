"""Rotating secrets: new values for some variables of a project's files, and all that follows from it.

The order: what others have issued is tried; the stores take their new passwords, and prove it; the files are
written; the services are started anew and become healthy. If any of it fails, all of it is put back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Protocol

from signoff.actions.base import Action, Ending, Outcome, StepRecord, Tell, perform
from signoff.actions.env_change import Edit, FileEdit
from signoff.actions.hands import Hands
from signoff.actions.postgres import RoleChange, RolePassword
from signoff.actions.redis import RestartedPassword, UserPassword
from signoff.actions.redis_conf import UserChange
from signoff.actions.restart import Restart
from signoff.actions.restart_plan import RestartPlan, restart_plan
from signoff.actions.smtp import MailLogin, TriedMailPassword, mail_login
from signoff.actions.stores import Store
from signoff.actions.variables import Entry, Variables
from signoff.credentials.dsn import with_password
from signoff.credentials.placeholders import is_placeholder
from signoff.credentials.policy import ISSUED, SMTP, Policy, make
from signoff.credentials.rating import provider_test_keys
from signoff.credentials.recognise import Form, url_password
from signoff.credentials.secret import Secret
from signoff.errors import SignoffError, UsageError
from signoff.facts.base import Facts
from signoff.facts.containers import CONTAINERS
from signoff.facts.environment import ENVIRONMENT, SecretFile
from signoff.facts.units import UNITS
from signoff.message import listed, say
from signoff.probes.running import blind
from signoff.probes.secretfiles import listing
from signoff.target.base import Target
from signoff.target.profile import Profile
from signoff.text import one_line

FACTS = (ENVIRONMENT, UNITS, CONTAINERS)
"""What a plan is made of; to be looked up just before."""


@dataclass(frozen=True, slots=True)
class Change:
    """A variable's new value. ``along`` names the variable with which it changes: a URL with its password."""

    name: str
    path: str
    policy: Policy
    old: Secret
    new: Secret
    along: str = ""


class Previewed(Protocol):
    """A part of a plan."""

    @property
    def preview(self) -> tuple[str, ...]:
        """What will happen, line by line."""


@dataclass(frozen=True)
class RotationPlan:
    """What a rotation does, in its order. ``warnings`` are what the operator has to see to themselves."""

    changes: tuple[Change, ...]
    mails: tuple[tuple[MailLogin, Secret], ...]
    roles: tuple[RoleChange, ...]
    logins: tuple[UserChange, ...]
    edits: tuple[Edit, ...]
    restart: RestartPlan
    warnings: tuple[str, ...] = ()

    @property
    def entails(self) -> tuple[str, ...]:
        """What each change brings about, a line each."""
        return tuple(listed((one.name, one.policy.entails), ": ") for one in self.changes if not one.along)

    @property
    def orphaning(self) -> tuple[str, ...]:
        """The variables whose change loses data: the operator names each of them, or none is changed."""
        return tuple(one.name for one in self.changes if one.policy.orphans and not one.along)

    @property
    def preview(self) -> tuple[str, ...]:
        """What will happen, line by line, in its order; no secret is in it."""
        parts: list[Previewed] = [login for login, _ in self.mails]
        parts += [*self.roles, *self.logins, *self.edits, self.restart]
        return tuple(line for part in parts for line in part.preview)

    @property
    def afterwards(self) -> tuple[str, ...]:
        """What the operator has to see to once it is done, a line each."""
        issued = (one for one in self.changes if one.policy.id == ISSUED.id and not one.along)
        revoked = (
            say("Revoke the old {name} where it was issued.", name=one_line(one.name, 60)) for one in issued
        )
        return (*self.warnings, *revoked)

    def secrets(self) -> Iterator[tuple[str, Secret]]:
        """Yield every value, old and new, for the redactor: ``redactor.know(plan.secrets())``."""
        for one in self.changes:
            yield one.name, one.old
            yield one.name, one.new


def to_paste(facts: Facts, profile: Profile, names: Sequence[str], path: str = "") -> tuple[Entry, ...]:
    """Return the variables whose new values others issue: one for each account. Raises UsageError."""
    variables = Variables(facts, profile)
    found: list[Entry] = []
    told: set[tuple[str, str]] = set()
    for name in names:
        entry = variables.chosen(name, path)
        if entry.policy.pasted and entry.key not in told:
            found.append(entry)
            told |= {other.key for other in variables.along(entry, None, frozenset(names))}
    return tuple(found)


def accepted(entry: Entry, given: Secret) -> Secret:
    """Return the secret that was given for a variable: of a URL, its password.

    Raises UsageError for what must not be stored.
    """
    name = one_line(entry.name, 60)
    if not entry.policy.pasted:
        raise UsageError(
            say("{name} is {title}: it is made here.", name=name, title=entry.policy.title),
            say("Leave its value out."),
        )
    given = url_password(given) or given if url_password(entry.value) else given
    if not given or set(given.reveal()) & set("\r\n\0"):
        raise UsageError(say("The new {name} is empty, or more than a line.", name=name))
    if given.reveal() != given.reveal().strip():
        raise UsageError(
            say("The new {name} begins or ends with a blank.", name=name), say("Copy it without.")
        )
    if given == entry.secret:
        raise UsageError(say("The new {name} is the old one.", name=name), entry.policy.entails)
    if provider_test_keys({name: given}):
        raise UsageError(
            say("The new {name} is a provider's test key.", name=name), say("Take the production key.")
        )
    if is_placeholder(given.reveal()):
        raise UsageError(say("The new {name} is a default or placeholder.", name=name), entry.policy.entails)
    return given


def plan(
    facts: Facts,
    profile: Profile,
    names: Sequence[str],
    *,
    given: Mapping[str, Secret] | None = None,
    path: str = "",
) -> RotationPlan:
    """Return the plan of a rotation. Pure, but that it makes the new values.

    ``given`` are the values that others have issued, by name; ``path`` names the file where a name is in
    several. Raises UsageError where a name is not there, where a provider's value is missing or a test key,
    and where it cannot be told what else has to change.
    """
    if unseen := blind(facts):
        raise UsageError(
            say("Which services use the secrets cannot be seen: {unseen}.", unseen=unseen[0]),
            say("It needs root."),
        )
    draft = _Draft(Variables(facts, profile), frozenset(names), given or {})
    for name in names:
        draft.take(draft.variables.chosen(name, path))
    changed = frozenset(one.name for one in draft.changes.values())
    files = {entry.file.target: entry.file for entry in draft.entries}
    paths = frozenset(path for file in files.values() for path in (file.path, file.target))
    restart = restart_plan(facts, profile, paths, changed)
    _check_services(draft, restart)
    return RotationPlan(
        changes=tuple(draft.changes.values()),
        mails=tuple(draft.mails),
        roles=tuple(store.role(*values) for store, values in draft.stores if store.form is Form.POSTGRES),
        logins=tuple(store.login(*values) for store, values in draft.stores if store.form is Form.REDIS),
        edits=tuple(_edit(file, draft, facts) for file in files.values()),
        restart=restart,
        warnings=tuple(_warnings(draft, restart)),
    )


class _Draft:
    """A plan in the making: the changes so far, and what they take along."""

    def __init__(self, variables: Variables, names: frozenset[str], given: Mapping[str, Secret]) -> None:
        self.variables = variables
        self.changes: dict[tuple[str, str], Change] = {}
        self.entries: list[Entry] = []
        self.stores: list[tuple[Store, tuple[Secret, Secret]]] = []
        self.mails: list[tuple[MailLogin, Secret]] = []
        self._names = names
        self._given = given

    def take(self, entry: Entry) -> None:
        """Change a variable, and those that tell the same secret."""
        if entry.key in self.changes:
            return
        store = self.variables.store(entry)
        new = self._new(entry)
        if store is not None:
            self.stores.append((store, (entry.secret, new)))
        if entry.policy.id == SMTP.id:
            login = mail_login(entry.name, entry.value, self.variables.beside(entry))
            self.mails.append((login, new))
        self._change(entry, new)
        for other in self.variables.along(entry, store, self._names):
            self._change(other, new, entry.name)

    def _change(self, entry: Entry, new: Secret, along: str = "") -> None:
        value = with_password(entry.value, new) if url_password(entry.value) else new
        if value is None:
            raise UsageError(
                say("The password within {name} cannot be replaced.", name=entry.name),
                say("Edit it by hand."),
            )
        self.changes[entry.key] = Change(
            entry.name,
            entry.file.path,
            entry.policy,
            entry.value,
            value,
            along if along != entry.name else "",
        )
        self.entries.append(entry)

    def _new(self, entry: Entry) -> Secret:
        """Return the new secret: made, or as it was given. Raises UsageError."""
        given = self._given.get(entry.name)
        return make(entry.policy).value if given is None else accepted(entry, given)


def _check_services(draft: _Draft, restart: RestartPlan) -> None:
    """Raise UsageError where the product would be left without its store."""
    if draft.stores and restart.by_hand:
        raise UsageError(
            say(
                "{listing}: started by hand, and would be left with the old password.",
                listing=listing(restart.by_hand),
            ),
            say("Run it by compose or systemd, or stop it first."),
        )
    for store, _ in draft.stores:
        container = store.container
        if store.form is Form.REDIS and container and container.name not in restart.containers:
            raise UsageError(
                say(
                    "Redis in container {name} does not have its password from the file.",
                    name=one_line(container.name),
                ),
                say(
                    "Let the compose file give it ({variable}), or change it in all places by hand.",
                    variable="${REDIS_PASSWORD}",
                ),
            )


def _edit(file: SecretFile, draft: _Draft, facts: Facts) -> Edit:
    values = {name: (one.old, one.new) for (path, name), one in draft.changes.items() if path == file.target}
    units = facts[UNITS].units
    group_reads = any(file.access.group == unit.group and file.access.owner != unit.user for unit in units)
    return Edit(file.path, values, group_reads)


def _warnings(draft: _Draft, restart: RestartPlan) -> Iterator[str]:
    for store, _ in draft.stores:
        if store.form is Form.REDIS and store.container:
            name = one_line(store.container.name)
            yield say("Container {name} is made anew: what Redis has not saved is lost.", name=name)
    if restart.by_hand:
        yield say(
            "Start anew yourself: {listing}. Until then it runs with the old secrets.",
            listing=listing(restart.by_hand),
        )
    elif not restart:
        yield say("No running service of the project was found: start anew yourself whatever uses the file.")


def carry_out(plan: RotationPlan, target: Target, record: StepRecord, tell: Tell, cancel: Event) -> Outcome:
    """Carry a plan out that the operator has read and said yes to; see `signoff.actions.base.perform`.

    The caller probes the step again afterwards, whatever the outcome.
    """
    record.know(plan.secrets())
    try:
        hands = Hands.on(target)
    except SignoffError as unreachable:
        return Outcome(Ending.REFUSED, record.safe(unreachable.words))
    return perform(tuple(_actions(plan, hands, record)), record, tell, cancel)


def _actions(plan: RotationPlan, hands: Hands, record: StepRecord) -> Iterator[Action]:
    local = hands.target.address == "local"
    yield from (TriedMailPassword(login, password, local) for login, password in plan.mails)
    yield from (RolePassword(one, hands, record) for one in plan.roles)
    yield from (UserPassword(one, hands, record) for one in plan.logins if not one.server.container)
    yield from (FileEdit(one, hands, record) for one in plan.edits)
    if plan.restart:
        yield Restart(plan.restart, hands, record)
    yield from (RestartedPassword(one, hands, record) for one in plan.logins if one.server.container)

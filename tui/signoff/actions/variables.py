"""The variables that can be rotated, and which of them are one secret told twice. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from signoff.actions.stores import Store, store_of
from signoff.credentials.policy import POSTGRES, REDIS, SMTP, Policy, policy_for
from signoff.credentials.recognise import url_password
from signoff.credentials.secret import Secret
from signoff.errors import UsageError
from signoff.facts.base import Facts, Malformed, Unavailable
from signoff.facts.containers import CONTAINERS
from signoff.facts.environment import ENVIRONMENT, SecretFile
from signoff.message import listed, say
from signoff.probes.secretfiles import distinct, listing, readable_files, secrets_of
from signoff.target.profile import Profile
from signoff.text import one_line


@dataclass(frozen=True, slots=True)
class Entry:
    """A variable of a file that holds a secret, and the policy by which it gets a new one."""

    file: SecretFile
    name: str
    line: int
    value: Secret
    policy: Policy

    @property
    def secret(self) -> Secret:
        """The secret itself: of a URL, its password."""
        return url_password(self.value) or self.value

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from all others."""
        return self.file.target, self.name


class Variables:
    """The secrets of a project's files, and what is known of the accounts that they open."""

    def __init__(self, facts: Facts, profile: Profile) -> None:
        """Raise UsageError where the files cannot be read."""
        try:
            files = readable_files(facts, profile)
            self._containers = facts[CONTAINERS]
            self._project = facts[ENVIRONMENT].project
        except Unavailable as absent:
            raise UsageError(
                say("The secrets cannot be rotated: {reason}.", reason=absent.reason),
                listed((absent.by_hand,)),
            ) from None
        except Malformed as garbled:
            raise UsageError(say("The secrets cannot be rotated: {reason}.", reason=garbled.reason)) from None
        self.entries = tuple(
            Entry(file, one.name, one.line, one.value, policy_for(one.name, one.value))
            for file, one in secrets_of(distinct(files))
        )

    def of_file(self, path: str) -> tuple[Entry, ...]:
        """Return those of one file, absolute or relative to the project; all where ``path`` is empty.

        Raises UsageError where there is no such file.
        """
        if not path:
            return self.entries
        whole = path if path.startswith("/") else f"{self._project}/{path.removeprefix('./')}"
        found = tuple(entry for entry in self.entries if whole in {entry.file.path, entry.file.target})
        if not found:
            raise UsageError(
                say("There are no secrets in {whole}, or it is not read by anything.", whole=one_line(whole))
            )
        return found

    def chosen(self, name: str, path: str) -> Entry:
        """Return the variable of this name. Raises UsageError where there is none, or more than one."""
        named = [entry for entry in self.of_file(path) if entry.name == name]
        if not named:
            known = listing(dict.fromkeys(entry.name for entry in self.of_file(path)), 20)
            raise UsageError(
                say("There is no secret called {name}.", name=one_line(name, 60)),
                say("There are: {known}.", known=known),
            )
        if len({entry.value for entry in named}) > 1:
            places = listing(entry.file.path for entry in named)
            raise UsageError(
                say("{name} has different values in {places}.", name=name, places=places),
                say("Name the file."),
            )
        return named[0]

    def beside(self, entry: Entry) -> Mapping[str, Secret]:
        """Return all variables of an entry's file."""
        content = entry.file.content
        return {one.name: one.value for one in content.variables.values()} if content else {}

    def store(self, entry: Entry) -> Store | None:
        """Return the account in a store that an entry opens; None where it is none. Raises UsageError."""
        if entry.policy.id not in {POSTGRES.id, REDIS.id}:
            return None
        if not entry.secret:
            raise UsageError(
                say("{name} is empty.", name=entry.name),
                say("Set a password in the store and in the file first."),
            )
        return store_of(entry.name, entry.value, self.beside(entry), self._containers, self._project)

    def along(self, entry: Entry, store: Store | None, names: frozenset[str]) -> Iterator[Entry]:
        """Yield the other variables that tell the same secret, and so change with it.

        Raises UsageError for one that tells another password of the same account, unless it was chosen too.
        """
        for other in self.entries:
            if other.key == entry.key:
                continue
            if store is None:
                if other.value == entry.value and _same_use(entry, other):
                    yield other
            elif self._opens(other, store):
                if other.secret != entry.secret and other.name not in names:
                    raise UsageError(
                        say(
                            "{name} and {name2} are of one account, with different passwords.",
                            name=other.name,
                            name2=entry.name,
                        ),
                        say("Rotate both, or correct {name} first.", name=other.name),
                    )
                yield other

    def _opens(self, other: Entry, store: Store) -> bool:
        try:
            theirs = self.store(other)
        except UsageError:
            return False
        if theirs is None:
            return False
        return (theirs.form, theirs.container, theirs.user) == (store.form, store.container, store.user)


def _same_use(one: Entry, other: Entry) -> bool:
    return bool(one.value) and (one.name == other.name or (one.policy.id == other.policy.id == SMTP.id))

"""Where a new key goes once it has been proved: a new file, or a variable of a .env file, on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from signoff.credentials import dotenv, secret_file
from signoff.credentials.env_edit import edit
from signoff.credentials.env_file import EnvFile
from signoff.credentials.placeholders import is_placeholder
from signoff.credentials.secret import HIDDEN, Secret
from signoff.errors import UsageError
from signoff.message import listed, say
from signoff.text import one_line


def with_value(raw: bytes, name: str, value: Secret, where: str, *, replaces: bool = False) -> bytes:
    """Return a .env file's content with a secret in a variable that has none yet, or that it ``replaces``.

    Raise HeldError where it has one, EnvEditError where it cannot be written; ``where`` names the place.
    """
    if not replaces and holds_value(raw, name):
        raise HeldError(where)
    return edit(raw, {name: value}, append=True)


def holds_value(raw: bytes, name: str) -> bool:
    """Tell whether a variable has a value that somebody may rely on: no placeholder."""
    there = dotenv.read(raw).variables.get(name)
    return bool(there and there.value and not is_placeholder(there.value.reveal()))


def preview_of(path: str, name: str, what: str, *, replaces: bool) -> tuple[str, ...]:
    """Return what will happen to a variable, line by line; ``what`` it gets, for people."""
    told = f"  {one_line(name)}  "
    if replaces:
        told = say("{told}{hidden} (what it has now) -> ", told=told, hidden=HIDDEN)
    return one_line(path), listed((told, HIDDEN, " (", what, ")"), "")


class HeldError(UsageError):
    """The variable has a value already. ``where`` names the place."""

    def __init__(self, where: str) -> None:
        super().__init__(
            say("{where} has a value already.", where=where),
            say(
                "Whoever has it, or has its codes, would be locked out. Take the value out of the file first."
            ),
        )


class Delivery(Protocol):
    """A place for a key. Its methods raise SignoffError, and then the key is not there."""

    @property
    def where(self) -> str:
        """Where that is, for people and for the record."""

    def check(self) -> None:
        """Look whether the key can be delivered, before anything is shown to anybody. Changes nothing."""

    def deliver(self, key: Secret) -> None:
        """Deliver it."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that does not exist yet; it will have mode 0600."""

    path: Path

    @property
    def where(self) -> str:
        """The file's name."""
        return str(self.path)

    def check(self) -> None:
        """See that there is nothing there."""
        secret_file.check_new(self.path)

    def deliver(self, key: Secret) -> None:
        """Write it."""
        secret_file.write_new(self.path, key)


@dataclass(frozen=True, slots=True)
class EnvVariable:
    """A variable of a .env file. A value that it has already stays, unless this one ``replaces`` it."""

    path: Path
    name: str
    replaces: bool = False

    @property
    def where(self) -> str:
        """The variable and its file."""
        return say("{name} in {path}", name=self.name, path=self.path)

    @property
    def preview(self) -> tuple[str, ...]:
        """What will happen, line by line."""
        return preview_of(str(self.path), self.name, say("the new value"), replaces=self.replaces)

    def remarks(self) -> tuple[str, ...]:
        """Return what is to be said of the file before it is written: links, mode, drafts."""
        file = EnvFile(self.path)
        return file.remarks(file.read())

    def check(self) -> None:
        """See that the file can be edited, and that there is no value yet."""
        self._with(EnvFile(self.path).read().raw, Secret("A"))

    def deliver(self, key: Secret) -> None:
        """Write it; a change that somebody else makes at the same time is kept, and this one refused."""
        file = EnvFile(self.path)
        before = file.read()
        file.write(self._with(before.raw, key), before)

    def _with(self, raw: bytes, value: Secret) -> bytes:
        return with_value(raw, self.name, value, self.where, replaces=self.replaces)

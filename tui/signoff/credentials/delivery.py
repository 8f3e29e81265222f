"""Where a new key goes once it has been proved: a new file, or a variable of a .env file, on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from signoff.credentials import dotenv, secret_file
from signoff.credentials.env_edit import edit
from signoff.credentials.env_file import EnvFile, EnvText
from signoff.credentials.placeholders import is_placeholder
from signoff.credentials.secret import Secret
from signoff.errors import UsageError


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
    """A variable of a .env file. A key that it has already is not replaced: its owner would be locked out."""

    path: Path
    name: str

    @property
    def where(self) -> str:
        """The variable and its file."""
        return f"{self.name} in {self.path}"

    def check(self) -> None:
        """See that the file can be edited, and that there is no key yet."""
        self._edited(EnvFile(self.path).read(), Secret("A"))

    def deliver(self, key: Secret) -> None:
        """Write it; a change that somebody else makes at the same time is kept, and this one refused."""
        file = EnvFile(self.path)
        before = file.read()
        file.write(self._edited(before, key), before)

    def _edited(self, before: EnvText, key: Secret) -> bytes:
        there = dotenv.read(before.raw).variables.get(self.name)
        if there and there.value and not is_placeholder(there.value.reveal()):
            raise UsageError(
                f"{self.where} has a value already.",
                "Whoever has its codes would be locked out. Take the value out of the file first.",
            )
        return edit(before.raw, {self.name: key}, append=True)

"""Putting a secret where it is kept: a variable of a file on the target, or a new file on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from signoff.actions.base import ActionError, LastingError, StepRecord, Tell
from signoff.actions.env_file import EnvFile
from signoff.actions.file_change import FileChange
from signoff.actions.hands import Hands
from signoff.credentials import dotenv, secret_file
from signoff.credentials.delivery import preview_of, with_value
from signoff.credentials.secret import HIDDEN, Secret
from signoff.message import listed, say
from signoff.text import one_line


@dataclass(eq=False)
class InVariable(FileChange):
    """The action that puts a secret into a variable. See `signoff.actions.base.Action`.

    ``what`` the secret is, for people. One that has a value already is refused, unless it ``replaces``.
    """

    path: str
    name: str
    value: Secret
    hands: Hands
    record: StepRecord
    what: str
    id: str
    replaces: bool = False

    def __post_init__(self) -> None:
        self._file = EnvFile(self.hands.target, self.path, root=self.hands.root)

    @property
    def subject(self) -> str:
        """The variable and its file."""
        return say("{name} in {path}", name=one_line(self.name), path=one_line(self.path))

    @property
    def preview(self) -> tuple[str, ...]:
        """What will happen."""
        return preview_of(self.path, self.name, self.what, replaces=self.replaces)

    def _edited(self, raw: bytes) -> bytes:
        """Return the file with the secret in the variable. Raises HeldError where that has one."""
        self.record.know((one.name, one.value) for one in dotenv.read(raw).variables.values())
        return with_value(raw, self.name, self.value, self.subject, replaces=self.replaces)


@dataclass(eq=False)
class InNewFile:
    """The action that writes a secret to a file of this machine that is not there yet, of mode 0600."""

    path: Path
    value: Secret
    record: StepRecord
    what: str
    id: str
    _made: bool = field(default=False, init=False)

    @property
    def subject(self) -> str:
        """The file."""
        return say("{path} on the operator's machine", path=one_line(str(self.path)))

    @property
    def preview(self) -> tuple[str, ...]:
        """What will happen."""
        return (
            say("a new file on this machine, readable by you only: {path}", path=one_line(str(self.path))),
            listed((f"  {HIDDEN} (", self.what, ")"), ""),
        )

    @property
    def digests(self) -> Mapping[str, str]:
        """Of the file's content."""
        of = self.record.fingerprints.of
        return {"before": of(b""), "after": of(self._content)}

    @property
    def _content(self) -> bytes:
        return f"{self.value.reveal()}\n".encode()

    def prepare(self, tell: Tell) -> None:
        """See that a file can be made, and that none is there."""
        secret_file.check_new(self.path)

    def run(self, tell: Tell, cancel: Event) -> None:
        """Make it."""
        tell(say("Writing {path}.", path=one_line(str(self.path))))
        secret_file.write_new(self.path, self.value)
        self._made = True

    def check(self, tell: Tell) -> None:
        """Read it back."""
        if self._read() != self._content:
            raise ActionError(say("{subject} does not say what was written.", subject=self.subject))

    def undo(self, tell: Tell) -> None:
        """Take it away, where it is still what was written."""
        if not self._made or self._read() is None:
            return
        if self._read() != self._content:
            raise LastingError(
                say("{subject} was changed meanwhile; it was left alone.", subject=self.subject)
            )
        self.path.unlink()
        tell(say("{path} is gone again.", path=one_line(str(self.path))))

    def _read(self) -> bytes | None:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise ActionError(
                say("{subject} cannot be read: {strerror}.", subject=self.subject, strerror=problem.strerror)
            ) from None

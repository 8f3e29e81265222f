"""New values in a file with secrets on a target: only their bytes change, and the file comes back exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from signoff.actions.base import LastingError, StepRecord, Tell
from signoff.actions.env_file import EnvFile
from signoff.actions.file_change import FileChange
from signoff.actions.hands import Hands
from signoff.credentials.dotenv import read
from signoff.credentials.env_edit import edit
from signoff.credentials.secret import HIDDEN, Secret
from signoff.message import say
from signoff.text import one_line


@dataclass(frozen=True, slots=True)
class Edit:
    """New values for some variables of a file: of each the old and the new one."""

    path: str
    values: Mapping[str, tuple[Secret, Secret]]
    group_reads: bool = False

    @property
    def preview(self) -> tuple[str, ...]:
        """The file, and each variable with its values masked."""
        width = max(len(name) for name in self.values)
        return (
            one_line(self.path),
            *(
                say(
                    "  {name}  {hidden} ({before} characters) -> {hidden} ({after})",
                    name=f"{one_line(name):<{width}}",
                    hidden=HIDDEN,
                    before=len(old),
                    after=len(new),
                )
                for name, (old, new) in self.values.items()
            ),
        )


@dataclass(eq=False)
class FileEdit(FileChange):
    """The action. See `signoff.actions.base.Action`."""

    edit: Edit
    hands: Hands
    record: StepRecord

    id: ClassVar[str] = "env.edit"

    def __post_init__(self) -> None:
        self._file = EnvFile(
            self.hands.target, self.edit.path, root=self.hands.root, group_reads=self.edit.group_reads
        )

    @property
    def subject(self) -> str:
        """The file."""
        return one_line(self.edit.path)

    @property
    def preview(self) -> tuple[str, ...]:
        """What will happen."""
        return self.edit.preview

    def prepare(self, tell: Tell) -> None:
        """Read the file, and make its new content."""
        tell(say("Looking at {subject}.", subject=self.subject))
        super().prepare(tell)

    def _edited(self, raw: bytes) -> bytes:
        """Return the file with the new values. Raises LastingError where it does not say what it said."""
        there = read(raw).variables
        for name, (old, _) in self.edit.values.items():
            if name not in there or there[name].value != old:
                raise LastingError(
                    say(
                        "{subject} was changed meanwhile: {name} is another.", subject=self.subject, name=name
                    ),
                    say("Look again."),
                )
        return edit(raw, {name: new for name, (_, new) in self.edit.values.items()})

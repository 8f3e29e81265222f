"""New values in a file with secrets on a target: only their bytes change, and the file comes back exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import ClassVar

from signoff.actions.base import ActionError, LastingError, Say, StepRecord
from signoff.actions.env_file import EnvFile
from signoff.actions.hands import Hands
from signoff.credentials.dotenv import read
from signoff.credentials.env_edit import edit
from signoff.credentials.env_text import EnvText
from signoff.credentials.secret import HIDDEN, Secret
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
                f"  {one_line(name):<{width}}  {HIDDEN} ({len(old)} characters) -> {HIDDEN} ({len(new)})"
                for name, (old, new) in self.values.items()
            ),
        )


@dataclass(eq=False)
class FileEdit:
    """The action. See `signoff.actions.base.Action`."""

    edit: Edit
    hands: Hands
    record: StepRecord
    _file: EnvFile = field(init=False)
    _before: EnvText | None = field(default=None, init=False)
    _after: bytes = field(default=b"", init=False, repr=False)

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

    @property
    def digests(self) -> Mapping[str, str]:
        """Of the file's content."""
        of = self.record.fingerprints.of
        return {"before": of(self._before.raw if self._before else b""), "after": of(self._after)}

    def prepare(self, say: Say) -> None:
        """Read the file, see that it says what it said, and make its new content."""
        say(f"Looking at {self.subject}.")
        self._before = self._file.read()
        for remark in self._file.remarks(self._before):
            say(remark)
        there = read(self._before.raw).variables
        for name, (old, _) in self.edit.values.items():
            if name not in there or there[name].value != old:
                raise LastingError(f"{self.subject} was changed meanwhile: {name} is another.", "Look again.")
        self._after = edit(self._before.raw, {name: new for name, (_, new) in self.edit.values.items()})

    def run(self, say: Say, cancel: Event) -> None:
        """Put the new content in the old one's place."""
        if self._before is None:
            raise AssertionError("prepare comes first")
        say(f"Writing {self.subject}.")
        self._file.write(self._after, self._before)

    def check(self, say: Say) -> None:
        """Read it back."""
        if self._file.read().raw != self._after:
            raise ActionError(f"{self.subject} does not say what was written.")

    def undo(self, say: Say) -> None:
        """Put the file back as it was."""
        if self._before is not None:
            self._file.restore(self._before)
            say(f"{self.subject} is as it was.")

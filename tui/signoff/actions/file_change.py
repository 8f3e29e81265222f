"""A new content for a file with secrets on a target: what every such action shares; it comes back exactly."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from threading import Event

from signoff.actions.base import ActionError, StepRecord, Tell
from signoff.actions.env_file import EnvFile
from signoff.credentials.env_text import EnvText
from signoff.message import say
from signoff.text import one_line


class FileChange(ABC):
    """The base of such actions. See `signoff.actions.base.Action`.

    An action makes its ``_file``, and says what it is about, what will happen, and what the new content is.
    """

    record: StepRecord
    _file: EnvFile
    _before: EnvText | None = None
    _after: bytes = b""

    @property
    @abstractmethod
    def subject(self) -> str:
        """What is changed, for people and for the record."""

    @abstractmethod
    def _edited(self, raw: bytes) -> bytes:
        """Return the new content. Raises SignoffError where it cannot be made from what is there."""

    @property
    def digests(self) -> Mapping[str, str]:
        """Of the file's content."""
        of = self.record.fingerprints.of
        return {"before": of(self._before.raw if self._before else b""), "after": of(self._after)}

    def prepare(self, tell: Tell) -> None:
        """Read the file, say what there is to be said of it, and make its new content."""
        self._before = self._file.read()
        for remark in self._file.remarks(self._before):
            tell(remark)
        self._after = self._edited(self._before.raw)

    def run(self, tell: Tell, cancel: Event) -> None:
        """Put the new content in the old one's place."""
        if self._before is None:
            raise AssertionError("prepare comes first")
        tell(say("Writing {subject}.", subject=self.subject))
        self._file.write(self._after, self._before)

    def check(self, tell: Tell) -> None:
        """Read it back."""
        if self._file.read().raw != self._after:
            raise ActionError(say("{subject} does not say what was written.", subject=self.subject))

    def undo(self, tell: Tell) -> None:
        """Put the file back as it was."""
        if self._before is not None:
            self._file.restore(self._before)
            tell(say("{path} is as it was.", path=one_line(self._file.path)))

"""A target that answers from memory, and a person who says what a test has them say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event

from signoff.credentials.secret import Secret
from signoff.target.command import Command, Output, Problem


@dataclass
class FakeTarget:
    """Answers each command by its id; what it does not know it prints nothing for, with exit code 0.

    ``before`` is called before each answer, to cancel or to break in the middle.
    """

    outputs: Mapping[str, Output | bytes] = field(default_factory=dict)
    address: str = "deploy@shop.example:22"
    host_key: str = "SHA256:fake"
    outside_addresses: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    before: Callable[[str], None] = lambda _: None
    batches: list[tuple[str, ...]] = field(default_factory=list)
    executed: list[tuple[str, bytes, bool]] = field(default_factory=list)
    closed: bool = False

    def collect(self, commands: Sequence[Command], cancel: Event) -> Iterator[Output]:
        """Answer one batch."""
        self.batches.append(tuple(command.id for command in commands))
        for command in commands:
            self.before(command.id)
            if cancel.is_set():
                yield Output(command.id, problem=Problem.CANCELLED)
                continue
            known = self.outputs.get(command.id, b"")
            yield known if isinstance(known, Output) else Output(command.id, status=0, stdout=known)

    def execute(
        self,
        script: str,
        payload: bytes = b"",
        *,
        root: bool = False,
        timeout: float = 60.0,
        cancel: Event | None = None,
        on_output: Callable[[bytes], None] | None = None,
    ) -> Output:
        """Remember what was to be changed, and by whom."""
        self.executed.append((script, payload, root))
        return Output("execute", status=0, as_root=root)

    def close(self) -> None:
        """Remember that it was let go."""
        self.closed = True


class NobodyThere:
    """A prompter that answers nothing."""

    def accept_host_key(self, host: str, kind: str, fingerprint: str) -> bool:
        """Trust nothing."""
        return False

    def passphrase(self, path: str) -> Secret | None:
        """Know nothing."""
        return None

    def login_password(self, user: str, host: str) -> Secret | None:
        """Know nothing."""
        return None

    def sudo_password(self, user: str, host: str) -> Secret | None:
        """Know nothing."""
        return None

"""A Redis password: in the running server and in the file that it starts from, or in its container made anew.

Whatever redis-cli is told, it ends with status 0: only its replies count. And a server without a password
takes any, so that here too a wrong one is tried beside each login.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from shlex import quote
from threading import Event
from typing import ClassVar, Final

from signoff.actions.base import ActionError, LastingError, StepRecord, Tell
from signoff.actions.env_file import EnvFile
from signoff.actions.hands import Hands, failed
from signoff.actions.redis_conf import FAILED, Setting, UserChange, edited_configuration
from signoff.credentials.env_text import EnvText
from signoff.credentials.secret import Secret
from signoff.message import say
from signoff.text import one_line

PATIENCE: Final = 15.0
"""How long a server that has just started may take until it answers, in seconds."""

_REFUSED: Final = re.compile(r"\b(WRONGPASS|NOAUTH|invalid password|NOPERM)\b")


@dataclass(frozen=True)
class _Door:
    """The way in: who is taken with which password."""

    change: UserChange
    hands: Hands

    def ask(self, password: Secret, *commands: str) -> list[str]:
        """Return the reply to each command, as redis-cli prints it. Raises ActionError."""
        server = self.change.server
        nonce = secrets.token_hex(8)
        user = "" if self.change.user == "default" else f" --user {quote(self.change.user)}"
        script = (
            "command -v redis-cli > /dev/null || { echo 'there is no redis-cli' >&2; exit 1; }\n"
            "IFS= read -r REDISCLI_AUTH; export REDISCLI_AUTH\n"
            f"exec redis-cli -h {quote(server.host)} -p {server.port}{user} 2>&1"
        )
        lines = [password.reveal(), f"ECHO {nonce}"]
        for command in commands:
            lines += [command, f"ECHO {nonce}"]
        if any("\n" in line or "\r" in line or "\0" in line for line in lines):
            raise LastingError(
                say("{subject}: a password of more than a line cannot be tried.", subject=self.change.subject)
            )
        output = self.hands.run(
            say("{name} could not be asked", name=server.name),
            self.hands.in_container(server.container, script),
            "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"),
            timeout=20,
        )
        said = output.stdout.decode("utf-8", "surrogateescape")
        before, *replies = re.split(rf"^{nonce}\n", said, flags=re.MULTILINE)
        if output.status != 0 or len(replies) != len(commands) + 1:
            if _REFUSED.search(said):
                raise _RefusedError
            raise ActionError(
                say(
                    "{name} does not answer: {said}",
                    name=server.name,
                    said=one_line(said) or one_line(output.stderr),
                )
            )
        del before
        return [reply.strip("\r\n") for reply in replies[:-1]]

    def takes(self, password: Secret) -> bool:
        """Tell whether this password opens the door. Raises ActionError where there is no answer."""
        try:
            return self.ask(password, "PING") == ["PONG"]
        except _RefusedError:
            return False

    def must_be_shut(self) -> None:
        """Raise where a wrong password is taken too: then no login proves anything."""
        if self.takes(Secret(secrets.token_hex(16))):
            raise LastingError(
                say("{subject} needs no password: it lets anybody in.", subject=self.change.subject),
                say(
                    "Set one in Redis first (requirepass in redis.conf), restart it, and put it into the "
                    "file."
                ),
            )

    def prove(self, tell: Tell) -> None:
        """Raise unless the new password is taken, and the old and a wrong one are not."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                taken = self.takes(self.change.new)
                break
            except ActionError:
                if time.monotonic() > end:
                    raise
                time.sleep(1)
        if not taken:
            raise ActionError(say("{subject}: the new password is refused.", subject=self.change.subject))
        self.must_be_shut()
        if self.takes(self.change.old):
            raise ActionError(say("{subject}: the old password is still taken.", subject=self.change.subject))
        tell(say("{subject}: the new password is taken, the old one refused.", subject=self.change.subject))


class _RefusedError(ActionError):
    """The password was refused."""

    def __init__(self) -> None:
        super().__init__(say("The password is refused."))


@dataclass(eq=False)
class _Password:
    """What both actions on a Redis have in common. See `signoff.actions.base.Action`."""

    change: UserChange
    hands: Hands
    record: StepRecord
    _door: _Door = field(init=False)

    id: ClassVar[str] = "redis.password"

    def __post_init__(self) -> None:
        self._door = _Door(self.change, self.hands)

    @property
    def subject(self) -> str:
        """The user."""
        return self.change.subject

    @property
    def preview(self) -> tuple[str, ...]:
        """What will happen."""
        return self.change.preview

    @property
    def digests(self) -> Mapping[str, str]:
        """Of the passwords."""
        of = self.record.fingerprints.of
        return {"before": of(self.change.old), "after": of(self.change.new)}

    def check(self, tell: Tell) -> None:
        """Log in."""
        self._door.prove(tell)


@dataclass(eq=False)
class UserPassword(_Password):
    """The action on a host's own Redis."""

    _set: Setting | None = field(default=None, init=False)
    _file: EnvFile | None = field(default=None, init=False)
    _before: EnvText | None = field(default=None, init=False)
    _after: bytes = field(default=b"", init=False, repr=False)

    def prepare(self, tell: Tell) -> None:
        """Log in with the present password; find how it is set, and the file that it is started from."""
        tell(say("Looking at {subject}.", subject=self.subject))
        _must_be_taken(self._door)
        about, replication, required, acl_file, acls = self._door.ask(
            self.change.old,
            *("INFO server", "INFO replication", "CONFIG GET requirepass", "CONFIG GET aclfile", "ACL LIST"),
        )
        for reply in (about, replication, required):
            if FAILED.match(reply):
                raise LastingError(
                    say("{subject} may not change it: {reply}", subject=self.subject, reply=one_line(reply))
                )
        if _line(replication, "role") != "master" or _line(replication, "connected_slaves") not in {"", "0"}:
            raise LastingError(
                say(
                    "{name} is replicated: its password is on its replicas too.", name=self.change.server.name
                ),
                say("Change it on all of them by hand (masterauth), then put it into the file."),
            )
        self._set = Setting.of(self.change, Secret(_value(required)), acls)
        path = _value(acl_file) or _line(about, "config_file")
        if not path:
            raise LastingError(
                say(
                    "{name} was started without a file to keep its password in.", name=self.change.server.name
                ),
                say("Put requirepass into a redis.conf, start Redis with it, then try again."),
            )
        self._file = EnvFile(self.hands.target, path, root=self.hands.root)
        self._before = self._file.read()
        edited = edited_configuration(self._before.raw, self.change)
        if edited is None:
            raise LastingError(
                say(
                    "{path} does not hold the password of {subject}: an include may.",
                    path=one_line(path),
                    subject=self.subject,
                ),
                say("Set it by hand there, in the running server, and in the file."),
            )
        self._after = edited

    def run(self, tell: Tell, cancel: Event) -> None:
        """Change the file first: it is what may not be writable."""
        if self._file is None or self._before is None or self._set is None:
            raise AssertionError("prepare comes first")
        tell(say("Setting the new password of {subject}.", subject=self.subject))
        self._file.write(self._after, self._before)
        self._tell(self.change.old, self._set.forward)

    def undo(self, tell: Tell) -> None:
        """Put the old password back where the new one is taken; then the file."""
        if self._file is None or self._before is None or self._set is None:
            return
        if self._door.takes(self.change.new):
            self._tell(self.change.new, self._set.back)
            if not self._door.takes(self.change.old):
                raise ActionError(
                    say("{subject} does not have its old password again.", subject=self.subject)
                )
            tell(say("{subject} has its old password again.", subject=self.subject))
        self._file.restore(self._before)

    def _tell(self, password: Secret, command: Secret) -> None:
        (reply,) = self._door.ask(password, command.reveal())
        if reply != "OK":
            # Redis does not quote what it was told; the safe side is not to quote Redis either.
            raise ActionError(say("{subject}: Redis did not take the new password.", subject=self.subject))


@dataclass(eq=False)
class RestartedPassword(_Password):
    """The proof that a Redis in a container, made anew, has the new password of its environment."""

    def prepare(self, tell: Tell) -> None:
        """Log in with the present password, and see that no file of the container's holds it."""
        tell(say("Looking at {subject}.", subject=self.subject))
        _must_be_taken(self._door)
        (about,) = self._door.ask(self.change.old, "INFO server")
        path = _line(about, "config_file")
        if not path:
            return
        what = say(
            "{path} in container {container} could not be read",
            path=one_line(path),
            container=self.change.server.container,
        )
        script = self.hands.in_container(self.change.server.container, f"cat {quote(path)}")
        output = self.hands.run(what, script, timeout=20)
        if output.status != 0:
            raise failed(what, output)
        if edited_configuration(output.stdout, self.change) is not None:
            raise LastingError(
                say(
                    "{name} has its password in {path}, within the container.",
                    name=self.change.server.name,
                    path=one_line(path),
                ),
                say(
                    "Change it there by hand and in the file, or let the compose file give it: {variable}.",
                    variable="${NAME}",
                ),
            )

    def run(self, tell: Tell, cancel: Event) -> None:
        """Do nothing: the container was made anew just before."""

    def undo(self, tell: Tell) -> None:
        """See that the old password is taken again, now that the container was made anew once more."""
        if not self._door.takes(self.change.old):
            raise ActionError(say("{subject} does not take its old password.", subject=self.subject))


def _must_be_taken(door: _Door) -> None:
    door.must_be_shut()
    if not door.takes(door.change.old):
        raise LastingError(
            say("{subject} does not take the password that is in the file.", subject=door.change.subject),
            say("Put the one that it has into the file first."),
        )


def _value(reply: str) -> str:
    """Return the value of ``CONFIG GET name``: the line after the name."""
    return reply.partition("\n")[2]


def _line(reply: str, name: str) -> str:
    found = re.search(rf"^{name}:(.*?)\r?$", reply, re.MULTILINE)
    return found[1] if found else ""

"""How a Redis password is set: the commands for the running server, the bytes of its configuration. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from signoff.actions.base import LastingError
from signoff.credentials.secret import Secret
from signoff.message import say
from signoff.text import one_line

FAILED: Final = re.compile(r"(ERR|NOPERM|NOAUTH|WRONGPASS)\b")
"""How the reply begins to a command that was not carried out."""


@dataclass(frozen=True, slots=True)
class Server:
    """A Redis on the target: in a container, or the host's own. ``port`` is its own, there."""

    container: str = ""
    host: str = "127.0.0.1"
    port: int = 6379

    @property
    def name(self) -> str:
        """What it is called, for people."""
        return (
            say("Redis in container {container}", container=one_line(self.container))
            if self.container
            else "Redis"
        )


@dataclass(frozen=True, slots=True)
class UserChange:
    """A user of Redis and the new password; ``default`` is who logs in without a name."""

    server: Server
    old: Secret
    new: Secret
    user: str = "default"

    @property
    def subject(self) -> str:
        """What is changed."""
        return say("user {user} of {name}", user=one_line(self.user, 63), name=self.server.name)

    @property
    def preview(self) -> tuple[str, ...]:
        """What will happen."""
        login = say("then a login: the new password is taken, the old and a wrong one are refused")
        if self.server.container:
            return (say("{name}: takes the new password when it is made anew", name=self.server.name), login)
        user = "" if self.user == "default" else say(" of user {user}", user=one_line(self.user, 63))
        return (
            say(
                "{name}: the password{user} in the running server, and in the file it starts from",
                name=self.server.name,
                user=user,
            ),
            login,
        )


@dataclass(frozen=True)
class Setting:
    """The commands that set the new password, and the old one again. Both hold what must not be shown."""

    forward: Secret
    back: Secret

    @classmethod
    def of(cls, change: UserChange, required: Secret, acls: str) -> Setting:
        """Choose by how it is set now. Raises LastingError where that is not plain."""
        old, new = _sha256(change.old), _sha256(change.new)
        has_acls = not FAILED.match(acls)
        given = _hashes(acls, change.user)
        if has_acls and old not in given:
            raise LastingError(
                say("{subject}: its password is not set in a way that is known here.", subject=change.subject)
            )
        if change.user == "default" and required == change.old and (not has_acls or given == {old}):
            return cls(
                *(Secret(f"CONFIG SET requirepass {_quoted(one)}") for one in (change.new, change.old))
            )
        if not has_acls or not re.fullmatch(r"[^\s\"'\\]+", change.user):
            raise LastingError(
                say("{subject}: its password is not set in a way that is known here.", subject=change.subject)
            )
        return cls(
            Secret(f"ACL SETUSER {change.user} !{old} #{new}"),
            Secret(f"ACL SETUSER {change.user} !{new} #{old}"),
        )


_REQUIREPASS: Final = re.compile(
    rb"(?P<head>[ \t]*requirepass[ \t]+)(?P<value>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\S+)(?P<tail>\s*)",
    re.IGNORECASE,
)
_USER: Final = re.compile(rb"[ \t]*user[ \t]+(?P<name>\S+)[ \t]", re.IGNORECASE)


def edited_configuration(raw: bytes, change: UserChange) -> bytes | None:
    """Return a redis.conf or ACL file with the new password; only its own bytes change. None if it has none.

    The password stands behind ``requirepass`` or in a ``user`` line, in clear (``>``) or as SHA-256 (``#``).
    """
    lines = [_edited(line, change) for line in raw.splitlines(keepends=True)]
    edited = b"".join(lines)
    return None if edited == raw else edited


def _edited(line: bytes, change: UserChange) -> bytes:
    required = _REQUIREPASS.fullmatch(line)
    if required and change.user == "default":
        if _unquoted(required["value"]) != _raw(change.old):
            return line
        return required["head"] + _quoted(change.new).encode() + required["tail"]
    user = _USER.match(line)
    if user and user["name"] == change.user.encode("utf-8", "surrogateescape"):
        known = {b">" + _raw(change.old), b"#" + _sha256(change.old).encode()}
        words = re.split(rb"(\s+)", line)
        return b"".join(b"#" + _sha256(change.new).encode() if word in known else word for word in words)
    return line


def _raw(value: Secret) -> bytes:
    return value.reveal().encode("utf-8", "surrogateescape")


def _sha256(value: Secret) -> str:
    return hashlib.sha256(_raw(value)).hexdigest()


def _quoted(value: Secret) -> str:
    """Return a word as redis.conf and redis-cli both read it (sdssplitargs)."""
    if re.fullmatch(r"[A-Za-z0-9_-]+", value.reveal()):
        return value.reveal()
    return '"' + "".join(f"\\x{byte:02x}" for byte in _raw(value)) + '"'


def _unquoted(word: bytes) -> bytes:
    if word[:1] == b"'":
        return word[1:-1].replace(b"\\'", b"'")
    if word[:1] != b'"':
        return word
    plain = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}
    return re.sub(
        rb"\\(?:x([0-9a-fA-F]{2})|(.))",
        lambda found: bytes([int(found[1], 16)]) if found[1] else plain.get(found[2], found[2]),
        word[1:-1],
        flags=re.DOTALL,
    )


def _hashes(acls: str, user: str) -> frozenset[str]:
    for line in acls.splitlines():
        words = line.split()
        if words[:2] == ["user", user]:
            return frozenset(word[1:] for word in words if word.startswith("#"))
    return frozenset()

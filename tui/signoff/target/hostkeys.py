"""Host keys: the known ones, by sshd(8) SSH_KNOWN_HOSTS FILE FORMAT, and what to do about the others."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from signoff import own_files, paths
from signoff.errors import TargetError
from signoff.message import say
from signoff.target import private_file
from signoff.target.base import Prompter

_REVOKED: Final = "@revoked"
_AUTHORITY: Final = "@cert-authority"
_HASHED: Final = re.compile(r"\|1\|([A-Za-z0-9+/=]+)\|([A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public host key: its type (``ssh-ed25519``) and its blob (RFC 4253, section 6.6)."""

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """The fingerprint as ssh-keygen prints it, ``SHA256:...``."""
        digest = hashlib.sha256(self.blob).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a known_hosts file."""

    place: str
    """``file:line``"""
    marker: str
    names: str
    key: HostKey

    def is_about(self, name: str) -> bool:
        """Tell whether the line speaks of a host: ``name`` or ``[name]:port``."""
        hashed = _HASHED.fullmatch(self.names)
        if hashed:
            return _hash_matches(name, hashed[1], hashed[2])
        patterns = self.names.lower().split(",")
        if any(pattern.startswith("!") and _matches(name, pattern[1:]) for pattern in patterns):
            return False
        return any(_matches(name, pattern) for pattern in patterns)


class KnownHosts:
    """What the operator's known_hosts files, and signoff's own, say of one host.

    ``host`` is its name or HostKeyAlias, ``port`` 0 for an alias. Raises ExposedError where others can
    change signoff's own file; the operator's are ssh's to judge.
    """

    def __init__(self, files: Iterable[Path], host: str, port: int) -> None:
        bare = host.lower().strip("[]")
        self.name = bare if port in {0, 22} else f"[{bare}]:{port}"
        self._lines = [line for file in files for line in _read(file) if line.is_about(self.name)]
        self._own = paths.known_hosts_file()
        own_files.check(self._own)
        self._lines += [line for line in _read(self._own) if line.is_about(self.name)]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The types of the keys known for the host; ask for these first."""
        return tuple(dict.fromkeys(line.key.kind for line in self._lines if not line.marker))

    def check(self, key: HostKey, prompter: Prompter) -> None:
        """Let a host's key pass, or raise TargetError.

        A known key passes. An unknown one is shown to the operator, and kept on their yes. One that was
        revoked, or that comes in the place of a known one, is refused.
        """
        for line in self._lines:
            if line.marker == _REVOKED and line.key == key:
                raise TargetError(
                    say(
                        "The host key of {name} was revoked, in {place}. It is {fingerprint}.",
                        name=self.name,
                        place=line.place,
                        fingerprint=key.fingerprint,
                    ),
                    say("Do not connect: whoever has this key can pose as the host. Ask for the new one."),
                )
        known = [line for line in self._lines if not line.marker]
        if any(line.key == key for line in known):
            return
        if known:
            raise self._changed(known, key)
        if not prompter.accept_host_key(self.name, key.kind + self._vouched(), key.fingerprint):
            raise TargetError(
                say(
                    "The host key of {name} ({fingerprint}) was not accepted.",
                    name=self.name,
                    fingerprint=key.fingerprint,
                ),
                say("Compare it on the host's own console: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"),
            )
        self._keep(key)

    def _changed(self, known: list[Line], key: HostKey) -> TargetError:
        places = ", ".join(f"{line.place} ({line.key.kind} {line.key.fingerprint})" for line in known)
        return TargetError(
            say(
                "The host key of {name} has changed: it shows {kind} {fingerprint}, known is "
                "{places}. Somebody may be listening in, or the host was set up anew.",
                name=self.name,
                kind=key.kind,
                fingerprint=key.fingerprint,
                places=places,
            ),
            say(
                "Compare the fingerprint on the host's own console. If it is right, take out the old "
                "line: ssh-keygen -R '{name}' -f {rpartition}",
                name=self.name,
                rpartition=known[0].place.rpartition(":")[0],
            ),
        )

    def _vouched(self) -> str:
        for line in self._lines:
            if line.marker == _AUTHORITY:
                return say(
                    " (the certificate authority in {place} is not supported: check the key itself)",
                    place=line.place,
                )
        return ""

    def _keep(self, key: HostKey) -> None:
        try:
            before = self._own.read_bytes()
        except FileNotFoundError:
            before = b""
        except OSError as reason:
            raise TargetError(
                say("{own} cannot be read: {strerror}.", own=self._own, strerror=reason.strerror)
            ) from None
        if before and not before.endswith(b"\n"):
            before += b"\n"
        line = f"{self.name} {key.kind} {base64.b64encode(key.blob).decode()}\n"
        private_file.replace(self._own, before + line.encode())


def _read(file: Path) -> Iterator[Line]:
    try:
        text = file.read_text("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as reason:
        # Going on without it could turn a revoked or a changed key into one that is merely unknown.
        raise TargetError(
            say("{file} cannot be read: {strerror}.", file=file, strerror=reason.strerror),
            say("Correct its permissions."),
        ) from None
    for number, row in enumerate(text.splitlines(), 1):
        line = _parse(row, f"{file}:{number}")
        if line:
            yield line


def _parse(row: str, place: str) -> Line | None:
    """Return the line; None for comments and, as in OpenSSH, for what cannot be read."""
    fields = row.split()
    marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
    if len(fields) < 3 or fields[0].startswith("#"):
        return None
    names, kind, blob, *_ = fields
    try:
        return Line(place, marker, names, HostKey(kind, base64.b64decode(blob, validate=True)))
    except binascii.Error:
        return None


def _matches(name: str, pattern: str) -> bool:
    # Only * and ? are wild (ssh_config(5), PATTERNS); brackets are the host's own.
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def _hash_matches(name: str, salt: str, digest: str) -> bool:
    try:
        expected = base64.b64decode(digest)
        actual = hmac.new(base64.b64decode(salt), name.encode(), hashlib.sha1).digest()
    except binascii.Error:
        return False
    return hmac.compare_digest(actual, expected)

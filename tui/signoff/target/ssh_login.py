"""Logging in over SSH: the agent, key files, and as a last resort the password (RFC 4252, RFC 4256)."""

from __future__ import annotations

import base64
import binascii
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import paramiko
from paramiko.agent import AgentSSH

from signoff.credentials.secret import Secret
from signoff.errors import TargetError
from signoff.message import listed, say
from signoff.target.base import Prompter
from signoff.target.ssh_config import SshConfig
from signoff.text import one_line

_STAGES: Final = 4  # how many methods in a row a server may want (AuthenticationMethods in sshd_config(5))
_TRIES: Final = 3
_BY_MACHINE: Final = 60.0  # seconds for the server, or for a touch on a security key
_BY_PERSON: Final = 180.0

_HINT: Final = (
    "See whether this works: ssh {destination}. To let a key in: ssh-copy-id {destination}. "
    "A key in a locked agent wants ssh-add first."
)


@dataclass
class _Stage:
    """One login in progress: what the server would take next, and what was tried."""

    allowed: tuple[str, ...] = ()
    tried: list[str] = field(default_factory=list)
    """In words, for the operator."""
    offered: set[bytes] = field(default_factory=set)
    """The public keys that were offered."""


class Login:
    """Logs in, and keeps what the operator typed so that a lost connection can be made again.

    What it keeps is in memory only, until ``forget``.
    """

    def __init__(self, prompter: Prompter) -> None:
        self._prompter = prompter
        self._keys: dict[Path, paramiko.PKey | str] = {}
        self._passwords: dict[str, Secret] = {}

    def forget(self) -> None:
        """Let go of keys and passwords."""
        self._keys.clear()
        self._passwords.clear()

    def log_in(self, transport: paramiko.Transport, config: SshConfig) -> None:
        """Log in on a connection whose host key is right. Raise TargetError where nothing was accepted."""
        stage = _Stage()
        try:
            for _ in range(_STAGES):
                progress = self._by_key(transport, config, stage) or self._by_person(transport, config, stage)
                if transport.is_authenticated():
                    return
                if not progress:
                    break
        except (paramiko.SSHException, EOFError, OSError, ValueError) as reason:
            raise _refused(
                config, stage, say("The server ended it: {reason}.", reason=one_line(str(reason)))
            ) from None
        raise _refused(config, stage)

    def _by_key(self, transport: paramiko.Transport, config: SshConfig, stage: _Stage) -> bool:
        """Offer the keys one after another; True when one was accepted, be it as a first step only."""
        if not config.pubkey or (stage.allowed and "publickey" not in stage.allowed):
            return False
        transport.auth_timeout = _BY_MACHINE
        for name, key in self._candidates(config, stage):
            if key.asbytes() in stage.offered:
                continue
            stage.offered.add(key.asbytes())
            stage.tried.append(name)
            try:
                stage.allowed = tuple(transport.auth_publickey(config.user, key))
            except paramiko.BadAuthenticationType as other:
                stage.allowed = tuple(other.allowed_types)
                return False
            except paramiko.AuthenticationException:
                if not transport.is_active():
                    raise
                continue
            except paramiko.SSHException:
                if not transport.is_active():
                    raise
                continue  # the agent would not sign
            return True
        return False

    def _by_person(self, transport: paramiko.Transport, config: SshConfig, stage: _Stage) -> bool:
        if not stage.allowed or stage.allowed == ("publickey",):
            stage.allowed = _allowed(transport, config.user)
        if transport.is_authenticated():
            return True
        transport.auth_timeout = _BY_PERSON
        if config.password and "password" in stage.allowed:
            return self._by_password(transport, config, stage)
        if config.keyboard_interactive and "keyboard-interactive" in stage.allowed:
            return self._by_dialogue(transport, config, stage)
        return False

    def _by_password(self, transport: paramiko.Transport, config: SshConfig, stage: _Stage) -> bool:
        for _ in range(_TRIES):
            password = self._password(config)
            if not password:
                return False
            stage.tried.append("password")
            try:
                stage.allowed = tuple(transport.auth_password(config.user, password.reveal(), fallback=False))
            except paramiko.AuthenticationException:
                self._passwords.pop(config.destination, None)
                if not transport.is_active():
                    raise
                continue
            return True
        return False

    def _by_dialogue(self, transport: paramiko.Transport, config: SshConfig, stage: _Stage) -> bool:
        def answer(_title: str, _text: str, prompts: Sequence[tuple[str, bool]]) -> list[str]:
            return [self._reply(config, prompt).reveal() for prompt, _ in prompts]

        for _ in range(_TRIES):
            stage.tried.append("keyboard-interactive")
            try:
                stage.allowed = tuple(transport.auth_interactive(config.user, answer))
            except _NoAnswer:
                return False
            except paramiko.AuthenticationException:
                self._passwords.pop(config.destination, None)
                if not transport.is_active():
                    raise
                continue
            return True
        return False

    def _reply(self, config: SshConfig, prompt: str) -> Secret:
        if "password" in prompt.lower():
            reply = self._password(config)
        else:
            # A one-time code, say: asked for each time, in the server's own words.
            reply = self._prompter.login_password(config.user, f"{config.hostname} ({one_line(prompt, 60)})")
        if not reply:
            raise _NoAnswer
        return reply

    def _password(self, config: SshConfig) -> Secret | None:
        known = self._passwords.get(config.destination)
        if known:
            return known
        password = self._prompter.login_password(config.user, config.hostname)
        if password:
            self._passwords[config.destination] = password
        return password

    def _candidates(self, config: SshConfig, stage: _Stage) -> Iterator[tuple[str, paramiko.PKey]]:
        """The keys in ssh(1)'s order: configured ones in the agent, other ones there, then files."""
        wanted = {blob for file in config.identity_files for blob in _public_blobs(file)}
        agent = _agent_keys(config.identity_agent)
        chosen = [key for key in agent if key.asbytes() in wanted or key.blob in wanted]
        others = [] if config.identities_only else [key for key in agent if key not in chosen]
        for key in [*chosen, *others]:
            yield say("agent key {comment}", comment=one_line(key.comment, 40) or key.fingerprint), key
        held = {key.asbytes() for key in agent}
        files = [file for file in config.identity_files if not held.intersection(_public_blobs(file))]
        yield from self._from_files(files, stage)

    def _from_files(self, files: Sequence[Path], stage: _Stage) -> Iterator[tuple[str, paramiko.PKey]]:
        locked = []
        for file in files:
            loaded = self._load(file)
            if loaded is None:
                locked.append(file)
            elif isinstance(loaded, paramiko.PKey):
                yield say("key {file}", file=file), loaded
            elif loaded:
                stage.tried.append(say("key {file} ({loaded})", file=file, loaded=loaded))
        # A passphrase is asked for only when no key without one was accepted.
        for file in locked:
            unlocked = self._unlock(file)
            if isinstance(unlocked, paramiko.PKey):
                yield say("key {file}", file=file), unlocked
            else:
                stage.tried.append(say("key {file} ({unlocked})", file=file, unlocked=unlocked))

    def _load(self, file: Path) -> paramiko.PKey | str | None:
        """Return the key of a file, None when it wants a passphrase, or why it cannot be used."""
        if file not in self._keys:
            try:
                self._keys[file] = paramiko.PKey.from_path(file)
            except TypeError:
                return None
            except FileNotFoundError:
                return ""
            except OSError as reason:
                return reason.strerror or say("cannot be read")
            except (ValueError, paramiko.SSHException, paramiko.pkey.UnknownKeyType):
                return "" if _is_public(file) else say("of a kind that works through an agent only")
        return self._keys[file]

    def _unlock(self, file: Path) -> paramiko.PKey | str:
        for _ in range(_TRIES):
            passphrase = self._prompter.passphrase(str(file))
            if passphrase is None:
                self._keys[file] = say("no passphrase given")
                return say("no passphrase given")
            try:
                self._keys[file] = key = paramiko.PKey.from_path(file, _in_bytes(passphrase))
            except (ValueError, TypeError, OSError, paramiko.SSHException):
                continue
            return key
        return say("wrong passphrase")


def _in_bytes(passphrase: Secret) -> Any:
    # The stub says str, but cryptography, which reads the file, takes bytes only.
    return passphrase.reveal().encode("utf-8", "replace")


class _NoAnswer(paramiko.AuthenticationException):
    """The operator gave none."""


class _Agent(AgentSSH):
    """An ssh-agent at a given socket; paramiko's own looks at SSH_AUTH_SOCK alone."""

    def __init__(self, path: str) -> None:
        super().__init__()
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        self._connect(connection)  # type: ignore[attr-defined] # what paramiko.Agent itself calls


def _agent_keys(path: str) -> list[paramiko.AgentKey]:
    if not path:
        return []
    try:
        return list(_Agent(path).get_keys())
    except (OSError, paramiko.SSHException):
        return []  # no agent listens there any more


def _allowed(transport: paramiko.Transport, user: str) -> tuple[str, ...]:
    """Ask the server what it takes (RFC 4252, section 5.2); nothing when it wants nothing."""
    transport.auth_timeout = _BY_MACHINE
    try:
        transport.auth_none(user)
    except paramiko.BadAuthenticationType as answer:
        return tuple(answer.allowed_types)
    return ()


def _public_blobs(file: Path) -> set[bytes]:
    """Return the public key beside a key file; the file itself may be the public half."""
    blobs = set()
    for candidate in (file, file.with_name(file.name + ".pub")):
        try:
            fields = candidate.read_text("ascii", "replace").split()
            if len(fields) > 1 and "-----" not in fields[0]:
                blobs.add(base64.b64decode(fields[1], validate=True))
        except (OSError, binascii.Error):
            continue
    return blobs


def _is_public(file: Path) -> bool:
    """Tell whether an IdentityFile is a public key, whose private half only the agent has."""
    with file.open("rb") as content:
        return not content.read(11).startswith(b"-----BEGIN")


def _refused(config: SshConfig, stage: _Stage, reason: str = "") -> TargetError:
    tried = listed(dict.fromkeys(stage.tried), ", ") or say("nothing: there is no key and no agent")
    allowed = ", ".join(stage.allowed) or say("nothing that it told")
    return TargetError(
        say(
            "{destination} did not let us in. Tried: {tried}. The server allows: {allowed}.{value}",
            destination=config.destination,
            tried=tried,
            allowed=one_line(allowed),
            value=listed((" ", reason), "") if reason else "",
        ),
        say(_HINT, destination=f"-p {config.port} {config.user}@{config.alias}"),
    )

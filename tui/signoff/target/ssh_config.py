"""How ssh(1) itself would connect: its configuration, as ``ssh -G`` prints it."""

from __future__ import annotations

import getpass
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from signoff.errors import TargetError
from signoff.message import say
from signoff.target.address import SshAddress, parse_address
from signoff.text import one_line

WITHOUT_SSH: Final = say(
    "The ssh program is not installed: ~/.ssh/config is not read (aliases, users, ports, key files, jump "
    "hosts), the address is taken as it stands."
)

_REVOKED: Final = say("RevokedHostKeys in ~/.ssh/config is not looked at; @revoked lines in known_hosts are.")

_DEFAULT_TIMEOUT: Final = 10.0
_DEFAULTS: Final = {
    "identityfile": ["~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519"],
    "userknownhostsfile": ["~/.ssh/known_hosts ~/.ssh/known_hosts2"],
    "globalknownhostsfile": ["/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"],
}
_TOKEN: Final = re.compile(r"%([%dhnpru])")
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, kw_only=True)
class SshConfig:
    """What ssh_config(5) says of one host. The names of the fields are its keywords'."""

    alias: str
    hostname: str
    user: str
    port: int
    identity_files: tuple[Path, ...] = ()
    identities_only: bool = False
    identity_agent: str = ""
    """The agent's socket; empty where there is none."""
    pubkey: bool = True
    password: bool = True
    keyboard_interactive: bool = True
    proxy_jump: tuple[SshAddress, ...] = ()
    proxy_command: str = ""
    connect_timeout: float = _DEFAULT_TIMEOUT
    """In seconds."""
    address_family: str = "any"
    known_hosts_files: tuple[Path, ...] = ()
    host_key_alias: str = ""
    notes: tuple[str, ...] = ()
    """What the operator should know about how it was found."""

    @property
    def destination(self) -> str:
        """``user@host:port``, for people."""
        host = f"[{self.hostname}]" if ":" in self.hostname else self.hostname
        return f"{self.user}@{host}:{self.port}"


def ssh_config(address: SshAddress) -> SshConfig:
    """Return how to connect to an address. Raise TargetError where ssh(1) cannot read its configuration."""
    arguments = ["ssh", "-T", "-G"]
    arguments += ["-l", address.user] if address.user else []
    arguments += ["-p", str(address.port)] if address.port else []
    try:
        asked = subprocess.run(
            [*arguments, "--", address.host],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_DEFAULT_TIMEOUT,
            check=False,
        )
    except FileNotFoundError:
        return _config(address, dict(_DEFAULTS), notes=(WITHOUT_SSH,))
    except (OSError, subprocess.TimeoutExpired) as reason:
        raise TargetError(
            say("ssh -G {host} did not answer: {reason}.", host=address.host, reason=one_line(str(reason)))
        ) from None
    if asked.returncode:
        raise TargetError(
            say(
                "ssh cannot read its configuration for {host}: {stderr}",
                host=address.host,
                stderr=one_line(asked.stderr),
            ),
            say("Correct it until this works: ssh -G {host}", host=address.host),
        )
    options: dict[str, list[str]] = {}
    for line in asked.stdout.decode("utf-8", "surrogateescape").splitlines():
        keyword, _, value = line.partition(" ")
        options.setdefault(keyword.lower(), []).append(value)
    return _config(address, options)


def _config(address: SshAddress, options: Mapping[str, list[str]], notes: tuple[str, ...] = ()) -> SshConfig:
    def last(keyword: str, default: str = "") -> str:
        value = options.get(keyword, [default])[-1]
        return "" if value == "none" else value

    def is_on(keyword: str) -> bool:
        return last(keyword, "yes") in {"yes", "true"}

    hostname = last("hostname", address.host)
    user = last("user") or address.user or getpass.getuser()
    port = int(last("port") or address.port or 22)
    tokens = {"h": hostname, "n": address.host, "p": str(port), "r": user}
    known_hosts = " ".join([last("userknownhostsfile"), last("globalknownhostsfile")]).split()
    interactive = last("batchmode", "no") != "yes"
    timeout = last("connecttimeout")
    return SshConfig(
        alias=address.host,
        hostname=hostname,
        user=user,
        port=port,
        identity_files=tuple(
            _path(file, tokens) for file in options.get("identityfile", []) if file != "none"
        ),
        identities_only=last("identitiesonly") == "yes",
        identity_agent=_agent(options.get("identityagent", ["SSH_AUTH_SOCK"])[-1], tokens),
        pubkey=is_on("pubkeyauthentication"),
        password=interactive and is_on("passwordauthentication"),
        keyboard_interactive=interactive and is_on("kbdinteractiveauthentication"),
        proxy_jump=_jumps(last("proxyjump")),
        proxy_command=_expanded(last("proxycommand"), tokens),
        connect_timeout=float(timeout) if timeout.isdigit() and int(timeout) else _DEFAULT_TIMEOUT,
        address_family=last("addressfamily", "any"),
        known_hosts_files=tuple(_path(file, tokens) for file in known_hosts),
        host_key_alias=last("hostkeyalias"),
        notes=(*notes, _REVOKED) if last("revokedhostkeys") else notes,
    )


def _jumps(text: str) -> tuple[SshAddress, ...]:
    """Return the hops of ProxyJump: ``[user@]host[:port]`` or ssh URIs, separated by commas."""
    hops = []
    for hop in text.split(",") if text else ():
        parsed = parse_address(hop if hop.startswith("ssh://") else f"ssh://{hop}")
        if parsed:
            hops.append(parsed)
    return tuple(hops)


def _agent(value: str, tokens: Mapping[str, str]) -> str:
    if value == "none":
        return ""
    if value == "SSH_AUTH_SOCK":
        return os.environ.get("SSH_AUTH_SOCK", "")
    if value.startswith("$") and not value.startswith("${"):
        return os.environ.get(value[1:], "")
    return str(_path(value, tokens))


def _path(text: str, tokens: Mapping[str, str]) -> Path:
    named = _VARIABLE.sub(lambda variable: os.environ.get(variable[1], ""), text)
    return Path(_expanded(named, tokens)).expanduser()


def _expanded(text: str, tokens: Mapping[str, str]) -> str:
    """Expand the tokens of ssh_config(5), TOKENS, that name this host and this user."""
    every = {"%": "%", "d": str(Path.home()), "u": getpass.getuser(), **tokens}
    return _TOKEN.sub(lambda token: every[token[1]], text)

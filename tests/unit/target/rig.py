"""A real sshd of our own on loopback, a home of our own, and an operator who answers what a test says."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from signoff.credentials.secret import Secret

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin") or ""
USER = pwd.getpwuid(os.getuid()).pw_name


@dataclass
class Operator:
    """A Prompter whose answers are given beforehand; it remembers what it was asked."""

    trusts: bool = True
    passphrases: list[str] = field(default_factory=list)
    login_passwords: list[str] = field(default_factory=list)
    sudo_passwords: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def accept_host_key(self, host: str, kind: str, fingerprint: str) -> bool:
        """Say what the test says."""
        self.asked.append(f"host key {host} {kind} {fingerprint}")
        return self.trusts

    def passphrase(self, path: str) -> Secret | None:
        """Give the next one."""
        self.asked.append(f"passphrase {path}")
        return _next(self.passphrases)

    def login_password(self, user: str, host: str) -> Secret | None:
        """Give the next one."""
        self.asked.append(f"login {user} {host}")
        return _next(self.login_passwords)

    def sudo_password(self, user: str, host: str) -> Secret | None:
        """Give the next one."""
        self.asked.append(f"sudo {user}")
        return _next(self.sudo_passwords)


def _next(answers: list[str]) -> Secret | None:
    return Secret(answers.pop(0)) if answers else None


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """Make a key pair with ssh-keygen."""
    bits = ["-b", "2048"] if kind == "rsa" else []
    arguments = ["ssh-keygen", "-q", "-t", kind, *bits, "-N", passphrase, "-C", "test", "-f", str(path)]
    subprocess.run(arguments, check=True, stdin=subprocess.DEVNULL)
    return path


def public(key: Path) -> str:
    """Return the type and the base64 of a key's public half."""
    return " ".join(Path(f"{key}.pub").read_text().split()[:2])


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Sshd:
    """An sshd of this user's own, that lets one key in."""

    def __init__(self, folder: Path, host_keys: Iterable[Path], client_key: Path, *options: str) -> None:
        folder.mkdir()
        self.port = free_port()
        self.host_keys = tuple(host_keys)
        (folder / "authorized_keys").write_text(public(client_key) + "\n")
        lines = [
            f"Port {self.port}",
            "ListenAddress 127.0.0.1",
            *(f"HostKey {key}" for key in self.host_keys),
            f"AuthorizedKeysFile {folder}/authorized_keys",
            "StrictModes no",
            "UsePAM no",
            "PidFile none",
            # Debian's bash reads ~/.bashrc for ssh where SHLVL says that it is the first one.
            *([] if any("SetEnv" in option for option in options) else ["SetEnv SHLVL=5"]),
            *options,
        ]
        (folder / "sshd_config").write_text("\n".join(lines) + "\n")
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # what sshd's privilege separation wants
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log, stdin=subprocess.DEVNULL
            )
        self._wait(folder)

    def _wait(self, folder: Path) -> None:
        for _ in range(200):
            if self._process.poll() is not None:
                raise RuntimeError((folder / "log").read_text())
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
                continue
            return
        raise RuntimeError("sshd does not listen")

    def known(self, host_key: Path | None = None) -> str:
        """Return its line for known_hosts."""
        return f"[127.0.0.1]:{self.port} {public(host_key or self.host_keys[0])}\n"

    def stop(self) -> None:
        """End the listener; connections live on."""
        self._process.terminate()
        self._process.wait()


@dataclass
class Home:
    """A home directory whose ~/.ssh/config is honoured by ``ssh -G`` as the real one would be."""

    path: Path

    @property
    def known_hosts(self) -> Path:
        """The operator's own known_hosts."""
        return self.path / ".ssh" / "known_hosts"

    @property
    def own_known_hosts(self) -> Path:
        """signoff's known_hosts."""
        return self.path / ".config" / "signoff" / "known_hosts"

    def configure(self, alias: str, sshd: Sshd | None = None, **options: object) -> str:
        """Write a Host block into ~/.ssh/config, and return the target's address."""
        values: dict[str, object] = {"UserKnownHostsFile": self.known_hosts, "User": USER}
        if sshd:
            values |= {"HostName": "127.0.0.1", "Port": sshd.port}
        values |= options
        block = [f"Host {alias}", *(f"  {keyword} {value}" for keyword, value in values.items())]
        with (self.path / ".ssh" / "config").open("a") as config:
            config.write("\n".join(block) + "\n")
        return f"ssh://{alias}"

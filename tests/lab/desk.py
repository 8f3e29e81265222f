"""The operator's desk: a home of its own, an SSH agent with the lab's key, and signoff."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labhost.host import Host

TARGET = """
[shop]
address = "{address}"
url = "https://shop.test"
addresses = ["{ipv4}", "{ipv6}"]
project = "/srv/shop"
admin_paths = ["/admin/", "/api/admin/users"]
backup_directory = "/var/backups/shop"
database = "shop"
"""


@dataclass
class Desk:
    """Where an operator sits. ``close`` ends the agent."""

    home: Path
    ca_certificate: Path
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.environment = {
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(sys.path),
            "SSL_CERT_FILE": str(self.ca_certificate),
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
        }
        # The socket's path must be short (unix(7): 108 bytes), so the agent chooses it.
        said = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
        self.environment |= dict(re.findall(r"(SSH_\w+)=([^;]+);", said))

    def know(self, host: Host, user: str = "deploy", *, trusted: bool = True) -> None:
        """Take the lab's key into the agent, write targets.toml and, where trusted, the host's key."""
        subprocess.run(
            ["ssh-add", "-q", str(host.ssh_key)], env=self.environment, check=True, stdin=subprocess.DEVNULL
        )
        folder = self.home / "config" / "signoff"
        folder.mkdir(parents=True, exist_ok=True)
        profile = TARGET.format(address=host.target(user), ipv4=host.ipv4, ipv6=host.ipv6)
        (folder / "targets.toml").write_text(profile)
        (folder / "known_hosts").write_text(host.known_hosts if trusted else "")

    def signoff(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run signoff as a script would: no terminal."""
        return subprocess.run(
            [sys.executable, "-m", "signoff", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment,
            cwd=self.home,
            timeout=180,
        )

    def audit(self, code: int) -> dict[str, Any]:
        """Audit the shop; the report, after a look at the exit code."""
        done = self.signoff("audit", "quick-production", "--target", "shop", "--format", "json")
        assert done.returncode == code, (done.stdout + done.stderr)[-6000:]
        shown: dict[str, Any] = json.loads(done.stdout)
        return shown

    def command(self, *arguments: str) -> str:
        """The same as a line for a terminal's shell."""
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        return shlex.join(["env", "-i", *variables, sys.executable, "-m", "signoff", *arguments])

    def record(self, session: str) -> Path:
        """A session's folder."""
        return self.home / "state" / "signoff" / "sessions" / session

    def close(self) -> None:
        """End the agent."""
        subprocess.run(["ssh-agent", "-k"], env=self.environment, check=False, capture_output=True)


def findings(report: dict[str, Any], probe: str = "") -> list[dict[str, Any]]:
    """The findings of a report, of one probe or of all."""
    every = [finding for step in report["steps"] for finding in step["findings"]]
    return [finding for finding in every if not probe or finding["probe"] == probe]


def results(report: dict[str, Any]) -> dict[str, set[str]]:
    """The results by probe."""
    found: dict[str, set[str]] = {}
    for finding in findings(report):
        found.setdefault(finding["probe"], set()).add(finding["result"])
    return found

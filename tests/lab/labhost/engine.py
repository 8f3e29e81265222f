"""The lab's own Docker daemon, apart from any other on the machine, below one cache directory."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

NETWORK = "signoff-lab"


class LabError(Exception):
    """The lab cannot do what was asked; the message says why."""


def cache_directory() -> Path:
    """Where everything that the lab makes is kept: $SIGNOFF_LAB_CACHE, or ~/.cache/signoff-lab."""
    return Path(os.environ.get("SIGNOFF_LAB_CACHE") or Path.home() / ".cache" / "signoff-lab").resolve()


def run(
    *args: str | Path, stdin: bytes | None = None, check: bool = True
) -> subprocess.CompletedProcess[bytes]:
    """Run a command and keep what it prints; a failure becomes a LabError with the command's words."""
    done = subprocess.run([str(arg) for arg in args], input=stdin, capture_output=True, check=False)
    if check and done.returncode:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        raise LabError(f"{' '.join(str(arg) for arg in args)[:300]}: exit {done.returncode}: {said[-3000:]}")
    return done


class Engine:
    """A dockerd with its own data, socket and network, started on demand and left running for the next."""

    def __init__(self, cache: Path | None = None) -> None:
        """Name the places; nothing is started here."""
        self.cache = cache or cache_directory()
        self.home = self.cache / "engine"
        self.socket = self.home / "docker.sock"
        self.pidfile = self.home / "docker.pid"

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold a lock that all processes using this cache share."""
        self.cache.mkdir(parents=True, exist_ok=True)
        with (self.cache / f"{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def docker(self, *args: str | Path, stdin: bytes | None = None, check: bool = True) -> str:
        """Run a docker command on this daemon, and return what it prints."""
        return self.docker_run(*args, stdin=stdin, check=check).stdout.decode(errors="replace").strip()

    def docker_run(
        self, *args: str | Path, stdin: bytes | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        """The same, with the exit code and both outputs."""
        return run("docker", f"--host=unix://{self.socket}", *args, stdin=stdin, check=check)

    def pid(self) -> int | None:
        """The daemon's process id, when it is ours and alive."""
        try:
            pid = int(self.pidfile.read_text())
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if f"--data-root={self.home / 'data'}".encode() in arguments else None

    def start(self) -> None:
        """Start the daemon and its network, unless they are there."""
        missing = [
            tool
            for tool in ("dockerd", "docker", "debootstrap", "zstd", "ssh-keygen")
            if not shutil.which(tool)
        ]
        if os.geteuid() != 0 or missing:
            raise LabError(f"needs root and setup.sh; missing: {', '.join(missing) or 'root'}")
        with self.locked("engine"):
            if self.pid() is None:
                self._launch()
            if not self.docker("network", "ls", "--quiet", f"--filter=name=^{NETWORK}$"):
                self._make_network()

    def _launch(self) -> None:
        """Start dockerd in a session of its own, so that it outlives this process."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.pidfile.unlink(missing_ok=True)
        command = [
            "dockerd",
            f"--data-root={self.home / 'data'}",
            f"--exec-root={self.home / 'exec'}",
            f"--pidfile={self.pidfile}",
            f"--host=unix://{self.socket}",
            "--storage-driver=overlay2",
            "--exec-opt=native.cgroupdriver=cgroupfs",  # systemd's would want a slice as parent
            # The machine's firewall and forwarding stay as they are: hosts reach it and each other only.
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-forward=false",
            "--ip-masq=false",
            # Apart from another dockerd also when both talk to one containerd.
            "--containerd-namespace=signoff-lab",
            "--containerd-plugins-namespace=signoff-lab-plugins",
            "--cgroup-parent=/signoff-lab",
        ]
        with (self.home / "docker.log").open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
            )
        deadline = time.monotonic() + 60
        while self.docker_run("version", check=False).returncode:
            if process.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"dockerd does not start; see {self.home / 'docker.log'}")
            time.sleep(0.1)

    def _make_network(self) -> None:
        """The hosts' dual-stack network; caches apart have networks apart."""
        number = hashlib.sha256(str(self.cache).encode()).digest()[0]
        self.docker(
            *(
                "network",
                "create",
                "--ipv6",
                f"--subnet=10.213.{number}.0/24",
                f"--subnet=fd5f:51f0:ff{number:02x}::/64",
            ),
            NETWORK,
        )

    def stop(self) -> None:
        """Stop the daemon, and every host with it, by its process id."""
        with self.locked("engine"):
            pid = self.pid()
            if pid is None:
                return
            self.docker("network", "rm", NETWORK, check=False)
            os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + 60
            while Path(f"/proc/{pid}").exists() and not _is_zombie(pid):
                if time.monotonic() > deadline:
                    raise LabError(f"dockerd {pid} does not end")
                time.sleep(0.1)


def _is_zombie(pid: int) -> bool:
    """Ended, and only not yet waited for by its parent."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True

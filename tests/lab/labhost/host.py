"""One host of the lab: a container in which systemd runs, with addresses, users and a state to compare."""

import base64
import contextlib
import hashlib
import json
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from labhost.engine import NETWORK, Engine, LabError, run
from labhost.state import SNAPSHOT, State

LABEL = "signoff.lab"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
"""The lab's own commands find the real programs first, also where a test has put others into /usr/local."""
SUDO_PASSWORD = "lab-sudo-password"
"""What sudo asks the user `operator` for. `deploy` is asked for nothing; `viewer` may not."""


def identify(pid: int) -> str:
    """A process by its id and its start time, for ids are used again."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return f"{pid}:gone"
    return f"{pid}:{stat.rpartition(')')[2].split()[19]}"


def create(
    engine: Engine, image: str, name: str, variant: str, tree: Path, *, script: str, owner: int | None = None
) -> str:
    """Start a container in which systemd and, in the tree given, Docker can run; return its id.

    The capabilities are the few that systemd, the firewall and the inner Docker daemon need. The control
    groups are the machine's, because a systemd that cannot make any does not start.
    """
    labels = {LABEL: name, f"{LABEL}.variant": variant, f"{LABEL}.tree": str(tree)}
    # Said in any case: what a label does not say, it has from the image, whose owner was its builder.
    labels[f"{LABEL}.owner"] = "" if owner is None else identify(owner)
    try:
        return engine.docker(
            *("run", "--detach", f"--name=lab-{name}", "--hostname=shop", f"--network={NETWORK}"),
            *("--cap-add=SYS_ADMIN", "--cap-add=NET_ADMIN", "--cap-add=SYS_PTRACE"),
            *("--security-opt=seccomp=unconfined", "--security-opt=apparmor=unconfined"),
            *("--cgroupns=host", "--volume=/sys/fs/cgroup:/sys/fs/cgroup"),
            *("--tmpfs=/run:exec", "--tmpfs=/run/lock", f"--volume={tree}:/var/lib/docker"),
            *("--sysctl=net.ipv4.ip_forward=1", "--sysctl=net.ipv6.conf.all.disable_ipv6=0"),
            *("--stop-signal=SIGRTMIN+3", *(f"--label={key}={value}" for key, value in labels.items())),
            *(image, "/bin/sh", "-c", script),
        )
    except LabError:
        shutil.rmtree(tree, ignore_errors=True)
        raise


@dataclass(frozen=True)
class Result:
    """What a command on a host came to."""

    code: int
    stdout: str
    stderr: str

    @classmethod
    def of(cls, done: subprocess.CompletedProcess[bytes]) -> "Result":
        """The same, of a command that has ended."""
        return cls(
            done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )


class Host:
    """A running host. It is asked through `docker exec`, so it answers whatever its network does."""

    def __init__(self, engine: Engine, container: str, ssh_key: Path) -> None:
        """Wrap a container that runs."""
        self.engine = engine
        self.container = container
        self.ssh_key = ssh_key
        about = json.loads(engine.docker("inspect", container))[0]
        self.labels: dict[str, str] = about["Config"]["Labels"]
        self.name = self.labels[LABEL]
        self.variant = self.labels[f"{LABEL}.variant"]
        self.owner = self.labels.get(f"{LABEL}.owner", "")
        self.ipv4: str = about["NetworkSettings"]["Networks"][NETWORK]["IPAddress"]
        self.ipv6: str = about["NetworkSettings"]["Networks"][NETWORK]["GlobalIPv6Address"]

    def run(self, cmd: str, *, stdin: str | bytes | None = None, user: str = "root") -> Result:
        """Run a shell command on the host, as root unless another user is named."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        done = self.engine.docker_run(
            *("exec", "--interactive", f"--user={user}", "--workdir=/", f"--env=PATH={PATH}"),
            "--env=LC_ALL=C.UTF-8",
            *(self.container, "/bin/bash", "-c", cmd),
            stdin=data,
            check=False,
        )
        return Result.of(done)

    def exec(self, cmd: str, check: bool = True, stdin: str | bytes | None = None, user: str = "root") -> str:
        """What a shell command prints, less the last newline; LabError when it fails, unless check is off."""
        result = self.run(cmd, stdin=stdin, user=user)
        if check and result.code:
            raise LabError(
                f"{self.name}: {cmd[:300]}: exit {result.code}: {(result.stderr or result.stdout)[-3000:]}"
            )
        return result.stdout.rstrip("\n")

    def put(self, path: str, content: str | bytes, mode: int = 0o644, owner: str = "root:root") -> None:
        """Write a file with this mode and owner; folders that are missing are made."""
        user, _, group = owner.partition(":")
        self.exec(
            f"install -D -m {mode:o} -o {user} -g {group or user} /dev/stdin {shlex.quote(path)}",
            stdin=content,
        )

    def wait_booted(self, seconds: float = 60) -> None:
        """Wait until systemd has nothing left to start."""
        self._wait(
            "systemctl is-system-running | grep -E '^(running|degraded)$'", seconds, "does not finish booting"
        )

    def wait_ready(self, seconds: float = 60) -> None:
        """Wait until the host has booted and its shop answers through its proxy, and sshd on its port."""
        self.wait_booted(seconds)
        url = "--resolve shop.test:443:127.0.0.1 https://shop.test/healthz"
        self._wait(f"curl --silent --fail --insecure --output /dev/null {url}", seconds, "serves no shop")
        self._wait("ss -Hltn 'sport = :22' | grep -q .", seconds, "has no sshd")
        checking = "docker ps --filter health=starting --quiet"
        self._wait(f'[ -z "$(systemctl is-active --quiet docker && {checking})" ]', seconds, "has no health")

    def _wait(self, cmd: str, seconds: float, complaint: str) -> None:
        """Wait on the host itself, which is cheaper than asking again and again from here."""
        result = self.run(f"for i in $(seq {int(seconds * 10)}); do {cmd} && exit 0; sleep 0.1; done; exit 1")
        if result.code:
            status = self.run(
                "systemctl --no-pager --failed; journalctl --no-pager --priority=err --lines=20"
            ).stdout
            raise LabError(
                f"{self.name} {complaint}: {status or self.engine.docker('logs', self.container)[-2000:]}"
            )

    @property
    def host_key(self) -> str:
        """The public half of the host's key, as sshd shows it: `ssh-ed25519 AAAA...`."""
        return " ".join(self.exec("cat /etc/ssh/ssh_host_ed25519_key.pub").split()[:2])

    @property
    def fingerprint(self) -> str:
        """The host key's fingerprint, as ssh shows it: `SHA256:...`."""
        blob = base64.b64decode(self.host_key.split()[1])
        return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")

    @property
    def known_hosts(self) -> str:
        """The line of a known_hosts file by which both addresses of this host are known."""
        return f"{self.ipv4},{self.ipv6} {self.host_key}\n"

    def target(self, user: str = "deploy", project: str = "", *, ipv6: bool = False) -> str:
        """The host as a command line names it: `ssh://deploy@10.213.7.2:22/srv/shop`."""
        address = f"[{self.ipv6}]" if ipv6 else self.ipv4
        return f"ssh://{user}@{address}:22{project}"

    def ssh(self, cmd: str, user: str = "deploy", *, ipv6: bool = False, stdin: str | None = None) -> Result:
        """Run a command over SSH: the stock client, without its configuration, knowing only this host."""
        options = {
            "IdentityFile": self.ssh_key,
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "GlobalKnownHostsFile": "/dev/null",
            "KnownHostsCommand": f"/bin/echo {self.known_hosts.strip()}",
            "UserKnownHostsFile": "/dev/null",
            "ConnectTimeout": "10",
        }
        words = [f"-o{name}={value}" for name, value in options.items()]
        address = self.ipv6 if ipv6 else self.ipv4
        data = (stdin or "").encode()
        return Result.of(run("ssh", "-F/dev/null", *words, f"{user}@{address}", cmd, stdin=data, check=False))

    def state(self) -> State:
        """A snapshot of what probing must not change."""
        return State.parse(self.exec("python3 -", stdin=SNAPSHOT.read_bytes()))

    def stop(self) -> None:
        """End the host by its container's id, and remove all that it leaves on the machine."""
        inner = self.run("docker ps --all --quiet --no-trunc").stdout.split()
        self.engine.docker("rm", "--force", "--volumes", self.container, check=False)
        shutil.rmtree(self.labels[f"{LABEL}.tree"], ignore_errors=True)
        # A control group hierarchy that is not systemd's keeps an empty group of each container.
        for container in inner:
            for group in Path("/sys/fs/cgroup").glob(f"*/system.slice/docker-{container}.scope"):
                with contextlib.suppress(OSError):
                    group.rmdir()

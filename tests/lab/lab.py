"""The lab's entry: build it, start hosts, stop them. From Python through `Lab`, from a shell as a command.

python tests/lab/lab.py build                      make everything that hosts start from
python tests/lab/lab.py up good --name shop-1      start a host and say how to reach it
python tests/lab/lab.py list
python tests/lab/lab.py shell shop-1 ss -ltn
python tests/lab/lab.py down shop-1                or: down --all
python tests/lab/lab.py stop                       stop the lab's Docker daemon, and all hosts with it
"""

import argparse
import contextlib
import secrets
import shlex
import sys
import time
from pathlib import Path

from labhost.build import HERE, VARIANTS, Builder
from labhost.engine import Engine, LabError
from labhost.host import LABEL, Host, create, identify

BOOT = HERE / "hosts" / "common" / "boot.sh"
FIRST_AGE = {"good": 24, "good-caddy": 24, "good-docker": 24, "bad": 2}
"""How many hours old the newest backup in an image looks at boot; the good hosts then make one more."""


class Lab:
    """The hosts of this machine's lab."""

    def __init__(self, owner: int | None = None) -> None:
        """Nothing is started before it is needed.

        With an owner, a process id, its hosts are removed by the next `reap` after that process has ended.
        """
        self.engine = Engine()
        self.builder = Builder(self.engine)
        self.owner = owner

    @property
    def ssh_key(self) -> Path:
        """The private key that every user of every host accepts."""
        return self.builder.ssh_key

    @property
    def ca_certificate(self) -> Path:
        """The authority to trust for https://shop.test/."""
        return self.builder.ca_certificate

    def up(self, variant: str = "good", name: str = "") -> Host:
        """Start a host and wait until it is ready; what is not built yet is built first."""
        if variant not in VARIANTS:
            raise LabError(f"no variant {variant!r}; there are {', '.join(VARIANTS)}")
        name = name or f"{variant}-{secrets.token_hex(3)}"
        tree = self.engine.cache / "hosts" / f"{name}-{secrets.token_hex(4)}"
        script = f"FIRST_AGE={FIRST_AGE[variant]}\n{BOOT.read_text()}"
        self.engine.start()
        with self.builder.locked():  # nobody may replace the image between its building and its use
            self.builder.ensure(variant)
            self.builder.copy_docker_tree(variant, tree)
            image = self.builder.variant_image(variant)
            container = create(self.engine, image, name, variant, tree, script=script, owner=self.owner)
        host = self._host(container)
        try:
            host.wait_ready()
            after = HERE / "hosts" / variant / "after-boot.sh"
            if after.exists():
                host.exec("sh -s", stdin=after.read_bytes())
        except BaseException:
            host.stop()
            raise
        return host

    def hosts(self) -> list[Host]:
        """All hosts that run, whoever started them."""
        if self.engine.pid() is None:
            return []
        containers = self.engine.docker("ps", "--all", "--quiet", "--no-trunc", f"--filter=label={LABEL}")
        found = []
        for container in containers.split():
            with contextlib.suppress(LabError):  # another process may have removed it since
                found.append(self._host(container))
        return found

    def find(self, name: str) -> Host:
        """The host of this name."""
        for host in self.hosts():
            if host.name == name:
                return host
        raise LabError(f"there is no host {name}")

    def reap(self) -> None:
        """Remove the hosts whose owner has ended without doing so, and no others."""
        for host in self.hosts():
            if host.owner and identify(int(host.owner.partition(":")[0])) != host.owner:
                host.stop()

    def _host(self, container: str) -> Host:
        """The host in this container."""
        return Host(self.engine, container, self.ssh_key)


def describe(host: Host) -> str:
    """How to reach a host."""
    return f"{host.name}  {host.variant}  {host.target()}  {host.target(ipv6=True)}  {host.fingerprint}"


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="lab.py", description="Real hosts on this machine to judge probes by."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="make what hosts start from (all variants, or those named)")
    build.add_argument("variants", nargs="*", metavar="VARIANT")
    up = commands.add_parser("up", help="start a host")
    up.add_argument("variant", choices=VARIANTS)
    up.add_argument("--name", default="")
    down = commands.add_parser("down", help="remove a host, or all")
    which = down.add_mutually_exclusive_group(required=True)
    which.add_argument("name", nargs="?")
    which.add_argument("--all", action="store_true")
    commands.add_parser("list", help="the hosts that run")
    shell = commands.add_parser("shell", help="run a command on a host, as root")
    shell.add_argument("name")
    shell.add_argument("cmd", nargs=argparse.REMAINDER, metavar="CMD")
    commands.add_parser("stop", help="stop the lab's Docker daemon")
    return parser


def shell(host: Host, words: list[str]) -> int:
    """Run the words as a command; a single one is a line for the shell."""
    result = host.run(words[0] if len(words) == 1 else shlex.join(words))
    sys.stdout.write(result.stdout)
    sys.stderr.write(result.stderr)
    return result.code


def perform(lab: Lab, options: argparse.Namespace) -> int:
    """Do what the command line asks for; return the exit code."""
    started = time.monotonic()
    match options.command:
        case "build":
            lab.builder.build(*options.variants)
            print(f"built in {time.monotonic() - started:.0f} s below {lab.engine.cache}")
        case "up":
            host = lab.up(options.variant, options.name)
            print(f"{describe(host)}\nssh key {lab.ssh_key}, authority {lab.ca_certificate}")
            print(f"up in {time.monotonic() - started:.1f} s")
        case "down":
            for host in lab.hosts() if options.all else [lab.find(options.name)]:
                host.stop()
        case "list":
            print("\n".join(map(describe, lab.hosts())) or "no hosts")
        case "shell":
            return shell(lab.find(options.name), options.cmd)
        case "stop":
            for host in lab.hosts():
                host.stop()
            lab.engine.stop()
    return 0


def main() -> int:
    """The command."""
    try:
        return perform(Lab(), arguments().parse_args())
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())

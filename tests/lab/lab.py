"""The lab's entry: build it, start hosts, stop them. From Python through `Lab`, from a shell as a command.

python tests/lab/lab.py build                      make everything that hosts start from
python tests/lab/lab.py up good --name shop-1      start a host and say how to reach it
python tests/lab/lab.py list
python tests/lab/lab.py shell shop-1 ss -ltn
python tests/lab/lab.py down shop-1                or: down --all
python tests/lab/lab.py stop                       stop the lab's Docker daemon, and all hosts with it
"""

import argparse
import secrets
import shlex
import shutil
import sys
import time
from pathlib import Path

from labhost.build import HERE, VARIANTS, Builder
from labhost.engine import Engine, LabError, run
from labhost.host import LABEL, Host, create

BOOT = HERE / "hosts" / "common" / "boot.sh"
FIRST_AGE = {"good": 24, "good-caddy": 24, "good-docker": 24, "bad": 2}
"""How old, in hours, the newest backup of a variant's image is to look when a host boots. The good ones make another."""


class Lab:
    """The hosts of this machine's lab."""

    def __init__(self) -> None:
        """Nothing is started before it is needed."""
        self.engine = Engine()
        self.builder = Builder(self.engine)

    @property
    def ca_certificate(self) -> Path:
        """The authority to trust for https://shop.test/."""
        return self.builder.ca_certificate

    def up(self, variant: str = "good", name: str = "", *, owner: int | None = None) -> Host:
        """Start a host and wait until it is ready; what is not built yet is built first.

        With an owner, a process id, the host is removed by the next `reap` after that process has ended.
        """
        if variant not in VARIANTS:
            raise LabError(f"no variant {variant!r}; there are {', '.join(VARIANTS)}")
        self.builder.build(variant)
        name = name or f"{variant}-{secrets.token_hex(3)}"
        tree = self.engine.cache / "hosts" / f"{name}-{secrets.token_hex(4)}"
        tree.parent.mkdir(exist_ok=True)
        run("cp", "--archive", "--reflink=auto", self.builder.docker_tree(variant), tree)
        labels = {LABEL: name, f"{LABEL}.variant": variant, f"{LABEL}.tree": str(tree)}
        if owner is not None:
            labels[f"{LABEL}.owner"] = identify(owner)
        script = f"FIRST_AGE={FIRST_AGE[variant]}\n{BOOT.read_text()}"
        image = self.builder.variant_image(variant)
        try:
            container = create(self.engine, image, name, tree, script=script, labels=labels)
        except LabError:
            shutil.rmtree(tree)
            raise
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
        containers = self.engine.docker(
            "ps", "--all", "--quiet", "--no-trunc", f"--filter=label={LABEL}.variant"
        )
        return [self._host(container) for container in containers.split()]

    def find(self, name: str) -> Host:
        """The host of this name."""
        for host in self.hosts():
            if host.name == name:
                return host
        raise LabError(f"there is no host {name}")

    def reap(self) -> None:
        """Remove the hosts whose owner has ended without doing so, and no others."""
        for host in self.hosts():
            owner = host.labels.get(f"{LABEL}.owner")
            if owner is not None and identify(int(owner.partition(":")[0])) != owner:
                host.stop()

    def _host(self, container: str) -> Host:
        """The host in this container."""
        return Host(self.engine, container, self.builder.ssh_key)


def identify(pid: int) -> str:
    """A process by its id and its start time, for ids are used again."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return f"{pid}:gone"
    return f"{pid}:{stat.rpartition(')')[2].split()[19]}"


def describe(host: Host) -> str:
    """How to reach a host."""
    return f"{host.name}  {host.variant}  {host.target()}  {host.target(ipv6=True)}  {host.fingerprint}"


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="lab.py", description="Real hosts on this machine to judge probes by."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="make what hosts start from (all variants, or those named)")
    build.add_argument("variants", nargs="*", choices=[*VARIANTS, []], metavar="VARIANT")
    up = commands.add_parser("up", help="start a host")
    up.add_argument("variant", choices=VARIANTS)
    up.add_argument("--name", default="")
    down = commands.add_parser("down", help="remove a host, or all")
    down.add_argument("name", nargs="?")
    down.add_argument("--all", action="store_true")
    commands.add_parser("list", help="the hosts that run")
    shell = commands.add_parser("shell", help="run a command on a host, as root")
    shell.add_argument("name")
    shell.add_argument("cmd", nargs=argparse.REMAINDER)
    commands.add_parser("stop", help="stop the lab's Docker daemon")
    options = parser.parse_args(arguments)
    lab = Lab()
    started = time.monotonic()
    try:
        match options.command:
            case "build":
                lab.builder.build(*options.variants)
                print(f"built in {time.monotonic() - started:.0f} s below {lab.engine.cache}")
            case "up":
                host = lab.up(options.variant, options.name)
                print(describe(host))
                print(
                    f"ssh key {host.ssh_key}, authority {lab.ca_certificate}; up in {time.monotonic() - started:.1f} s"
                )
            case "down" if options.all:
                for host in lab.hosts():
                    host.stop()
            case "down" if options.name:
                lab.find(options.name).stop()
            case "down":
                parser.error("down: a NAME or --all")
            case "list":
                print("\n".join(map(describe, lab.hosts())) or "no hosts")
            case "shell":
                result = lab.find(options.name).run(
                    shlex.join(options.cmd) if len(options.cmd) > 1 else options.cmd[0]
                )
                sys.stdout.write(result.stdout)
                sys.stderr.write(result.stderr)
                return result.code
            case "stop":
                lab.engine.stop()
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Twenty host facts over SSH, against what the stock client needs for nothing and for the same work.

    PYTHONPATH=tui python tests/bench/bench_target.py [ssh://USER@HOST] [RUNS]

The host must let you in without a question. Without an address, an sshd of our own on loopback is asked.
Prints a table of medians and ratios. It judges nothing.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

sys.path.insert(0, str(Path(__file__).parents[1]))

from signoff.target.address import parse_address
from signoff.target.command import Command
from signoff.target.opening import open_target
from signoff.target.profile import Profile
from signoff.target.ssh import SshTarget
from unit.target.rig import Home, Operator, Sshd, make_key

SCRIPTS = (
    *("uname -a", "id", "cat /etc/os-release", "cat /proc/meminfo", "df -P", "df -iP", "uptime", "hostname"),
    *("ss -Hltn", "ss -Hlun", "ls -l /etc/cron.d", "cat /etc/passwd", "date +%s", "ip -o addr", "mount"),
    *("stat -c %a /etc/ssh/sshd_config", "ls /etc/ssh", "command -v docker", "cat /proc/1/comm", "env"),
)
COMMANDS = [Command(str(number), script) for number, script in enumerate(SCRIPTS)]


class Peer:
    """The stock client, with and without a connection that is there already (ControlMaster)."""

    def __init__(self, address: str, folder: Path) -> None:
        where = parse_address(address)
        if where is None:
            raise SystemExit("an ssh:// address is wanted")
        to = [*(["-p", str(where.port)] if where.port else []), *(["-l", where.user] if where.user else [])]
        self._ssh = ["ssh", "-o", "BatchMode=yes", *to]
        self._host = where.host
        self._shared = ["-o", f"ControlPath={folder}/mux", "-o", "ControlPersist=60"]
        self._run(*self._shared, "-o", "ControlMaster=auto", command="true")

    def _run(self, *options: str, command: str) -> None:
        # What the commands themselves come to does not matter; that ssh itself fails (255) does.
        done = subprocess.run(
            [*self._ssh, *options, self._host, command],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode == 255:
            raise SystemExit(done.stderr.decode())

    def fresh(self) -> None:
        """Connect, run nothing, hang up."""
        self._run("-o", "ControlPath=none", command="true")

    def established(self) -> None:
        """Run nothing over the connection."""
        self._run(*self._shared, command="true")

    def one_by_one(self) -> None:
        """Run the commands over the connection, each in a call of its own."""
        for command in COMMANDS:
            self._run(*self._shared, command=command.script)

    def close(self) -> None:
        """End the shared connection."""
        subprocess.run(
            [*self._ssh, *self._shared, "-O", "exit", self._host], capture_output=True, check=False
        )


def opened(address: str) -> SshTarget:
    """Return a target over SSH."""
    target = open_target(Profile(address=address), Operator(trusts=False))
    if not isinstance(target, SshTarget):
        raise SystemExit("an ssh:// address is wanted")
    return target


def collect(target: SshTarget) -> None:
    """Run the commands in one batch."""
    if len(list(target.collect(COMMANDS, Event()))) != len(COMMANDS):
        raise SystemExit("outputs are missing")


def all_of_it(address: str) -> None:
    """Connect, run the commands, hang up."""
    with contextlib.closing(opened(address)) as target:
        collect(target)


@contextlib.contextmanager
def own_server(folder: Path) -> Iterator[str]:
    """Run an sshd on loopback; ssh(1) finds it through a configuration of our own."""
    home = Home(folder / "home")
    (home.path / ".ssh").mkdir(parents=True)
    make_key(folder / "host")
    make_key(folder / "client")
    server = Sshd(folder / "sshd", [folder / "host"], folder / "client")
    home.known_hosts.write_text(server.known())
    wrapper = folder / "ssh"
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {home.path}/.ssh/config "$@"\n')
    wrapper.chmod(0o755)
    os.environ["HOME"] = str(home.path)
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
    try:
        yield home.configure("bench", server, IdentityFile=folder / "client")
    finally:
        server.stop()


def measure(address: str, runs: int, folder: Path) -> None:
    """Time everything in turn and print the table."""
    peer = Peer(address, folder)
    target = opened(address)
    trips = target.round_trips
    works: dict[str, Callable[[], None]] = {
        "ssh host true, a new connection": peer.fresh,
        "ssh host true, an established one": peer.established,
        "ssh host CMD x 20, an established one": peer.one_by_one,
        "signoff, 20 facts, a new connection": lambda: all_of_it(address),
        "signoff, 20 facts, an established one": lambda: collect(target),
    }
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(runs + 1):
        for name, work in works.items():
            begun = time.perf_counter()
            work()
            if turn:  # the first turn warms the caches
                times[name].append(time.perf_counter() - begun)
    trips = (target.round_trips - trips) // (runs + 1)
    target.close()
    peer.close()
    least = statistics.median(times["ssh host true, a new connection"])
    print(f"{address}, median of {runs}")
    for name, each in times.items():
        median = statistics.median(each)
        print(f"  {name:<40} {median * 1000:7.1f} ms   {median / least:5.2f}x")
    print(f"  round trips for 20 facts on an established connection: {trips}")


def main() -> None:
    """Measure the host that was named, or one of our own."""
    arguments = sys.argv[1:]
    address = arguments.pop(0) if arguments and not arguments[0].isdigit() else ""
    runs = int(arguments[0]) if arguments else 9
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        measure(address or stack.enter_context(own_server(Path(name))), runs, Path(name))


if __name__ == "__main__":
    main()

"""Print as JSON what probing must not change, from files to firewall; runs on a host, with its Python."""

import hashlib
import json
import os
import pwd
import re
import stat
import subprocess
import time
from collections import Counter
from pathlib import Path

ROOTS = (
    *(
        "/etc",
        "/srv",
        "/home",
        "/root",
        "/usr/local",
        "/opt",
        "/tmp",
        "/var/tmp",
        "/var/spool/cron",
        "/var/backups",
    ),
    *(
        "/var/www",
        "/var/mail",
        "/var/lib/postgresql",
        "/var/lib/redis",
        "/var/lib/fail2ban",
        "/var/lib/caddy",
    ),
    *("/var/lib/apt", "/var/lib/dpkg", "/var/lib/systemd", "/var/lib/ufw", "/boot", "/dev/shm"),
)
# What a running system writes by itself: the stores' data, the time stamps and locks of its daemons, and what
# the containers' health checks are begun with, every few seconds.
RESTLESS = re.compile(
    r"/var/lib/postgresql/.*/(base|global|pg_\w+|postmaster\.(pid|opts))(/|$)"
    r"|/var/lib/redis/(dump\.rdb|temp-.*)$|/var/lib/fail2ban/fail2ban\.sqlite3(-journal)?$"
    r"|/var/lib/caddy/\.local/share/caddy/locks|/var/lib/caddy/\.local/share/caddy/last_clean\.json$"
    r"|/var/lib/systemd/(timers|timesync|random-seed)|/dev/shm/PostgreSQL\.\d+$|/tmp/runc-process\d+$"
)


def output(*command: str) -> str:
    """What a command prints, or nothing when the host has no such command."""
    try:
        return subprocess.run(command, capture_output=True, check=False, text=True, errors="replace").stdout
    except OSError:
        return ""


def lines(text: str) -> dict[str, str]:
    """Each distinct line, with how often it occurs."""
    return {
        line: str(count) for line, count in Counter(filter(None, map(str.rstrip, text.splitlines()))).items()
    }


def describe(path: str) -> str:
    """Mode, owner, and what is in it. A directory's times follow its entries, which are listed themselves."""
    about = os.lstat(path)
    words = [stat.filemode(about.st_mode), f"{about.st_uid}:{about.st_gid}"]
    if stat.S_ISLNK(about.st_mode):
        words.append(str(Path(path).readlink()))
    elif stat.S_ISREG(about.st_mode):
        digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        words += [str(about.st_size), str(about.st_mtime_ns), digest]
    return " ".join(words)


def files() -> dict[str, str]:
    """Every file below the roots."""
    found: dict[str, str] = {}
    for root in ROOTS:
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if not RESTLESS.match(f"{folder}/{name}")]
            for path in (folder, *(f"{folder}/{name}" for name in (*names, *folders))):
                if not RESTLESS.match(path):
                    try:
                        found[path] = describe(path)
                    except FileNotFoundError:
                        continue
    return found


def processes_now() -> dict[int, tuple[int, str]]:
    """Each process that descends from systemd: its parent, and a line without numbers of this moment."""
    found: dict[int, tuple[int, str]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (
                folder.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            )
            parent = int(folder.joinpath("stat").read_text().rpartition(")")[2].split()[1])
            uid = folder.stat().st_uid
            name = folder.joinpath("comm").read_text().strip()
        except OSError:
            continue
        found[int(folder.name)] = (parent, f"{uid} {arguments or '[' + name + ']'}")

    def descends(pid: int) -> bool:
        """Whether this is no command that the lab itself runs on the host: those have no parent here."""
        while pid in found and pid != 1:
            pid = found[pid][0]
        return pid == 1

    # PostgreSQL makes and ends workers as it pleases; a connection of the shop lasts as long as its request.
    passing = re.compile(
        r"postgres: .*(autovacuum worker|\d+\(\d+\)|\[local\])|postgres: .* (idle|SELECT|authentication)"
    )
    return {pid: what for pid, what in found.items() if descends(pid) and not passing.search(what[1])}


def processes() -> dict[str, str]:
    """The processes that last, each with its parent; what comes and goes within a second is left out."""
    first = processes_now()
    time.sleep(1)
    second = processes_now()
    lasting = {pid: what for pid, what in second.items() if first.get(pid) == what}
    return lines("\n".join(f"{what[1]} <- {lasting.get(what[0], (0, ''))[1]}" for what in lasting.values()))


def firewall() -> dict[str, str]:
    """The rules of all tables as the three tools show them, without counters and dates."""
    text = "\n".join(
        f"{tool[0]}: {line}"
        for tool in (("iptables-save",), ("ip6tables-save",), ("nft", "--stateless", "list", "ruleset"))
        for line in output(*tool).splitlines()
        if not line.startswith("#")
    )
    return lines(re.sub(r" \[\d+:\d+\]|^\[\d+:\d+\] |counter packets \d+ bytes \d+", "", text))


def listeners() -> dict[str, str]:
    """Listening sockets with the names of the programs that hold them."""
    return lines(re.sub(r",(pid|fd)=\d+|[ \t]+", " ", output("ss", "-H", "-l", "-n", "-t", "-u", "-p")))


def docker() -> dict[str, str]:
    """Containers, images, networks and volumes."""
    found = output(
        "docker",
        "ps",
        "--all",
        "--no-trunc",
        "--format",
        "{{.ID}} {{.Names}} {{.Image}} {{.State}} {{.Ports}}",
    )
    for kind in ("image", "network", "volume"):
        identity = "{{.Name}}" if kind == "volume" else "{{.ID}}"
        found += output("docker", kind, "ls", "--format", f"{kind} {identity}")
    return lines(found)


def units() -> dict[str, str]:
    """What systemd has loaded, enabled and running."""
    states = output(
        "systemctl", "list-units", "--all", "--plain", "--no-legend", "--full", "--type=service,timer,socket"
    )
    steady = [
        line
        for line in states.splitlines()
        if not re.match(r"(user@|user-runtime-dir@|apt-|phpsession)", line)
    ]
    enabled = output("systemctl", "list-unit-files", "--no-legend", "--full")
    return lines("\n".join([*steady, enabled]))


def main() -> None:
    """Take the snapshot."""
    sections = {
        "files": files(),
        "packages": lines(output("dpkg-query", "--show", "--showformat=${Package} ${Version} ${Status}\n")),
        "firewall": firewall(),
        "processes": processes(),
        "listeners": listeners(),
        "docker": docker(),
        "units": units(),
        "users": lines("\n".join(":".join(map(str, entry)) for entry in pwd.getpwall())),
    }
    print(json.dumps(sections))


if __name__ == "__main__":
    main()

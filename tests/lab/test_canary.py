"""A host's secrets, and the password that opens it, are in nothing that a walk leaves here or there."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from desk import Desk
from labhost.host import SUDO_PASSWORD, Host
from terminal import Terminal

from lab import Lab
from unit.canaries import Canaries, ProcessWatch, writings
from unit.canary_shop import LOGGING

pytestmark = pytest.mark.lab

SECRETS = re.compile(r"^(\w*(?:SECRET|PASSWORD|KEY|TOKEN)\w*)=(\S{16,})$", re.MULTILINE)

# Reads, until it is told to stop, what new processes show of themselves; those of the product had it before.
WATCH = r"""
import json, os, sys, time
names = {bytes.fromhex(writing): name for writing, name in json.load(sys.stdin).items()}
def processes():
    return {int(name) for name in os.listdir("/proc") if name.isdigit()} - {os.getpid()}
product, seen, samples = processes(), set(), 0
open("/run/canary-watch", "w").close()
while os.path.exists("/run/canary-watch"):
    for pid in processes() - product:
        for kind in ("cmdline", "environ"):
            try:
                data = open(f"/proc/{pid}/{kind}", "rb").read()
                program = open(f"/proc/{pid}/comm").read().strip()
            except OSError:
                continue
            seen |= {f"{name} in the {kind} of {program}" for one, name in names.items() if one in data}
            seen.add("looked at " + program)
    samples += 1
    time.sleep(0.005)
print(json.dumps({"seen": sorted(seen), "samples": samples}))
"""


@pytest.fixture
def desk(lab: Lab, tmp_path: Path) -> Iterator[Desk]:
    sitting = Desk(tmp_path, lab.ca_certificate)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(LOGGING)
    sitting.environment["PYTHONPATH"] = os.pathsep.join(
        [str(tmp_path / "site"), sitting.environment["PYTHONPATH"]]
    )
    sitting.environment["TEXTUAL_LOG"] = str(tmp_path / "textual.log")
    yield sitting
    sitting.close()


def canaries_of(host: Host) -> Canaries:
    """The values of the host's own .env, and sudo's password."""
    values = dict(SECRETS.findall(host.exec("cat /srv/shop/.env")))
    assert len(values) >= 3
    return Canaries(values | {"sudo's password": SUDO_PASSWORD})


@contextmanager
def watched(host: Host, canaries: Canaries) -> Iterator[None]:
    """Watch the host's processes, and this machine's."""
    patterns = {one.hex(): name for name, value in canaries.values.items() for one in writings(value)}
    host.exec("rm -f /run/canary-watch")
    with ThreadPoolExecutor() as pool, ProcessWatch(canaries) as here:
        there = pool.submit(host.exec, f"python3 -c '{WATCH}'", stdin=json.dumps(patterns))
        try:
            host.exec("for i in $(seq 200); do [ -e /run/canary-watch ] && exit; sleep 0.1; done; exit 1")
            yield
        finally:
            host.exec("rm -f /run/canary-watch")
        told = json.loads(there.result(60))
    assert told["samples"] > 10
    assert {"looked at sh", "looked at sudo"} & set(told["seen"]), "it has seen what signoff runs there"
    assert [line for line in told["seen"] if not line.startswith("looked at")] == []
    assert not here.sightings


def on_the_host(host: Host, canaries: Canaries, user: str) -> str:
    """Where a secret stands on the host, its own files aside: homes, histories, temporary files, logs."""
    patterns = "\n".join(value for value in canaries.values.values())
    host.exec("cat > /srv/patterns && chmod 600 /srv/patterns", stdin=patterns)
    found = host.exec(
        f"grep -rlF -f /srv/patterns /home/{user} /root /tmp /var/tmp /var/log /run/user /run/sudo"
        " 2>/dev/null;"
        " journalctl --no-pager -o cat | grep -cF -f /srv/patterns",
        check=False,
    )
    host.exec("rm /srv/patterns")
    return "" if found.strip() == "0" else found


@pytest.mark.parametrize("user", ["deploy", "operator"])
def test_an_audit_over_ssh(desk: Desk, good_host: Host, user: str) -> None:
    canaries = canaries_of(good_host)
    desk.know(good_host, user)
    before = on_the_host(good_host, canaries, user)
    with watched(good_host, canaries):
        done = desk.signoff("audit", "--target", "shop", "--format", "json")
    assert done.returncode in {0, 1, 3}, done.stderr
    assert canaries.in_text(done.stdout + done.stderr, "what was printed") == []
    assert "it is on" in (desk.home / "debug.log").read_text()
    assert canaries.in_folder(desk.home) == []
    assert on_the_host(good_host, canaries, user) == before


def test_a_walk_with_sudos_password_and_a_secret_in_a_remark(desk: Desk, good_host: Host) -> None:
    canaries = canaries_of(good_host)
    desk.know(good_host, "operator")
    before = on_the_host(good_host, canaries, "operator")
    terminal = Terminal()
    try:
        with watched(good_host, canaries):
            terminal.run(desk.command("run", "--target", "shop"))
            terminal.until("Password for sudo")
            terminal.paste(SUDO_PASSWORD)
            assert canaries.in_text(terminal.screen, "the screen while it is typed") == []
            terminal.press("Enter")
            terminal.until("· 1 of 4")
            terminal.until("4 pass")
            terminal.press("e")
            shown = terminal.screen
            for _ in range(3):
                terminal.press("Right")
                shown += terminal.screen
            assert canaries.in_text(shown, "the screen") == []
            for value in canaries.values.values():
                terminal.press("n")
                terminal.until("ctrl+s")
                terminal.paste(f"It is {value}.")
                terminal.until(f"{value[-4:]}.")
                terminal.press("C-s")
                terminal.until("about to be written")
                assert canaries.in_text(terminal.screen, "the error") == []
                terminal.press("Escape")
                terminal.until(lambda shown: "about to be written" not in shown)
            terminal.press("C-q")
            terminal.until("Nothing is lost")
        assert canaries.in_text(terminal.screen, "what stays on the terminal") == []
    finally:
        terminal.close()
    assert canaries.in_folder(desk.home) == []
    assert on_the_host(good_host, canaries, "operator") == before

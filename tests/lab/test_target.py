"""Targets against a real host: sudo(8) itself, both address families, lost connections, no traces."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Timer

import pytest
from labhost.host import SUDO_PASSWORD, Host

from signoff.errors import TargetError
from signoff.target.command import Command, Output, Problem, Root
from signoff.target.opening import open_target
from signoff.target.profile import Profile
from signoff.target.ssh import SshTarget
from unit.target.rig import Operator

pytestmark = pytest.mark.lab

Open = Callable[..., SshTarget]

WHO = (
    Command("user", "id -un"),
    Command("prefer", "id -un; tty", Root.PREFER),
    Command("require", r"id -un; printf 'a\0\377\r\n'; printf err >&2; exit 3", Root.REQUIRE),
)


@pytest.fixture
def open_as(good_host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Return a function that logs in to the good host; it asks nothing that the test has not answered."""
    (tmp_path / "known_hosts").write_text(good_host.known_hosts)
    (tmp_path / "config").write_text(
        f"Host *\n  IdentityFile {good_host.ssh_key}\n  IdentitiesOnly yes\n  IdentityAgent none\n"
        f"  UserKnownHostsFile {tmp_path}/known_hosts\n"
    )
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {tmp_path}/config "$@"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    targets: list[SshTarget] = []

    def open_(user: str, *passwords: str, ipv6: bool = False) -> SshTarget:
        operator = Operator(trusts=False, sudo_passwords=list(passwords))
        target = open_target(Profile(address=good_host.target(user, ipv6=ipv6)), operator)
        assert isinstance(target, SshTarget)
        targets.append(target)
        return target

    yield open_
    for target in targets:
        target.close()


def collect(target: SshTarget, *commands: Command) -> dict[str, Output]:
    """Run commands and return their outputs; each exactly once."""
    outputs = list(target.collect(commands, Event()))
    assert sorted(output.id for output in outputs) == sorted(command.id for command in commands)
    return {output.id: output for output in outputs}


@pytest.mark.parametrize("ipv6", [False, True])
def test_sudo_without_a_password(open_as: Open, good_host: Host, ipv6: bool) -> None:
    target = open_as("deploy", ipv6=ipv6)
    assert target.host_key == good_host.fingerprint
    assert target.outside_addresses == ((good_host.ipv6 if ipv6 else good_host.ipv4),)
    outputs = collect(target, *WHO)
    assert outputs["user"] == Output("user", status=0, stdout=b"deploy\n")
    assert outputs["prefer"].stdout == b"root\nnot a tty\n"
    # sudo's use_pty, Debian's default, must not touch a byte.
    assert outputs["require"] == Output(
        "require", status=3, stdout=b"root\na\0\xff\r\n", stderr=b"err", as_root=True
    )


def test_sudo_with_a_password_wrong_at_first(open_as: Open) -> None:
    target = open_as("operator", "not it", SUDO_PASSWORD)
    for _ in range(2):
        outputs = collect(target, *WHO)
        assert [outputs[key].as_root for key in ("user", "prefer", "require")] == [False, True, True]


@pytest.mark.parametrize(
    ("user", "passwords", "words"),
    [
        ("operator", (), b"none was given"),
        ("operator", ("a", "b", "c"), b"3 incorrect password attempts"),
        ("viewer", (), b"none was given"),
    ],
)
def test_without_root_the_rest_still_answers(
    open_as: Open, user: str, passwords: tuple[str, ...], words: bytes
) -> None:
    outputs = collect(open_as(user, *passwords), *WHO)
    assert outputs["prefer"].stdout == f"{user}\nnot a tty\n".encode()
    assert not outputs["prefer"].as_root
    assert outputs["require"].problem is Problem.NEEDS_ROOT
    assert words in outputs["require"].stderr


def test_the_password_is_nowhere_on_the_host(open_as: Open, good_host: Host) -> None:
    # The words are put together on the host, so that looking for them does not plant them.
    look = f"""x={SUDO_PASSWORD[:4]}; x="$x"{SUDO_PASSWORD[4:]}
for file in /proc/[0-9]*/cmdline /proc/[0-9]*/environ; do
  case $({{ tr '\\0' ' ' < "$file"; }} 2>/dev/null) in *"$x"*) echo "$file";; esac
done"""
    target = open_as("operator", SUDO_PASSWORD)
    outputs = collect(target, Command("look", look, Root.REQUIRE), Command("wait", "sleep 1"))
    assert outputs["look"] == Output("look", status=0, as_root=True)
    assert good_host.exec(f"journalctl --no-pager | grep -c -- {SUDO_PASSWORD}", check=False) == "0"
    found = f"grep -rl -- {SUDO_PASSWORD} /home/operator /tmp /var/tmp /var/log /run/sudo"
    assert good_host.exec(found, check=False) == ""


@pytest.mark.parametrize(
    ("user", "passwords"), [("deploy", ()), ("operator", (SUDO_PASSWORD,)), ("viewer", ())]
)
def test_looking_changes_nothing(
    open_as: Open, good_host: Host, user: str, passwords: tuple[str, ...]
) -> None:
    before = good_host.state()
    tickets = good_host.exec("ls /run/sudo/ts 2>/dev/null", check=False)
    target = open_as(user, *passwords)
    collect(target, *WHO)
    target.close()
    good_host.exec(f"for i in $(seq 50); do pgrep -f '^sshd: {user}' >/dev/null || exit 0; sleep 0.1; done")
    assert before.differences(good_host.state()) == []
    assert good_host.exec("ls /run/sudo/ts 2>/dev/null", check=False) == tickets


def test_root_is_kept_out_by_this_host(open_as: Open) -> None:
    with pytest.raises(TargetError, match=r"Tried: key .*id_ed25519\. The server allows: publickey\."):
        open_as("root")


def test_a_connection_cut_in_the_middle_is_made_again(open_as: Open, good_host: Host, tmp_path: Path) -> None:
    target = open_as("deploy")
    Timer(0.5, good_host.run, ["pkill -KILL -u deploy sshd; pkill -KILL -u deploy sleep"]).start()
    outputs = collect(
        target,
        Command("before", "echo 1"),
        Command("during", "sleep 1.5; echo 2"),
        Command("root", "sleep 1.5; echo 3", Root.REQUIRE),
        Command("after", "echo 4", Root.REQUIRE),
    )
    assert b"".join(outputs[key].stdout for key in ("before", "during", "root", "after")) == b"1\n2\n3\n4\n"


def test_round_trips_and_time(open_as: Open, good_host: Host) -> None:
    target = open_as("deploy")

    def timed(work: Callable[[], object]) -> float:
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun

    twenty = [Command(str(number), "true", Root.PREFER if number % 2 else Root.NO) for number in range(20)]
    trips = []
    for commands in (twenty[:2], twenty):
        before = target.round_trips
        collect(target, *commands)
        trips.append(target.round_trips - before)
    assert trips[0] == trips[1] == 6  # two channels, three each
    facts = min(timed(lambda: collect(target, *twenty)) for _ in range(5))
    stock = min(timed(lambda: good_host.ssh("true")) for _ in range(5))
    print(f"20 facts: {facts * 1000:.0f} ms, {facts / stock:.2f}x of a new connection's `ssh host true`")


def test_cancelling_is_prompt(open_as: Open) -> None:
    cancel = Event()
    outputs = open_as("deploy").collect(
        [Command("a", "echo 1"), Command("b", "sleep 30"), Command("c", "sleep 30", Root.REQUIRE)], cancel
    )
    assert next(outputs).id == "a"
    cancel.set()
    begun = time.perf_counter()
    assert {output.problem for output in outputs} == {Problem.CANCELLED}
    assert time.perf_counter() - begun < 5  # a small part of the 30 s that the command takes

"""Targets over SSH, against a real sshd on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Timer

import pytest

from signoff.errors import TargetError
from signoff.target.command import Command, Output, Problem, Root
from signoff.target.opening import open_target
from signoff.target.profile import Profile
from signoff.target.ssh import SshTarget
from unit.target.rig import USER, Home, Operator, Sshd, free_port, make_key, public
from unit.target.test_hostkeys import key_of

pytestmark = pytest.mark.slow

# Ends the sshd process that serves this connection, from a command on it.
CUT = """p=$$
until [ "$(cat /proc/$p/comm)" = sshd ]; do p=$(cut -d ' ' -f 4 /proc/$p/stat); done
kill -9 $p; sleep 5"""


@contextmanager
def opened(address: str, operator: Operator | None = None) -> Iterator[SshTarget]:
    """Open a target for the time of a test."""
    target = open_target(Profile(address=address), operator or Operator())
    assert isinstance(target, SshTarget)
    try:
        yield target
    finally:
        target.close()


@contextmanager
def serving(keys: Path, folder: Path, *options: str, host_key: str = "ed25519") -> Iterator[Sshd]:
    """Run an sshd with options of its own."""
    server = Sshd(folder, [keys / host_key], keys / "client", *options)
    try:
        yield server
    finally:
        server.stop()


def collect(target: SshTarget, *commands: Command) -> dict[str, Output]:
    """Run commands and return their outputs; each exactly once."""
    outputs = list(target.collect(commands, Event()))
    assert sorted(output.id for output in outputs) == sorted(command.id for command in commands)
    return {output.id: output for output in outputs}


def refused(address: str, operator: Operator | None = None) -> TargetError:
    """Return why a target cannot be opened."""
    with pytest.raises(TargetError) as error:
        open_target(Profile(address=address), operator or Operator())
    return error.value


def test_what_comes_back_is_exact(shop: str, sshd: Sshd, keys: Path) -> None:
    operator = Operator()
    with opened(shop, operator) as target:
        assert target.address == f"{USER}@127.0.0.1:{sshd.port}"
        assert target.host_key == key_of(keys / "ed25519").fingerprint
        assert target.outside_addresses == ("127.0.0.1",)
        outputs = collect(
            target,
            Command("binary", r"printf 'a\0\377\r\n'; printf err >&2; exit 3"),
            Command("large", "head -c 3000000 /dev/zero", cap=3_000_000),
            Command("capped", "head -c 3000000 /dev/zero", cap=10),
            Command("slow", "sleep 20", timeout=1),
            Command("tty", "test -t 0 || test -t 1 || echo none"),
        )
    assert operator.asked == []
    assert outputs["binary"] == Output(
        "binary", status=3, stdout=b"a\0\xff\r\n", stderr=b"err", as_root=os.geteuid() == 0
    )
    assert (len(outputs["large"].stdout), outputs["large"].truncated) == (3_000_000, False)
    assert (len(outputs["capped"].stdout), outputs["capped"].truncated) == (10, True)
    assert outputs["slow"].problem is Problem.TIMED_OUT
    assert outputs["tty"].stdout == b"none\n"


def test_round_trips_do_not_grow_with_the_number_of_commands(shop: str) -> None:
    with opened(shop) as target:
        counts = []
        for many in (1, 40):
            before = target.round_trips
            collect(target, *(Command(str(number), "true") for number in range(many)))
            counts.append(target.round_trips - before)
    assert counts[0] == counts[1] <= 3


def test_an_unknown_host_is_asked_about_once(home: Home, sshd: Sshd, keys: Path) -> None:
    address = home.configure("shop", sshd, IdentityFile=keys / "client")
    assert "was not accepted" in refused(address, Operator(trusts=False)).message
    operator = Operator()
    for _ in range(2):
        with opened(address, operator) as target:
            seen = target.host_key
    assert operator.asked == [f"host key [127.0.0.1]:{sshd.port} ssh-ed25519 {seen}"]
    assert not home.known_hosts.exists()


def test_the_type_of_key_that_is_known_is_asked_for(home: Home, sshd: Sshd, keys: Path) -> None:
    address = home.configure("shop", sshd, IdentityFile=keys / "client")
    home.known_hosts.write_text(sshd.known(keys / "rsa"))
    with opened(address, Operator(trusts=False)) as target:
        assert target.host_key == key_of(keys / "rsa").fingerprint


def test_a_changed_host_is_refused(home: Home, sshd: Sshd, keys: Path) -> None:
    address = home.configure("shop", sshd, IdentityFile=keys / "client")
    home.known_hosts.write_text(sshd.known(keys / "client"))
    operator = Operator()
    error = refused(address, operator)
    assert f"{home.known_hosts}:1" in error.message
    assert key_of(keys / "ed25519").fingerprint in error.message
    assert operator.asked == []


def test_banners_and_noise_are_not_output(home: Home, keys: Path, tmp_path: Path) -> None:
    (tmp_path / "banner").write_text("Authorised use only\n")
    noise = tmp_path / "noise"
    noise.write_text(
        '#!/bin/sh\necho "Welcome back"; echo oops >&2\nsh -c "$SSH_ORIGINAL_COMMAND"\necho bye\n'
    )
    noise.chmod(0o755)
    with serving(keys, tmp_path / "sshd", f"Banner {tmp_path}/banner", f"ForceCommand {noise}") as server:
        home.known_hosts.write_text(server.known())
        with opened(home.configure("noisy", server, IdentityFile=keys / "client")) as target:
            output = collect(target, Command("a", "echo 1; echo 2 >&2"))["a"]
    assert (output.stdout, output.stderr) == (b"1\n", b"2\n")


def test_an_account_without_a_shell_is_said_in_its_own_words(home: Home, keys: Path, tmp_path: Path) -> None:
    command = "ForceCommand printf '\\033[31mThis account is currently not available.\\n'"
    with serving(keys, tmp_path / "sshd", command) as server:
        home.known_hosts.write_text(server.known())
        error = refused(home.configure("nologin", server, IdentityFile=keys / "client"))
    assert "gives no shell. It said: This account is currently not available." in error.message
    assert "\x1b" not in str(error)


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="wants /proc")
def test_a_lost_connection_is_made_again_for_what_is_missing(shop: str, tmp_path: Path) -> None:
    once = f"if mkdir {tmp_path}/cut 2>/dev/null; then {CUT}; fi; echo survived"
    log = tmp_path / "log"
    with opened(shop) as target:
        outputs = collect(
            target,
            Command("before", f"echo before >> {log}; echo 1"),
            Command("cut", once),
            Command("always", CUT),
            Command("after", "echo 2"),
        )
        assert outputs["before"].stdout == b"1\n"
        assert log.read_text() == "before\n"
        assert outputs["cut"].stdout == b"survived\n"
        assert outputs["after"].stdout == b"2\n"
        assert outputs["always"].problem is Problem.LOST
        assert collect(target, Command("again", "echo 3"))["again"].stdout == b"3\n"


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="wants /proc")
def test_a_host_that_is_gone_for_good_ends_in_lost(
    home: Home, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signoff.target.collecting._PAUSE", 0.05)
    with serving(keys, tmp_path / "sshd") as server:
        home.known_hosts.write_text(server.known())
        with opened(home.configure("gone", server, IdentityFile=keys / "client")) as target:
            server.stop()
            outputs = collect(target, Command("a", "echo 1"), Command("cut", CUT), Command("b", "echo 2"))
    assert outputs["a"].stdout == b"1\n"
    assert (outputs["cut"].problem, outputs["b"].problem) == (Problem.LOST, Problem.LOST)


def test_another_host_is_not_taken_for_the_lost_one(home: Home, keys: Path, tmp_path: Path) -> None:
    with serving(keys, tmp_path / "a") as server:
        home.known_hosts.write_text(server.known() + server.known(keys / "ecdsa"))
        address = home.configure("two-faced", server, IdentityFile=keys / "client")
        with opened(address) as target:
            target._link.close()
            target._host_key = key_of(keys / "ecdsa").fingerprint
            with pytest.raises(TargetError, match="Another host answers"):
                target.start(["true"])


def test_cancelling_is_prompt(shop: str) -> None:
    cancel = Event()
    with opened(shop) as target:
        outputs = target.collect([Command("a", "echo 1"), Command("b", "sleep 30"), Command("c", "")], cancel)
        assert next(outputs).id == "a"
        started = time.monotonic()
        Timer(0.1, cancel.set).start()
        rest = list(outputs)
        assert time.monotonic() - started < 10
        assert {output.id: output.problem for output in rest} == dict.fromkeys("bc", Problem.CANCELLED)
        assert collect(target, Command("again", "echo 3"))["again"].stdout == b"3\n"


def test_a_server_with_one_session_at_a_time_gets_one(
    home: Home, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signoff.target.collecting._PAUSE", 0.01)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("sudo", 'shift; exec "$@"'), ("id", "echo 0")):
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setattr("signoff.target.shell.PATH", f"{programs}:/usr/bin:/bin")
    path = f"SetEnv SHLVL=5 PATH={programs}:/usr/bin:/bin"
    with serving(keys, tmp_path / "sshd", "MaxSessions 1", path) as server:
        home.known_hosts.write_text(server.known())
        with opened(home.configure("narrow", server, IdentityFile=keys / "client")) as target:
            target.is_root = False
            outputs = collect(
                target, Command("user", "sleep 0.3; echo 1"), Command("root", "echo 2", Root.REQUIRE)
            )
    assert (outputs["user"].stdout, outputs["root"].stdout) == (b"1\n", b"2\n")


def test_jump_hosts_lead_on(home: Home, sshd: Sshd, keys: Path, tmp_path: Path) -> None:
    with serving(keys, tmp_path / "inner", host_key="ecdsa") as inner:
        home.known_hosts.write_text(sshd.known() + inner.known())
        home.configure("jump", sshd, IdentityFile=keys / "client")
        address = home.configure("inner", inner, IdentityFile=keys / "client", ProxyJump="jump,jump")
        with opened(address, Operator(trusts=False)) as target:
            assert target.host_key == key_of(keys / "ecdsa").fingerprint
            assert target.outside_addresses == ()
            assert collect(target, Command("a", "echo 1"))["a"].stdout == b"1\n"


def test_a_jump_host_that_leads_nowhere_is_said(home: Home, sshd: Sshd, keys: Path) -> None:
    home.known_hosts.write_text(sshd.known())
    home.configure("jump", sshd, IdentityFile=keys / "client")
    home.configure("loop", HostName="127.0.0.1", ProxyJump="loop")
    closed = home.configure("inner", HostName="127.0.0.1", Port=free_port(), ProxyJump="jump")
    assert "The jump host does not lead on" in refused(closed).message
    assert "too many jump hosts" in refused("ssh://loop").message


@pytest.mark.skipif(not shutil.which("nc") and not shutil.which("bash"), reason="wants a shell with /dev/tcp")
def test_a_proxy_command_is_a_way(home: Home, sshd: Sshd, keys: Path, tmp_path: Path) -> None:
    relay = tmp_path / "relay"
    relay.write_text("#!/bin/bash\nexec 3<>/dev/tcp/$1/$2\ncat <&3 & exec cat >&3\n")
    relay.chmod(0o755)
    home.known_hosts.write_text(sshd.known())
    address = home.configure("far", sshd, IdentityFile=keys / "client", ProxyCommand=f"{relay} %h %p")
    with opened(address) as target:
        assert target.outside_addresses == ()
        assert collect(target, Command("a", "echo 1"))["a"].stdout == b"1\n"
    home.configure("broken", sshd, ProxyCommand="exit 1")
    assert "does not speak SSH" in refused("ssh://broken").message


def test_a_key_with_a_passphrase(home: Home, keys: Path, tmp_path: Path) -> None:
    locked = make_key(tmp_path / "locked", passphrase="open sesame ü")
    with serving(keys, tmp_path / "sshd") as server:
        (tmp_path / "sshd" / "authorized_keys").write_text(public(locked) + "\n")
        home.known_hosts.write_text(server.known())
        address = home.configure("locked", server, IdentityFile=locked, IdentitiesOnly="yes")
        operator = Operator(passphrases=["wrong", "open sesame ü"])
        with opened(address, operator):
            assert operator.asked == [f"passphrase {locked}"] * 2
        error = refused(address, Operator())
        assert f"key {locked} (no passphrase given)" in error.message


def test_the_agent_signs(home: Home, sshd: Sshd, keys: Path, tmp_path: Path) -> None:
    home.known_hosts.write_text(sshd.known())
    sock = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL)
    try:
        while not sock.exists():
            time.sleep(0.01)
        environment = {**os.environ, "SSH_AUTH_SOCK": str(sock)}
        other = make_key(tmp_path / "other")
        for key in (other, keys / "client"):
            subprocess.run(["ssh-add", "-q", str(key)], env=environment, check=True, capture_output=True)
        with opened(home.configure("by-agent", sshd, IdentityAgent=sock, IdentityFile="none")):
            pass
        # The public half tells which key of the agent's is meant.
        only = home.configure(
            "only", sshd, IdentityAgent=sock, IdentitiesOnly="yes", IdentityFile=f"{keys}/client.pub"
        )
        with opened(only):
            pass
        wrong = home.configure(
            "wrong", sshd, IdentityAgent=sock, IdentitiesOnly="yes", IdentityFile=f"{other}.pub"
        )
        assert "Tried: agent key test." in refused(wrong).message
    finally:
        agent.terminate()
        agent.wait()


def test_no_key_that_fits_is_said_with_what_was_tried(home: Home, keys: Path, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other")
    (tmp_path / "damaged").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n")
    with serving(
        keys, tmp_path / "sshd", "PasswordAuthentication no", "KbdInteractiveAuthentication no"
    ) as server:
        home.known_hosts.write_text(server.known())
        address = home.configure("shut", server, IdentityFile=other)
        with (home.path / ".ssh" / "config").open("a") as config:
            config.write(f"  IdentityFile {tmp_path}/damaged\n")
        operator = Operator()
        error = refused(address, operator)
    assert f"Tried: key {other}, key {tmp_path}/damaged (of a kind" in error.message
    assert "The server allows: publickey." in error.message
    assert operator.asked == []


def test_who_cannot_be_reached_is_said(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Connection refused" in refused(f"ssh://127.0.0.1:{free_port()}").message
    assert "no-such-host.invalid is not found" in refused("ssh://no-such-host.invalid").message
    with socket.create_server(("127.0.0.1", 0)) as web:
        port = web.getsockname()[1]
        monkeypatch.setattr("signoff.target.ssh_link._HANDSHAKE", 0.3)
        assert "does not speak SSH" in refused(f"ssh://127.0.0.1:{port}").message


def test_what_is_lost_without_ssh_is_part_of_the_error(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home.path))
    assert "ssh program is not installed" in refused(f"ssh://127.0.0.1:{free_port()}").hint


def test_a_closed_target_stays_closed(shop: str) -> None:
    with opened(shop) as target:
        target.close()
        assert collect(target, Command("a", "echo 1"))["a"].problem is Problem.LOST

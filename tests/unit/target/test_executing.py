"""A script that changes something: at most once, to its end or ended, and its payload nowhere to be seen."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from threading import Event, Timer

import pytest

from signoff.errors import TargetError
from signoff.target import batch, executing, shell
from signoff.target.command import Output, Problem
from signoff.target.executing import _Run
from signoff.target.local import LocalTarget
from unit.target.rig import Home, Operator
from unit.target.test_local import sudo_folder as sudo_folder
from unit.target.test_ssh import CUT, opened, serving

pytestmark = pytest.mark.slow

AWKWARD = bytes(range(1, 256)) * 3 + b"'\"$(id)`id`\\\n%s%n\n\n"


@pytest.fixture(params=["dash", "bash", "busybox"])
def here(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalTarget:
    """This machine, where `sh` is another one each time."""
    program = shutil.which(request.param)
    if not program:
        pytest.skip(f"there is no {request.param} here")
    use_shell(tmp_path, monkeypatch, f'exec {program} {"sh" if request.param == "busybox" else ""} "$@"')
    return LocalTarget(Operator())


def use_shell(folder: Path, monkeypatch: pytest.MonkeyPatch, start: str) -> None:
    """Have another program started wherever `sh` is."""
    (folder / "sh").write_text(f"#!/bin/sh\n{start}\n")
    (folder / "sh").chmod(0o755)
    monkeypatch.setattr(shell, "PATH", f"{folder}:{shell.PATH}")


def test_the_payload_arrives_byte_by_byte_and_the_status_comes_back(here: LocalTarget) -> None:
    output = here.execute("cat; echo err >&2; exit 3", AWKWARD)
    assert output == Output("execute", status=3, stdout=AWKWARD, stderr=b"err\n", as_root=os.geteuid() == 0)
    assert here.execute("cat; pwd; echo $LC_ALL").stdout == b"/\nC\n"
    assert here.execute("wc -c", b"x" * 300_000).stdout.strip() == b"300000"
    assert here.execute("true\n'unterminated").status == 2
    with pytest.raises(ValueError, match="NUL"):
        here.execute("cat", b"a\0b")


def test_what_it_prints_is_told_as_it_comes(here: LocalTarget) -> None:
    heard: list[tuple[bytes, bool]] = []
    go = Event()

    def hear(said: bytes) -> None:
        heard.append((said, go.is_set()))
        go.set()

    output = here.execute("echo one; sleep 0.3; echo two >&2; sleep 0.3; printf 3", on_output=hear)
    assert heard == [(b"one\n", False), (b"two\n", True), (b"3", True)]
    assert (output.stdout, output.stderr) == (b"one\n3", b"two\n")


def test_asked_to_end_it_may_clean_up(here: LocalTarget) -> None:
    cancel = Event()
    started = time.monotonic()

    def hear(said: bytes) -> None:
        if said == b"ready\n":
            cancel.set()

    script = "trap 'echo cleaned; exit 9' TERM; echo ready; sleep 30 & wait; echo never"
    output = here.execute(script, b"x", cancel=cancel, on_output=hear)
    assert (output.problem, output.status) == (Problem.CANCELLED, 9)
    assert set(output.stdout.split()) == {b"ready", b"cleaned"}
    assert time.monotonic() - started < 15


def test_what_takes_too_long_or_is_killed_is_told(here: LocalTarget) -> None:
    assert here.execute("echo a; sleep 60", timeout=1) == Output(
        "execute", stdout=b"a\n", as_root=os.geteuid() == 0, problem=Problem.TIMED_OUT
    )
    assert here.execute("kill -9 $$").problem is Problem.KILLED


def test_what_would_not_end_is_killed() -> None:
    cancel = Event()
    started = time.monotonic()
    script = "trap '' TERM; echo ready; while :; do sleep 0.1; done"
    output = LocalTarget(Operator()).execute(script, cancel=cancel, on_output=lambda _: cancel.set())
    assert (output.problem, output.status) == (Problem.CANCELLED, None)
    assert time.monotonic() - started < 15


def test_what_it_leaves_running_is_not_waited_for(here: LocalTarget) -> None:
    started = time.monotonic()
    assert here.execute("sleep 30 & echo done").stdout == b"done\n"
    assert time.monotonic() - started < 15


def test_a_long_output_does_not_end_it(here: LocalTarget, tmp_path: Path) -> None:
    output = here.execute(f"head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; touch {tmp_path}/end")
    assert (output.status, len(output.stdout), output.truncated) == (0, 1 << 20, True)
    assert (tmp_path / "end").exists()


def test_cut_short_anywhere_nothing_runs(here: LocalTarget, tmp_path: Path) -> None:
    whole = _Run(f"touch {tmp_path}/ran; cat >> {tmp_path}/ran", b"payload", 10, print).script
    first = whole.index(b"exec 7<&0")
    for size in (*range(first, len(whole) - 1, 9), *range(len(whole) - 20, len(whole) - 2)):
        subprocess.run([str(tmp_path / "sh"), "-s"], input=whole[:size], capture_output=True, check=False)
        assert not (tmp_path / "ran").exists()
    subprocess.run([str(tmp_path / "sh"), "-s"], input=whole, capture_output=True, check=True)
    assert (tmp_path / "ran").read_bytes() == b"payload"


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="wants /proc")
def test_the_payload_is_in_no_argument_and_no_environment(here: LocalTarget) -> None:
    # The words are put together there, so that looking for them does not plant them.
    look = """x=can; x="$x"ary-9d1
cat > /dev/null
for process in /proc/[0-9]*; do
  for file in cmdline environ; do
    case $(tr '\\0' ' ' < "$process/$file") in *"$x"*) echo "$process/$file" ;; esac
  done
done 2> /dev/null
echo looked"""
    assert here.execute(look, b"canary-9d1\n" * 50).stdout == b"looked\n"


def test_a_shell_that_would_show_it_gets_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "environment").write_text("enable -n printf\n")
    use_shell(tmp_path, monkeypatch, f'BASH_ENV={tmp_path}/environment exec bash "$@"')
    output = LocalTarget(Operator()).execute(f"touch {tmp_path}/ran", b"secret")
    assert output.status == 1
    assert b"printf is no builtin" in output.stderr
    assert not (tmp_path / "ran").exists()


def test_root_is_had_as_for_looking(sudo_folder: Path) -> None:
    (sudo_folder / "password").write_text("sesame")
    target = LocalTarget(Operator(sudo_passwords=["sesame"]))
    assert target.execute("cat", b"x", root=True) == Output("execute", 0, b"x", as_root=True)
    assert not target.execute("cat", b"x").as_root
    refused = LocalTarget(Operator())
    output = refused.execute(f"touch {sudo_folder}/ran", root=True)
    assert output.problem is Problem.NEEDS_ROOT
    assert b"none was given" in output.stderr
    assert not (sudo_folder / "ran").exists()


def test_cancelled_before_it_began_nothing_runs(tmp_path: Path) -> None:
    cancel = Event()
    cancel.set()
    output = LocalTarget(Operator()).execute(f"touch {tmp_path}/ran", cancel=cancel)
    assert output == Output("execute", problem=Problem.CANCELLED)
    assert not (tmp_path / "ran").exists()


def test_a_shell_that_does_not_come_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_shell(tmp_path, monkeypatch, "echo no logins today >&2; exit 1")
    with pytest.raises(TargetError, match="no logins today"):
        LocalTarget(Operator()).execute("true")


def test_over_ssh_it_is_the_same(shop: str) -> None:
    with opened(shop) as target:
        heard: list[bytes] = []
        output = target.execute("cat; exit 3", AWKWARD, on_output=heard.append)
        assert (output.status, output.stdout, b"".join(heard)) == (3, AWKWARD, AWKWARD)
        cancel = Event()
        Timer(0.2, cancel.set).start()
        output = target.execute("trap 'exit 9' TERM; sleep 20 & wait", cancel=cancel)
        assert (output.problem, output.status) == (Problem.CANCELLED, 9)


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="wants /proc")
def test_a_lost_connection_is_told_and_nothing_is_run_again(shop: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with opened(shop) as target:
        assert target.execute(f"echo x >> {log}; {CUT}").problem is Problem.LOST
        assert log.read_text() == "x\n"
        # The next one goes over a new connection, by itself.
        assert target.execute(f"echo y >> {log}").status == 0
        assert log.read_text() == "x\ny\n"
        target._link.transport.sock.close()
        assert target.execute(f"echo z >> {log}").status == 0
        assert log.read_text() == "x\ny\nz\n"


def test_a_host_that_is_gone_is_an_error(home: Home, keys: Path, tmp_path: Path) -> None:
    with serving(keys, tmp_path / "sshd") as server:
        home.known_hosts.write_text(server.known())
        with opened(home.configure("gone", server, IdentityFile=keys / "client")) as target:
            server.stop()
            target._link.close()
            with pytest.raises(TargetError, match="cannot be reached"):
                target.execute("true")


def test_a_host_that_hangs_is_given_up(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executing, "_GRACE", 0.3)
    monkeypatch.setattr(batch, "_HEAD", batch._HEAD + "bound=\n")  # a host without timeout(1)
    with opened(shop) as target:
        output = target.execute("echo a; sleep 4", timeout=0.5)
    assert (output.problem, output.stdout) == (Problem.TIMED_OUT, b"a\n")

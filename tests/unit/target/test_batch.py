"""The batch in every shell that a target may have, and its reader fed in every way that a network may."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from signoff.target.batch import STDERR_CAP, Batch
from signoff.target.command import Command, Output, Problem

SHELLS = [["sh"], ["dash"], ["bash"], ["busybox", "ash"]]


@pytest.fixture(params=SHELLS, ids=" ".join)
def shell(request: pytest.FixtureRequest) -> list[str]:
    """Return one of the shells that are on this machine."""
    arguments: list[str] = request.param
    if not shutil.which(arguments[0]):
        pytest.skip(f"no {arguments[0]} here")
    return arguments


def raw(shell: list[str], script: bytes) -> tuple[bytes, bytes]:
    """Run a script as a target would."""
    done = subprocess.run([*shell, "-s"], input=script, capture_output=True, timeout=30, check=False)
    return done.stdout, done.stderr


def run(shell: list[str], *commands: Command) -> list[Output]:
    """Run commands in a shell and read the outputs."""
    batch = Batch(commands)
    return list(batch.feed(*raw(shell, batch.script)))


def test_streams_are_apart_and_exact(shell: list[str]) -> None:
    output, empty = run(
        shell,
        Command("binary", r"printf 'a\0\377\r\nno newline'; printf 'to err' >&2; exit 3"),
        Command("empty", "true"),
    )
    assert output == Output("binary", status=3, stdout=b"a\0\xff\r\nno newline", stderr=b"to err")
    assert empty == Output("empty", status=0)


def test_a_broken_script_fails_alone(shell: list[str]) -> None:
    outputs = run(
        shell,
        Command("quote", "echo 'never ended"),
        Command("heredoc", "cat <<'E'\nit's \"quoted\" $HOME\nE\nexit 5"),
        Command("brace", "} ; done ) fi"),
        Command("stdin", 'read line; echo "got:$line"; cat'),
        Command("killed", "kill -9 $$"),
        Command("exec", "exec 1>&- 2>&-; echo lost"),
        Command("last", "echo still here"),
    )
    by_id = {output.id: output for output in outputs}
    assert len(by_id) == 7
    assert by_id["quote"].status not in {0, None}
    assert by_id["heredoc"].stdout == b'it\'s "quoted" $HOME\n'
    assert by_id["heredoc"].status == 5
    assert by_id["brace"].status not in {0, None}
    assert by_id["stdin"].stdout == b"got:\n"
    assert by_id["killed"].problem is Problem.KILLED
    assert by_id["last"].stdout == b"still here\n"


def test_what_reads_its_input_gets_no_script() -> None:
    (output,) = run(["sh"], Command("long", 'read line; echo "got:$line"\n' + "# padding\n" * 3000))
    assert output.stdout == b"got:\n"


def test_the_cap_keeps_the_status_and_tells(shell: list[str]) -> None:
    exact, beyond, endless = run(
        shell,
        Command("exact", "printf 12345", cap=5),
        Command("beyond", "printf 123456; exit 4", cap=5),
        Command("endless", "yes", cap=70_000, timeout=20),
    )
    assert (exact.stdout, exact.truncated, exact.status) == (b"12345", False, 0)
    assert (beyond.stdout, beyond.truncated, beyond.status) == (b"12345", True, 4)
    assert (len(endless.stdout), endless.truncated, endless.problem) == (70_000, True, None)


@pytest.mark.slow
def test_a_slow_command_is_ended_on_the_host(shell: list[str]) -> None:
    slow, after = run(
        shell,
        Command("slow", "echo begun; sleep 30; echo never", timeout=1),
        Command("after", "echo here"),
    )
    assert slow == Output("slow", status=None, stdout=b"begun\n", problem=Problem.TIMED_OUT)
    assert after.stdout == b"here\n"


def test_one_that_will_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signoff.target.batch._KILL_AFTER", 0.2)
    (stubborn,) = run(["sh"], Command("stubborn", "trap '' TERM; sleep 30", timeout=1))
    assert stubborn.problem in {Problem.TIMED_OUT, Problem.KILLED}


def test_a_host_without_timeout_still_answers(shell: list[str]) -> None:
    batch = Batch([Command("one", "echo 1; exit 2")])
    stdout, stderr = raw(shell, batch.script.replace(b"if timeout", b"if absent"))
    assert list(batch.feed(stdout, stderr)) == [Output("one", status=2, stdout=b"1\n")]


def test_the_environment_is_the_same_everywhere(shell: list[str]) -> None:
    (output,) = run(shell, Command("env", 'echo "$PWD $HOME"'))
    assert output.stdout == f"/ {Path('~').expanduser()}\n".encode()


def test_noise_and_feigned_marks_are_not_output() -> None:
    lines = [b"0" * 32 + b":end:0:0", b":end:0:0", b"begin:1:", b"end:0:0"]
    hostile = "\n".join(f"echo '{line.decode()}'; echo '{line.decode()}' >&2" for line in lines)
    batch = Batch([Command("hostile", hostile), Command("next", "echo mine")])
    stdout, stderr = raw(["sh"], batch.script)
    banner = b"Welcome!\r\n\x1b[2J0123:begin:0:\n"
    feigned, following = batch.feed(banner + stdout + b"logout\n", banner + stderr)
    assert feigned.stdout == b"".join(line + b"\n" for line in lines)
    assert feigned.stderr == feigned.stdout
    assert following == Output("next", status=0, stdout=b"mine\n")


def test_bytes_may_arrive_one_by_one_and_one_stream_before_the_other() -> None:
    commands = [
        Command("a", "printf 'x\\0y'; echo e >&2"),
        Command("b", "true"),
        Command("c", "seq 40", cap=20),
    ]
    whole = Batch(commands)
    stdout, stderr = raw(["sh"], whole.script)
    expected = list(whole.feed(stdout, stderr))
    piecemeal = Batch(commands)
    for mine, other in ((piecemeal._stdout, whole._stdout), (piecemeal._stderr, whole._stderr)):
        mine._nonce, mine._mark = other._nonce, other._mark
    assert [output for byte in stdout for output in piecemeal.feed(bytes([byte]), b"")] == []
    assert [output for byte in stderr for output in piecemeal.feed(b"", bytes([byte]))] == expected
    assert piecemeal.unanswered == ()


def test_a_cut_stream_leaves_the_rest_unanswered_and_the_running_one_last() -> None:
    commands = [Command("a", "echo 1"), Command("b", "echo 2; sleep 0.1"), Command("c", "echo 3")]
    batch = Batch(commands)
    stdout, stderr = raw(["sh"], batch.script)
    assert [output.id for output in batch.feed(stdout[: stdout.index(b"2\n")], stderr)] == ["a"]
    assert batch.running == commands[1]
    assert batch.unanswered == (commands[2], commands[1])


def test_a_flood_on_standard_error_is_bounded() -> None:
    (output,) = run(["sh"], Command("flood", "yes 2>&- | head -c 1000000 >&2"))
    assert len(output.stderr) == STDERR_CAP
    assert output.status == 0


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="wants /proc")
def test_no_script_is_ever_an_argument() -> None:
    script = """: 'the canary'; x=ca''nary; : > /dev/null
        case $(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ') in *$x*) echo seen;; *) echo none; esac"""
    (output,) = run(["sh"], Command("look", script))
    assert output.stdout == b"none\n"


def test_a_script_with_a_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        _ = Batch([Command("nul", "echo \0")]).script


def test_what_a_command_is_given_stands_in_no_repr() -> None:
    assert "hunter2" not in repr(Command("a", "true", data="password\thunter2\n"))

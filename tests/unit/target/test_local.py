"""This machine as a target: two lanes, sudo, cancelling, and shells that break or hang."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from threading import Event, Timer

import pytest

from signoff.target import collecting, shell, sudo
from signoff.target.command import Command, Output, Problem, Root
from signoff.target.local import LocalTarget, _LocalProcess
from signoff.target.opening import open_target
from signoff.target.profile import Profile
from unit.target.rig import Operator

REPORT = 'echo "$(id -u) $0"; cat'
# The script leads a session of its own; the shell that started it leads its parent's.
KILL_THE_SHELL = """own=$(cut -d ' ' -f 6 /proc/$$/stat); parent=$(cut -d ' ' -f 4 /proc/$own/stat)
kill -9 $(cut -d ' ' -f 6 /proc/$parent/stat); sleep 5"""

# Holds standard output open, in a session of its own.
DAEMON = """setsid sleep 8 &
until [ "$(cut -d ' ' -f 6 /proc/$!/stat)" = $! ]; do sleep 0.02; done"""

# sudo(8) as a script: takes the options that signoff gives, and makes `id` say root.
FAKE_SUDO = """#!/bin/sh
dir=${0%/*}
[ "$1" = -k ] && shift
[ "$1" = -n ] && quiet=1 && shift
[ "$1" = -S ] && prompt=$3 && shift 3
echo x >> "$dir/started"
[ -e "$dir/hang" ] && exec sleep 60
if [ -e "$dir/password" ]; then
  [ "$quiet" ] && { echo 'sudo: a password is required' >&2; exit 1; }
  for try in 1 2 3; do
    printf %s "$prompt" >&2
    IFS= read -r given || exit 1
    printf '%s\\n' "$given" >> "$dir/given"
    [ "$given" = "$(cat "$dir/password")" ] && break
    [ $try = 3 ] && { echo 'sudo: 3 incorrect password attempts' >&2; exit 1; }
    echo 'Sorry, try again.' >&2
  done
fi
SUDO_UID=1000 exec "$@"
"""


FAKE_ID = '#!/bin/sh\n[ "$SUDO_UID" ] && echo 0 || echo 1000\n'


@pytest.fixture
def sudo_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a fake sudo on PATH, and be nobody in particular."""
    for name, text in (("sudo", FAKE_SUDO), ("id", FAKE_ID)):
        program = tmp_path / name
        program.write_text(text)
        program.chmod(0o755)
    monkeypatch.setattr(shell, "PATH", f"{tmp_path}:{shell.PATH}")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return tmp_path


def collect(target: LocalTarget, *commands: Command) -> dict[str, Output]:
    """Run commands and return their outputs; each exactly once."""
    outputs = list(target.collect(commands, Event()))
    assert sorted(output.id for output in outputs) == sorted(command.id for command in commands)
    return {output.id: output for output in outputs}


THREE = (
    Command("no", "true"),
    Command("prefer", "echo p", Root.PREFER),
    Command("require", "echo r", Root.REQUIRE),
)


def test_local_is_the_default_and_needs_nothing() -> None:
    target = open_target(Profile(), Operator())
    assert (target.address, target.host_key, target.outside_addresses) == ("local", "", ())
    assert [output.stdout for output in target.collect([Command("a", "printf x")], Event())] == [b"x"]


def test_without_a_password_root_runs_in_a_shell_of_its_own(sudo_folder: Path) -> None:
    outputs = collect(LocalTarget(Operator()), *THREE)
    assert [outputs[key].as_root for key in ("no", "prefer", "require")] == [False, True, True]


def test_root_uses_no_sudo(sudo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (sudo_folder / "id").write_text("#!/bin/sh\necho 0\n")
    outputs = collect(LocalTarget(Operator()), *THREE)
    assert all(output.as_root for output in outputs.values())
    assert not (sudo_folder / "started").exists()


def test_the_password_is_asked_once_and_sent_to_sudo_alone(sudo_folder: Path) -> None:
    (sudo_folder / "password").write_text('it\'s $(me); "x"')
    operator = Operator(sudo_passwords=['it\'s $(me); "x"'])
    target = LocalTarget(operator)
    for _ in range(2):
        outputs = collect(target, *THREE)
        assert outputs["require"] == Output("require", status=0, stdout=b"r\n", as_root=True)
    assert len(operator.asked) == 1
    assert (sudo_folder / "given").read_text().splitlines() == ['it\'s $(me); "x"'] * 2
    target.close()
    assert "$(me)" not in repr(vars(target.sudo))


def test_a_wrong_password_is_asked_for_again_twice_at_most(sudo_folder: Path) -> None:
    (sudo_folder / "password").write_text("right")
    operator = Operator(sudo_passwords=["wrong", "wronger", "right", "never"])
    assert collect(LocalTarget(operator), *THREE)["require"].as_root
    operator = Operator(sudo_passwords=["wrong", "wronger", "wrongest", "right"])
    target = LocalTarget(operator)
    outputs = collect(target, *THREE)
    assert outputs["require"].problem is Problem.NEEDS_ROOT
    assert b"3 incorrect password attempts" in outputs["require"].stderr
    assert outputs["prefer"] == Output("prefer", status=0, stdout=b"p\n", as_root=False)
    assert collect(target, *THREE)["require"].problem is Problem.NEEDS_ROOT
    assert len(operator.asked) == 3


@pytest.mark.parametrize("answers", [[], ["two\nlines", "two\nlines", "two\nlines"]])
def test_no_usable_password_means_no_root(sudo_folder: Path, answers: list[str]) -> None:
    (sudo_folder / "password").write_text("right")
    outputs = collect(LocalTarget(Operator(sudo_passwords=answers)), *THREE)
    assert outputs["require"].problem is Problem.NEEDS_ROOT
    assert not outputs["prefer"].as_root
    assert not (sudo_folder / "given").exists()


def test_sudo_that_hangs_or_is_not_there_is_a_refusal(
    sudo_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signoff.target.shell.OPENING_PATIENCE", 0.3)
    (sudo_folder / "hang").touch()
    assert collect(LocalTarget(Operator()), *THREE)["require"].problem is Problem.NEEDS_ROOT
    monkeypatch.setattr(sudo, "_SUDO", ("no-such-sudo",))
    output = collect(LocalTarget(Operator()), *THREE)["require"]
    assert (output.problem, output.stderr) == (
        Problem.NEEDS_ROOT,
        b"no-such-sudo: No such file or directory",
    )


def test_a_sudo_that_gives_another_user_is_not_root(sudo_folder: Path) -> None:
    (sudo_folder / "id").write_text("#!/bin/sh\necho 33\n")
    outputs = collect(LocalTarget(Operator()), *THREE)
    assert outputs["require"].problem is Problem.NEEDS_ROOT
    assert not outputs["prefer"].as_root


def test_cancelling_is_prompt_and_leaves_nothing_out(sudo_folder: Path) -> None:
    (sudo_folder / "hang").touch()
    cancel = Event()
    outputs = LocalTarget(Operator()).collect(
        [Command("first", "echo 1"), Command("slow", "sleep 30"), *THREE], cancel
    )
    assert next(outputs).id == "first"
    cancel.set()
    started = time.monotonic()
    rest = list(outputs)
    assert time.monotonic() - started < 10
    assert {output.id: output.problem for output in rest} == dict.fromkeys(
        ("slow", "no", "prefer", "require"), Problem.CANCELLED
    )


def test_cancelling_does_not_wait_for_the_operator(sudo_folder: Path) -> None:
    (sudo_folder / "password").touch()
    cancel, answered = Event(), Event()

    class Slow(Operator):
        def sudo_password(self, user: str, host: str) -> None:
            answered.wait(30)

    Timer(0.3, cancel.set).start()
    started = time.monotonic()
    outputs = {output.id: output for output in LocalTarget(Slow()).collect(THREE, cancel)}
    assert time.monotonic() - started < 10
    answered.set()
    assert outputs["no"].status == 0
    assert outputs["require"].problem is Problem.CANCELLED


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="wants /proc")
def test_a_command_that_kills_the_shell_takes_no_other_with_it() -> None:
    outputs = collect(
        LocalTarget(Operator()),
        Command("before", "echo 1"),
        Command("killer", KILL_THE_SHELL),
        Command("after", "echo 2"),
        Command("another", KILL_THE_SHELL),
        Command("last", "echo 3"),
    )
    assert [outputs[key].stdout for key in ("before", "after", "last")] == [b"1\n", b"2\n", b"3\n"]
    assert outputs["killer"].problem is outputs["another"].problem is Problem.LOST


def test_a_command_that_hangs_the_shell_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "_GRACE", 0.2)
    outputs = collect(
        LocalTarget(Operator()),
        Command("before", "echo 1"),
        Command("daemon", DAEMON, timeout=0.3),
        Command("after", "echo 2"),
    )
    assert outputs["before"].stdout == b"1\n"
    assert outputs["daemon"].problem is Problem.TIMED_OUT
    assert outputs["after"].stdout == b"2\n"


@pytest.mark.skipif(not shutil.which("setsid"), reason="wants setsid(1)")
def test_nothing_that_a_command_started_outlives_it(tmp_path: Path) -> None:
    """Not what ignores a polite end, not what another timeout(1) put into a group of its own."""
    stubborn = f"sh -c 'trap \"\" TERM HUP; echo $$ >> {tmp_path}/pids; exec sleep 60'"
    two = f'until [ "$(wc -l < {tmp_path}/pids)" -ge 2 ]; do sleep 0.02; done 2> /dev/null'
    outputs = collect(
        LocalTarget(Operator()),
        Command("ends", f"{stubborn} & timeout 60 {stubborn} & {two}", timeout=30),
        Command("hangs", f"{stubborn} & timeout 60 {stubborn} | cat", timeout=2),
    )
    assert (outputs["ends"].status, outputs["hangs"].problem) == (0, Problem.TIMED_OUT)
    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
    assert len(pids) >= 2  # those of the second may not have come so far
    left = pids
    for _ in range(200):
        left = [pid for pid in left if Path(f"/proc/{pid}").exists()]
        if left:
            time.sleep(0.05)
    assert left == []


def test_of_the_callers_environment_only_what_is_named_gets_through(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hostile = (
        "GIT_DIR",
        "PGHOST",
        "DOCKER_HOST",
        "COMPOSE_FILE",
        "REDISCLI_AUTH",
        "ENV",
        "IFS",
        "LD_PRELOAD",
    )
    for name in (*hostile, "SUDO_UID", "SSH_CONNECTION"):
        monkeypatch.setenv(name, f"/nonexistent/{name}")
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("HOME", str(tmp_path))
    target = LocalTarget(Operator())
    (seen,) = target.collect([Command("env", "env")], Event())
    acted = target.execute("env")
    for output in (seen, acted):
        names = dict(line.split("=", 1) for line in output.stdout.decode().splitlines())
        assert names.keys() <= {"PATH", "LC_ALL", "HOME", "PWD", "OLDPWD", "SHLVL", "_", *shell.KEPT}
        assert (names["LC_ALL"], names["PATH"]) == ("C", shell.PATH)
        assert names["HOME"] != str(tmp_path)
        assert names["SUDO_UID"] == "/nonexistent/SUDO_UID"


def test_many_and_large_go_through_together() -> None:
    commands = [Command(f"c{number}", f"seq {number}; : '{'x' * 3000}'") for number in range(60)]
    commands.append(Command("large", "head -c 900000 /dev/zero; head -c 60000 /dev/zero >&2"))
    outputs = collect(LocalTarget(Operator()), *commands)
    assert outputs["c59"].stdout.count(b"\n") == 59
    assert (len(outputs["large"].stdout), len(outputs["large"].stderr)) == (900_000, 60_000)


def test_two_commands_of_one_id_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="same id"):
        list(LocalTarget(Operator()).collect([Command("a", ""), Command("a", "")], Event()))


def test_a_shell_that_has_ended_keeps_its_number_until_it_is_closed() -> None:
    """Closing kills by that number: given to somebody else meanwhile, it would be theirs."""
    channel = _LocalProcess(["sh", "-c", "echo words"])
    assert channel._child is not None
    number = channel._child.pid

    def state() -> str:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]

    while state() != "Z":
        time.sleep(0.01)
    assert channel.receive(0.05) == (b"words\n", b"")
    assert state() == "Z"
    channel.close()
    channel._child.wait()
    channel.close()
    assert not Path(f"/proc/{number}").exists()

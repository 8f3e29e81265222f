"""The scripts that replace a file on a target: killed anywhere, in any shell, and nothing secret is shown."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from signoff.actions import env_file
from signoff.actions.env_file import EnvFile
from signoff.credentials.env_file import ConcurrentEditError, EnvFileError, EnvText, UncertainError
from signoff.credentials.env_text import fingerprint, is_draft
from signoff.errors import TargetError
from signoff.message import say
from signoff.target.command import Command, Output, Problem
from signoff.target.executing import _Run
from signoff.target.local import LocalTarget
from unit.disks import GROUP, SOMEBODY
from unit.env_files import NEW, OLD, linux_only, names, put, root_only, traits
from unit.target.rig import Operator

pytestmark = pytest.mark.slow

TOOLS = "cat chmod chown cp cut date env grep head id ls mkdir mv readlink rm sed sha256sum sleep stat sync"
TOOLS += " timeout touch tr true"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with settings, alone in its folder; where there is root, of somebody else's."""
    (tmp_path / "shop").mkdir()
    file = put(tmp_path / "shop" / ".env")
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, SOMEBODY, GROUP)
    return file


class Target:
    """This machine, where the first script that changes something does not come to its end as it should."""

    def __init__(self, problem: Problem, *, runs: bool = True, answers: bool = True) -> None:
        self._here = LocalTarget(Operator())
        self._problem: Problem | None = problem
        self._runs = runs
        self._answers = answers
        self.executed: list[tuple[str, bytes]] = []

    def collect(self, commands: list[Command], cancel: Event) -> Iterator[Output]:
        if not self._answers and self._problem is None:
            raise TargetError(say("shop.example cannot be reached."))
        return self._here.collect(commands, cancel)

    def execute(self, script: str, payload: bytes = b"", **options: Any) -> Output:
        self.executed.append((script, payload))
        problem, self._problem = self._problem, None
        if self._runs or problem is None:
            output = self._here.execute(script, payload, **options)
        return Output("execute", problem=problem, stderr=b"sudo: no") if problem else output


def at(target: Any, path: Path) -> EnvFile:
    return EnvFile(target, str(path))


def replacing(path: Path, new: bytes = NEW) -> tuple[str, bytes]:
    """Return the script that a write runs, and what it is given."""
    target = Target(Problem.NEEDS_ROOT, runs=False)
    env = at(target, path)
    with pytest.raises(EnvFileError, match="sudo: no"):
        env.write(new, env.read())
    return target.executed[0]


def assert_whole(path: Path, before: tuple[object, ...]) -> set[str]:
    """The old content or the new one, as it was otherwise; return what is left beside it."""
    now = traits(path)
    assert now[0] in {OLD, NEW}
    assert now[1:4] == before[1:4]
    assert now[4] == before[4] or now[0] == NEW
    left = names(path.parent) - {".env"}
    assert all(is_draft(name, ".env") for name in left)
    assert all((path.parent / name).stat().st_mode & 0o777 == 0o700 for name in left)
    return left


def swept(path: Path) -> None:
    """The next write removes what is left."""
    env = at(LocalTarget(Operator()), path)
    now = env.read()
    assert set(now.drafts) == names(path.parent) - {".env"}
    assert bool(now.drafts) == any("killed write" in remark for remark in env.remarks(now))
    env.write(OLD, now)
    assert names(path.parent) == {".env"}


CHANGING = ("mkdir", "cat", "cp", "chown", "chmod", "touch", "sync", "mv", "rm")

# In the place of each program that changes something: all processes of the write end, as by kill -9, where it
# would be started, and, the next time, where it has done its work.
DYING = """
calls=0
dying() {{
  calls=$((calls + 1)); [ $calls != {number} ] || kill -9 0
  command "$@"; done=$?
  calls=$((calls + 1)); [ $calls != {number} ] || kill -9 0
  return $done
}}
"""


def test_whatever_moment_it_is_killed_at_the_file_is_whole(path: Path) -> None:
    script, payload = replacing(path)
    before = traits(path)
    functions = "".join(f'{name}() {{ dying {name} "$@"; }}\n' for name in CHANGING)
    found = set()
    for number in range(1, 200):
        text = DYING.format(number=number) + functions + script
        done = subprocess.run(
            ["sh", "-c", text], input=payload, capture_output=True, start_new_session=True, check=False
        )
        left = assert_whole(path, before)
        found.add((path.read_bytes(), len(left)))
        killed = done.returncode == -signal.SIGKILL
        assert killed or done.stdout == b"#replaced\n"
        if left and number % 5 == 0:
            swept(path)
        for name in names(path.parent) - {".env"}:
            shutil.rmtree(path.parent / name)
        put(path)
        path.chmod(0o640)
        if not killed:
            break
    assert number > 15
    assert found == {(OLD, 0), (OLD, 1), (NEW, 1), (NEW, 0)}


CALLS = "openat write mkdir fchmodat fsync fsetxattr renameat renameat2 unlinkat chdir"


@linux_only
@pytest.mark.skipif(not shutil.which("strace"), reason="wants strace")
def test_whatever_system_call_it_is_killed_at_the_file_is_whole(path: Path) -> None:
    """One process of the script at a time, at each of its calls that could change something."""
    script, payload = replacing(path)
    before = traits(path)
    for call in CALLS.split():
        # Every program opens libraries first; the third time it is theirs.
        for number in range(1, 4 if call == "openat" else 20):
            inject = f"inject={call}:signal=KILL:when={number}"
            strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]
            done = subprocess.run(
                [*strace, "sh", "-c", script], input=payload, capture_output=True, check=False
            )
            left = assert_whole(path, before)
            replaced = done.stdout == b"#replaced\n"
            assert not left or done.returncode == -signal.SIGKILL or replaced  # else it cleaned up
            for name in left:
                shutil.rmtree(path.parent / name)
            put(path)
            path.chmod(0o640)
            if replaced:
                break
        assert replaced or call == "openat"


@pytest.fixture(params=["dash", "bash", "busybox"])
def shell(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A shell that is `sh` for every script; busybox brings its own programs, and there are no others."""
    program = shutil.which(request.param)
    if not program:
        pytest.skip(f"there is no {request.param} here")
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "sh").symlink_to(program)
    if request.param == "busybox":
        for tool in TOOLS.split():
            (folder / tool).symlink_to(program)
    rest = "" if request.param == "busybox" else ":/usr/sbin:/usr/bin:/bin"
    monkeypatch.setattr("signoff.target.shell.PATH", f"{folder}{rest}")
    return str(request.param)


def test_any_shell_will_do(path: Path, shell: str) -> None:
    env = at(LocalTarget(Operator()), path)
    before, seen = env.read(), traits(path)
    assert (before.raw, before.identity.mode) == (OLD, 0o640)
    assert any("access control list" in remark for remark in env.remarks(before)) == (shell == "busybox")
    after = env.write(NEW, before)
    assert (after.raw, *traits(path)[:4]) == (NEW, NEW, *seen[1:4])
    env.restore(before)
    # busybox knows whole seconds only.
    assert [*traits(path)[:4], traits(path)[4]] == [*seen[:4], before.identity.mtime]
    path.write_bytes(b"theirs")
    with pytest.raises(ConcurrentEditError):
        env.write(NEW, before)
    (path.parent / "other").hardlink_to(path)
    with pytest.raises(EnvFileError, match="hard link"):
        env.read()
    assert names(path.parent) == {".env", "other"}


def test_what_changes_at_the_last_moment_is_left_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = at(LocalTarget(Operator()), path)
    before = env.read()
    script = env_file._script
    theirs = "sync() { echo theirs > ../.env; command sync; }\n"
    monkeypatch.setattr(env_file, "_script", lambda name: theirs + script(name))
    with pytest.raises(ConcurrentEditError):
        env.write(NEW, before)
    assert path.read_bytes() == b"theirs\n"
    assert names(path.parent) == {".env"}


def test_a_payload_cut_short_is_not_written(path: Path) -> None:
    script, payload = replacing(path)
    before = traits(path)
    for size in (0, 10, 70, 140, len(payload) - 1):
        done = subprocess.run(["sh", "-c", script], input=payload[:size], capture_output=True, check=True)
        assert done.stdout in {b"#cut\n", b"#changed\n"}
        assert traits(path) == before
        assert names(path.parent) == {".env"}


@linux_only
@pytest.mark.skipif(not shutil.which("strace"), reason="wants strace")
def test_no_argument_and_no_environment_holds_the_secret(path: Path, tmp_path: Path) -> None:
    script, payload = replacing(path)
    log = tmp_path / "strace"
    strace = ["strace", "-f", "-v", "-s", "100000", "-e", "trace=execve", "-o", str(log)]
    done = subprocess.run(
        [*strace, "sh", "-s"], input=_Run(script, payload, 60, print).script, capture_output=True, check=False
    )
    assert b"#replaced" in done.stdout
    assert path.read_bytes() == NEW
    seen = log.read_text()
    assert seen.count("execve(") > 20
    for secret in ("old-old", "new-new", fingerprint(OLD), fingerprint(NEW)):
        assert secret not in seen


@pytest.mark.parametrize("problem", [Problem.LOST, Problem.TIMED_OUT, Problem.KILLED])
def test_after_a_lost_connection_it_is_looked_up(path: Path, problem: Problem) -> None:
    env = at(Target(problem), path)
    assert env.write(NEW, env.read()).raw == NEW == path.read_bytes()

    put(path)
    env = at(Target(problem, runs=False), path)
    with pytest.raises(EnvFileError, match="was not replaced: the connection was lost"):
        env.write(NEW, env.read())
    assert path.read_bytes() == OLD

    class Theirs(Target):
        def execute(self, script: str, payload: bytes = b"", **options: Any) -> Output:
            path.write_bytes(b"theirs")
            return super().execute(script, payload, **options)

    env = at(Theirs(problem, runs=False), path)
    with pytest.raises(ConcurrentEditError):
        env.write(NEW, env.read())
    assert path.read_bytes() == b"theirs"


def test_what_cannot_be_looked_up_is_not_claimed(path: Path) -> None:
    env = at(Target(Problem.LOST, answers=False), path)
    before = env.read()
    with pytest.raises(UncertainError, match="connection was lost while"):
        env.write(NEW, before)


def test_a_lost_write_can_be_undone(path: Path) -> None:
    env = at(Target(Problem.LOST), path)
    before, seen = env.read(), traits(path)
    env.write(NEW, before)
    env.restore(before)
    assert traits(path) == seen


def test_what_stands_in_the_way_is_told(path: Path) -> None:
    env = at(Target(Problem.NEEDS_ROOT, runs=False), path)
    with pytest.raises(EnvFileError, match="needs root, and sudo: no"):
        env.write(NEW, env.read())

    class Gone(Target):
        def execute(self, script: str, payload: bytes = b"", **options: Any) -> Output:
            raise TargetError(say("shop.example cannot be reached."), say("Is it up?"))

        def collect(self, commands: list[Command], cancel: Event) -> Iterator[Output]:
            raise TargetError(say("shop.example cannot be reached."), say("Is it up?"))

    before = EnvText(OLD, at(LocalTarget(Operator()), path).read().identity)
    attempts: tuple[Callable[[EnvFile], EnvText], ...] = (EnvFile.read, lambda env: env.write(NEW, before))
    for attempt in attempts:
        with pytest.raises(EnvFileError, match=r"shop\.example cannot be reached") as raised:
            attempt(at(Gone(Problem.LOST), path))
        assert raised.value.hint == "Is it up?"
    with pytest.raises(EnvFileError, match="NUL"):
        at(LocalTarget(Operator()), path).write(b"\0", before)
    for odd in (".env", "~/.env", "/a\nb", ""):
        with pytest.raises(EnvFileError, match="no absolute path"):
            EnvFile(LocalTarget(Operator()), odd)
    assert path.read_bytes() == OLD


@root_only
def test_a_draft_that_another_puts_in_its_place_is_not_used(path: Path, tmp_path: Path) -> None:
    """Whoever owns the directory may swap the draft's folder; root must not follow."""
    script, payload = replacing(path)
    before = traits(path)
    trap = tmp_path / "root-only"
    trap.mkdir(mode=0o700)
    for swap in (f'ln -s {trap} "$last"', 'command mkdir -m 700 "$last"; command chown 54321 "$last"'):
        swapping = f"mkdir() {{ for last do :; done; {swap}; }}\n"
        done = subprocess.run(["sh", "-c", swapping + script], input=payload, capture_output=True, check=True)
        assert done.stdout == b"#refused\n"
        assert traits(path) == before
        assert names(trap) == set()
        assert names(path.parent) == {".env"}

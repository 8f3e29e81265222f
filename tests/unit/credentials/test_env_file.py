"""Replacing a file with secrets on this machine: whatever moment it ends at, and whatever call fails.

What it has in common with its twin for targets is tried together: tests/unit/actions/test_env_file.py.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from signoff.credentials.env_file import ConcurrentEditError, EnvFile, EnvFileError, UncertainError
from signoff.credentials.env_text import draft_name, is_draft
from unit.disks import GROUP, SOMEBODY, count_down, dies_at
from unit.env_files import NEW, OLD, names, put, traits

_CALLS = (
    *("open", "read", "write", "close", "fstat", "fchown", "fchmod", "setxattr", "removexattr", "getxattr"),
    *("listxattr", "listdir", "utime", "fsync", "rename", "unlink", "mkdir", "rmdir"),
)
CALLS = tuple(name for name in _CALLS if hasattr(os, name))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with settings."""
    (tmp_path / "shop").mkdir()
    return put(tmp_path / "shop" / ".env")


def rewrite(file: Path) -> None:
    env = EnvFile(file)
    env.write(NEW, env.read())


def test_nor_is_what_changes_at_the_last_moment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = EnvFile(path)
    before = env.read()
    sync = os.fsync

    def edit_then_sync(descriptor: int) -> None:
        path.write_bytes(b"theirs")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", edit_then_sync)
    with pytest.raises(ConcurrentEditError):
        env.write(NEW, before)
    assert path.read_bytes() == b"theirs"
    assert names(path.parent) == {".env"}


def test_whatever_moment_it_ends_at_the_old_content_is_there_or_the_new(path: Path) -> None:
    path.chmod(0o640)
    if os.geteuid() == 0 and sys.platform.startswith("linux"):
        os.chown(path, SOMEBODY, GROUP)
        os.setxattr(path, "user.note", b"x")
    before = traits(path)
    found = set()
    for number in range(1, 200):
        env = EnvFile(path)
        died = dies_at(number, CALLS, lambda: rewrite(path))
        content, *kept, _, attributes = traits(path)
        assert content in {OLD, NEW}
        assert [*kept, attributes] == [*before[1:4], before[5]]
        drafts = names(path.parent) - {".env"}
        for name in drafts:
            assert is_draft(name, ".env")
            assert (path.parent / name).stat().st_mode & 0o777 == 0o700
        found.add((content, len(drafts)))
        left = env.read()
        assert set(left.drafts) == drafts
        assert any("killed write" in remark for remark in env.remarks(left)) == bool(drafts)
        env.write(NEW, left)
        assert names(path.parent) == {".env"}
        assert env.read().drafts == ()
        put(path)
        path.chmod(0o640)
        if not died:
            break
    assert number > 30
    assert found == {(OLD, 0), (OLD, 1), (NEW, 0), (NEW, 1)}


def test_whichever_call_fails_the_file_is_whole_and_no_draft_is_left(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for number in range(1, 200):
        env = EnvFile(path)
        before = env.read()
        error = None
        with monkeypatch.context() as patched:

            def replace(
                name: str, call: Callable[..., object], patched: pytest.MonkeyPatch = patched
            ) -> None:
                patched.setattr(os, name, call)

            count_down(
                number, ("mkdir", "write", "fchown", "fchmod", "fsync", "rename", "utime"), full, replace
            )
            try:
                env.write(NEW, before)
            except (EnvFileError, UncertainError) as raised:
                error = raised
        assert names(path.parent) == {".env"}
        if error is None:
            break
        # Only bringing the directory to the disk can fail after the file was replaced, and that is said.
        replaced = isinstance(error, UncertainError)
        assert path.read_bytes() == (NEW if replaced else OLD)
        assert ("is replaced" if replaced else "It is as it was") in error.message
        assert path.stat().st_mtime_ns == before.identity.mtime or replaced
        put(path)
    assert number == 7, number


def test_drafts_are_told_from_other_files() -> None:
    assert is_draft(draft_name(".env"), ".env")
    assert not is_draft(draft_name(".env.local"), ".env")
    assert not any(is_draft(name, ".env") for name in (".env", ".env.signoff-", ".env.signoff-zz", "x"))

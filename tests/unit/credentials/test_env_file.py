"""Replacing a file with secrets on this machine: whole or not at all, with all that it had, and undone."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import pytest

from signoff.credentials.env_file import (
    ConcurrentEditError,
    EnvFile,
    EnvFileError,
    UncertainError,
)
from signoff.credentials.env_text import draft_name, is_draft
from unit.credentials.disks import (
    GROUP,
    SOMEBODY,
    access_list,
    as_user,
    count_down,
    dies_at,
    fill,
    small_disk,
)

OLD = b"\xef\xbb\xbf# settings\r\nA=old-old-old-old\r\n\r\nB='\xff'"
NEW = OLD.replace(b"old-old-old-old", b"new-new-new-new")

ACL = "system.posix_acl_access"
_CALLS = (
    *("open", "read", "write", "close", "fstat", "fchown", "fchmod", "setxattr", "removexattr", "getxattr"),
    *("listxattr", "listdir", "utime", "fsync", "rename", "unlink", "mkdir", "rmdir"),
)
CALLS = tuple(name for name in _CALLS if hasattr(os, name))

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="wants root")
linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="wants Linux")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with settings, and a time of change in the past."""
    (tmp_path / "shop").mkdir()
    file = tmp_path / "shop" / ".env"
    put(file)
    return file


def put(file: Path, content: bytes = OLD) -> None:
    file.write_bytes(content)
    file.chmod(0o600)
    os.utime(file, ns=(1_600_000_000_123_456_789, 1_600_000_000_123_456_789))


def traits(file: Path) -> tuple[object, ...]:
    """Return all that undo has to bring back."""
    status = file.lstat()
    names = os.listxattr(file) if hasattr(os, "listxattr") else []
    return (
        file.read_bytes(),
        oct(status.st_mode),
        status.st_uid,
        status.st_gid,
        status.st_mtime_ns,
        {name: os.getxattr(file, name) for name in names},
    )


def rewrite(file: Path, new: bytes = NEW, **options: bool) -> None:
    env = EnvFile(file, **options)
    env.write(new, env.read())


def refused(file: Path, kind: type[EnvFileError] = EnvFileError) -> EnvFileError:
    before = traits(file)
    with pytest.raises(kind) as raised:
        rewrite(file)
    assert traits(file) == before
    assert names(file.parent) == {file.name}
    assert str(file.name) in raised.value.message
    return raised.value


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


@pytest.mark.parametrize(
    ("mode", "closed", "for_group"),
    [
        (0o600, 0o600, 0o600),
        (0o640, 0o640, 0o640),
        (0o644, 0o600, 0o640),
        (0o664, 0o600, 0o640),
        (0o666, 0o600, 0o640),
        (0o660, 0o640, 0o640),
        (0o400, 0o400, 0o400),
        (0o440, 0o440, 0o440),
        (0o604, 0o600, 0o600),
        (0o755, 0o600, 0o640),
        (0o700, 0o600, 0o600),
    ],
)
def test_the_mode_ends_no_wider_than_is_needed(path: Path, mode: int, closed: int, for_group: int) -> None:
    for group_reads, expected in ((False, closed), (True, for_group)):
        path.chmod(mode)
        env = EnvFile(path, group_reads=group_reads)
        before = env.read()
        told = [remark for remark in env.remarks(before) if "mode" in remark]
        assert told == ([f"Its mode goes from {mode:04o} to {expected:04o}."] if mode != expected else [])
        after = env.write(NEW, before)
        assert path.stat().st_mode & 0o7777 == after.identity.mode == expected
        assert path.read_bytes() == after.raw == NEW
        env.restore(before)
        assert path.stat().st_mode & 0o7777 == mode


@root_only
@linux_only
def test_owner_group_attributes_and_access_list_stay_and_undo_is_exact(path: Path) -> None:
    os.chown(path, SOMEBODY, GROUP)
    os.setxattr(path, "user.note", b"\0binary\xff")
    os.setxattr(path, ACL, access_list((1001, 6), other=4))
    before = traits(path)
    env = EnvFile(path)
    read = env.read()
    assert read.identity.listed
    env.write(NEW, read)
    content, mode, *owner, changed, attributes = traits(path)
    assert (content, mode, owner) == (NEW, "0o100660", [SOMEBODY, GROUP])
    assert attributes == {"user.note": b"\0binary\xff", ACL: access_list((1001, 6))}
    assert changed != before[4]
    env.restore(read)
    assert traits(path) == before
    env.restore(read)
    assert traits(path) == before


@root_only
@linux_only
def test_a_list_that_the_directory_hands_on_is_not_taken(path: Path) -> None:
    os.setxattr(path.parent, "system.posix_acl_default", access_list((1001, 7), group=7))
    os.setxattr(path.parent, "user.note", b"the directory's")
    path.chmod(0o640)
    rewrite(path)
    assert (os.listxattr(path), path.stat().st_mode & 0o777) == ([], 0o640)


def test_a_link_stays_and_is_told(path: Path, tmp_path: Path) -> None:
    (tmp_path / "etc").symlink_to("shop")
    link = tmp_path / "link"
    link.symlink_to("etc/.env")
    env = EnvFile(link)
    before = env.read()
    assert env.remarks(before) == (f"{link} leads to {path}: that file is replaced, the link stays.",)
    assert EnvFile(path).remarks(before) == ()
    env.write(NEW, before)
    assert (str(link.readlink()), path.read_bytes(), path.is_symlink()) == ("etc/.env", NEW, False)
    env.restore(before)
    other = tmp_path / "other"
    put(other)
    link.unlink()
    link.symlink_to(other)
    with pytest.raises(ConcurrentEditError):
        env.write(NEW, before)
    assert (path.read_bytes(), other.read_bytes()) == (OLD, OLD)


def test_a_hard_link_is_refused(path: Path, tmp_path: Path) -> None:
    os.link(path, tmp_path / "other")
    error = refused(path)
    assert "hard link" in error.message
    assert f"-samefile {path}" in error.hint
    (tmp_path / "other").unlink()
    env = EnvFile(path)
    before = env.read()
    os.link(path, tmp_path / "other")
    with pytest.raises(EnvFileError, match="hard link"):
        env.write(NEW, before)
    assert (tmp_path / "other").read_bytes() == path.read_bytes() == OLD


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "nowhere").symlink_to("gone")
    (tmp_path / "big").write_bytes(b"x" * (1 << 20) + b"y")
    for name, words in {
        "pipe": "no regular file",
        ".": "no regular file",
        "loop": "lead nowhere",
        "nowhere": "not there",
        "gone": "not there",
        "big": "too large",
    }.items():
        with pytest.raises(EnvFileError, match=words):
            EnvFile(tmp_path / name).read()


def test_what_somebody_else_changed_is_left_alone(path: Path) -> None:
    def edit() -> None:
        path.write_bytes(OLD + b"# theirs")

    def replace() -> None:
        put(path.with_name("fresh"), OLD.replace(b"old", b"own"))
        path.with_name("fresh").rename(path)

    def open_up() -> None:
        path.chmod(0o644)

    for change in (edit, replace, open_up):
        put(path)
        env = EnvFile(path)
        before = env.read()
        change()
        theirs = traits(path)
        with pytest.raises(ConcurrentEditError, match="somebody else"):
            env.write(NEW, before)
        assert traits(path) == theirs
        assert names(path.parent) == {".env"}


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


def test_undo_leaves_later_changes_alone_and_does_nothing_for_nothing(path: Path) -> None:
    env = EnvFile(path)
    before = env.read()
    path.chmod(0o400)
    assert env.restore(before).identity.mode == 0o400
    path.chmod(0o600)
    env.write(NEW, env.read())
    path.write_bytes(b"theirs")
    with pytest.raises(ConcurrentEditError):
        env.restore(before)
    assert path.read_bytes() == b"theirs"


def test_a_full_disk_and_one_turned_read_only_leave_the_file(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as disk:
        file = disk / ".env"
        put(file, OLD * 400)
        env = EnvFile(file)
        before = env.read()
        fill(disk)
        with pytest.raises(EnvFileError, match="disk is full") as raised:
            env.write(NEW * 400, before)
        assert "Free some space" in raised.value.hint
        assert file.read_bytes() == OLD * 400
        assert names(disk) == {".env", "filler"}
        (disk / "filler").unlink()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(EnvFileError, match="read-only"):
            env.write(NEW, before)
        assert file.read_bytes() == OLD * 400


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can reach."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@root_only
def test_who_may_not_is_told_so(open_folder: Path) -> None:
    path = open_folder / ".env"
    put(path)
    os.chown(path, SOMEBODY, GROUP)
    path.chmod(0o640)

    def attempt(uid: int, gid: int = GROUP) -> str:
        before = traits(path)
        said = as_user(uid, gid, lambda: rewrite(path))
        assert traits(path) == before
        assert names(path.parent) == {".env"}
        return said

    # Its owner, in a directory of root's; a member of its group; somebody else, in a directory open to all.
    assert "cannot be replaced: permission was denied" in attempt(SOMEBODY)
    path.parent.chmod(0o777)
    assert "cannot be replaced: permission was denied" in attempt(SOMEBODY + 9)
    assert "cannot be read: permission was denied" in attempt(SOMEBODY + 9, GROUP + 9)
    # Its owner, who is not in its group, cannot keep it as it is.
    assert "cannot be replaced: permission was denied" in attempt(SOMEBODY, GROUP + 9)
    assert as_user(SOMEBODY, GROUP, lambda: rewrite(path)) == "None"
    assert traits(path)[:4] == (NEW, "0o100640", SOMEBODY, GROUP)


@root_only
@linux_only
def test_an_immutable_file_is_refused_and_the_reason_is_told(path: Path) -> None:
    for flag, file in (("i", path), ("a", path), ("i", path.parent)):
        if subprocess.run(["chattr", f"+{flag}", str(file)], check=False, capture_output=True).returncode:
            pytest.skip("no file can be made immutable here")
        try:
            assert "immutable" in refused(path).hint
        finally:
            subprocess.run(["chattr", f"-{flag}", str(file)], check=True)


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


def test_a_write_after_nothing_but_a_link_changed_hands(path: Path, tmp_path: Path) -> None:
    """A file that goes away between the two is no reason to make one."""
    env = EnvFile(path)
    before = env.read()
    path.rename(tmp_path / "away")
    with pytest.raises(EnvFileError, match="not there"):
        env.write(NEW, before)
    assert names(path.parent) == set()


def test_drafts_are_told_from_other_files() -> None:
    assert is_draft(draft_name(".env"), ".env")
    assert not is_draft(draft_name(".env.local"), ".env")
    assert not any(is_draft(name, ".env") for name in (".env", ".env.signoff-", ".env.signoff-zz", "x"))


def test_nothing_is_shown(path: Path) -> None:
    env = EnvFile(path)
    before = env.read()
    path.write_bytes(b"A=hunter2-hunter2")
    with pytest.raises(ConcurrentEditError) as raised:
        env.write(NEW, before)
    for text in (repr(before), repr(env.read()), repr(env), str(raised.value), repr(raised.value)):
        assert "hunter2" not in text
        assert "old-old" not in text

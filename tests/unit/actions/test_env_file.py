"""Replacing a file with secrets, here and on a target: the two do alike. Both whole or not at all."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from signoff.actions import env_file as there
from signoff.credentials import env_file as here
from signoff.credentials.env_file import ConcurrentEditError, EnvFileError
from signoff.credentials.env_text import Identity, kept_mode
from signoff.target.local import LocalTarget
from unit.disks import GROUP, SOMEBODY, access_list, as_user, fill, small_disk
from unit.env_files import ACL, NEW, OLD, linux_only, names, put, root_only, traits
from unit.target.rig import Operator

Open = Callable[..., here.EnvFile | there.EnvFile]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with settings."""
    (tmp_path / "shop").mkdir()
    return put(tmp_path / "shop" / ".env")


@pytest.fixture(params=["here", "there"])
def opened(request: pytest.FixtureRequest) -> Open:
    """Return a function that makes the one twin or the other."""
    if request.param == "here":
        return here.EnvFile
    return lambda path, **options: there.EnvFile(LocalTarget(Operator()), str(path), **options)


def rewrite(opened: Open, file: Path) -> None:
    env = opened(file)
    env.write(NEW, env.read())


def refused(opened: Open, file: Path) -> EnvFileError:
    before = traits(file)
    with pytest.raises(EnvFileError) as raised:
        rewrite(opened, file)
    assert traits(file) == before
    assert names(file.parent) == {file.name}
    assert str(file.name) in raised.value.message
    return raised.value


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
def test_the_mode_ends_no_wider_than_is_needed(mode: int, closed: int, for_group: int) -> None:
    identity = Identity("/x", mode, 0, 0, 0)
    assert kept_mode(identity) == closed
    assert kept_mode(identity, group_reads=True) == for_group


@pytest.mark.parametrize("group_reads", [False, True])
def test_the_mode_is_told_and_set_and_put_back(opened: Open, path: Path, group_reads: bool) -> None:
    path.chmod(0o644)
    env = opened(path, group_reads=group_reads)
    before = env.read()
    expected = 0o640 if group_reads else 0o600
    assert env.remarks(before) == (f"Its mode goes from 0644 to {expected:04o}.",)
    after = env.write(NEW, before)
    assert path.stat().st_mode & 0o7777 == after.identity.mode == expected
    assert path.read_bytes() == after.raw == NEW
    assert after.identity.mtime > before.identity.mtime
    assert env.restore(before) == before
    assert traits(path)[:2] == (OLD, "0o100644")


@root_only
@linux_only
def test_owner_group_attributes_and_access_list_stay_and_undo_is_exact(opened: Open, path: Path) -> None:
    os.chown(path, SOMEBODY, GROUP)
    os.setxattr(path, "user.note", b"\0binary\xff")
    os.setxattr(path, ACL, access_list((1001, 6), other=4))
    before = traits(path)
    env = opened(path)
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
def test_a_list_that_the_directory_hands_on_is_not_taken(opened: Open, path: Path) -> None:
    os.setxattr(path.parent, "system.posix_acl_default", access_list((1001, 7), group=7))
    os.setxattr(path.parent, "user.note", b"the directory's")
    path.chmod(0o640)
    rewrite(opened, path)
    assert (os.listxattr(path), path.stat().st_mode & 0o777) == ([], 0o640)


def test_a_link_stays_and_is_told(opened: Open, path: Path, tmp_path: Path) -> None:
    (tmp_path / "etc").symlink_to("shop")
    link = tmp_path / "link"
    link.symlink_to("etc/.env")
    env = opened(link)
    before = env.read()
    assert env.remarks(before) == (f"{link} leads to {path}: that file is replaced, the link stays.",)
    assert opened(path).remarks(before) == ()
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


def test_a_hard_link_is_refused(opened: Open, path: Path, tmp_path: Path) -> None:
    os.link(path, tmp_path / "other")
    error = refused(opened, path)
    assert "hard link" in error.message
    assert f"-samefile {path}" in error.hint
    (tmp_path / "other").unlink()
    env = opened(path)
    before = env.read()
    os.link(path, tmp_path / "other")
    with pytest.raises(EnvFileError, match="hard link"):
        env.write(NEW, before)
    assert (tmp_path / "other").read_bytes() == path.read_bytes() == OLD


def test_what_is_no_file_is_refused(opened: Open, tmp_path: Path) -> None:
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
            opened(tmp_path / name).read()


def test_what_somebody_else_changed_is_left_alone(opened: Open, path: Path) -> None:
    def edit() -> None:
        path.write_bytes(OLD + b"# theirs")

    def replace() -> None:
        put(path.with_name("fresh"), OLD.replace(b"old", b"own"))
        path.with_name("fresh").rename(path)

    def open_up() -> None:
        path.chmod(0o644)

    for change in (edit, replace, open_up):
        put(path)
        env = opened(path)
        before = env.read()
        change()
        theirs = traits(path)
        with pytest.raises(ConcurrentEditError, match="somebody else"):
            env.write(NEW, before)
        assert traits(path) == theirs
        assert names(path.parent) == {".env"}


def test_undo_leaves_later_changes_alone_and_does_nothing_for_nothing(opened: Open, path: Path) -> None:
    env = opened(path)
    before = env.read()
    path.chmod(0o400)
    assert env.restore(before).identity.mode == 0o400
    path.chmod(0o600)
    env.write(NEW, env.read())
    path.write_bytes(b"theirs")
    with pytest.raises(ConcurrentEditError):
        env.restore(before)
    assert path.read_bytes() == b"theirs"


def test_a_full_disk_and_one_turned_read_only_leave_the_file(opened: Open, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as disk:
        file = disk / ".env"
        put(file, OLD * 400)
        env = opened(file)
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
def test_who_may_not_is_told_so(opened: Open, open_folder: Path) -> None:
    path = open_folder / ".env"
    put(path)
    os.chown(path, SOMEBODY, GROUP)
    path.chmod(0o640)

    def attempt(uid: int, gid: int = GROUP) -> str:
        before = traits(path)
        said = as_user(uid, gid, lambda: rewrite(opened, path))
        assert traits(path) == before
        assert names(path.parent) == {".env"}
        return said

    # Its owner, in a directory of root's; a member of its group; somebody else, in a directory open to all.
    assert "cannot be replaced: permission was denied" in attempt(SOMEBODY)
    path.parent.chmod(0o777)
    assert "owner or group could not be kept" in attempt(SOMEBODY + 9)
    assert "cannot be read: permission was denied" in attempt(SOMEBODY + 9, GROUP + 9)
    # Its owner, who is not in its group, cannot keep it as it is.
    assert "owner or group could not be kept" in attempt(SOMEBODY, GROUP + 9)
    assert as_user(SOMEBODY, GROUP, lambda: rewrite(opened, path)) == "None"
    assert traits(path)[:4] == (NEW, "0o100640", SOMEBODY, GROUP)


@root_only
@linux_only
def test_an_immutable_file_is_refused_and_the_reason_is_told(opened: Open, path: Path) -> None:
    for flag, file in (("i", path), ("a", path), ("i", path.parent)):
        if subprocess.run(["chattr", f"+{flag}", str(file)], check=False, capture_output=True).returncode:
            pytest.skip("no file can be made immutable here")
        try:
            assert "immutable" in refused(opened, path).hint
        finally:
            subprocess.run(["chattr", f"-{flag}", str(file)], check=True)


def test_a_write_after_nothing_but_a_link_changed_hands(opened: Open, path: Path, tmp_path: Path) -> None:
    """A file that goes away between the two is no reason to make one."""
    env = opened(path)
    before = env.read()
    path.rename(tmp_path / "away")
    with pytest.raises(EnvFileError, match="not there"):
        env.write(NEW, before)
    assert names(path.parent) == set()


def test_nothing_is_shown(opened: Open, path: Path) -> None:
    env = opened(path)
    before = env.read()
    path.write_bytes(b"A=hunter2-hunter2")
    with pytest.raises(ConcurrentEditError) as raised:
        env.write(NEW, before)
    for text in (repr(before), repr(env.read()), repr(env), str(raised.value), repr(raised.value)):
        assert "hunter2" not in text
        assert "old-old" not in text

"""Today's secret is found in the history, whatever the repository itself says of its commits and files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from signoff.facts.base import Unavailable
from signoff.facts.git import GIT, Git
from signoff.target.profile import Profile
from unit import here
from unit.here import PATH

SECRET = "tZ8rKw3vQm5xLn2b"
IDENTITY = {f"GIT_{who}_{what}": f"a@{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(folder: Path, *arguments: str) -> str:
    """Run git in a repository, without anybody's configuration."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", **IDENTITY}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=environment, capture_output=True, check=True, text=True
    )
    return done.stdout.strip()


def look(folder: Path, path: str = PATH) -> Git:
    """What the fact says of a repository."""
    seen: Git = here.look(GIT, Profile(project=str(folder)), path=path)
    return seen


def commit(folder: Path, name: str, content: bytes, message: str) -> str:
    """Commit a file; return the commit."""
    (folder / name).write_bytes(content)
    git(folder, "add", "--force", name)
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD")


def attribute(folder: Path) -> None:
    """Nothing has a diff."""
    (folder / ".git" / "info" / "attributes").write_text("* -diff -text\n")


def driver(folder: Path) -> None:
    """A diff driver calls all files binary."""
    (folder / ".git" / "info" / "attributes").write_text("* diff=x\n")
    git(folder, "config", "diff.x.binary", "true")


def replaced(folder: Path) -> None:
    """The commit with the secret is replaced by one without."""
    empty = git(folder, "commit-tree", "-m", "x", git(folder, "mktree", "--missing"))
    git(folder, "replace", git(folder, "rev-parse", "HEAD~1"), empty)


def grafted(folder: Path) -> None:
    """The newest commit has no parents."""
    (folder / ".git" / "info" / "grafts").write_text(git(folder, "rev-parse", "HEAD") + "\n")


def configured(*settings: str) -> Callable[[Path], None]:
    """Settings of the repository."""

    def configure(folder: Path) -> None:
        for setting in settings:
            git(folder, "config", *setting.split("=", 1))

    return configure


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project whose first commit had today's secret, in a file that is called nothing in particular."""
    project = tmp_path / "shop"
    project.mkdir()
    git(tmp_path, "init", "--quiet", "shop")
    (project / ".env").write_text(f"SECRET_KEY={SECRET}\n")
    return project


@pytest.mark.parametrize(
    "hide",
    [
        attribute,
        driver,
        replaced,
        grafted,
        pytest.param(configured("log.showRoot=false"), id="no first commit"),
        pytest.param(configured("diff.relative=true", "diff.orderFile=/nonexistent"), id="diff"),
        pytest.param(configured("log.follow=true", "log.diffMerges=off", "diff.context=0"), id="log"),
        pytest.param(configured("color.ui=always", "log.decorate=full"), id="colour"),
        pytest.param(configured("core.worktree=/tmp"), id="elsewhere"),
    ],
)
def test_settings_of_the_repository_hide_nothing(folder: Path, hide: Callable[[Path], None]) -> None:
    first = commit(folder, "notes", f"key is {SECRET}\n".encode(), "Notes")
    commit(folder, "notes", b"none\n", "No notes")
    hide(folder)
    seen = look(folder)
    assert seen.search.found["SECRET_KEY"][-1] == first
    assert seen.search.complete


def test_neither_do_nul_bytes(folder: Path) -> None:
    commit(folder, "notes", b"\0\1\0 " + SECRET.encode() + b"\0\n", "Notes")
    commit(folder, "notes", b"none\n", "No notes")
    assert "SECRET_KEY" in look(folder).search.found


def test_without_it_nothing_is_found(folder: Path) -> None:
    commit(folder, "notes", b"none\n", "Notes")
    seen = look(folder)
    assert (dict(seen.search.found), seen.search.complete) == ({}, True)


@pytest.mark.parametrize("path", [".git/config", ".git/refs", ".git", "."])
def test_what_others_can_write_to_says_nothing(folder: Path, path: str) -> None:
    commit(folder, "notes", b"none\n", "Notes")
    (folder / path).chmod(0o777)
    with pytest.raises(Unavailable, match="others than its owner can write"):
        look(folder)
    (folder / path).chmod(0o755)
    look(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="wants root")
def test_neither_does_what_is_anothers(folder: Path) -> None:
    commit(folder, "notes", b"none\n", "Notes")
    os.chown(folder / ".git" / "config", 12345, 12345)
    with pytest.raises(Unavailable, match=r"others than its owner can write .*config"):
        look(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="wants root")
def test_a_group_of_its_owner_alone_is_nobody_else(folder: Path) -> None:
    """Where every user has a group of their own, files are writable by it."""
    commit(folder, "notes", b"none\n", "Notes")
    owner = folder.stat().st_uid
    for one in [folder, *folder.rglob("*")]:
        os.chown(one, owner, 0)
        one.chmod(one.stat().st_mode | 0o020)
    look(folder)
    os.chown(folder / ".git" / "config", owner, 100)  # users
    with pytest.raises(Unavailable, match="others than its owner"):
        look(folder)


def test_git_inherits_nothing(folder: Path, tmp_path: Path) -> None:
    """A program that the configuration names would find neither today's values nor the script."""
    commit(folder, "notes", b"none\n", "Notes")
    shim = tmp_path / "bin" / "git"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nls -l /proc/$$/fd >> {tmp_path}/fds\nexec /usr/bin/git "$@"\n')
    shim.chmod(0o755)
    look(folder, f"{shim.parent}:{PATH}")
    numbers = {line.split()[8] for line in (tmp_path / "fds").read_text().splitlines() if "->" in line}
    assert numbers <= {"0", "1", "2", "10", "11"}  # the last two are the shell's own

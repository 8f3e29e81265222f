"""File systems and users of a test's own, access control lists, and processes that die where they shall."""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SOMEBODY, GROUP = 54321, 54322
"""A user and a group without names."""


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a file system of 400 KiB."""
    if os.geteuid() != 0 or not sys.platform.startswith("linux"):
        pytest.skip("only root can mount a file system")
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "signoff-test", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Leave not a byte free."""
    with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 4096)


def access_list(
    *named: tuple[int, int], owner: int = 6, group: int = 4, mask: int = 6, other: int = 0
) -> bytes:
    """Return an access control list as the kernel keeps it (linux/posix_acl_xattr.h); ``named`` users."""
    everybody = 0xFFFFFFFF
    entries = [(1, owner, everybody), *((2, may, user) for user, may in named)]
    entries += [(4, group, everybody), (16, mask, everybody), (32, other, everybody)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def as_user(uid: int, gid: int, work: Callable[[], object]) -> str:
    """Do something as another user, in a child; return what it returned or raised, as text."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    listening, saying = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
            said = str(work())
        except BaseException as raised:  # noqa: BLE001 - the child must end here, whatever happened
            said = f"{type(raised).__name__}: {raised}"
        with os.fdopen(saying, "w") as pipe:
            pipe.write(said)
        os._exit(0)
    os.close(saying)
    with os.fdopen(listening) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def dies_at(number: int, calls: tuple[str, ...], work: Callable[[], object]) -> bool:
    """Run ``work`` in a child that ends, as by kill -9, where it would make its ``number``-th system call.

    Tells whether it came to that; False means that the work was done.
    """
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        assert code in {0, 9}, f"the child failed with {code}"
        return code == 9
    try:
        count_down(number, calls, lambda: os._exit(9), lambda name, call: setattr(os, name, call))
        work()
        os._exit(0)
    except BaseException:  # noqa: BLE001 - the child must end here, whatever happened
        os._exit(1)


def count_down(
    number: int,
    calls: tuple[str, ...],
    end: Callable[[], object],
    replace: Callable[[str, Callable[..., object]], None],
) -> None:
    """Have ``end`` called in the place of the ``number``-th of these functions of ``os``."""
    left = [number]

    def counting(call: Callable[..., object]) -> Callable[..., object]:
        def counted(*arguments: object, **named: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                end()
            return call(*arguments, **named)

        return counted

    for name in calls:
        replace(name, counting(getattr(os, name)))

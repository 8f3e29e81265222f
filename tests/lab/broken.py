"""What breaks: system calls, file systems and rights, by the kernel's own means."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from unit.disks import GROUP, SOMEBODY, as_user

_CHILD = Path(__file__).with_name("fault_child.py")
CALLS = (
    "mkdir,mkdirat,rename,renameat,renameat2,unlink,unlinkat,rmdir,link,linkat,pwrite64,write,fsync,"
    "ftruncate,fallocate,fchmod,fchown,chmod,utimensat,fsetxattr,setxattr"
)
"""All by which the work changes a disk, or says something."""
_QUICKLY = ("--seccomp-bpf",)
"""Without a stop at every other call. A signal is not injected then: strace 6.1 loses it."""
_EXT4_SHUTDOWN = 0x8004587D  # linux/fs/ext4/ext4.h: EXT4_IOC_SHUTDOWN


@dataclass(frozen=True)
class End:
    """How one run of the child ended: where it was broken, and what it had acknowledged by then."""

    number: int
    arguments: tuple[str, ...]
    code: int
    said: tuple[str, ...]
    errors: str


def injected(
    fault: str, work: str, arguments: Callable[[], Sequence[str]], calls: str = CALLS, every: int = 1
) -> Iterator[End]:
    """Run a piece of work to its end, and then once for each of these calls that it made, with a fault there.

    ``arguments`` makes them anew for each run. With ``every`` at 5, say, it is each fifth call.
    """
    with NamedTemporaryFile("r") as log:
        yield _run([f"--output={log.name}", *_QUICKLY, f"--trace={calls}"], 0, work, tuple(arguments()))
        made = re.findall(r"^[0-9]+ +(\w+)\(", log.read(), re.MULTILINE)
    counted: Counter[str] = Counter()
    for number, name in enumerate(made, 1):
        counted[name] += 1  # strace counts each kind of call by itself
        if number % every:
            continue
        inject = [f"--output={os.devnull}", f"--trace={name}"]
        inject += [f"--inject={name}:{fault}:when={counted[name]}"]
        inject += _QUICKLY if "error" in fault else ()
        end = _run(inject, number, work, tuple(arguments()))
        assert end.code or "error" in fault, f"{name} was not reached for the {counted[name]}. time"
        yield end


def _run(options: list[str], number: int, work: str, arguments: tuple[str, ...]) -> End:
    command = ["strace", "-qq", "-f", *options, sys.executable, str(_CHILD), work, *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert number or done.returncode == 0, done.stderr
    return End(number, arguments, done.returncode, tuple(done.stdout.split()), done.stderr)


class Disk:
    """A small ext4 on a loop device, mounted at ``folder``."""

    def __init__(self, folder: Path, image: Path) -> None:
        self.folder = folder
        self._image = image
        self._filler = folder / "filler"

    def mount(self, *options: str) -> None:
        """Mount it."""
        subprocess.run(["mount", "-o", ",".join(("loop", *options)), self._image, self.folder], check=True)

    def unmount(self) -> None:
        """Let go of it."""
        subprocess.run(["umount", self.folder], check=True)

    def fill(self, blocks: int) -> None:
        """Leave so many free blocks of 1 KiB."""
        with contextlib.suppress(OSError), self._filler.open("wb", buffering=0) as filler:
            while True:
                filler.write(b"x" * 1024)
        os.truncate(self._filler, max(0, self._filler.stat().st_size - blocks * 1024))
        os.sync()

    def free(self) -> None:
        """Make room again."""
        self._filler.unlink()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Have it read-only for a while."""
        subprocess.run(["mount", "-o", "remount,ro", self.folder], check=True)
        try:
            yield
        finally:
            subprocess.run(["mount", "-o", "remount,rw", self.folder], check=True)

    def go_down(self) -> None:
        """Let it fail every write from now on, as a disk does that is pulled out."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _EXT4_SHUTDOWN, struct.pack("I", 2))  # without writing anything more
        finally:
            os.close(descriptor)

    def come_back(self) -> None:
        """Mount it anew, as after the disk was put back in."""
        self.unmount()
        subprocess.run(["fsck.ext4", "-p", self._image], check=False, capture_output=True)
        self.mount()


@contextmanager
def disk(folder: Path, size: int = 2048) -> Iterator[Disk]:
    """Make a file system of so many KiB; root may do that."""
    folder.mkdir()
    image = folder.with_name(f"{folder.name}.img")
    with image.open("wb") as file:
        file.truncate(size * 1024)
    subprocess.run(["mkfs.ext4", "-q", "-b", "1024", "-N", "512", "-m", "0", image], check=True)
    small = Disk(folder, image)
    small.mount()
    try:
        yield small
    finally:
        small.unmount()


def as_somebody(work: Callable[[], object]) -> str:
    """Do something as a user without rights; return what it returned or raised, as text."""
    return as_user(SOMEBODY, GROUP, work)

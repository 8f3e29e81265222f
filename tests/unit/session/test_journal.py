"""The journal: what it took is on the disk, and what it could not take left no trace."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from signoff.durable import write_new
from signoff.errors import RecordError
from signoff.session import journal as module
from signoff.session.journal import Journal, release, reserve

LINE = b'{"a":1}\n'


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    write_new(tmp_path / "session.jsonl", LINE)
    opened = Journal.open(tmp_path / "session.jsonl", len(LINE))
    yield opened
    opened.close()


class Disk:
    """Stands in for the system calls of a disk that fails."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def short(self, count: int, then: int) -> None:
        """Write ``count`` bytes only, and fail with an errno from then on."""
        real, calls = os.pwrite, []

        def pwrite(descriptor: int, data: bytes, at: int) -> int:
            calls.append(at)
            if len(calls) > 1:
                raise OSError(then, os.strerror(then))
            return real(descriptor, data[:count], at)

        self._monkeypatch.setattr(os, "pwrite", pwrite)

    def fails(self, call: str, number: int, times: int = 1) -> None:
        """Let a call fail so many times."""
        real, left = getattr(os, call), [times]

        def failing(*arguments: object) -> object:
            if left[0]:
                left[0] -= 1
                raise OSError(number, os.strerror(number))
            return real(*arguments)

        self._monkeypatch.setattr(os, call, failing)

    def mended(self) -> None:
        self._monkeypatch.undo()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_lines_are_added_at_the_end(journal: Journal) -> None:
    journal.append(b'{"b":2}\n')
    journal.append(b'{"c":3}\n{"d":4}\n')
    assert journal.path.read_bytes() == journal.content() == LINE + b'{"b":2}\n{"c":3}\n{"d":4}\n'
    assert journal.size == 32


def test_a_line_is_synced_before_append_returns(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    write, sync = os.pwrite, os.fsync

    def noting(name: str, call: Callable[..., object]) -> Callable[..., object]:
        def noted(*given: object) -> object:
            done.append(name)
            return call(*given)

        return noted

    monkeypatch.setattr(os, "pwrite", noting("write", write))
    monkeypatch.setattr(os, "fsync", noting("sync", sync))
    journal.append(LINE)
    assert done == ["write", "sync"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_short_write_is_taken_back(journal: Journal, disk: Disk, number: int) -> None:
    disk.short(3, number)
    with pytest.raises(RecordError) as raised:
        journal.append(b'{"b":2}\n')
    assert str(journal.path) in raised.value.message
    assert raised.value.hint
    assert journal.path.read_bytes() == LINE
    disk.mended()
    journal.append(b'{"b":2}\n')
    assert journal.path.read_bytes() == LINE + b'{"b":2}\n'


def test_a_short_write_that_can_go_on_goes_on(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, at: real(descriptor, data[:2], at))
    journal.append(b'{"b":2}\n')
    assert journal.path.read_bytes() == LINE + b'{"b":2}\n'


@pytest.mark.parametrize(
    ("call", "number", "said"),
    [
        ("pwrite", errno.ENOSPC, "the disk is full"),
        ("pwrite", errno.EROFS, "read-only"),
        ("pwrite", errno.EIO, "the disk reports an error"),
        ("fsync", errno.EIO, "the disk reports an error"),
        ("fsync", errno.ENOSPC, "the disk is full"),
    ],
)
def test_a_failed_write_is_told_and_leaves_no_trace(
    journal: Journal, disk: Disk, call: str, number: int, said: str
) -> None:
    disk.fails(call, number)
    with pytest.raises(RecordError, match=said):
        journal.append(b'{"b":2}\n')
    assert journal.path.read_bytes() == LINE
    journal.append(b'{"c":3}\n')
    assert journal.path.read_bytes() == LINE + b'{"c":3}\n'


def test_where_not_even_the_old_state_can_be_had_no_more_is_taken(journal: Journal, disk: Disk) -> None:
    disk.fails("fsync", errno.EIO, times=2)
    with pytest.raises(RecordError, match="the disk reports an error"):
        journal.append(b'{"b":2}\n')
    with pytest.raises(RecordError, match="takes no more"):
        journal.append(b'{"c":3}\n')
    assert journal.path.read_bytes() == LINE


def test_a_read_only_disk_is_told_and_taken_up_again(journal: Journal, disk: Disk) -> None:
    disk.fails("pwrite", errno.EROFS)
    disk.fails("ftruncate", errno.EROFS, times=9)
    with pytest.raises(RecordError, match="read-only"):
        journal.append(b'{"b":2}\n')
    journal.append(b'{"c":3}\n')
    assert journal.path.read_bytes() == LINE + b'{"c":3}\n'


def test_what_another_program_has_changed_is_not_added_to(journal: Journal) -> None:
    with journal.path.open("ab") as other:
        other.write(b"x")
    with pytest.raises(RecordError, match="Another program has changed"):
        journal.append(LINE)
    assert journal.path.read_bytes() == LINE + b"x"


def test_a_removed_file_does_not_swallow_lines(journal: Journal) -> None:
    journal.path.unlink()
    with pytest.raises(RecordError, match="gone"):
        journal.append(LINE)


def test_a_file_put_in_its_place_is_not_added_to(journal: Journal, tmp_path: Path) -> None:
    write_new(tmp_path / "other", LINE)
    (tmp_path / "other").rename(journal.path)
    with pytest.raises(RecordError, match="Another program has changed"):
        journal.append(LINE)
    assert journal.path.read_bytes() == LINE


@pytest.mark.parametrize("tail", [b"{", b"x" * 500, b"\0" * 40])
def test_a_torn_tail_is_replaced(journal: Journal, tail: bytes) -> None:
    with journal.path.open("ab") as file:
        file.write(tail)
    journal.replace_tail(tail, b'{"r":1}\n')
    assert journal.path.read_bytes() == LINE + b'{"r":1}\n'
    journal.append(LINE)
    assert journal.path.read_bytes() == LINE + b'{"r":1}\n' + LINE


@pytest.mark.parametrize("call", ["pwrite", "ftruncate", "fsync"])
def test_a_torn_tail_that_cannot_be_replaced_stays(journal: Journal, disk: Disk, call: str) -> None:
    with journal.path.open("ab") as file:
        file.write(b"torn tail")
    disk.fails(call, errno.EIO)
    with pytest.raises(RecordError):
        journal.replace_tail(b"torn tail", b'{"r":1}\n')
    assert journal.path.read_bytes() == LINE + b"torn tail"


def test_the_reserve_is_really_allocated(tmp_path: Path) -> None:
    reserve(tmp_path / "reserve")
    status = (tmp_path / "reserve").stat()
    assert status.st_blocks * 512 >= module.RESERVE
    assert status.st_mode & 0o777 == 0o600
    release(tmp_path / "reserve")
    assert not (tmp_path / "reserve").exists()
    release(tmp_path / "reserve")


def test_the_descriptor_is_not_inherited(journal: Journal) -> None:
    command = ["ls", "-l", "/proc/self/fd"]
    listing = subprocess.run(command, capture_output=True, text=True, check=False, close_fds=False)
    if listing.returncode:
        pytest.skip("there is no /proc")
    assert "session.jsonl" not in listing.stdout

"""Archives: always the same bytes, and nothing hostile gets out of one."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from signoff.errors import RecordError
from signoff.session import archive
from signoff.session.archive import pack, unpacked

SESSION = "20260102-030405-1a2b3c4d"
FILES = {"session.jsonl": b"{}\n" * 40, "seal.sig": b"sig", "VERIFY.md": b"# How\n"}

Build = Callable[[tarfile.TarFile], None]


def add(tar: tarfile.TarFile, name: str, content: bytes = b"x", **fields: object) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for field, value in fields.items():
        setattr(member, field, value)
    tar.addfile(member, io.BytesIO(content))


def add_many(tar: tarfile.TarFile, count: int) -> None:
    for number in range(count):
        add(tar, f"{SESSION}/{number}")


def add_headers(tar: tarfile.TarFile, count: int) -> None:
    for _ in range(count):
        add(tar, "x", b"16 comment=aaaa\n", type=tarfile.XHDTYPE)


def hostile(path: Path, build: Build) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        add(tar, f"{SESSION}/session.jsonl")
        build(tar)
    return path


def read(path: Path) -> dict[str, bytes]:
    with unpacked(path) as directory:
        assert directory.name == SESSION
        assert directory.stat().st_mode & 0o077 == 0
        found = {one.name: one.read_bytes() for one in directory.iterdir()}
    assert not directory.exists()
    return found


def test_of_the_same_files_it_makes_the_same_bytes(tmp_path: Path) -> None:
    packed = pack(SESSION, FILES, 1_800_000_000)
    assert packed == pack(SESSION, dict(reversed(FILES.items())), 1_800_000_000)
    (tmp_path / "a.tar.gz").write_bytes(packed)
    assert read(tmp_path / "a.tar.gz") == FILES


@pytest.mark.parametrize("moment", [0, -1, 1 << 40])
def test_long_names_and_odd_times_are_no_matter(tmp_path: Path, moment: int) -> None:
    files = {f"{'a' * 100}.yaml": b"x", **FILES}
    packed = pack(SESSION, files, moment)
    assert packed[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    (tmp_path / "a.tar.gz").write_bytes(packed)
    assert read(tmp_path / "a.tar.gz") == files
    subprocess.run(["tar", "-tzf", "a.tar.gz"], cwd=tmp_path, check=True, capture_output=True)


def test_stock_tar_unpacks_it_for_its_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(pack(SESSION, FILES, 1_800_000_000))
    subprocess.run(["tar", "-xzf", "a.tar.gz"], cwd=tmp_path, check=True)
    for name, content in FILES.items():
        assert (tmp_path / SESSION / name).read_bytes() == content
        assert (tmp_path / SESSION / name).stat().st_mode & 0o777 == 0o600


def test_what_stock_tar_packs_is_read(tmp_path: Path) -> None:
    (tmp_path / SESSION).mkdir()
    for name, content in FILES.items():
        (tmp_path / SESSION / name).write_bytes(content)
    subprocess.run(["tar", "-czf", "a.tar.gz", SESSION], cwd=tmp_path, check=True)
    assert read(tmp_path / "a.tar.gz") == FILES


@pytest.mark.parametrize(
    ("build", "word"),
    [
        (lambda tar: add(tar, "../evil"), "not a file of a record's folder"),
        (lambda tar: add(tar, f"{SESSION}/../../evil"), "not a file of a record's folder"),
        (lambda tar: add(tar, f"{SESSION}/sub/evil"), "not a file of a record's folder"),
        (lambda tar: add(tar, "/etc/evil"), "not a file of a record's folder"),
        (lambda tar: add(tar, f"{SESSION}/.."), "not a file of a record's folder"),
        (lambda tar: add(tar, f"{SESSION}/.hidden"), "not a file of a record's folder"),
        (lambda tar: add(tar, f"{SESSION}/a\x1b[31m"), "not a file of a record's folder"),
        (lambda tar: add(tar, f"{SESSION}/\u202egpj"), "not a file of a record's folder"),
        (lambda tar: add(tar, f"{SESSION}/session.jsonl"), "twice"),
        (lambda tar: add(tar, "20260102-030405-zzzzzzzz/x"), "the one folder"),
        (lambda tar: add(tar, f"{SESSION}/l", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "no plain"),
        (lambda tar: add(tar, f"{SESSION}/l", b"", type=tarfile.LNKTYPE, linkname="/etc/passwd"), "no plain"),
        (lambda tar: add(tar, f"{SESSION}/f", b"", type=tarfile.FIFOTYPE), "no plain"),
        (lambda tar: add(tar, f"{SESSION}/d", b"", type=tarfile.CHRTYPE), "no plain"),
        (lambda tar: add(tar, f"{SESSION}/d", b"", type=tarfile.DIRTYPE), "no plain"),
        (lambda tar: add_many(tar, 300), "more than 256 files"),
    ],
)
def test_what_is_hostile_is_refused(tmp_path: Path, build: Build, word: str) -> None:
    path = hostile(tmp_path / "a.tar.gz", build)
    before = set(tmp_path.iterdir())
    with pytest.raises(RecordError, match=word), unpacked(path):
        pass
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "build",
    [
        lambda tar: add(tar, "x", b"1" * 3_000_000, type=tarfile.XHDTYPE),
        lambda tar: add(tar, "x", b"a" * 3_000_000, type=tarfile.GNUTYPE_LONGNAME),
        lambda tar: add_headers(tar, 5000),
    ],
    ids=["a long header", "a long name", "many headers"],
)
def test_headers_without_end_are_refused(tmp_path: Path, build: Build) -> None:
    path = hostile(tmp_path / "a.tar.gz", build)
    with pytest.raises(RecordError, match="cannot be taken as a record"), unpacked(path):
        pass


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_SIZE", 1 << 20)
    path = hostile(tmp_path / "a.tar.gz", lambda tar: add(tar, f"{SESSION}/big", bytes(2 << 20)))
    assert path.stat().st_size < 10_000
    with pytest.raises(RecordError, match="unpacks to more than 1 MiB"), unpacked(path):
        pass


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04", b"\x1f\x8b", gzip.compress(b"no tar", mtime=0), gzip.compress(bytes(2000), mtime=0)],
    ids=["empty", "zip", "cut", "no tar", "an empty tar"],
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(RecordError, match="cannot be taken as a record"), unpacked(tmp_path / "a"):
        pass


def test_one_that_is_damaged_is_refused_or_says_the_same(tmp_path: Path) -> None:
    packed = pack(SESSION, FILES, 1_800_000_000)
    for at in range(len(packed)):
        (tmp_path / "a").write_bytes(packed[:at] + bytes([packed[at] ^ 0x10]) + packed[at + 1 :])
        try:
            found = read(tmp_path / "a")
        except RecordError:
            continue
        assert found == FILES
    for size in range(0, len(packed), 7):
        (tmp_path / "a").write_bytes(packed[:size])
        with pytest.raises(RecordError), unpacked(tmp_path / "a"):
            pass

"""Where dumps lie, and what reading the newest to its end came to."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from signoff.facts.backups import BACKUP_CHECK, BACKUPS, Check, parse_backups, parse_check
from signoff.facts.base import Malformed, Unavailable, text_for
from signoff.facts.packing import pack, unpack
from signoff.facts.sections import read_script
from signoff.target.command import Output
from signoff.target.profile import Profile
from unit.backup_hosts import RECORDED, backups, check, output


def test_the_folder_of_the_jobs_script_is_found() -> None:
    found = backups("bad-root")
    assert found.places[0].path == "/var/backups/shop"
    assert found.places[0].found == "job"
    assert len(found.dumps) == 11
    assert [dump.modified for dump in found.dumps] == sorted(
        (dump.modified for dump in found.dumps), reverse=True
    )


def test_without_root_the_folder_is_closed() -> None:
    assert backups("good-viewer").closed == ("/var/backups/shop",)
    assert backups("good-viewer").dumps == ()


def test_an_absent_folder() -> None:
    assert backups("absent").absent == ("/srv/nowhere",)


def test_a_copy_is_told_from_a_dump_of_the_same_size() -> None:
    assert backups("copied").dumps[0].same_as == "/srv/b/copied/shop-20261118-1505.dump"
    # The good host's two newest dumps have one size, and other bytes.
    newest, before = backups("history").dumps[:2]
    assert newest.size == before.size
    assert newest.same_as == ""


def test_stores() -> None:
    (restic,) = backups("restic").repositories
    assert restic.tool == "restic"
    (borg,) = backups("borg").repositories
    assert (borg.tool, borg.key) == ("borg", True)
    assert not backups("borg-open").repositories[0].key


def test_nothing_of_a_dump_is_kept() -> None:
    assert not any(isinstance(value, bytes) for dump in backups("sql").dumps for value in vars(dump).values())


@pytest.mark.parametrize(
    ("folder", "tool", "status", "tables", "ended"),
    [
        ("history", "/usr/lib/postgresql/15/bin/pg_restore", 0, 4, None),
        ("directory", "/usr/lib/postgresql/15/bin/pg_restore", 0, 4, None),
        ("custom-gz", "/usr/lib/postgresql/15/bin/pg_restore", 0, 4, None),
        ("truncated", "/usr/lib/postgresql/15/bin/pg_restore", 1, 4, None),
        ("flipped", "/usr/lib/postgresql/15/bin/pg_restore", 1, 4, None),
        ("nothing", "/usr/lib/postgresql/15/bin/pg_restore", 0, 0, None),
        ("sql", "text", 0, 4, True),
        ("zst", "zstd", 0, 4, True),
        ("cut-gz", "gzip", 1, 4, False),
        ("cut-sql", "gzip", 0, 4, False),
        ("nothing-sql", "gzip", 0, 0, True),
        ("bad-root", "gzip", 0, 0, False),
    ],
)
def test_reading_to_the_end(folder: str, tool: str, status: int, tables: int, ended: bool | None) -> None:
    found = check(folder)
    assert isinstance(found, Check)
    assert (found.tool, found.status, found.tables, found.ended) == (tool, status, tables, ended)


@pytest.mark.parametrize("state", sorted(path.stem for path in (RECORDED / "backups").iterdir()))
def test_what_was_seen_is_kept(state: str) -> None:
    assert unpack(BACKUPS, pack(BACKUPS, backups(state))) == backups(state)
    assert backups(state).now.tzinfo is not None
    read = check(state) if (RECORDED / "check" / f"{state}.txt").exists() else Check()
    assert isinstance(read, Malformed) or unpack(BACKUP_CHECK, pack(BACKUP_CHECK, read)) == read


def test_no_program_to_read_with() -> None:
    with pytest.raises(Unavailable) as absent:
        parse_check(Output("check", 0, b"#newest\t/b/x y.dump\t900\n#no-tool\n#end\n"))
    assert absent.value.by_hand == "pg_restore -f /dev/null '/b/x y.dump'"


def test_output_that_was_cut_is_malformed() -> None:
    with pytest.raises(Malformed):
        parse_backups(Output("backups", 0, output("backups", "good-viewer").stdout[:100]))
    with pytest.raises(Malformed):
        parse_check(Output("check", 0, b"#end\n"))


def test_a_folders_name_is_quoted_in_the_script() -> None:
    script = text_for(BACKUPS.script, Profile(backup_directory="/b; touch /x"))
    assert script.startswith("directory='/b; touch /x'\n")


@pytest.mark.parametrize(
    ("fields", "settled"),
    [("5\tclosed", True), ("500\topen", False), ("500", True), ("5", False), ("5\t", False)],
)
def test_a_dump_that_is_still_being_written(fields: str, settled: bool) -> None:
    text = f"#newest\t/b/x.dump\t{fields}\n#sealed\n#end\n".encode()
    assert parse_check(Output("check", 0, text)).settled is settled


def test_a_link_to_the_folder_is_followed_and_hides_nothing(tmp_path: Path) -> None:
    """/root/backups, closed, leads to a folder that everybody may enter."""
    with TemporaryDirectory() as name:
        real, closed = Path(name), tmp_path / "closed"
        real.chmod(0o755)
        (real / "shop.dump").write_bytes(b"PGDMP")
        closed.mkdir(mode=0o700)
        link = closed / "backups"
        link.symlink_to(real)
        asked = f"dump_files {link} profile | cut -f 6; way_open {link}; way_open {real}\n"
        script = read_script("trust.sh", "places.sh").replace("\n:\n}\n", f"\n{asked}}}\n").encode()
        said = subprocess.run(["/bin/sh", "-s"], input=script, capture_output=True, check=True)
    dump, through_link, directly, _end = said.stdout.decode().split()
    assert dump == f"{link}/shop.dump"
    assert through_link == directly

"""What a backup file is, by its first bytes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from signoff.facts.dumps import recognise
from unit.backup_hosts import RECORDED, backups


@pytest.mark.parametrize(
    ("folder", "form", "packing", "encryption"),
    [
        ("history", "custom", "", ""),
        ("directory", "directory", "", ""),
        ("tar", "tar", "", ""),
        ("sql", "sql", "", ""),
        ("zst", "sql", "zstd", ""),
        ("xz", "sql", "xz", ""),
        ("cluster", "sql", "gzip", ""),
        ("custom-gz", "custom", "gzip", ""),
        ("plain-gpg", "custom", "", ""),
        ("zero", "empty", "", ""),
        ("bad-root", "empty", "gzip", ""),
        ("age", "sealed", "", "age"),
        ("age-armour", "sealed", "", "age"),
        ("gpg-symmetric", "sealed", "", "OpenPGP"),
        ("gpg-armour", "sealed", "", "OpenPGP"),
        ("gpg-public", "sealed", "", "OpenPGP"),
        ("openssl", "sealed", "", "openssl"),
        # Packed or signed by gpg, and readable by everybody.
        ("gpg-stored", "sealed", "OpenPGP without encryption", ""),
        ("gpg-signed", "sealed", "OpenPGP without encryption", ""),
    ],
)
def test_recorded_dumps(folder: str, form: str, packing: str, encryption: str) -> None:
    kind = backups(folder).dumps[0].kind
    assert (kind.form, kind.packing, kind.encryption) == (form, packing, encryption)


@pytest.mark.parametrize("folder", ["history", "directory", "tar", "custom-gz"])
def test_an_archive_tells_its_database_and_when_it_was_made(folder: str) -> None:
    kind = backups(folder).dumps[0].kind
    assert kind.database == "shop"
    assert kind.made[0].date() == datetime(2026, 11, 22, tzinfo=UTC).date()


def test_both_zones_that_an_archives_clock_may_mean() -> None:
    head = _head("history")
    here = recognise(head, b"", UTC)
    kind = recognise(head, b"", timezone(timedelta(hours=3)))
    assert here is not None
    assert kind is not None
    (made,) = here.made
    assert kind.made == (made - timedelta(hours=3), made)


def _head(folder: str) -> bytes:
    lines = (RECORDED / "backups" / f"{folder}.txt").read_text().splitlines()
    return bytes.fromhex(next(line[1:] for line in lines if line.startswith("|504744")))


def test_a_verbose_dump_tells_when_it_was_made() -> None:
    (made,) = backups("touched-sql").dumps[0].kind.made
    assert made == datetime(2026, 11, 13, 15, 45, 6, tzinfo=UTC)


@pytest.mark.parametrize("length", [5, 11, 12, 40, 46])
def test_a_head_that_is_cut_tells_nothing_more(length: int) -> None:
    kind = recognise(_head("history")[:length], b"")
    assert kind is not None
    assert kind.made == ()
    assert kind.database == ""


def test_what_is_no_dump() -> None:
    assert recognise(b"\x1f\x8b\x08" + bytes(20), b"etc/hosts\x00") is None
    assert recognise(b"SQLite format 3\x00", b"") is None
    # The folder held a newer archive of media files, which is passed over.
    assert [dump.path for dump in backups("media").dumps] == ["/srv/b/media/shop-20261122-1600.dump"]


# zip 3.0: zip -e, and zip.
ZIP_ENCRYPTED = bytes.fromhex("504b03040a00090000006e7e765d6394265cc40b0000b80b000006001c00642e")
ZIP_PLAIN = bytes.fromhex("504b03040a00000000006e7e765d6394265cb80b0000b80b000006001c00642e")


def test_zip() -> None:
    weak, plain = recognise(ZIP_ENCRYPTED, b""), recognise(ZIP_PLAIN, b"")
    assert weak is not None
    assert plain is not None
    assert (weak.encryption, weak.weak) == ("ZipCrypto", True)
    assert plain.encryption == ""


def test_private_keys_beside_the_dumps() -> None:
    assert backups("age-key").keys == ("/srv/b/age-key/backup-key.txt",)
    assert backups("gpg-key").keys == ("/srv/b/gpg-key/backup.gpg-key",)

"""backups.*: the four cases and the traps, over recorded folders."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from signoff.facts.backups import Check, parse_backups
from signoff.facts.base import Unavailable
from signoff.message import say
from signoff.model import Result
from signoff.probes.backup_contents import encryption, integrity
from signoff.probes.backups import age, modes, retention, size
from signoff.probes.base import Probe
from signoff.target.profile import Profile
from unit.backup_hosts import SHOP, UNNAMED, backups, check, facts, jobs, judged, output, with_first

ALL = (age, size, integrity, retention, modes, encryption)


@pytest.mark.parametrize("probe", ALL, ids=lambda probe: probe.id)
def test_a_good_host(probe: Probe) -> None:
    for profile in (SHOP, UNNAMED):
        finding = judged(probe, facts("history"), profile)
        assert finding.result is (Result.INFORMATIONAL if probe is encryption else Result.PASS), finding


@pytest.mark.parametrize("probe", ALL, ids=lambda probe: probe.id)
@pytest.mark.parametrize("state", ["good-viewer", "good-viewer-unnamed"])
def test_without_root_nothing_is_claimed(probe: Probe, state: str) -> None:
    finding = judged(probe, facts(state, "good-viewer"), SHOP)
    assert finding.result is Result.UNKNOWN
    assert "root" in finding.observed
    assert "sudo ls" in str(finding.fix)


@pytest.mark.parametrize("probe", [age, size, integrity, modes], ids=lambda probe: probe.id)
def test_a_bad_host(probe: Probe) -> None:
    assert judged(probe, facts("bad-root", "bad-root")).result is Result.FAIL


def test_a_folder_that_is_not_there() -> None:
    profile = Profile(backup_directory="/srv/nowhere")
    assert judged(age, facts("absent"), profile).result is Result.FAIL
    unseen = replace(backups("absent"), as_root=False)
    assert judged(age, facts("absent", backups=unseen), profile).result is Result.UNKNOWN


def test_no_dumps_and_no_job_fail_only_where_all_was_seen() -> None:
    none = replace(backups("empty"), gaps=())
    assert judged(age, facts("empty", backups=none, jobs=jobs("no-job"))).result is Result.FAIL
    # A job is there: its dumps lie where nobody looked.
    assert judged(age, facts("empty", backups=none)).result is Result.UNKNOWN
    unseen = replace(jobs("no-job"), gaps=("the crontabs of other users",))
    assert judged(age, facts("empty", backups=none, jobs=unseen)).result is Result.UNKNOWN
    assert judged(age, facts("empty", backups=none, jobs=Unavailable(say("lost")))).result is Result.UNKNOWN
    # The folder that the operator named is empty.
    assert judged(age, facts("empty"), Profile(backup_directory="/srv/b/empty")).result is Result.FAIL


def test_not_applicable_needs_proof() -> None:
    without = replace(backups("empty"), postgres=(), gaps=())
    none = jobs("no-job")
    assert judged(age, facts("empty", backups=without, jobs=none)).result is Result.NOTAPPLICABLE
    for doubt in (
        replace(without, postgres=("a process",)),
        replace(without, gaps=("the containers",)),
        replace(without, as_root=False),
    ):
        assert judged(age, facts("empty", backups=doubt, jobs=none)).result is not Result.NOTAPPLICABLE
    known = Profile(database="shop")
    assert judged(age, facts("empty", backups=without, jobs=none), known).result is Result.FAIL


def test_dumps_of_another_database() -> None:
    finding = judged(age, facts("history"), Profile(database="other"))
    assert finding.result is Result.FAIL
    assert "shop" in finding.observed


class TestAge:
    """Not the file's date: when the dump was made."""

    @pytest.mark.parametrize("folder", ["touched", "touched-sql"])
    def test_a_touched_dump_is_as_old_as_it_is(self, folder: str) -> None:
        finding = judged(age, facts(folder))
        assert finding.result is Result.FAIL
        assert "9 days ago by its own clock" in finding.observed

    @pytest.mark.parametrize("folder", ["copied", "sqlcopy"])
    def test_a_copy_is_no_new_dump(self, folder: str) -> None:
        finding = judged(age, facts(folder))
        assert finding.result is Result.FAIL
        assert "copy of the older" in finding.observed

    def test_a_quiet_databases_equal_dumps_are_not_called_copies(self) -> None:
        dump = backups("sqlcopy").dumps[0]
        # Before \restrict, two dumps of one state had the same bytes.
        same = with_first(backups("sqlcopy"), kind=replace(dump.kind, unique=False))
        assert judged(age, facts("sqlcopy", backups=same)).result is Result.UNKNOWN

    def test_a_name_that_contradicts_the_date(self) -> None:
        finding = judged(age, facts("named-old"))
        assert finding.result is Result.UNKNOWN
        assert "2026-11-01" in finding.observed

    def test_a_date_in_the_future(self) -> None:
        assert judged(age, facts("future")).result is Result.UNKNOWN

    def test_sql_of_another_database(self) -> None:
        """SQL text does not name its database: the blog's fresh dump says nothing of the shop's."""
        known = backups("sql")
        shop = known.dumps[0]
        blog = replace(shop, path="/srv/b/sql/blog-20261122-1600.sql")
        before = shop.modified - timedelta(days=9)
        stale = replace(
            shop,
            path=f"/srv/b/sql/shop-{before:%Y%m%d}.sql",
            modified=before,
            kind=replace(shop.kind, made=()),
        )
        mixed = replace(known, dumps=(blog, stale))
        found = judged(age, facts("sql", backups=mixed), SHOP)
        assert (found.result, stale.path in found.observed) == (Result.FAIL, True)

        script = "cd /srv/b/sql && pg_dump blog > blog-$(date +%Y%m%d-%H%M).sql"
        blogs = tuple(replace(job, text=script) if job.dumps else job for job in jobs("good-root").jobs)
        given = facts(
            "sql", backups=replace(known, dumps=(blog,)), jobs=replace(jobs("good-root"), jobs=blogs)
        )
        for probe in ALL:
            found = judged(probe, given, SHOP)
            assert found.result is Result.UNKNOWN, probe.id
            assert "does not say of which database it is" in found.observed

    def test_an_empty_file_does_not_renew(self) -> None:
        finding = judged(age, facts("bad-root", "bad-root"))
        assert finding.result is Result.FAIL
        assert "a newer file holds nothing" in finding.observed
        assert judged(age, facts("zero")).result is Result.FAIL

    def test_a_day_is_the_limit(self) -> None:
        known = backups("history")
        dump = known.dumps[0]
        for hours, result in ((25, Result.PASS), (27, Result.FAIL)):
            later = replace(known, now=dump.made + timedelta(hours=hours))
            assert judged(age, facts("history", backups=later)).result is result

    def test_stores(self) -> None:
        known = jobs("good-root")
        into = tuple(
            replace(job, text="pg_dump -Fc shop | restic backup --stdin") if job.dumps else job
            for job in known.jobs
        )
        assert judged(age, facts("restic", jobs=replace(known, jobs=into))).result is Result.PASS
        # A store may hold the media alone.
        assert judged(age, facts("restic")).result is Result.UNKNOWN
        # Pruning writes, too.
        assert judged(age, facts("borg")).result is Result.UNKNOWN
        later = replace(backups("restic"), now=backups("restic").now + timedelta(days=2))
        assert judged(age, facts("restic", backups=later)).result is Result.FAIL


class TestSize:
    """Against the median of those before it."""

    def test_half_of_the_median(self) -> None:
        finding = judged(size, facts("shrunk"))
        assert finding.result is Result.FAIL
        assert "60000 bytes; the median of the 7 before it" in finding.observed

    @pytest.mark.parametrize("folder", ["zero", "nothing", "nothing-sql"])
    def test_a_kilobyte_is_nothing(self, folder: str) -> None:
        assert judged(size, facts(folder)).result is Result.FAIL

    def test_one_dump_has_nothing_to_be_compared_with(self) -> None:
        finding = judged(size, facts("sql"))
        assert finding.result is Result.PASS
        assert "no older one" in finding.observed


class TestIntegrity:
    """Read to the end, or not claimed."""

    @pytest.mark.parametrize(
        "folder",
        ["history", "directory", "tar", "sql", "zst", "xz", "custom-gz", "cluster", "media", "sql-verbose"],
    )
    def test_whole(self, folder: str) -> None:
        finding = judged(integrity, facts(folder))
        assert finding.result is Result.PASS
        assert "4 tables" in finding.observed

    @pytest.mark.parametrize("folder", ["truncated", "flipped", "cut-gz", "cut-sql"])
    def test_cut_or_damaged(self, folder: str) -> None:
        assert judged(integrity, facts(folder)).result is Result.FAIL

    @pytest.mark.parametrize("folder", ["bad-root", "zero"])
    def test_nothing_in_it(self, folder: str) -> None:
        assert "nothing in it" in judged(integrity, facts(folder)).observed
        assert judged(integrity, facts(folder)).result is Result.FAIL

    @pytest.mark.parametrize("folder", ["nothing", "nothing-sql", "schema-only"])
    def test_an_empty_database_is_no_backup(self, folder: str) -> None:
        finding = judged(integrity, facts(folder))
        assert finding.result is Result.FAIL
        assert "not one table" in finding.observed

    @pytest.mark.parametrize("folder", ["age", "gpg-public", "openssl", "gpg-signed"])
    def test_what_is_sealed_cannot_be_read(self, folder: str) -> None:
        assert judged(integrity, facts(folder)).result is Result.UNKNOWN

    @pytest.mark.parametrize(
        ("changes", "observed"),
        [
            ({"status": 124}, "too large"),
            ({"status": 126}, "could not be run"),
            (
                {"status": 1, "complaint": "pg_restore: error: unsupported version (1.16) in file header"},
                "newer pg_dump",
            ),
            ({"status": 1, "settled": False}, "may still be being written"),
            ({"path": "/srv/b/history/other.dump"}, "was not read"),
            ({"status": None}, "no program"),
        ],
    )
    def test_what_says_nothing_of_the_dump(self, changes: dict[str, Any], observed: str) -> None:
        known = check("history")
        assert isinstance(known, Check)
        finding = judged(integrity, facts("history", check=replace(known, **changes)))
        assert finding.result is Result.UNKNOWN
        assert observed in finding.observed

    def test_no_pg_restore(self) -> None:
        finding = judged(
            integrity, facts("history", check=Unavailable(say("no pg_restore"), "pg_restore -f /dev/null x"))
        )
        assert finding.result is Result.UNKNOWN
        assert "pg_restore -f" in finding.remedy


class TestRetention:
    """Seven days without a gap, and no more than thirty."""

    def test_gaps(self) -> None:
        finding = judged(retention, facts("gaps"))
        assert finding.result is Result.FAIL
        assert "none of 2026-11-19, 2026-11-20" in finding.observed

    def test_kept_too_long(self) -> None:
        finding = judged(retention, facts("long"))
        assert finding.result is Result.FAIL
        assert "kept longer than 30 days" in finding.observed

    def test_what_is_beyond_the_newest_sixty_counts_too(self) -> None:
        """Four dumps a day: the newest sixty are of fifteen days, and the others go back for years."""
        recorded = output("backups", "history")
        now = backups("history").now
        lines = b"".join(
            b"|%d\t20000\t%s\n" % ((now - timedelta(days=day)).timestamp(), path)
            for day, path in (
                (40, b"/srv/b/history/shop-20261013-0300.dump"),
                (90, b"/srv/b/history/other-20260813-0300.dump"),
            )
        )
        text = recorded.stdout.replace(b"#end\n", b"#older\n" + lines + b"\n#end\n")
        found = judged(retention, facts("history", backups=parse_backups(replace(recorded, stdout=text))))
        assert found.result is Result.FAIL
        assert "the oldest 40 days ago: kept longer than 30 days" in found.observed

    def test_a_young_host_says_so_and_does_not_pass(self) -> None:
        finding = judged(retention, facts("young"))
        assert finding.result is Result.UNKNOWN
        assert "the host is younger than 7 days" in finding.observed
        old = replace(backups("young"), host_since=backups("young").now - timedelta(days=400))
        assert judged(retention, facts("young", backups=old)).result is Result.FAIL

    def test_todays_dump_may_still_be_to_come(self) -> None:
        known = backups("history")
        early = replace(known, dumps=known.dumps[1:])
        assert judged(retention, facts("history", backups=early)).result is Result.PASS
        missed = replace(known, dumps=known.dumps[2:])
        assert judged(retention, facts("history", backups=missed)).result is Result.FAIL

    def test_seven_dumps_are_seven_days(self) -> None:
        known = backups("history")
        # Two of them are of today and yesterday.
        assert (
            judged(retention, facts("history", backups=replace(known, dumps=known.dumps[:7]))).result
            is Result.PASS
        )

    def test_empty_files_keep_nothing(self) -> None:
        known = backups("history")
        hollow = tuple(replace(dump, kind=replace(dump.kind, form="empty")) for dump in known.dumps)
        assert judged(retention, facts("history", backups=replace(known, dumps=hollow))).result is Result.FAIL


class TestModes:
    """Who can read them, folders and all."""

    def test_a_closed_folder_closes_its_files(self) -> None:
        # 0644 in a folder of 0700.
        assert judged(modes, facts("directory")).result is Result.PASS

    def test_open_files_in_an_open_folder(self) -> None:
        finding = judged(modes, facts("bad-root", "bad-root"))
        assert "can read 11 of 11 dumps" in finding.observed

    def test_closed_files_in_an_open_folder(self) -> None:
        known = backups("history")
        place = replace(known.places[0], mode=0o755, open=True)
        shown = tuple(replace(dump, place=place, open=True) for dump in known.dumps)
        assert judged(modes, facts("history", backups=replace(known, dumps=shown))).result is Result.PASS
        place = replace(place, mode=0o777)
        shown = tuple(replace(dump, place=place) for dump in shown)
        finding = judged(modes, facts("history", backups=replace(known, dumps=shown)))
        assert finding.result is Result.FAIL
        assert "delete" in finding.observed


class TestEncryption:
    """By the first bytes, and by where they go."""

    @pytest.mark.parametrize(
        "folder",
        ["age", "age-armour", "gpg-symmetric", "gpg-armour", "gpg-public", "openssl", "restic", "borg"],
    )
    def test_encrypted(self, folder: str) -> None:
        assert judged(encryption, facts(folder)).result is Result.PASS

    @pytest.mark.parametrize("folder", ["plain-gpg", "gpg-stored", "gpg-signed"])
    def test_a_name_encrypts_nothing(self, folder: str) -> None:
        finding = judged(encryption, facts(folder))
        assert finding.result is Result.FAIL
        assert "its name says encrypted" in finding.observed

    @pytest.mark.parametrize("folder", ["age-key", "gpg-key"])
    def test_a_key_beside_the_dump(self, folder: str) -> None:
        finding = judged(encryption, facts(folder))
        assert finding.result is Result.FAIL
        assert "private key" in finding.observed

    def test_the_first_encrypted_the_newest_not(self) -> None:
        finding = judged(encryption, facts("age-lost"))
        assert finding.result is Result.FAIL
        assert "while older ones are encrypted" in finding.observed

    def test_plain_and_taken_away(self) -> None:
        finding = judged(encryption, facts("history", "leaves-rsync"), SHOP)
        assert finding.result is Result.FAIL
        assert "shop-backup.timer takes it off the host with rsync" in finding.observed

    def test_plain_and_taken_away_by_rclone(self) -> None:
        # The folder of that job is the good host's.
        known = backups("history")
        place = replace(known.places[0], path="/var/backups/shop")
        known = replace(known, dumps=tuple(replace(dump, place=place) for dump in known.dumps))

        def found(remotes: dict[str, str] | None) -> Result:
            given = facts("history", "leaves-rclone", backups=replace(known, remotes=remotes))
            return judged(encryption, given).result

        # rclone listremotes --long of a crypt remote over a store.
        assert found({"far:": "crypt", "box:": "s3"}) is Result.PASS
        assert found({"far:": "s3"}) is Result.FAIL
        assert found({"box:": "crypt"}) is Result.UNKNOWN
        assert found(None) is Result.UNKNOWN

    def test_plain_and_jobs_unseen(self) -> None:
        unread = replace(jobs("good-root"), gaps=("/etc/cron.d/closed",))
        assert judged(encryption, facts("history", jobs=unread)).result is Result.UNKNOWN
        assert judged(encryption, facts("history", jobs=Unavailable(say("lost")))).result is Result.UNKNOWN

    def test_weak_encryption(self) -> None:
        known = backups("age")
        weak = with_first(known, kind=replace(known.dumps[0].kind, encryption="ZipCrypto", weak=True))
        assert judged(encryption, facts("age", backups=weak)).result is Result.FAIL

    def test_a_borg_store_that_may_be_open(self) -> None:
        assert judged(encryption, facts("borg-open")).result is Result.UNKNOWN

    def test_empty_files_show_nothing(self) -> None:
        assert judged(encryption, facts("zero")).result is Result.UNKNOWN

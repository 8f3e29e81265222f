"""Backups that look right and are none, on a real host; and what looks wrong and is in order."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from labhost.host import Host
from look import look_at
from mended import SHOP, TRIED, UNIT, mended

from signoff.model import Result
from signoff.probes.backup_contents import encryption, integrity
from signoff.probes.backups import age, modes, retention, size
from signoff.probes.base import Probe
from signoff.probes.jobs import ran, scheduled

pytestmark = pytest.mark.lab

PG = "runuser -u postgres --"

Found = Callable[..., dict[str, set[Result]]]


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Found:
    """Return a function that gives each probe's results on a host."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("HOME", str(tmp_path))

    def results(
        host: Host, *probes: Probe, folder: str = SHOP, database: str = "shop"
    ) -> dict[str, set[Result]]:
        look = partial(look_at, tmp_path, host, probes)
        findings = look(project="/srv/shop", backup_directory=folder, database=database)
        return {probe.id: {one.result for one in findings if one.probe == probe.id} for probe in probes}

    return results


@pytest.fixture
def host(class_host: Host) -> Host:
    """The host of the class, put right again."""
    return mended(class_host)


class TestJobs:
    """Jobs that make no backup, or never run."""

    @pytest.mark.parametrize(
        ("command", "result"),
        [
            ("find /var/backups/pg_dump -mtime +7 -delete", Result.FAIL),
            ("pg_dump --version | logger -t backup", Result.UNKNOWN),
            ("pg_dumpall --globals-only > /var/backups/shop/globals.sql", Result.FAIL),
            ("pg_dump --schema-only shop > /var/backups/shop/schema.sql", Result.FAIL),
            ("[ -x /usr/bin/barman ] && /usr/bin/barman -q cron", Result.UNKNOWN),
            ("nice -n 19 /usr/local/sbin/shop-backup", Result.FAIL),
            ("test -x /usr/local/sbin/shop-backup && /usr/local/sbin/shop-backup", Result.FAIL),
        ],
    )
    def test_a_crontab_that_makes_no_backup(
        self, found: Found, host: Host, command: str, result: Result
    ) -> None:
        """The script is there, and may not be executed."""
        host.exec(f"systemctl disable --now shop-backup.timer; rm {UNIT}; systemctl daemon-reload")
        host.exec("rm -f /etc/systemd/system/shop-backup.timer; chmod 644 /usr/local/sbin/shop-backup")
        host.put("/etc/cron.d/tried", f"0 4 * * * postgres {command}\n")
        seen = found(host, scheduled, ran)
        assert Result.PASS not in seen[ran.id]
        assert seen[scheduled.id] <= {result, Result.UNKNOWN}
        assert Result.PASS not in seen[scheduled.id]

    def test_an_account_that_has_expired(self, found: Found, fresh_host: Callable[..., Host]) -> None:
        """PAM refuses the job each night, and says so in the journal alone."""
        host = fresh_host()
        host.exec("systemctl disable --now shop-backup.timer; rm /etc/systemd/system/shop-backup.*")
        host.put("/etc/cron.d/tried", "0 4 * * * postgres /usr/local/sbin/shop-backup\n")
        host.exec("systemctl daemon-reload")
        assert found(host, scheduled)[scheduled.id] == {Result.PASS}
        host.exec("chage -E 2020-01-01 postgres")
        assert found(host, scheduled)[scheduled.id] == {Result.FAIL}
        host.exec("chage -E -1 postgres; chage -d 0 postgres")
        assert found(host, scheduled)[scheduled.id] == {Result.FAIL}


class TestTimers:
    """A timer that is active and enabled, and starts nothing."""

    def test_a_condition_that_is_not_met(self, found: Found, host: Host) -> None:
        """systemd counts it as a start that went well."""
        host.exec(f"mkdir {UNIT}.d; printf '[Unit]\\nConditionPathExists=/mnt/nas/up\\n' > {UNIT}.d/nas.conf")
        host.exec("systemctl daemon-reload; systemctl start shop-backup.service")
        seen = found(host, scheduled, ran)
        assert seen == {scheduled.id: {Result.FAIL}, ran.id: {Result.FAIL}}

    def test_a_program_that_may_not_be_executed(self, found: Found, host: Host) -> None:
        """The last run was before that."""
        host.exec("chmod 644 /usr/local/sbin/shop-backup")
        assert found(host, scheduled)[scheduled.id] == {Result.FAIL}

    def test_a_timer_that_has_elapsed(self, found: Found, host: Host) -> None:
        """A day after its unit was last active: that is never."""
        host.put(
            "/etc/systemd/system/tried.timer",
            "[Timer]\nOnUnitActiveSec=1d\n[Install]\nWantedBy=timers.target\n",
        )
        host.exec(f"systemctl disable --now shop-backup.timer; cp {UNIT} /etc/systemd/system/tried.service")
        host.exec("systemctl daemon-reload; systemctl enable --now tried.timer")
        assert Result.PASS not in found(host, scheduled)[scheduled.id]


class TestDumps:
    """Files that look like good dumps."""

    def test_a_cluster_whose_second_database_failed(self, found: Found, host: Host) -> None:
        """pg_dumpall | gzip: its exit status is lost, and the first database's last words are there."""
        host.exec(
            f"cd /tmp; {PG} psql -qc 'CREATE ROLE dumper LOGIN' -c 'GRANT pg_read_all_data TO dumper'"
            " -c 'GRANT CONNECT ON DATABASE shop TO dumper' -c 'CREATE DATABASE zeta'"
            " -c 'REVOKE CONNECT ON DATABASE zeta FROM PUBLIC'\n"
            "sed -i '1i local all dumper trust' /etc/postgresql/15/main/pg_hba.conf\n"
            "systemctl reload postgresql\n"
            f"pg_dumpall -U dumper --no-role-passwords 2> /dev/null | gzip > {TRIED}/all.sql.gz\n"
            f"gzip -t {TRIED}/all.sql.gz"
        )
        assert found(host, integrity, folder=TRIED, database="")[integrity.id] == {Result.FAIL}
        host.exec(f"cd /tmp; {PG} pg_dumpall | gzip > {TRIED}/all.sql.gz")
        assert found(host, integrity, folder=TRIED, database="")[integrity.id] == {Result.PASS}

    def test_a_middle_that_is_missing(self, found: Found, host: Host) -> None:
        """Two parts of three, each a valid gzip, the last words among them. Seen by the row where they meet:
        it has more columns than its table. Between whole rows of one table nothing shows but in a restore.
        """
        begin = (
            "awk -F '\\t' -v n=$((lines / 3)) 'NR > n && NF > 2 { printf \"%s\\t\", $1; exit } 1' whole.sql"
        )
        host.exec(
            f"cd /tmp; {PG} pg_dump shop > whole.sql; lines=$(wc -l < whole.sql)\n"
            f"{{ {begin} | gzip; tail -n $((lines / 4)) whole.sql | gzip; }} > {TRIED}/shop.sql.gz\n"
            f"gzip -t {TRIED}/shop.sql.gz"
        )
        assert found(host, integrity, folder=TRIED)[integrity.id] == {Result.FAIL}
        for options in ("", "--inserts"):
            host.exec(f"cd /tmp; {PG} pg_dump {options} shop | gzip > {TRIED}/shop.sql.gz")
            assert found(host, integrity, folder=TRIED)[integrity.id] == {Result.PASS}

    def test_the_roles_beside_the_dump_are_no_newer_dump(self, found: Found, host: Host) -> None:
        """pg_dumpall --globals-only after pg_dump: an ordinary job. By themselves they are no backup."""
        host.exec(f"cd /tmp; {PG} sh -c 'umask 077; pg_dumpall --globals-only > {SHOP}/globals.sql'")
        for database in ("shop", ""):
            seen = found(host, age, size, integrity, modes, database=database)
            assert {result for results in seen.values() for result in results} == {Result.PASS}
        host.exec(f"chmod 711 {SHOP}; chmod 644 {SHOP}/globals.sql")
        assert found(host, modes)[modes.id] == {Result.FAIL}
        host.exec(f"mv {SHOP}/globals.sql {TRIED}/")
        seen = found(host, age, size, integrity, folder=TRIED)
        assert {result for results in seen.values() for result in results} == {Result.FAIL}

    @pytest.mark.parametrize("later", [0, 60], ids=["at once", "later"])
    @pytest.mark.parametrize("options", ["-Fc", "-Ft", "-Fd"])
    def test_another_databases_dump_in_the_same_folder(
        self, found: Found, host: Host, options: str, later: int
    ) -> None:
        """A loop over all databases: the newest file is not the product's, whatever its folder is called."""
        host.exec(f"cd /tmp; {PG} pg_dump {options} --file={SHOP}/wiki-$(date +%Y%m%d).dump postgres")
        host.exec(f"touch -d '-{later} sec' $(ls -d {SHOP}/shop-* | tail -1)")
        assert found(host, integrity, age) == {integrity.id: {Result.PASS}, age.id: {Result.PASS}}

    def test_copies_below_a_newer_file_that_is_no_dump(self, found: Found, host: Host) -> None:
        """Each night the old dump under a new name, and then the media."""
        host.exec(
            f"cd {TRIED}; (cd /tmp; {PG} pg_dump shop) | gzip > shop-1.sql.gz\n"
            "touch -d '-5 days' shop-1.sql.gz; for day in 2 3 4; do cp shop-1.sql.gz shop-$day.sql.gz; done\n"
            "touch -d '-2 days' shop-2.sql.gz; touch -d '-1 day' shop-3.sql.gz\n"
            "touch -d '-1 min' shop-4.sql.gz; tar cf media.tar /srv/shop/app.py"
        )
        assert Result.PASS not in found(host, age, folder=TRIED)[age.id]

    def test_a_copy_made_at_once_is_as_new_as_its_dump(self, found: Found, host: Host) -> None:
        """The week's, or one that is called latest."""
        host.exec(
            f"cd {SHOP}; new=$(ls -t | head -1); ln $new latest.dump; cp $new weekly.dump; touch weekly.dump"
        )
        assert found(host, age, integrity) == {age.id: {Result.PASS}, integrity.id: {Result.PASS}}

    def test_dumps_that_the_next_boot_deletes(self, found: Found, host: Host) -> None:
        """In memory, and in /tmp."""
        host.exec(f"mount -t tmpfs -o mode=700 none {TRIED}; cp -a {SHOP}/. {TRIED}/")
        try:
            assert found(host, retention, folder=TRIED)[retention.id] == {Result.FAIL}
        finally:
            host.exec(f"umount {TRIED}")
        host.exec(f"cp -a {SHOP} /tmp/dumps")
        assert found(host, retention, folder="/tmp/dumps")[retention.id] == {Result.FAIL}

    def test_dumps_where_the_web_server_serves_from(self, found: Found, host: Host) -> None:
        """Closed to the other users, and open to the world."""
        host.exec(f"mkdir -p /var/www/html; cp -a {SHOP} /var/www/html/dumps")
        assert found(host, modes, folder="/var/www/html/dumps")[modes.id] == {Result.FAIL}

    def test_a_passphrase_beside_what_it_opens(self, found: Found, host: Host) -> None:
        """In the folder that is taken away, the passphrase goes along."""
        host.exec(
            f"cd {SHOP}; umask 077; echo of-four-words > .passphrase; for dump in *.dump; do"
            " gpg --batch -q --passphrase-file .passphrase -c $dump; touch -r $dump $dump.gpg; rm $dump; done"
        )
        assert found(host, encryption)[encryption.id] == {Result.FAIL}
        host.exec(f"mv {SHOP}/.passphrase /root/")
        assert found(host, encryption)[encryption.id] == {Result.PASS}

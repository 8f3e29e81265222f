"""What a job calls and what it only names."""

from __future__ import annotations

import pytest

from signoff.facts.called import called, calls
from signoff.facts.job import Job


def job(text: str) -> Job:
    return Job("job", "cron", "@daily", "root", text, text=text)


@pytest.mark.parametrize(
    "text",
    [
        "pg_dump -Fc shop > /var/backups/shop.dump",
        "umask 077; /usr/lib/postgresql/15/bin/pg_dump shop | gzip > x.gz",
        "docker exec -t db pg_dumpall -U postgres",
        "cd /srv/shop && docker compose exec -T db pg_dump -U shop shop | zstd > x",
        'su - postgres -c "pg_dump shop"',
        "runuser -u postgres -- pg_dump shop",
        "if ! pg_dump --file=x shop; then echo pg_dump failed; exit 1; fi",
        'command -v pg_dump > /dev/null || exit 1\n"$PGBIN/pg_dump" shop',
        "PGPASSWORD=x pg_dump \\\n  --format=custom \\\n  shop",
        "pg_dumpall --globals-only > g.sql\npg_dump -Fc shop > shop.dump",
        "subprocess.run(['pg_dump', '-Fc', 'shop'])",
        "pg_dump --schema=public shop",
        "/srv/venv/bin/python manage.py dbbackup",
        "[ -x /usr/sbin/autopostgresqlbackup ] && /usr/sbin/autopostgresqlbackup",
        "{ path=/usr/bin/pg_dump ; argv[]=/usr/bin/pg_dump -Fc shop ; ignore_errors=no ; }",
        "pg_backupcluster 15 main dump",
        "/usr/local/sbin/nightly-pg_dump",
    ],
)
def test_dumps(text: str) -> None:
    assert job(text).dumps


@pytest.mark.parametrize(
    "text",
    [
        "find /var/backups/pg_dump -mtime +7 -delete",
        "rsync -a /var/backups/pg_dump/ nas.test:/dumps/",
        "pg_dump --version | logger -t backup",
        "pg_dump -V",
        "echo pg_dump is to be set up | mail root",
        'logger -t cron "pg_dump done"',
        "command -v pg_dump > /dev/null || exit 1",
        "[ -x /usr/bin/pg_dump ] || exit 0",
        "pgrep pg_dump && exit",
        "true # pg_dump shop, one day",
        "tail -n 20 /var/log/pg_dump.log",
        "[ -x /usr/bin/barman ] && /usr/bin/barman -q cron",
        "pgbackrest --stanza=main check",
        "wal-g delete retain FULL 7",
        "restic forget --keep-daily 7 --prune",
        "borg prune --keep-daily 7 /backup",
        "{ path=/usr/bin/restic ; argv[]=/usr/bin/restic check ; ignore_errors=no ; }",
    ],
)
def test_no_backup_at_all(text: str) -> None:
    assert list(calls(text)) == []
    assert not job(text).backs_up


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("pg_dumpall --globals-only > g.sql", "the roles alone"),
        ("pg_dumpall -g > g.sql", "the roles alone"),
        ("pg_dump --schema-only shop > s.sql", "the schema alone"),
        ("pg_dump -Fc -s shop > s.dump", "the schema alone"),
        ("pg_dump -Fc -t users shop > u.dump", "some tables alone"),
        ("pg_dump --table=users shop > u.dump", "some tables alone"),
        (
            "{ path=/usr/bin/pg_dump ; argv[]=/usr/bin/pg_dump -s shop ; ignore_errors=no ; }",
            "the schema alone",
        ),
    ],
)
def test_a_part_is_no_backup(text: str, part: str) -> None:
    assert job(text).dumps_part == part
    assert not job(text).dumps
    assert not job(text).backs_up


@pytest.mark.parametrize(
    "text",
    [
        "barman backup main",
        "pgbackrest --type=full backup",
        "wal-g backup-push $PGDATA",
        "pg_basebackup -D /b",
    ],
)
def test_stores_of_their_own(text: str) -> None:
    assert job(text).backs_up
    assert not job(text).dumps
    assert not job(text).keeps_files


@pytest.mark.parametrize(
    "text", ["restic backup \\\n /srv", "borg create ::{now} /srv", "borgmatic --syslog"]
)
def test_files(text: str) -> None:
    assert job(text).keeps_files


@pytest.mark.parametrize(
    ("command", "paths"),
    [
        ("/usr/local/sbin/backup --all", ["/usr/local/sbin/backup"]),
        ("nice -n 19 ionice -c3 /usr/local/sbin/backup", ["/usr/local/sbin/backup"]),
        ("/usr/bin/flock -n /run/b.lock /usr/local/sbin/backup", ["/usr/local/sbin/backup"]),
        ("timeout 2h sudo -u postgres /usr/local/sbin/backup", ["/usr/local/sbin/backup"]),
        ("PGHOST=db /usr/local/sbin/backup > /dev/null 2>&1", ["/usr/local/sbin/backup"]),
        ("test -x /usr/local/sbin/backup && /usr/local/sbin/backup", ["/usr/local/sbin/backup"]),
        ("cd /srv/shop; /srv/shop/backup.sh | logger", ["/srv/shop/backup.sh"]),
        ("sh /usr/local/sbin/backup", []),
        ("nice bash /usr/local/sbin/backup", []),
        ("/opt/one/backup || /opt/two/backup", []),
        ("pg_dump shop > /var/backups/shop.sql", []),
    ],
)
def test_the_programs_that_a_line_starts(command: str, paths: list[str]) -> None:
    assert list(called(command)) == paths

"""The backup probes against real hosts: good, bad, every planted flaw, and a user who may see nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import traps
from labhost.host import Host
from look import look_at
from mended import mended

from signoff.model import Finding, Result
from signoff.probes.backup_contents import encryption, integrity
from signoff.probes.backups import age, modes, retention, size
from signoff.probes.base import Probe
from signoff.probes.jobs import ran, scheduled

pytestmark = pytest.mark.lab

Look = Callable[..., tuple[Finding, ...]]

PROBES: tuple[Probe, ...] = (scheduled, ran, age, size, integrity, retention, modes, encryption)
GOOD = {Result.PASS, Result.INFORMATIONAL}
FULL = {"project": "/srv/shop", "backup_directory": "/var/backups/shop", "database": "shop"}


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Return a function that collects a host's facts as a user, and judges them."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("HOME", str(tmp_path))
    return partial(look_at, tmp_path)


@pytest.fixture
def found(look: Look) -> Callable[..., dict[str, set[Result]]]:
    """Return a function that gives each probe's results on a host."""

    def results(host: Host, user: str = "deploy", **profile: str) -> dict[str, set[Result]]:
        findings = look(host, PROBES, user, **profile)
        return {probe.id: {one.result for one in findings if one.probe == probe.id} for probe in PROBES}

    return results


Found = Callable[..., dict[str, set[Result]]]


@pytest.mark.parametrize("profile", [FULL, {}], ids=["profile", "discovered"])
def test_a_good_host(found: Found, good_host: Host, profile: dict[str, str]) -> None:
    seen = found(good_host, **profile)
    assert not [probe for probe, results in seen.items() if not results <= GOOD]
    assert seen[integrity.id] == {Result.PASS}


@pytest.mark.parametrize("profile", [FULL, {}], ids=["profile", "discovered"])
def test_a_bad_host(found: Found, bad_host: Host, profile: dict[str, str]) -> None:
    seen = found(bad_host, **profile)
    for probe in (scheduled, ran, age, size, integrity, modes):
        assert seen[probe.id] == {Result.FAIL}, probe.id


def test_a_user_who_may_see_nothing_is_told_what_to_run(look: Look, good_host: Host, bad_host: Host) -> None:
    findings = look(good_host, PROBES, "viewer")
    about = {one.probe: one for one in findings}
    for probe in (age, size, integrity, retention, modes, encryption):
        assert about[probe.id].result is Result.UNKNOWN
        assert "sudo ls" in str(about[probe.id].fix)
    assert about[ran.id].result is Result.UNKNOWN
    for one in look(bad_host, PROBES, "viewer"):
        if one.probe != retention.id:  # the bad host's dumps lie open to everybody, and are ten days
            assert one.result is not Result.PASS, one


class TestSpoiltBackups:
    """One host, whose backups are put right before each test."""

    @pytest.fixture
    def host(self, class_host: Host) -> Host:
        """The host of the class, put right again."""
        return mended(class_host)

    def test_looking_changes_nothing(self, found: Found, host: Host) -> None:
        before = host.state()
        found(host)
        assert before.differences(host.state()) == []

    @pytest.mark.parametrize(
        ("trap", "fails"),
        [
            (traps.backup_timer_disabled, scheduled),
            (traps.backup_timer_masked, scheduled),
            (traps.cron_stopped, scheduled),
            (traps.backup_fails, ran),
            (traps.backup_truncated, integrity),
            (traps.backup_of_old_data, age),
            (traps.backup_of_empty_database, integrity),
            (traps.backup_only_named_encrypted, encryption),
        ],
        ids=lambda value: getattr(value, "__name__", getattr(value, "id", "")),
    )
    def test_a_planted_flaw_fails(
        self, found: Found, host: Host, trap: Callable[[Host], None], fails: Probe
    ) -> None:
        assert found(host, **FULL)[fails.id] <= GOOD
        trap(host)
        for profile in (FULL, {}):
            assert Result.FAIL in found(host, **profile)[fails.id]

    def test_cron_in_perfect_order(self, found: Found, host: Host) -> None:
        traps.backup_by_cron(host)
        seen = found(host, **FULL)
        assert seen[scheduled.id] == {Result.PASS}
        # It is due at night, and has not been yet.
        assert Result.PASS not in seen[ran.id]

    def test_plain_dumps_that_leave_the_host(self, found: Found, host: Host) -> None:
        host.exec("echo 'rsync -a $directory/ backup@nas.shop.test:/shop/' >> /usr/local/sbin/shop-backup")
        assert found(host)[encryption.id] == {Result.FAIL}
        host.exec(
            "age-keygen -o /root/key 2> /dev/null; cd /var/backups/shop; newest=$(ls -t *.dump | head -1)\n"
            "age -r $(age-keygen -y /root/key) -o $newest.age $newest; rm $newest"
        )
        assert found(host)[encryption.id] == {Result.PASS}
        host.exec("cp /root/key /var/backups/shop/backup.key")
        assert found(host)[encryption.id] == {Result.FAIL}


def test_a_job_that_cron_ran(found: Found, fresh_host: Callable[..., Host]) -> None:
    host = fresh_host()
    traps.backup_by_cron(host)
    host.exec("sed -i 's/^15 3/* */' /etc/cron.d/shop-backup")
    host.exec(
        "for second in $(seq 90); do journalctl -t CRON | grep -q shop-backup && break; sleep 1; done\n"
        "sleep 3"
    )
    assert found(host, **FULL)[ran.id] == {Result.PASS}
    # The same, and the job leaves nothing: cron logs that it started, and no more.
    host.exec(
        "sed -i 's/^pg_dump/exit 1; pg_dump/' /usr/local/sbin/shop-backup\n"
        "rm $(ls -t /var/backups/shop/*.dump | head -1)"
    )
    assert found(host, **FULL)[ran.id] == {Result.FAIL}


def test_a_dump_is_read_in_a_container_where_the_host_has_no_pg_restore(
    found: Found, fresh_host: Callable[..., Host]
) -> None:
    host = fresh_host()
    host.exec("systemctl stop postgresql; mv /usr/lib/postgresql/15/bin /root/bin; rm /usr/bin/pg_restore")
    assert found(host, **FULL)[integrity.id] == {Result.UNKNOWN}
    host.exec("docker run --detach --name=db -e POSTGRES_PASSWORD=lab-Aa1 postgres:15-bookworm")
    host.exec("until docker exec db pg_restore --version; do sleep 0.2; done")
    assert found(host, **FULL)[integrity.id] == {Result.PASS}
    traps.backup_truncated(host)
    assert found(host, **FULL)[integrity.id] == {Result.FAIL}

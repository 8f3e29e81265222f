"""What is scheduled: cron in every place, timers, containers; and what keeps a job from running."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from signoff.facts.base import Malformed
from signoff.facts.job import Job, without_comments
from signoff.facts.jobs import parse_jobs
from signoff.target.command import Output
from unit.backup_hosts import jobs, output


def job(state: str, where: str) -> Job:
    (found,) = [job for job in jobs(state).jobs if job.where.startswith(where)]
    return found


def faults(where: str, state: str = "cron-faults") -> str:
    return "; ".join(job(state, where).faults)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("dotted.cron", "no dot"),
        ("writable", "mode 664, writable by others"),
        ("owned", "must belong to root"),
        ("linked2", "more than one hard link"),
        ("no-newline", "does not end with a line feed"),
        ("no-user", "bad username"),
        ("syntax", "line 2: bad minute"),
        ("percent", "unescaped %"),
        ("sundays", "not run each day"),
        ("boot", "at boot only"),
        ("no-path", "/usr/local/sbin is not in its PATH"),
        ("absent", "there is no /usr/local/sbin/gone-pg_dump"),
        ("unexecutable", "not executable"),
    ],
)
def test_what_cron_does_not_run(name: str, fault: str) -> None:
    assert fault in faults(f"/etc/cron.d/{name}")
    assert job("cron-faults", f"/etc/cron.d/{name}").dumps


@pytest.mark.parametrize("name", ["good", "escaped", "with-path"])
def test_what_cron_runs(name: str) -> None:
    assert job("cron-faults", f"/etc/cron.d/{name} ").faults == ()


def test_users_crontabs() -> None:
    assert job("cron-faults", "crontab of postgres").faults == ()
    assert "no user field" in faults("crontab of deploy")


def test_run_parts_skips_names_with_a_dot() -> None:
    found = {job.where: job for job in jobs("cron-faults").jobs if job.scheduler == "run-parts"}
    assert found["/etc/cron.daily/backup"].faults == ()
    assert "no dot" in found["/etc/cron.daily/backup.sh"].faults[0]
    assert "not executable" in found["/etc/cron.daily/backup-plain"].faults[0]
    assert found["/etc/cron.weekly/weekly-backup"].faults == ("it runs each week, not each day",)


def test_what_is_commented_out_does_not_dump() -> None:
    commented = job("cron-faults", "/etc/cron.d/commented")
    assert not commented.dumps
    assert without_comments("# pg_dump\n  # pg_dump\ntrue\n") == "true\n"


def test_the_script_behind_a_timer_is_read() -> None:
    found = job("good-root", "shop-backup.timer")
    assert found.dumps
    assert found.user == "postgres"
    assert found.faults == ()
    assert found.run.finished
    assert not found.run.failed


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        ("timer-masked", "the timer is masked"),
        ("timer-not-enabled", "not enabled (disabled)"),
        ("timer-weekly", "does not run each day (Sun *-*-* 03:15:00)"),
    ],
)
def test_timers_that_do_not_run(state: str, fault: str) -> None:
    assert fault in faults("shop-backup.timer", state)
    assert job(state, "shop-backup.timer").dumps


def test_a_service_that_failed() -> None:
    assert job("service-failed", "shop-backup.timer").run.failed == "exit-code, exit status 1"


def test_cron_stopped() -> None:
    assert "cron does not run" in faults("/etc/cron.d/often line 1", "cron-stopped")
    assert job("cron-ran", "/etc/cron.d/often line 1").faults == ()


def test_the_journal_tells_when_cron_ran_a_job() -> None:
    run = job("cron-ran", "/etc/cron.d/often line 2").run
    assert run.last is not None
    # A day's jobs under /etc/cron.daily run when the line for run-parts does.
    assert job("cron-ran", "/etc/cron.daily/backup").run.last == run.last
    never = job("cron-faults", "/etc/cron.d/good ").run
    assert never.last is None
    assert not never.certain
    assert "reaches back" in never.unknown


def test_due_and_not_in_the_journal_is_never() -> None:
    # The journal began at 15:02 and a job of each minute is not in it.
    said = output("jobs", "cron-ran").stdout.replace(b"(postgres) CMD (umask", b"(postgres) CMD (other")
    (found,) = [
        job
        for job in parse_jobs(Output("jobs", 0, said, as_root=True)).jobs
        if job.where.endswith("often line 2")
    ]
    assert found.run.last is None
    assert found.run.certain


def test_without_root_other_users_crontabs_are_a_gap() -> None:
    assert "the crontabs of other users" in jobs("good-viewer").gaps
    assert job("good-viewer", "shop-backup.timer").dumps


def test_a_removed_job_is_gone() -> None:
    assert not any(job.backs_up for job in jobs("no-job").jobs)
    assert jobs("no-job").gaps == ()


def test_containers_that_dump() -> None:
    assert job("containers", "container db-backup").faults == ()
    assert job("containers", "container db-backup").schedule == "0 30 2 * * *"
    assert job("containers", "container dumper").faults == (
        "the container is not started at boot (restart policy no)",
    )
    assert "does not run" in job("containers", "container nightly").faults[0]


def test_transfers() -> None:
    assert job("leaves-rsync", "shop-backup.timer").transfers == ("rsync",)
    assert job("leaves-rclone", "/etc/cron.d/away").transfers == ("rclone",)
    assert job("good-root", "shop-backup.timer").transfers == ()


@pytest.mark.parametrize(
    ("command", "programs"),
    [
        ("aws s3 cp /b/x s3://bucket/", ("aws",)),
        ("scp /b/x backup@far.example:/b/", ("scp",)),
        ("pg_dump shop | ssh far 'cat > x'", ("ssh",)),
        ("curl -sS -T /b/x https://far.example/", ("curl",)),
        ("rclone --config /etc/rclone.conf sync /b far:shop", ("rclone",)),
        ("rsync -a /b/ /mnt/b/", ()),
        ("cp /b/x /mnt/b/x", ()),
        ("curl -fsS https://hc-ping.example/1", ()),
    ],
)
def test_what_takes_files_off_the_machine(command: str, programs: tuple[str, ...]) -> None:
    assert replace(job("good-root", "shop-backup.timer"), text=command).transfers == programs


def test_no_command_is_shown() -> None:
    assert "apt.systemd.daily" not in repr(jobs("good-root"))


ANACRON = """\
#now	1796000000	+0000	100000
#run-parts	daily
|/etc/cron.daily/backup
#part	daily	/etc/cron.daily/backup	readable
|cd /opt/shop && ./bin/nightly
#program	/opt/shop/bin/nightly	755	readable
|pg_dump shop > /b/shop.sql # and ./bin/other
|# ./bin/unused
#program	/opt/shop/bin/unused	755	readable
|restic backup /
#program	/opt/shop/bin/other	700	unreadable
#anacron
#anacron-ran	cron.daily	1795970000
#timers
|Id=anacron.timer
|ActiveState=active
#end
"""


def test_anacron_runs_the_daily_scripts() -> None:
    (found,) = [one for one in parse(ANACRON) if one.where == "/etc/cron.daily/backup"]
    assert (found.faults, found.dumps) == ((), True)
    assert found.run.last == datetime.fromtimestamp(1795970000, UTC)
    (stopped,) = [one for one in parse(ANACRON.replace("=active", "=inactive")) if one.faults[:1]]
    assert stopped.faults == ("no cron daemon runs",)
    (never,) = [one for one in parse(ANACRON.replace("cron.daily\t17", "cron.weekly\t17")) if one.dumps]
    assert never.run.certain


def test_the_scripts_behind_a_script_are_read_by_all_their_names() -> None:
    (found,) = [one for one in parse(ANACRON) if one.dumps]
    assert found.unread == ("/opt/shop/bin/other",)
    assert "restic" not in found.text


def parse(text: str) -> tuple[Job, ...]:
    jobs = parse_jobs(Output("jobs", 0, text.encode(), as_root=True)).jobs
    return tuple(one for one in jobs if one.scheduler == "run-parts")


def test_cut_output_is_malformed() -> None:
    with pytest.raises(Malformed):
        parse_jobs(Output("jobs", 0, output("jobs", "good-root").stdout[:5000], as_root=True))

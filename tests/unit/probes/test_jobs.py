"""jobs.*: a backup job that will run, and did."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from signoff.facts.base import Unavailable
from signoff.facts.job import Job, Run
from signoff.facts.jobs import Jobs, parse_jobs
from signoff.message import say
from signoff.model import Result
from signoff.probes.base import Probe
from signoff.probes.jobs import ran, scheduled
from unit.backup_hosts import SHOP, backups, by_subject, facts, jobs, judged, output

TIMER = "shop-backup.timer"


def only(state: str, *names: str) -> Jobs:
    """Return a host's jobs, those that back up reduced to a few."""
    known = jobs(state)
    return replace(
        known, jobs=tuple(job for job in known.jobs if not job.backs_up or job.where.startswith(names))
    )


def with_run(run: Run) -> Jobs:
    known = only("good-root", TIMER)
    return replace(
        known, jobs=tuple(replace(job, run=run) if job.where == TIMER else job for job in known.jobs)
    )


def timer() -> Job:
    return next(job for job in jobs("good-root").jobs if job.where == TIMER)


def test_a_good_host() -> None:
    for probe in (scheduled, ran):
        finding = judged(probe, facts("good-root"), SHOP)
        assert finding.result is Result.PASS
        assert finding.subject == TIMER


@pytest.mark.parametrize("probe", [scheduled, ran])
def test_a_job_that_keeps_files_is_no_dump(probe: Probe) -> None:
    """restic or borg may well keep the media alone. Beside a job that dumps, it says nothing of dumps."""
    files = replace(timer(), where="files.timer", text="restic backup /srv/shop/media")
    finding = judged(probe, facts("good-root", jobs=replace(only("good-root"), jobs=(files,))), SHOP)
    assert finding.result is Result.UNKNOWN
    assert "whether a dump of the database is among them is not seen" in finding.observed
    later = replace(files, run=replace(files.run, last=jobs("good-root").now))
    beside = replace(only("good-root"), jobs=(timer(), later))
    assert judged(probe, facts("good-root", jobs=beside), SHOP).result is Result.PASS


def test_a_bad_host() -> None:
    for probe in (scheduled, ran):
        finding = judged(probe, facts("bad-root", "bad-root"))
        assert finding.result is Result.FAIL
        assert "no dot" in finding.observed


def test_a_password_in_the_place_of_the_user_is_not_told() -> None:
    """/etc/cron.d with its user field forgotten: the command's first word is taken for the user."""
    recorded = output("jobs", "cron-faults")
    line = b"|15 3 * * * PGPASSWORD=s3cr3t-of-the-shop pg_dump shop"
    text = recorded.stdout.replace(b"|15 3 * * * nosuchuser /usr/local/sbin/shop-backup", line)
    known = parse_jobs(replace(recorded, stdout=text))
    known = replace(known, jobs=tuple(job for job in known.jobs if job.where == "/etc/cron.d/no-user"))
    given = facts("good-root", jobs=known)
    found = judged(scheduled, given)
    assert found.result is Result.FAIL
    assert "bad username" in found.observed
    assert "s3cr3t" not in f"{found}"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "dotted.cron",
            "writable",
            "owned",
            "linked",
            "no-newline",
            "no-user",
            "syntax",
            "percent",
            "sundays",
        ),
        *("boot", "no-path", "absent", "unexecutable"),
    ],
)
def test_every_fault_of_cron_fails(name: str) -> None:
    given = facts("good-root", jobs=only("cron-faults", f"/etc/cron.d/{name}"))
    found = by_subject(scheduled, given)
    assert found
    assert {finding.result for finding in found.values()} == {Result.FAIL}
    assert Result.PASS not in {finding.result for finding in by_subject(ran, given).values()}


def test_one_job_that_runs_is_enough_and_the_others_are_told_of() -> None:
    found = by_subject(scheduled, facts("good-root", "cron-faults"))
    assert found["/etc/cron.d/good line 1"].result is Result.PASS
    assert found["/etc/cron.daily/backup.sh"].result is Result.INFORMATIONAL
    assert "no dot" in found["/etc/cron.daily/backup.sh"].observed


@pytest.mark.parametrize("state", ["timer-masked", "timer-not-enabled", "timer-weekly"])
def test_timers_that_do_not_run(state: str) -> None:
    assert judged(scheduled, facts("good-root", state)).result is Result.FAIL


def test_cron_stopped() -> None:
    found = by_subject(scheduled, facts("good-root", "cron-stopped"))
    assert {finding.result for finding in found.values()} == {Result.FAIL}


def test_no_job_at_all() -> None:
    none = jobs("no-job")
    old = replace(backups("good-root"), now=backups("good-root").now + timedelta(days=3))
    later = replace(none, now=none.now + timedelta(days=3))
    assert judged(scheduled, facts("good-root", jobs=later, backups=old)).result is Result.FAIL
    # Dumps of today come from somewhere.
    assert judged(scheduled, facts("good-root", jobs=none)).result is Result.UNKNOWN
    unseen = replace(none, gaps=("the crontabs of other users",))
    finding = judged(scheduled, facts("good-root", jobs=unseen))
    assert finding.result is Result.UNKNOWN
    assert "crontabs" in finding.observed


def test_a_job_that_is_called_a_backup_only() -> None:
    renamed = replace(timer(), text="/usr/local/bin/backup")
    known = replace(jobs("no-job"), jobs=(renamed,))
    assert judged(scheduled, facts("good-root", jobs=known)).result is Result.UNKNOWN
    broken = replace(known, jobs=(replace(renamed, faults=(say("the timer is masked"),)),))
    assert judged(scheduled, facts("good-root", jobs=broken)).result is Result.FAIL


def test_no_postgres_is_not_applicable() -> None:
    without = replace(backups("empty"), postgres=(), gaps=())
    for probe in (scheduled, ran):
        given = facts("empty", backups=without, jobs=jobs("no-job"))
        assert judged(probe, given).result is Result.NOTAPPLICABLE


def test_jobs_that_cannot_be_looked_at() -> None:
    for probe in (scheduled, ran):
        assert judged(probe, facts("good-root", jobs=Unavailable(say("lost")))).result is Result.UNKNOWN


def test_without_root() -> None:
    assert judged(scheduled, facts("good-viewer", "good-viewer")).result is Result.PASS
    finding = judged(ran, facts("good-viewer", "good-viewer"), SHOP)
    assert finding.result is Result.UNKNOWN
    assert "no dump of it is seen" in finding.observed
    assert judged(scheduled, facts("bad-viewer", "bad-viewer")).result is not Result.PASS


class TestRan:
    """Two sides: the scheduler's word, and the dump."""

    def test_a_run_that_failed(self) -> None:
        finding = judged(ran, facts("good-root", "service-failed"))
        assert finding.result is Result.FAIL
        assert "exit status 1" in finding.observed

    @pytest.mark.parametrize(
        ("run", "result"),
        [
            (Run(certain=True), Result.FAIL),
            (Run(unknown=say("the journal cannot be read")), Result.UNKNOWN),
            (Run(last=timer().run.last, running=True), Result.UNKNOWN),
            (Run(last=timer().run.last, unknown=say("systemd does not remember how it ended")), Result.PASS),
        ],
    )
    def test_runs(self, run: Run, result: Result) -> None:
        assert judged(ran, facts("good-root", jobs=with_run(run)), SHOP).result is result

    def test_it_last_ran_days_ago(self) -> None:
        known = jobs("good-root")
        later = replace(known, now=known.now + timedelta(days=2))
        assert judged(ran, facts("good-root", jobs=later)).result is Result.FAIL

    def test_a_run_without_a_dump(self) -> None:
        known = backups("good-root")
        # It ended well, and the newest dump is of the day before: pg_dump | gzip without pipefail.
        earlier = replace(known, dumps=known.dumps[1:])
        finding = judged(ran, facts("good-root", backups=earlier))
        assert finding.result is Result.FAIL
        assert "left no dump" in finding.observed

    def test_a_copied_dump_is_no_trace_of_a_run(self) -> None:
        finding = judged(ran, facts("touched"))
        assert finding.result is Result.FAIL

    def test_one_jobs_dump_does_not_speak_for_another(self) -> None:
        # Two jobs ran in one minute; that of root failed, and only the other left a dump.
        given = facts("cron-ran", "cron-ran")
        found = by_subject(ran, given, SHOP)
        assert found["/etc/cron.d/often line 1"].result is not Result.PASS

    def test_a_container_is_judged_by_its_dumps(self) -> None:
        given = facts("good-root", jobs=only("containers", "container db-backup"))
        assert judged(scheduled, given).result is Result.PASS
        assert judged(ran, given).result is Result.PASS
        old = replace(backups("good-root"), dumps=backups("good-root").dumps[3:])
        given = facts("good-root", jobs=only("containers", "container db-backup"), backups=old)
        assert judged(ran, given).result is Result.UNKNOWN


def test_no_finding_shows_a_command() -> None:
    known = jobs("cron-faults")
    for probe in (scheduled, ran):
        for finding in probe.findings(facts("good-root", jobs=known), SHOP):
            assert "$(date" not in str(finding)

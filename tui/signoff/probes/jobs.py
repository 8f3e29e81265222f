"""Does a backup job exist that its scheduler will really run, and did it?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from signoff.facts.backups import BACKUPS, Dump
from signoff.facts.base import Facts
from signoff.facts.job import Job
from signoff.facts.jobs import BY_HAND, JOBS, Jobs
from signoff.message import say
from signoff.model import Result
from signoff.probes.base import Judgement, probe
from signoff.probes.kit import decision
from signoff.probes.series import DAY, ago, find
from signoff.target.profile import Profile
from signoff.text import one_line

_SLACK = timedelta(seconds=2)
_REMEDY = decision(
    say(
        "A systemd timer (OnCalendar=daily, Persistent=true; systemctl enable --now "
        "NAME.timer), or a file in /etc/cron.d that belongs to root, mode 0644, no dot in "
        "its name, a line feed at its end, and \\% for %."
    )
)


def _said(job: Job) -> str:
    return f"{one_line(job.where)} ({one_line(job.schedule)}, as {one_line(job.user)})"


def _backup_jobs(jobs: Jobs) -> tuple[Job, ...]:
    """Return the jobs that copy the database; where there are none, those that may keep a copy of it."""
    found = tuple(job for job in jobs.jobs if job.backs_up)
    return tuple(job for job in found if not job.keeps_files) or found


_WHAT = "it keeps files; whether a dump of the database is among them is not seen"


@probe(
    "jobs.backup-scheduled",
    title=say("Schedule of the backup job"),
    expected=say("a job that runs pg_dump each day, and nothing that keeps it from running"),
    needs=(JOBS, BACKUPS),
    remedy=_REMEDY,
)
def scheduled(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge every backup job; one that will run is enough, and the others are told of."""
    found = _backup_jobs(facts[JOBS])
    if not found:
        yield _none_scheduled(facts, profile)
        return
    sound = [job for job in found if not job.faults]
    for job in found:
        doubts = (*job.doubts, *([_WHAT] if job.keeps_files else []))
        if doubts and not job.faults:
            observed = say("{said}: {doubts}", said=_said(job), doubts="; ".join(doubts))
            yield Judgement(result=Result.UNKNOWN, subject=one_line(job.where), observed=observed)
        elif not job.faults:
            yield Judgement(result=Result.PASS, subject=one_line(job.where), observed=_said(job))
        else:
            yield Judgement(
                result=Result.INFORMATIONAL if sound else Result.FAIL,
                subject=one_line(job.where),
                observed=say("{said}: {faults}", said=_said(job), faults="; ".join(job.faults)),
            )


def _none_scheduled(facts: Facts, profile: Profile) -> Judgement:
    jobs = facts[JOBS]
    if parts := [job for job in jobs.jobs if job.dumps_part]:
        return _of_a_part(parts[0])
    if named := [job for job in jobs.jobs if job.resembles_backup]:
        where = ", ".join(one_line(job.where) for job in named[:3])
        if all(job.faults for job in named) and not jobs.gaps:
            observed = say(
                "{where} is called a backup, and does not run: {faults}",
                where=where,
                faults=named[0].faults[0],
            )
            return Judgement(result=Result.FAIL, observed=observed)
        return Judgement(
            result=Result.UNKNOWN,
            observed=say("{where} is called a backup, but no pg_dump is seen in what it runs", where=where),
            remedy=decision(
                say("Look into the job yourself: does it dump the database, and does it run daily?")
            ),
        )
    if jobs.gaps:
        gaps = ", ".join(one_line(gap) for gap in jobs.gaps[:3])
        return Judgement(
            result=Result.UNKNOWN,
            observed=say("no backup job is seen, but not everything could be looked at: {gaps}", gaps=gaps),
            remedy=decision(say("Run by hand: {by_hand}", by_hand=BY_HAND)),
        )
    if facts.missing(BACKUPS):
        return Judgement(result=Result.FAIL, observed=say("no scheduled job runs pg_dump"))
    dumps = find(facts, profile)
    if isinstance(dumps, Judgement):
        if dumps.result is Result.NOTAPPLICABLE:
            return dumps
        return Judgement(result=Result.FAIL, observed=say("no scheduled job runs pg_dump"))
    now = facts[JOBS].now
    if now - dumps[0].made < DAY:
        return Judgement(
            result=Result.UNKNOWN,
            observed=say(
                "dumps are being made ({ago}), but by no job that is seen here", ago=ago(dumps[0].made, now)
            ),
            remedy=decision(say("Say what makes them: another machine, the application, or a hand?")),
        )
    return Judgement(
        result=Result.FAIL,
        observed=say(
            "no scheduled job runs pg_dump; the newest dump is of {ago}", ago=ago(dumps[0].made, now)
        ),
    )


def _of_a_part(job: Job) -> Judgement:
    """Judge a job that dumps a part, where no other dumps the whole. One table a time may be all of them."""
    return Judgement(
        result=Result.UNKNOWN if "table" in job.dumps_part else Result.FAIL,
        subject=one_line(job.where),
        observed=say(
            "{said} dumps {dumps_part}, and no job dumps all of the database",
            said=_said(job),
            dumps_part=job.dumps_part,
        ),
    )


@probe(
    "jobs.backup-ran",
    title=say("Last run of the backup job"),
    expected=say("it ran within the last 26 hours, ended well, and the newest dump is of that run"),
    needs=(JOBS, BACKUPS),
    remedy=decision(
        say("Run it by hand and read what it says: systemctl start NAME.service; journalctl -u NAME.service")
    ),
)
def ran(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge the last run from two sides: what the scheduler says of it, and the dump that it left."""
    jobs = facts[JOBS]
    found = _backup_jobs(jobs)
    if not found:
        yield _none_scheduled(facts, profile)
        return
    sound = [job for job in found if not job.faults] or list(found)
    dumps = _full(facts, profile)
    for job in sound:
        result, observed = _run(job, jobs.now, dumps[0] if dumps else None)
        if result is Result.PASS and _too_few(sound, dumps):
            result, observed = Result.UNKNOWN, f"{observed}; but {len(sound)} jobs ran, and left fewer dumps"
        where = one_line(job.where)
        yield Judgement(
            result=result, subject=where, observed=say("{where}: {observed}", where=where, observed=observed)
        )


def _too_few(jobs: list[Job], dumps: tuple[Dump, ...]) -> bool:
    """Whether one job's dump may hide that another left none: there are fewer dumps than jobs that ran."""
    times = [job.run.last for job in jobs if job.run.last]
    return len(times) > 1 and len([dump for dump in dumps if dump.made >= min(times) - _SLACK]) < len(times)


def _full(facts: Facts, profile: Profile) -> tuple[Dump, ...]:
    """Return the dumps that hold anything, newest first; none where none was seen."""
    if facts.missing(BACKUPS):
        return ()
    found = find(facts, profile)
    return () if isinstance(found, Judgement) else tuple(dump for dump in found if dump.kind.form != "empty")


def _run(job: Job, now: datetime, newest: Dump | None) -> tuple[Result, str]:
    run = job.run
    if job.scheduler == "container" and not job.faults and newest and now - newest.made < DAY:
        return Result.PASS, f"{one_line(newest.path)} is of {ago(newest.made, now)}"
    if run.last is None:
        if run.certain or job.faults:
            return Result.FAIL, "it has never run" if run.certain else f"it does not run: {job.faults[0]}"
        return Result.UNKNOWN, f"whether it ever ran cannot be told: {run.unknown}"
    when = ago(run.last, now)
    if run.failed:
        return Result.FAIL, f"its last run failed, {when}: {run.failed}"
    if now - run.last >= DAY:
        return Result.FAIL, f"it last ran {when}"
    if run.running:
        return Result.UNKNOWN, f"it is running now, since {when}"
    if job.keeps_files:
        return Result.UNKNOWN, f"it ran {when}; {_WHAT}"
    if newest is None:
        return Result.UNKNOWN, f"it ran {when}, but no dump of it is seen"
    if newest.made < run.last - _SLACK:
        return Result.FAIL, f"it ran {when} and left no dump: the newest is of {ago(newest.made, now)}"
    how = "and ended well" if run.finished else "by the scheduler's own log"
    return Result.PASS, f"it ran {when} {how}; {one_line(newest.path)} is of {ago(newest.made, now)}"

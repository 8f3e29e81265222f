"""Does a backup job exist that its scheduler will really run, and did it?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from signoff.facts.backups import BACKUPS, Dump
from signoff.facts.base import Facts
from signoff.facts.job import Job
from signoff.facts.jobs import BY_HAND, JOBS, Jobs
from signoff.message import Message, listed, say
from signoff.model import Result
from signoff.probes.base import Judgement, probe
from signoff.probes.kit import Proves, command, decision, fail, informational, passed, unknown
from signoff.probes.series import DAY, Verdict, ago, find, well
from signoff.target.profile import Profile
from signoff.text import one_line

_SLACK = timedelta(seconds=2)
_WHAT = say("it keeps files; whether a dump of the database is among them is not seen")


def _said(job: Job) -> Message:
    where, user = one_line(job.where), one_line(job.user)
    return say("{job} ({schedule}, as {user})", job=where, schedule=job.schedule, user=user)


def _backup_jobs(jobs: Jobs) -> tuple[Job, ...]:
    """Return the jobs that copy the database; where there are none, those that may keep a copy of it."""
    found = tuple(job for job in jobs.jobs if job.backs_up)
    return tuple(job for job in found if not job.keeps_files) or found


@probe(
    "jobs.backup-scheduled",
    title=say("Schedule of the backup job"),
    expected=say("a job that runs pg_dump each day, and nothing that keeps it from running"),
    needs=(JOBS, BACKUPS),
    remedy=decision(
        say(
            "A systemd timer, enabled, with OnCalendar=daily and Persistent=true; or a file in /etc/cron.d "
            r"that belongs to root, mode 0644, no dot in its name, a line feed at its end, and \% for %."
        )
    ),
)
def scheduled(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge every backup job; one that will run is enough, and the others are told of."""
    found = _backup_jobs(facts[JOBS])
    if not found:
        yield _none_scheduled(facts, profile)
    sound = [job for job in found if not job.faults]
    for job in found:
        doubts = (*job.doubts, *([_WHAT] if job.keeps_files else []))
        subject, said = one_line(job.where), _said(job)
        if job.faults:
            judge = informational if sound else fail
            yield judge(say("{job}: {why}", job=said, why=listed(job.faults)), subject=subject)
        elif doubts:
            yield unknown(say("{job}: {why}", job=said, why=listed(doubts)), subject=subject)
        else:
            yield passed(said, proves=Proves.RESTART, evidence=[said], subject=subject)


def _none_scheduled(facts: Facts, profile: Profile) -> Judgement:
    jobs = facts[JOBS]
    for job in jobs.jobs:
        if part := job.dumps_part:
            # One table a time may be all of them.
            judge, said = (unknown if "table" in part else fail), _said(job)
            observed = say("{job} dumps {part}, and no job dumps all of the database", job=said, part=part)
            return judge(observed, subject=one_line(job.where))
    if named := [job for job in jobs.jobs if job.resembles_backup]:
        return _called_a_backup(named, jobs)
    if jobs.gaps:
        gaps = listed(map(one_line, jobs.gaps[:3]), ", ")
        remedy = command(BY_HAND, say("List the jobs with root's rights, and judge for yourself."))
        observed = say("no backup job is seen, but not everything could be looked at: {gaps}", gaps=gaps)
        return unknown(observed, remedy=remedy)
    none = say("no scheduled job runs pg_dump")
    if facts.missing(BACKUPS):
        return fail(none)
    dumps = find(facts, profile)
    if isinstance(dumps, Judgement):
        return dumps if dumps.result is Result.NOTAPPLICABLE else fail(none)
    when = ago(dumps[0].made, jobs.now)
    if jobs.now - dumps[0].made < DAY:
        return unknown(
            say("dumps are being made ({when}), but by no job that is seen here", when=when),
            remedy=decision(say("Say what makes them: another machine, the application, or a hand?")),
        )
    return fail(say("no scheduled job runs pg_dump; the newest dump is of {when}", when=when))


def _called_a_backup(named: Sequence[Job], jobs: Jobs) -> Judgement:
    where = listed((one_line(job.where) for job in named[:3]), ", ")
    if all(job.faults for job in named) and not jobs.gaps:
        why = named[0].faults[0]
        return fail(say("{jobs} is called a backup, and does not run: {why}", jobs=where, why=why))
    return unknown(
        say("{jobs} is called a backup, but no pg_dump is seen in what it runs", jobs=where),
        remedy=decision(say("Look into the job yourself: does it dump the database, and does it run daily?")),
    )


@probe(
    "jobs.backup-ran",
    title=say("Last run of the backup job"),
    expected=say("it ran within the last 26 hours, ended well, and the newest dump is of that run"),
    needs=(JOBS, BACKUPS),
    remedy=decision(say("Run the job by hand, and read what it says.")),
)
def ran(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge the last run from two sides: what the scheduler says of it, and the dump that it left."""
    jobs = facts[JOBS]
    found = _backup_jobs(jobs)
    if not found:
        yield _none_scheduled(facts, profile)
    sound = [job for job in found if not job.faults] or list(found)
    dumps = _full(facts, profile)
    for job in sound:
        judge, observed = _run(job, jobs.now, dumps[0] if dumps else None)
        if judge is well and _too_few(sound, dumps):
            judge, n = unknown, len(sound)
            observed = say("{observed}; but {n} jobs ran, and left fewer dumps", observed=observed, n=n)
        where = one_line(job.where)
        observed = say("{job}: {observed}", job=where, observed=observed)
        yield judge(observed, subject=where, evidence=[_said(job)])


def _too_few(jobs: list[Job], dumps: tuple[Dump, ...]) -> bool:
    """Whether one job's dump may hide that another left none: there are fewer dumps than jobs that ran."""
    times = [job.run.last for job in jobs if job.run.last]
    return len(times) > 1 and len([dump for dump in dumps if dump.made >= min(times) - _SLACK]) < len(times)


def _full(facts: Facts, profile: Profile) -> tuple[Dump, ...]:
    """Return the dumps that hold anything, newest first; none where none was seen."""
    found = () if facts.missing(BACKUPS) else find(facts, profile)
    return () if isinstance(found, Judgement) else tuple(dump for dump in found if dump.kind.form != "empty")


def _run(job: Job, now: datetime, newest: Dump | None) -> Verdict:
    run, fresh = job.run, newest is not None and now - newest.made < DAY
    if job.scheduler == "container" and not job.faults and newest and fresh:
        return well, _of(newest, now)
    if run.last is None:
        if run.certain:
            return fail, say("it has never run")
        if job.faults:
            return fail, say("it does not run: {why}", why=job.faults[0])
        return unknown, say("whether it ever ran cannot be told: {why}", why=run.unknown)
    when = ago(run.last, now)
    if run.failed:
        return fail, say("its last run failed, {when}: {why}", when=when, why=run.failed)
    if now - run.last >= DAY:
        return fail, say("it last ran {when}", when=when)
    if run.running:
        return unknown, say("it is running now, since {when}", when=when)
    return _left(job, run.last, now, newest)


def _left(job: Job, last: datetime, now: datetime, newest: Dump | None) -> Verdict:
    """Judge what a run left that ended well, as far as the scheduler says."""
    when = ago(last, now)
    if job.keeps_files:
        return unknown, say("it ran {when}; {what}", when=when, what=_WHAT)
    if newest is None:
        return unknown, say("it ran {when}, but no dump of it is seen", when=when)
    if newest.made < last - _SLACK:
        made = ago(newest.made, now)
        return fail, say("it ran {when} and left no dump: the newest is of {made}", when=when, made=made)
    how = say("and ended well") if job.run.finished else say("by the scheduler's own log")
    return well, say("it ran {when} {how}; {dump}", when=when, how=how, dump=_of(newest, now))


def _of(dump: Dump, now: datetime) -> Message:
    return say("{path} is of {when}", path=one_line(dump.path), when=ago(dump.made, now))

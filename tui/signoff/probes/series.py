"""Which dumps are judged: those of the product's database, newest first; or why there are none to judge."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from signoff.facts.backups import BACKUPS, Backups, Dump, names
from signoff.facts.base import Facts
from signoff.facts.jobs import JOBS, Jobs
from signoff.model import Result
from signoff.probes.base import Judgement
from signoff.probes.remedies import command
from signoff.target.profile import Profile
from signoff.text import one_line

DAY = timedelta(hours=26)
"""A day, with two hours for a job that takes its time."""

SET_FOLDER = "Say where the dumps lie: backup_directory in the target's profile."


_UNTOLD = re.compile(r"pg_dumpall|pg_dump\b[^\n|;>]*\$[{A-Za-z_]")


def find(facts: Facts, profile: Profile) -> tuple[Dump, ...] | Judgement:
    """Return the dumps of the product's database, newest first and at least one; else what that means.

    Raises Unavailable and Malformed where the backup folders could not be looked at.
    """
    backups = facts[BACKUPS]
    if closed := [*backups.closed, *(dump.path for dump in backups.dumps if dump.kind.form == "unread")]:
        return _closed(closed)
    if not backups.dumps:
        return _nothing(backups, facts, profile)
    if found := backups.of(profile.database):
        return found if _shown_to_be_of(profile.database, found[0], facts) else _untold(found[0], profile)
    if all(dump.kind.roles for dump in backups.dumps):
        name = one_line(backups.dumps[0].path)
        return Judgement(
            result=Result.FAIL, observed=f"{name} holds the roles alone; there is no dump of a database"
        )
    others = ", ".join(sorted({one_line(dump.kind.database) for dump in backups.dumps}))
    return Judgement(
        result=Result.FAIL,
        observed=f"the dumps are of the database {others}; there is none of {one_line(profile.database)}",
    )


def _untold(dump: Dump, profile: Profile) -> Judgement:
    return Judgement(
        result=Result.UNKNOWN,
        observed=f"{one_line(dump.path)} does not say of which database it is, and no job that is seen dumps "
        f"{one_line(profile.database)}",
        remedy=f"Look into it yourself; or correct the database in the profile. {SET_FOLDER}",
    )


def _shown_to_be_of(database: str, dump: Dump, facts: Facts) -> bool:
    if not database or dump.kind.database or names(dump.path, database) or facts.missing(JOBS):
        return True
    texts = [job.text for job in facts[JOBS].jobs if job.backs_up]
    # A variable, a container or another machine may name it, where no job here does.
    return any(names(text, database) or _UNTOLD.search(text) for text in texts)


def _closed(paths: list[str]) -> Judgement:
    """What is seen beside a closed folder is a part, and no part speaks for the whole."""
    return Judgement(
        result=Result.UNKNOWN,
        observed=f"needs root: {one_line(paths[0])} may not be looked into",
        remedy=f"Run by hand: {command('sudo ls -la --time-style=full-iso', paths[:1])}",
    )


def _nothing(backups: Backups, facts: Facts, profile: Profile) -> Judgement:
    """There is no dump. That is a failure only where every place was seen."""
    if backups.repositories:
        stores = ", ".join(f"{store.tool} in {one_line(store.path)}" for store in backups.repositories)
        return Judgement(
            result=Result.UNKNOWN,
            observed=f"no dump files, but a store that cannot be looked into without its key: {stores}",
            remedy="Run by hand: restic check, restic snapshots; or borg check, borg list.",
        )
    if backups.absent:
        return _absent(backups)
    if profile.backup_directory:
        return Judgement(
            result=Result.FAIL, observed=f"there is no dump in {one_line(profile.backup_directory)}"
        )
    if _no_postgres(backups, profile):
        return Judgement(
            result=Result.NOTAPPLICABLE,
            observed="no PostgreSQL: no process, no container, no cluster, and no word of it in the project",
        )
    return _no_dumps(backups, facts)


def _absent(backups: Backups) -> Judgement:
    folder = one_line(backups.absent[0])
    if backups.as_root:
        return Judgement(result=Result.FAIL, observed=f"there is no folder {folder}")
    return Judgement(
        result=Result.UNKNOWN,
        observed=f"needs root: {folder} is not there, or may not be seen",
        remedy=f"Run by hand: {command('sudo ls -la', backups.absent[:1])}",
    )


def _no_postgres(backups: Backups, profile: Profile) -> bool:
    return backups.as_root and not (backups.postgres or backups.gaps or profile.database)


def _no_dumps(backups: Backups, facts: Facts) -> Judgement:
    missing = facts.missing(JOBS)
    jobs = () if missing else facts[JOBS].jobs
    if any(job.backs_up or job.resembles_backup for job in jobs):
        return Judgement(
            result=Result.UNKNOWN,
            observed="a backup job is there, but no dump was found in its folders or the usual ones",
            remedy=SET_FOLDER,
        )
    if missing or not backups.as_root or facts[JOBS].gaps:
        return Judgement(
            result=Result.UNKNOWN,
            observed="no dump was found in the usual folders, and not every job and folder could be seen",
            remedy=SET_FOLDER,
        )
    return Judgement(
        result=Result.FAIL,
        observed="no dump in the usual folders, and no scheduled job that makes one",
        remedy="Set up a daily pg_dump; where dumps lie elsewhere, say so: backup_directory in the profile.",
    )


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment is, for people."""
    hours = (now - moment).total_seconds() / 3600
    if hours < 1:
        return f"{max(round(hours * 60), 0)} min ago"
    return f"{hours:.0f} h ago" if hours < 72 else f"{hours / 24:.0f} days ago"


def clock(facts: Facts) -> datetime:
    """Return the host's own time at the look."""
    return facts[BACKUPS].now


def jobs_or_none(facts: Facts) -> Jobs | None:
    """Return the scheduled jobs; None where they could not be looked at."""
    return None if facts.missing(JOBS) else facts[JOBS]

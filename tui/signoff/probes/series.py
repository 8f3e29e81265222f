"""Which dumps are judged: those of the product's database, newest first; or why there are none to judge."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from signoff.facts.backups import BACKUPS, Backups, Dump
from signoff.facts.base import Facts
from signoff.facts.jobs import JOBS, Jobs
from signoff.message import say
from signoff.model import Result
from signoff.probes.base import Judgement
from signoff.probes.kit import decision
from signoff.probes.remedies import command
from signoff.target.profile import Profile
from signoff.text import one_line

ITEMS = ("A22", "A13", "A16", "A7", "B9")
DAY = timedelta(hours=26)
"""A day, with two hours for a job that takes its time."""

SET_FOLDER = decision(say("Say where the dumps lie: backup_directory in the target's profile."))


_UNTOLD = re.compile(r"pg_dumpall|pg_dump\b[^\n|;>]*\$[{A-Za-z_]")


def find(facts: Facts, profile: Profile) -> tuple[Dump, ...] | Judgement:
    """Return the dumps of the product's database, newest first and at least one; else what that means.

    Raises Unavailable and Malformed where the backup folders could not be looked at.
    """
    backups = facts[BACKUPS]
    if closed := [*backups.closed, *(dump.path for dump in backups.dumps if dump.kind.form == "unread")]:
        return _closed(closed)
    if backups.dumps and all(dump.kind.roles for dump in backups.dumps):
        name = one_line(backups.dumps[0].path)
        return Judgement(
            result=Result.FAIL,
            observed=say("{name} holds the roles alone; there is no dump of a database", name=name),
        )
    of_the_product = [
        dump
        for dump in backups.dumps
        if not dump.kind.roles and (not profile.database or dump.kind.database in {"", profile.database})
    ]
    of_the_product = _called_like(profile.database, of_the_product)
    if of_the_product and not _shown_to_be_of(profile.database, of_the_product[0], facts):
        return Judgement(
            result=Result.UNKNOWN,
            observed=say(
                "{path} does not say of which database it is, and no job that is seen dumps {database}",
                path=one_line(of_the_product[0].path),
                database=one_line(profile.database),
            ),
            remedy=decision(
                say(
                    "Look into it yourself; or correct the database in the profile. {set_folder}",
                    set_folder=SET_FOLDER,
                )
            ),
        )
    if of_the_product:
        return tuple(dump for dump in of_the_product if _is_of_one_series(dump, of_the_product[0]))
    if backups.dumps:
        others = ", ".join(sorted({one_line(dump.kind.database) for dump in backups.dumps}))
        return Judgement(
            result=Result.FAIL,
            observed=say(
                "the dumps are of the database {others}; there is none of {database}",
                others=others,
                database=one_line(profile.database),
            ),
        )
    return _nothing(backups, facts, profile)


def _called_like(database: str, dumps: list[Dump]) -> list[Dump]:
    """SQL text and what is encrypted do not say of which database they are: where some are called like the
    product's, the others beside them are somebody else's.
    """
    if not database:
        return dumps
    by_name = [d for d in dumps if d.kind.database or _names(d.path.rpartition("/")[2], database)]
    by_path = [d for d in dumps if d.kind.database or _names(d.path, database)]
    return by_name or by_path or dumps


def _shown_to_be_of(database: str, dump: Dump, facts: Facts) -> bool:
    if not database or dump.kind.database or _names(dump.path, database) or facts.missing(JOBS):
        return True
    texts = [job.text for job in facts[JOBS].jobs if job.backs_up]
    # A variable, a container or another machine may name it, where no job here does.
    return any(_names(text, database) or _UNTOLD.search(text) for text in texts)


def _names(text: str, database: str) -> bool:
    return bool(re.search(rf"(?<![a-z0-9]){re.escape(database)}(?![a-z0-9])", text, re.IGNORECASE))


def _closed(paths: list[str]) -> Judgement:
    """What is seen beside a closed folder is a part, and no part speaks for the whole."""
    return Judgement(
        result=Result.UNKNOWN,
        observed=say("needs root: {paths} may not be looked into", paths=one_line(paths[0])),
        remedy=decision(
            say("Run by hand: {command}", command=command("sudo ls -la --time-style=full-iso", paths[:1]))
        ),
    )


def _is_of_one_series(dump: Dump, newest: Dump) -> bool:
    """Another place or database is another product's. SQL text does not say which database it is of."""
    databases = {dump.kind.database, newest.kind.database} - {""}
    return dump.place == newest.place and len(databases) < 2


def _nothing(backups: Backups, facts: Facts, profile: Profile) -> Judgement:
    """There is no dump. That is a failure only where every place was seen."""
    if backups.repositories:
        stores = ", ".join(f"{store.tool} in {one_line(store.path)}" for store in backups.repositories)
        return Judgement(
            result=Result.UNKNOWN,
            observed=say(
                "no dump files, but a store that cannot be looked into without its key: {stores}",
                stores=stores,
            ),
            remedy=decision(say("Run by hand: restic check, restic snapshots; or borg check, borg list.")),
        )
    if backups.absent:
        return _absent(backups)
    if profile.backup_directory:
        return Judgement(
            result=Result.FAIL,
            observed=say(
                "there is no dump in {backup_directory}", backup_directory=one_line(profile.backup_directory)
            ),
        )
    if _no_postgres(backups, profile):
        return Judgement(
            result=Result.NOTAPPLICABLE,
            observed=say(
                "no PostgreSQL: no process, no container, no cluster, and no word of it in the project"
            ),
        )
    return _no_dumps(backups, facts)


def _absent(backups: Backups) -> Judgement:
    folder = one_line(backups.absent[0])
    if backups.as_root:
        return Judgement(result=Result.FAIL, observed=say("there is no folder {folder}", folder=folder))
    return Judgement(
        result=Result.UNKNOWN,
        observed=say("needs root: {folder} is not there, or may not be seen", folder=folder),
        remedy=decision(say("Run by hand: {command}", command=command("sudo ls -la", backups.absent[:1]))),
    )


def _no_postgres(backups: Backups, profile: Profile) -> bool:
    return backups.as_root and not (backups.postgres or backups.gaps or profile.database)


def _no_dumps(backups: Backups, facts: Facts) -> Judgement:
    missing = facts.missing(JOBS)
    jobs = () if missing else facts[JOBS].jobs
    if any(job.backs_up or job.resembles_backup for job in jobs):
        return Judgement(
            result=Result.UNKNOWN,
            observed=say("a backup job is there, but no dump was found in its folders or the usual ones"),
            remedy=SET_FOLDER,
        )
    if missing or not backups.as_root or facts[JOBS].gaps:
        return Judgement(
            result=Result.UNKNOWN,
            observed=say(
                "no dump was found in the usual folders, and not every job and folder could be seen"
            ),
            remedy=SET_FOLDER,
        )
    return Judgement(
        result=Result.FAIL,
        observed=say("no dump in the usual folders, and no scheduled job that makes one"),
        remedy=decision(
            say("Set up a daily pg_dump; where dumps lie elsewhere, say so: backup_directory in the profile.")
        ),
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

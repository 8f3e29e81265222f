"""Which dumps are judged: those of the product's database, newest first; or why there are none to judge."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from signoff.facts.backups import BACKUPS, Backups, Dump, Repository, names
from signoff.facts.base import Fact, Facts
from signoff.facts.jobs import JOBS, Jobs
from signoff.message import Message, listed, say
from signoff.probes.base import Judgement, Probe, Remedy, probe
from signoff.probes.kit import Proves, decision, fail, notapplicable, passed, unknown
from signoff.probes.remedies import on_paths
from signoff.target.profile import Profile
from signoff.text import one_line

DAY = timedelta(hours=26)
"""A day, with two hours for a job that takes its time."""

_SET_FOLDER = decision(say("Say where the dumps lie: backup_directory in the target's profile."))
_UNTOLD = re.compile(r"pg_dumpall|pg_dump\b[^\n|;>]*\$[{A-Za-z_]")

Verdict = tuple[Callable[..., Judgement], Message]
"""One of the judge kit's, and what it is to say."""

well = partial(passed, proves=Proves.RUNNING)


def of_dumps(
    name: str,
    *,
    title: Message,
    expected: Message,
    remedy: Message,
    needs: tuple[Fact[Any], ...] = (),
    first: Callable[[Backups, Facts], Judgement | None] = lambda backups, facts: None,
) -> Callable[[Callable[[tuple[Dump, ...], Facts], Verdict]], Probe]:
    """Make a judge of the product's dumps, newest first, a probe; where there are none, that is judged.

    ``first`` judges what counts whatever dumps there are.
    """

    def named(judge: Callable[[tuple[Dump, ...], Facts], Verdict]) -> Probe:
        def judged(facts: Facts, profile: Profile) -> Judgement:
            found = first(facts[BACKUPS], facts) or find(facts, profile)
            if isinstance(found, Judgement):
                return found
            verdict, observed = judge(found, facts)
            return verdict(observed, evidence=listing(found))

        every: tuple[Fact[Any], ...] = (BACKUPS, JOBS, *needs)
        return probe(name, title=title, expected=expected, needs=every, remedy=decision(remedy))(judged)

    return named


def listing(dumps: tuple[Dump, ...]) -> tuple[str, ...]:
    """Return the first dumps with what is seen of them: the evidence of every judgement."""
    return tuple(
        f"{dump.modified:%Y-%m-%d %H:%M}Z {dump.size} bytes {dump.access} {dump.kind} {one_line(dump.path)}"
        for dump in dumps[:4]
    )


def find(facts: Facts, profile: Profile) -> tuple[Dump, ...] | Judgement:
    """Return the dumps of the product's database, newest first and at least one; else what that means.

    Raises Unavailable and Malformed where the backup folders could not be looked at.
    """
    backups, database = facts[BACKUPS], one_line(profile.database)
    # What is seen beside a closed folder is a part, and no part speaks for the whole.
    for path in (*backups.closed, *(dump.path for dump in backups.dumps if dump.kind.form == "unread")):
        reason = say("needs root: {path} may not be looked into", path=one_line(path))
        return unknown(reason, remedy=_as_root(path))
    if not backups.dumps:
        return _nothing(backups, facts, profile)
    found, path = backups.of(profile.database), one_line(backups.dumps[0].path)
    if found and _shown_to_be_of(profile.database, found[0], facts):
        return found
    if found:
        path, remedy = (
            one_line(found[0].path),
            say("Look into it yourself; or correct the database in the profile."),
        )
        return unknown(
            say(
                "{path} does not say of which database it is, and no job dumps {name}",
                path=path,
                name=database,
            ),
            remedy=decision(listed((remedy, _SET_FOLDER.words), " ")),
        )
    if all(dump.kind.roles for dump in backups.dumps):
        return fail(say("{path} holds the roles alone; there is no dump of a database", path=path))
    others = listed(sorted({one_line(dump.kind.database) for dump in backups.dumps}), ", ")
    return fail(
        say("the dumps are of the database {others}; none is of {name}", others=others, name=database)
    )


def _shown_to_be_of(database: str, dump: Dump, facts: Facts) -> bool:
    if not database or dump.kind.database or names(dump.path, database) or facts.missing(JOBS):
        return True
    texts = [job.text for job in facts[JOBS].jobs if job.backs_up]
    # A variable, a container or another machine may name it, where no job here does.
    return any(names(text, database) or _UNTOLD.search(text) for text in texts)


def _nothing(backups: Backups, facts: Facts, profile: Profile) -> Judgement:
    """There is no dump. That is a failure only where every place was seen."""
    jobs, stores = jobs_or_none(facts), stores_of(backups)
    for store in backups.repositories:
        closed = say(
            "no dump files, but a store that cannot be looked into without its key: {stores}", stores=stores
        )
        return unknown(closed, remedy=look_into(store))
    for folder in backups.absent:
        if backups.as_root:
            return fail(say("there is no folder {folder}", folder=one_line(folder)))
        reason = say("needs root: {folder} is not there, or may not be seen", folder=one_line(folder))
        return unknown(reason, remedy=_as_root(folder))
    if profile.backup_directory:
        return fail(say("there is no dump in {folder}", folder=one_line(profile.backup_directory)))
    if backups.as_root and not (backups.postgres or backups.gaps or profile.database):
        return notapplicable(
            say("no PostgreSQL: no process, no container, no cluster, and no word of it in the project")
        )
    if jobs and any(job.backs_up or job.resembles_backup for job in jobs.jobs):
        return unknown(
            say("a backup job is there, but no dump was found in its folders or the usual ones"),
            remedy=_SET_FOLDER,
        )
    if not jobs or not backups.as_root or jobs.gaps:
        return unknown(
            say("no dump was found in the usual folders, and not every job and folder could be seen"),
            remedy=_SET_FOLDER,
        )
    remedy = say(
        "Set up a daily pg_dump; where dumps lie elsewhere, say so: backup_directory in the profile."
    )
    none = say("no dump in the usual folders, and no scheduled job that makes one")
    return fail(none, remedy=decision(remedy))


def _as_root(path: str) -> Remedy:
    what = say("Look with root's rights, and judge for yourself.")
    return on_paths("sudo ls -la --time-style=full-iso", [path], what)


def stores_of(backups: Backups) -> Message:
    """Return the stores of restic's and borg's, for people."""
    stores = ((store.tool, one_line(store.path)) for store in backups.repositories)
    return listed((say("{tool} in {path}", tool=tool, path=path) for tool, path in stores), ", ")


def look_into(store: Repository, restic: str = "snapshots", borg: str = "list") -> Remedy:
    """Have the operator look into a store, for which its key is wanted."""
    words = f"sudo restic {restic} --repo" if store.tool == "restic" else f"sudo borg {borg}"
    return on_paths(words, [store.path], say("Look into the store; it asks for its key."))


def ago(moment: datetime, now: datetime) -> Message:
    """Return how long ago a moment is, for people."""
    minutes = (now - moment).total_seconds() / 60
    if minutes < 60:
        return say("{n} min ago", n=max(round(minutes), 0))
    if minutes < 72 * 60:
        return say("{n} h ago", n=f"{minutes / 60:.0f}")
    return say("{n} days ago", n=f"{minutes / 60 / 24:.0f}")


def jobs_or_none(facts: Facts) -> Jobs | None:
    """Return the scheduled jobs; None where they could not be looked at."""
    return None if facts.missing(JOBS) else facts[JOBS]

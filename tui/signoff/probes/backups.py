"""Are the dumps fresh, whole in size, kept long enough, and closed to others?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from statistics import median

from signoff.facts.backups import BACKUPS, Backups, Dump, Place
from signoff.facts.base import Facts
from signoff.message import Message, listed, say
from signoff.probes.base import Judgement, Remedy
from signoff.probes.kit import decision, fail, unknown
from signoff.probes.remedies import on_paths
from signoff.probes.secretfiles import served
from signoff.probes.series import DAY, Verdict, ago, jobs_or_none, look_into, of_dumps, well
from signoff.text import one_line

_SMALLEST = 1024
_COMPARED = 7
_SHORTEST, _LONGEST = 7, 30
_DATE = re.compile(r"(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])")
_DIGITS = re.compile(r"\d+")
_CLOCK_SKEW = timedelta(minutes=5)
_AT_ONCE = timedelta(hours=6)
"""A copy of a dump made so soon after it, the week's or the "latest" one, is as new as the dump."""

_EMPTY = say("every dump is empty")


def _snapshots(backups: Backups, facts: Facts) -> Judgement | None:
    """Judge a store: restic's snapshots have a file each; borg's files change when it prunes, too.

    What is in a snapshot is not seen: a job has to show that it is a dump.
    """
    stores, now = backups.repositories, backups.now
    if not stores or backups.dumps:
        return None
    newest = max((store.newest for store in stores if store.newest), default=None)
    if newest is None:
        return unknown(say("a backup store in which no snapshot is seen"))
    when, tool = ago(newest, now), listed(sorted({store.tool for store in stores}), " and ")
    if now - newest >= DAY:
        return fail(say("the {tool} store last changed {when}", tool=tool, when=when))
    if borg := [store for store in stores if store.tool != "restic"]:
        changed = say(
            "the {tool} store changed {when}; whether by a new archive is not seen", tool=tool, when=when
        )
        return unknown(changed, remedy=look_into(borg[0]))
    jobs = jobs_or_none(facts)
    dumping = [job for job in (jobs.jobs if jobs else ()) if job.dumps and "restic" in job.text]
    observed = say("the newest restic snapshot is of {when}", when=when)
    if dumping:
        return well(observed, evidence=[f"{one_line(job.where)}: {job.schedule}" for job in dumping])
    observed = say("{observed}; no dump is seen in it", observed=observed)
    return unknown(observed, remedy=look_into(stores[0], restic="ls latest"))


@of_dumps(
    "backups.age",
    title=say("Age of the newest dump"),
    expected=say("a dump that holds something, less than 26 hours old"),
    remedy=say(
        "Make a dump each day with pg_dump from a timer or cron, and look into the job's own output, in the "
        "journal or in cron's mail, for why the last one is missing."
    ),
    first=_snapshots,
)
def age(found: tuple[Dump, ...], facts: Facts) -> Verdict:
    """Judge the newest dump that holds anything, by its own clock: a touched or copied file is not new."""
    full = [dump for dump in found if dump.kind.form != "empty"]
    if not full:
        return fail, _EMPTY
    verdict, observed = _age(full[0], facts[BACKUPS].now)
    if full[0] is not found[0]:
        observed = say("{observed}; a newer file holds nothing", observed=observed)
    return verdict, observed


def _age(newest: Dump, now: datetime) -> Verdict:
    """Judge when a dump was made; the time of its file may not be that."""
    path, when = one_line(newest.path), ago(newest.made, now)
    if newest.modified > now + _CLOCK_SKEW:
        day = f"{newest.modified:%Y-%m-%d %H:%M}Z"
        return unknown, say("{path} is dated in the future, {day}", path=path, day=day)
    if newest.modified - newest.made >= DAY:
        observed = say("{path} was made {when} by its own clock", path=path, when=when)
        return fail, say("{observed}; the file's date is newer", observed=observed)
    at_once = newest.same_since is not None and newest.modified - newest.same_since < _AT_ONCE
    if newest.same_as and not at_once:
        older = one_line(newest.same_as)
        if newest.kind.unique:
            return fail, say("{path} is a copy of the older {older}", path=path, older=older)
        observed = say("{path} has the same bytes as the older {older}", path=path, older=older)
        return unknown, say("{observed}: a copy, or nothing changed", observed=observed)
    named, dated = _date_in(newest.path), newest.modified.date()
    if not newest.kind.made and named and abs((dated - named).days) > 1:
        observed = say("{path} is dated {dated}", path=path, dated=dated)
        return unknown, say("{observed}, but its name says {named}", observed=observed, named=named)
    old = now - newest.made >= DAY
    return fail if old else well, say("{path}: {when}", path=path, when=when)


def _date_in(path: str) -> date | None:
    found = _DATE.search(path.rpartition("/")[2])
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


@of_dumps(
    "backups.size",
    title=say("Size of the newest dump"),
    expected=say("more than 1 kB, and at least half the median of the last seven"),
    remedy=say(
        "Read what the job printed: a dump that shrinks is one of another database, or of a part of it."
    ),
)
def size(found: tuple[Dump, ...], facts: Facts) -> Verdict:
    """Judge the newest dump's size against those before it."""
    newest, before = found[0].size, [dump.size for dump in found[1 : 1 + _COMPARED]]
    if newest <= _SMALLEST or found[0].kind.form == "empty":
        return fail, say("{size} bytes, with nothing in it", size=newest)
    if not before:
        return well, say("{size} bytes; no older one to compare with", size=newest)
    n, middle = len(before), median(before)
    median_of = say("the median of the {n} before it is {size}", n=n, size=f"{middle:.0f}")
    observed = say("{size} bytes; {median}", size=newest, median=median_of)
    return fail if newest < middle / 2 else well, observed


@of_dumps(
    "backups.retention",
    title=say("Retention of the dumps"),
    expected=say("a dump of each of the last 7 days, and none older than 30 days"),
    remedy=say(
        "Keep 7 to 30 days: have the job take away what is older, only after a dump that succeeded. "
        "See first what that is."
    ),
)
def retention(found: tuple[Dump, ...], facts: Facts) -> Verdict:
    """Judge which days have a dump that holds something."""
    backups, now = facts[BACKUPS], facts[BACKUPS].now
    times = [dump.modified for dump in found if dump.kind.form != "empty"]
    if not times:
        return fail, _EMPTY
    if reason := _passing(found[0].place):
        return fail, reason
    days = {time.astimezone(now.tzinfo).date() for time in (*times, *_beyond(backups, found[0]))}
    oldest = (now.date() - min(days)).days
    observed = say("{days} days with a dump, the oldest {oldest} days ago", days=len(days), oldest=oldest)
    # Today's may still be to come.
    last = now.date() if now.date() in days else now.date() - timedelta(days=1)
    gaps = sorted({last - timedelta(days=back) for back in range(_SHORTEST)} - days)
    if gaps and min(days) > gaps[-1]:
        return _young(backups, observed)
    if gaps:
        missing = listed(map(str, gaps), ", ")
        return fail, say("{observed}; none of {missing}", observed=observed, missing=missing)
    if oldest > _LONGEST + 1:
        return fail, say("{observed}: kept longer than {most} days", observed=observed, most=_LONGEST)
    return well, observed


def _passing(place: Place) -> Message | None:
    """Return why a folder is emptied by the next boot."""
    path, kind = one_line(place.path), place.system
    if kind in {"tmpfs", "ramfs"}:
        return say("{path} is kept in memory ({kind}): gone after the next boot", path=path, kind=kind)
    if f"{place.path}/".startswith("/tmp/"):  # noqa: S108 - looked at, and not written to
        return say("{path}: what lies in /tmp is deleted by the next boot (tmpfiles.d(5))", path=path)
    return None


def _beyond(backups: Backups, newest: Dump) -> list[datetime]:
    """Return the times of what is called like the newest dump, and was not looked into."""
    name = _DIGITS.sub("", newest.path)
    return [time for time, size, path in backups.older if size > _SMALLEST and _DIGITS.sub("", path) == name]


def _young(backups: Backups, observed: Message) -> Verdict:
    since, week = backups.host_since, timedelta(days=_SHORTEST)
    if since is None or backups.now - since >= week:
        return fail, observed
    remedy = decision(say("Look again after {day}.", day=(since + week + timedelta(days=1)).date()))
    when = ago(since, backups.now)
    observed = say("{observed}; the host is younger than 7 days, set up {when}", observed=observed, when=when)
    return partial(unknown, remedy=remedy), observed


@of_dumps(
    "backups.modes",
    title=say("Access to the dumps"),
    expected=say("files 0600 or 0640, in a folder that others cannot enter or write to"),
    remedy=say("The folder 0700, the dumps 0600; and umask 077 at the top of the job's script."),
)
def modes(found: tuple[Dump, ...], facts: Facts) -> Verdict:
    """Judge what others may do with the dumps, by their own modes and those of every folder above them."""
    place = found[0].place
    # A cluster's roles come with the digests of their passwords.
    roles = (dump for dump in facts[BACKUPS].dumps if dump.kind.roles and dump.place == place)
    files, folder = (*found, *roles), f"{one_line(place.path)} {place.access}"
    if faults := list(_openings(files)):
        observed = say("{faults} ({folder})", faults=listed(faults), folder=folder)
        return partial(fail, remedy=_closing(files)), observed
    owners = listed(sorted({dump.access for dump in found}), ", ")
    return well, say("{owners}, in {folder}", owners=owners, folder=folder)


def _closing(dumps: tuple[Dump, ...]) -> Remedy:
    """Close the dumps themselves: what else lies in their folder is not known."""
    words = say(
        "Give the dumps a folder of their own, with mode 0700; and umask 077 at the top of the job's script, "
        "so that it stays so."
    )
    if any(served(dump.path) for dump in dumps):
        words = say("Keep the dumps where no web server looks. {words}", words=words)
    paths = [dump.path for dump in dumps if dump.mode & 0o007]
    return on_paths("sudo chmod o=", paths, words) if paths else decision(words)


def _openings(dumps: tuple[Dump, ...]) -> Iterator[Message]:
    place = dumps[0].place
    for folder in sorted({served(dump.path) for dump in dumps} - {""})[:1]:
        yield say("they lie in {folder}, a directory that web servers serve from", folder=folder)
    if place.open and place.mode & 0o002:
        yield say("everybody may write into the folder, and delete there")
    if readable := [dump for dump in dumps if dump.open and dump.mode & 0o004]:
        n, total = len(readable), len(dumps)
        yield say("every user of the host can read {n} of {total} dumps", n=n, total=total)
    if any(dump.open and dump.mode & 0o002 for dump in dumps):
        yield say("every user of the host can change a dump")

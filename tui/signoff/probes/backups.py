"""Are the dumps fresh, whole in size, kept long enough, and closed to others?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from statistics import median

from signoff.facts.backups import BACKUPS, Backups, Dump, Place, Repository
from signoff.facts.base import Facts
from signoff.facts.jobs import JOBS
from signoff.message import say
from signoff.model import Result
from signoff.probes.base import Judgement, probe
from signoff.probes.kit import decision
from signoff.probes.remedies import command
from signoff.probes.secretfiles import served
from signoff.probes.series import DAY, ago, clock, find, jobs_or_none
from signoff.target.profile import Profile
from signoff.text import one_line

_SMALLEST = 1024
_COMPARED = 7
_SHORTEST, _LONGEST = 7, 30
_DATE = re.compile(r"(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])")
_DIGITS = re.compile(r"\d+")
_CLOCK_SKEW = timedelta(minutes=5)
_AT_ONCE = timedelta(hours=6)
"""A copy of a dump made so soon after it, the week's or the "latest" one, is as new as the dump."""

_DAILY = decision(
    say(
        "Make a dump each day with pg_dump -Fc from a timer or cron, and look into the job's "
        "own output (journalctl -u UNIT, or cron's mail) for why the last one is missing."
    )
)


def _listing(dumps: Iterable[Dump], count: int = 4) -> tuple[str, ...]:
    return tuple(
        f"{dump.modified:%Y-%m-%d %H:%M}Z {dump.size} bytes {one_line(dump.path)}"
        for dump in list(dumps)[:count]
    )


@probe(
    "backups.age",
    title=say("Age of the newest dump"),
    expected=say("a dump that holds something, less than 26 hours old"),
    needs=(BACKUPS, JOBS),
    remedy=_DAILY,
)
def age(facts: Facts, profile: Profile) -> Judgement:
    """Judge the newest dump that holds anything, by its own clock: a touched or copied file is not new."""
    backups, now = facts[BACKUPS], clock(facts)
    if backups.repositories and not backups.dumps:
        return _snapshots(backups.repositories, now, facts)
    found = find(facts, profile)
    if isinstance(found, Judgement):
        return found
    full = [dump for dump in found if dump.kind.form != "empty"]
    if not full:
        return Judgement(result=Result.FAIL, observed=say("every dump is empty"), evidence=_listing(found))
    newest, evidence = full[0], _listing(found)
    empty = "; a newer file holds nothing" if newest is not found[0] else ""
    if doubt := _doubt(newest, now):
        return Judgement(result=doubt[0], observed=doubt[1] + empty, evidence=evidence)
    old = now - newest.made >= DAY
    observed = say("{path}: {ago}{empty}", path=one_line(newest.path), ago=ago(newest.made, now), empty=empty)
    return Judgement(result=Result.FAIL if old else Result.PASS, observed=observed, evidence=evidence)


def _snapshots(stores: tuple[Repository, ...], now: datetime, facts: Facts) -> Judgement:
    """Judge a store: restic's snapshots have a file each; borg's files change when it prunes, too.

    What is in a snapshot is not seen: a job has to show that it is a dump.
    """
    times = [store.newest for store in stores if store.newest]
    if not times:
        return Judgement(result=Result.UNKNOWN, observed=say("a backup store in which no snapshot is seen"))
    newest = max(times)
    name = " and ".join(sorted({store.tool for store in stores}))
    if now - newest >= DAY:
        return Judgement(
            result=Result.FAIL,
            observed=say("the {name} store last changed {ago}", name=name, ago=ago(newest, now)),
        )
    if any(store.tool != "restic" for store in stores):
        return Judgement(
            result=Result.UNKNOWN,
            observed=say(
                "the {name} store changed {ago}; whether by a new archive cannot be seen",
                name=name,
                ago=ago(newest, now),
            ),
            remedy=decision(say("Run by hand: borg list --last 1 REPOSITORY")),
        )
    jobs = jobs_or_none(facts)
    if not any(job.dumps and "restic" in job.text for job in (jobs.jobs if jobs else ())):
        return Judgement(
            result=Result.UNKNOWN,
            observed=say(
                "the newest restic snapshot is of {ago}; no dump is seen in it", ago=ago(newest, now)
            ),
            remedy=decision(say("Run by hand: restic ls latest")),
        )
    return Judgement(
        result=Result.PASS, observed=say("the newest restic snapshot is of {ago}", ago=ago(newest, now))
    )


def _doubt(newest: Dump, now: datetime) -> tuple[Result, str] | None:
    """Return why a file's time is not the time at which it was made."""
    name = one_line(newest.path)
    if newest.modified > now + _CLOCK_SKEW:
        return Result.UNKNOWN, f"{name} is dated in the future, {newest.modified:%Y-%m-%d %H:%M}Z"
    if newest.modified - newest.made >= DAY:
        return (
            Result.FAIL,
            f"{name} was made {ago(newest.made, now)} by its own clock; the file's date is newer",
        )
    at_once = newest.same_since is not None and newest.modified - newest.same_since < _AT_ONCE
    if newest.same_as and newest.kind.unique and not at_once:
        return Result.FAIL, f"{name} is a copy of the older {one_line(newest.same_as)}"
    if newest.same_as and not at_once:
        return (
            Result.UNKNOWN,
            f"{name} has the same bytes as the older {one_line(newest.same_as)}: a copy, or nothing changed",
        )
    named = _date_in(newest.path)
    if not newest.kind.made and named and abs((newest.modified.date() - named).days) > 1:
        return Result.UNKNOWN, f"{name} is dated {newest.modified:%Y-%m-%d}, but its name says {named}"
    return None


def _date_in(path: str) -> date | None:
    found = _DATE.search(path.rpartition("/")[2])
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


@probe(
    "backups.size",
    title=say("Size of the newest dump"),
    expected=say("more than 1 kB, and at least half the median of the last seven"),
    needs=(BACKUPS, JOBS),
    remedy=decision(
        say("Read what the job printed: a dump that shrinks is one of another database, or of a part of it.")
    ),
)
def size(facts: Facts, profile: Profile) -> Judgement:
    """Judge the newest dump's size against those before it."""
    found = find(facts, profile)
    if isinstance(found, Judgement):
        return found
    newest, before = found[0], [dump.size for dump in found[1 : 1 + _COMPARED]]
    evidence = _listing(found)
    if newest.size <= _SMALLEST or newest.kind.form == "empty":
        return Judgement(
            result=Result.FAIL,
            observed=say("{size} bytes, with nothing in it", size=newest.size),
            evidence=evidence,
        )
    if not before:
        return Judgement(
            result=Result.PASS,
            observed=say("{size} bytes; no older one to compare with", size=newest.size),
            evidence=evidence,
        )
    middle = median(before)
    observed = say(
        "{size} bytes; the median of the {count} before it is {middle}",
        size=newest.size,
        count=len(before),
        middle=format(middle, ".0f"),
    )
    result = Result.PASS if newest.size >= middle / 2 else Result.FAIL
    return Judgement(result=result, observed=observed, evidence=evidence)


@probe(
    "backups.retention",
    title=say("Retention of the dumps"),
    expected=say("a dump of each of the last 7 days, and none older than 30 days"),
    needs=(BACKUPS, JOBS),
    remedy=(
        decision(
            say(
                "Keep 7 to 30 days: have the job take away what is older, only after a dump that "
                "succeeded. See first what that is: find FOLDER -name 'PATTERN' -mtime +30 -print"
            )
        )
    ),
)
def retention(facts: Facts, profile: Profile) -> Judgement:
    """Judge which days have a dump that holds something."""
    found = find(facts, profile)
    if isinstance(found, Judgement):
        return found
    now, zone = clock(facts), clock(facts).tzinfo or UTC
    times = [dump.modified for dump in found if dump.kind.form != "empty"]
    times += _beyond(facts[BACKUPS], found[0]) if times else []
    days = {time.astimezone(zone).date() for time in times}
    if not days:
        return Judgement(result=Result.FAIL, observed=say("every dump is empty"), evidence=_listing(found))
    if reason := _passing(found[0].place):
        return Judgement(result=Result.FAIL, observed=reason, evidence=_listing(found))
    oldest = (now.date() - min(days)).days
    observed = say("{count} days with a dump, the oldest {oldest} days ago", count=len(days), oldest=oldest)
    evidence = _listing(sorted(found, key=lambda dump: dump.modified))
    # Today's may still be to come.
    last = now.date() if now.date() in days else now.date() - timedelta(days=1)
    gaps = sorted({last - timedelta(days=back) for back in range(_SHORTEST)} - days)
    if gaps and min(days) > gaps[-1]:
        return _young(facts, now, observed, evidence)
    if gaps:
        missing = ", ".join(f"{day}" for day in gaps)
        return Judgement(
            result=Result.FAIL,
            observed=say("{observed}; none of {missing}", observed=observed, missing=missing),
            evidence=evidence,
        )
    if oldest > _LONGEST + 1:
        return Judgement(
            result=Result.FAIL,
            observed=say("{observed}: kept longer than {longest} days", observed=observed, longest=_LONGEST),
            evidence=evidence,
        )
    return Judgement(result=Result.PASS, observed=observed, evidence=evidence)


def _passing(place: Place) -> str:
    """Return why a folder is emptied by the next boot."""
    name = one_line(place.path)
    if place.system in {"tmpfs", "ramfs"}:
        return f"{name} is kept in memory ({place.system}): its dumps are gone after the next boot"
    if place.path == "/tmp" or place.path.startswith("/tmp/"):  # noqa: S108 - looked at, and not written to
        return f"{name}: what lies in /tmp is deleted by the next boot (tmpfiles.d(5))"
    return ""


def _beyond(backups: Backups, newest: Dump) -> list[datetime]:
    """Return the times of what is called like the newest dump, and was not looked into."""
    name = _DIGITS.sub("", newest.path)
    return [time for time, size, path in backups.older if size > _SMALLEST and _DIGITS.sub("", path) == name]


def _young(facts: Facts, now: datetime, observed: str, evidence: tuple[str, ...]) -> Judgement:
    since = facts[BACKUPS].host_since
    if since is not None and now - since < timedelta(days=_SHORTEST):
        return Judgement(
            result=Result.UNKNOWN,
            observed=say(
                "{observed}; the host is younger than {shortest} days, set up {ago}",
                observed=observed,
                shortest=_SHORTEST,
                ago=ago(since, now),
            ),
            evidence=evidence,
            remedy=decision(
                say(
                    "Look again after {since}.",
                    since=format(since + timedelta(days=_SHORTEST + 1), "%Y-%m-%d"),
                )
            ),
        )
    return Judgement(result=Result.FAIL, observed=observed, evidence=evidence)


@probe(
    "backups.modes",
    title=say("Access to the dumps"),
    expected=say("files 0600 or 0640, in a folder that others cannot enter or write to"),
    needs=(BACKUPS, JOBS),
    remedy=decision(say("The folder 0700, the dumps 0600; and umask 077 at the top of the job's script.")),
)
def modes(facts: Facts, profile: Profile) -> Judgement:
    """Judge what others may do with the dumps, by their own modes and those of every folder above them."""
    found = find(facts, profile)
    if isinstance(found, Judgement):
        return found
    place = found[0].place
    # A cluster's roles come with the digests of their passwords.
    roles = (dump for dump in facts[BACKUPS].dumps if dump.kind.roles and dump.place == place)
    files = (*found, *roles)
    faults = list(_openings(files))
    evidence = tuple(f"{dump.mode:04o} {dump.user}:{dump.group} {one_line(dump.path)}" for dump in found[:4])
    folder = f"{one_line(place.path)} {place.mode:04o} {place.user}:{place.group}"
    if faults:
        observed = say("{faults} ({folder})", faults="; ".join(faults), folder=folder)
        return Judgement(result=Result.FAIL, observed=observed, evidence=evidence, remedy=_closing(files))
    owners = ", ".join(sorted({f"{dump.mode:04o} {dump.user}:{dump.group}" for dump in found}))
    return Judgement(
        result=Result.PASS,
        observed=say("{owners}, in {folder}", owners=owners, folder=folder),
        evidence=evidence,
    )


def _closing(dumps: tuple[Dump, ...]) -> str:
    """Close the dumps themselves: what else lies in their folder is not known."""
    move = "Keep the dumps where no web server looks. " if any(served(dump.path) for dump in dumps) else ""
    paths = [dump.path for dump in dumps if dump.mode & 0o007]
    close = f"{command('sudo chmod o=', paths)}\n" if paths else ""
    return (
        f"{close}{move}Give the dumps a folder of their own, with mode 0700; and umask 077 at the top of the"
        " job's script, so that it stays so."
    )


def _openings(dumps: tuple[Dump, ...]) -> Iterator[str]:
    place = dumps[0].place
    if folder := next((folder for dump in dumps if (folder := served(dump.path))), ""):
        yield f"they lie in {folder}, a directory that web servers serve from"
    if place.open and place.mode & 0o002:
        yield "everybody may write into the folder, and delete there"
    readable = [dump for dump in dumps if dump.open and dump.mode & 0o004]
    if readable:
        yield f"every user of the host can read {len(readable)} of {len(dumps)} dumps"
    if any(dump.open and dump.mode & 0o002 for dump in dumps):
        yield "every user of the host can change a dump"

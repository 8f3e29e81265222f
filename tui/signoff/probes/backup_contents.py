"""Can the newest dump be read to its end, and by nobody who should not?"""

from __future__ import annotations

import re
from functools import partial

from signoff.facts.backups import BACKUP_CHECK, BACKUPS, Backups, Check, Dump
from signoff.facts.base import Facts
from signoff.facts.job import Job
from signoff.facts.jobs import JOBS
from signoff.message import listed, say
from signoff.probes.base import Judgement, Remedy
from signoff.probes.kit import decision, fail, informational, unknown
from signoff.probes.remedies import on_paths
from signoff.probes.series import Verdict, jobs_or_none, look_into, of_dumps, stores_of, well
from signoff.text import one_line

_TIMED_OUT = 124
_NO_TOOL = frozenset({125, 126, 127})
"""Exit statuses of docker exec, and of a shell, for a program that was not run at all."""
_DIGITS = re.compile(r"\d+")
_CLAIMS = re.compile(r"\.(age|gpg|pgp|asc|enc|aes|crypt|encrypted)\b", re.IGNORECASE)


@of_dumps(
    "backups.integrity",
    title=say("Integrity of the newest dump"),
    expected=say("pg_restore reads it all, or gzip does and pg_dump's own last words are there; with tables"),
    needs=(BACKUP_CHECK,),
    remedy=say(
        "Make a new dump by hand and read its messages. In the job: set -e, pipefail where it pipes, and "
        "write to a name of its own that is renamed once pg_dump has succeeded."
    ),
)
def integrity(found: tuple[Dump, ...], facts: Facts) -> Verdict:
    """Judge what reading all of the newest dump came to: ``pg_restore --list`` reads its beginning only."""
    newest, path, kind = found[0], one_line(found[0].path), found[0].kind
    for dump in facts[BACKUPS].dumps[: facts[BACKUPS].dumps.index(newest)]:
        # A newer one that is called like the product's.
        if dump.kind.database and _DIGITS.sub("", dump.path) == _DIGITS.sub("", newest.path):
            other, name = one_line(dump.path), one_line(dump.kind.database)
            return fail, say("{path} is a dump of the database {name}", path=other, name=name)
    if kind.form == "empty":
        return fail, say("{path}: nothing in it, {size} bytes", path=path, size=newest.size)
    if kind.form == "sealed":
        remedy = decision(say("Decrypt it where the key is, and read it there with pg_restore."))
        observed = say("{path}: {kind}, and cannot be read here", path=path, kind=kind)
        return partial(unknown, remedy=remedy), observed
    check = facts[BACKUP_CHECK]
    if check.path.removesuffix("/toc.dat") != newest.path:
        other = one_line(check.path) or say("no file")
        observed = say("{path} was not read: {other} was taken for the newest", path=path, other=other)
        return partial(unknown, remedy=_by_hand(newest.path)), observed
    verdict, observed = _read(check)
    return verdict, say("{path}: {observed}", path=path, observed=observed)


def _by_hand(path: str) -> Remedy:
    return on_paths("pg_restore -f /dev/null", [path], say("Read it to its end yourself."))


def _read(check: Check) -> Verdict:
    tool, status = one_line(check.tool), check.status
    if status is None:
        return unknown, say("no program here can read it")
    program = say("{tool}: exit status {status}", tool=tool, status=status)
    said = listed(filter(None, (program, check.complaint)))
    # What says nothing of the dump, and what is wrong with it.
    unread = (
        (status == _TIMED_OUT, say("too large to be read in the time given")),
        (status in _NO_TOOL, say("{tool} could not be run", tool=tool)),
        (
            "unsupported version" in check.complaint,
            say("it was made by a newer pg_dump than the pg_restore here"),
        ),
    )
    faults = (
        (status != 0, say("damaged or cut short")),
        (check.torn, say("torn: a part in the middle is missing")),
        (check.ended is False, say("cut short: the words with which pg_dump ends are missing")),
        (not check.tables, say("there is not one table with data in it")),
    )
    for why in (text for holds, text in unread if holds):
        return partial(unknown, remedy=_by_hand(check.path)), say("{why} ({said})", why=why, said=said)
    for why in (text for holds, text in faults if holds):
        if check.settled:
            return fail, say("{why} ({said})", why=why, said=said)
        # A dump that is being written right now looks like one that was cut.
        return unknown, say("{why}, but it may still be being written ({said})", why=why, said=said)
    return well, say("read to its end by {tool}, {n} tables", tool=tool, n=check.tables)


def _beside(backups: Backups, facts: Facts) -> Judgement | None:
    """Judge what lies beside the dumps, or in their place: keys, and stores."""
    if backups.keys:
        keys = listed(map(one_line, backups.keys[:3]), ", ")
        return fail(say("a private key or passphrase lies beside the dumps: {keys}", keys=keys))
    if backups.dumps or not backups.repositories:
        return None
    for store in backups.repositories:
        if store.tool != "restic" and not store.key:
            observed = say("whether the borg store is encrypted cannot be told from outside")
            return unknown(observed, remedy=look_into(store, borg="info"))
    stores = stores_of(backups)
    return well(say("encrypted stores: {stores}", stores=stores), evidence=[stores])


@of_dumps(
    "backups.encryption",
    title=say("Encryption of the dumps"),
    expected=say("encrypted by its own first bytes, or plain and never taken off the host; no key beside it"),
    remedy=say(
        "Encrypt the dump before it leaves, with age for one, to a key whose private half is elsewhere."
    ),
    first=_beside,
)
def encryption(found: tuple[Dump, ...], facts: Facts) -> Verdict:
    """Judge by magic bytes; names prove nothing."""
    # A newest file with nothing in it says nothing of how the others are kept.
    newest = next((dump for dump in found if dump.kind.form != "empty"), found[0])
    verdict, observed = _sealing(facts, newest, found)
    return verdict, say("{path}: {observed}", path=one_line(newest.path), observed=observed)


def _sealing(facts: Facts, newest: Dump, found: tuple[Dump, ...]) -> Verdict:
    """Judge by the first bytes of the newest dump, and by those before it."""
    kind = newest.kind
    if kind.weak:
        return fail, say("{kind} protects nothing", kind=kind)
    if kind.encryption:
        return well, say("{kind}", kind=kind)
    if _CLAIMS.search(newest.path.rpartition("/")[2]):
        return fail, say("its name says encrypted, its first bytes say {kind}", kind=kind)
    if any(dump.kind.encryption for dump in found):
        return fail, say("plain, while older ones are encrypted")
    if kind.form == "empty":
        return unknown, say("empty, so that it shows nothing")
    return _plain(facts, newest)


def _plain(facts: Facts, newest: Dump) -> Verdict:
    """The dump is plain: judge whether anything takes it off the host."""
    jobs = jobs_or_none(facts)
    if jobs is None:
        return unknown, say("plain; whether it leaves the host is not known ({why})", why=facts.missing(JOBS))
    # A job may take this dump away that makes dumps, or names their folder.
    leaving = [
        job
        for job in jobs.jobs
        if job.transfers and (job.backs_up or job.resembles_backup or newest.place.path in job.text)
    ]
    if leaving:
        return _leaves(facts[BACKUPS], leaving)
    if unread := sorted({path for job in jobs.jobs for path in job.unread} | set(jobs.gaps)):
        seen = listed(map(one_line, unread[:3]), ", ")
        return unknown, say("plain; whether a job takes it off the host cannot be seen ({seen})", seen=seen)
    return informational, say(
        "plain; no scheduled job takes it off the host. A copy elsewhere must be encrypted"
    )


def _leaves(backups: Backups, leaving: list[Job]) -> Verdict:
    programs = sorted({program for job in leaving for program in job.transfers})
    where, how = listed(sorted({one_line(job.where) for job in leaving}), ", "), listed(programs, ", ")
    observed = say("plain, and {jobs} takes it off the host with {programs}", jobs=where, programs=how)
    # rclone's crypt remotes encrypt on the way.
    remotes = backups.remotes or {}
    used = [remote for remote in remotes if any(remote in job.text for job in leaving)]
    if programs != ["rclone"] or any(remotes[remote] != "crypt" for remote in used):
        return fail, observed
    if used:
        names = listed(used, ", ")
        return well, say("plain here, encrypted on the way by rclone's crypt remote {names}", names=names)
    remedy = decision(say("Ask rclone, as the job's user, of what type the remote is (listremotes --long)."))
    observed = say("{observed}; whether its remote is of the type crypt is not known", observed=observed)
    return partial(unknown, remedy=remedy), observed

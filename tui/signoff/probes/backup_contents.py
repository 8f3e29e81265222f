"""Can the newest dump be read to its end, and by nobody who should not?"""

from __future__ import annotations

import re

from signoff.facts.backups import BACKUP_CHECK, BACKUPS, Check, Dump
from signoff.facts.base import Facts
from signoff.facts.job import Job
from signoff.facts.jobs import JOBS
from signoff.message import say
from signoff.model import Result
from signoff.probes.base import Judgement, probe
from signoff.probes.kit import decision
from signoff.probes.remedies import command
from signoff.probes.series import find, jobs_or_none
from signoff.target.profile import Profile
from signoff.text import one_line

_TIMED_OUT = 124
_NO_TOOL = frozenset({125, 126, 127})
"""Exit statuses of docker exec, and of a shell, for a program that was not run at all."""
_DIGITS = re.compile(r"\d+")
_CLAIMS = re.compile(r"\.(age|gpg|pgp|asc|enc|aes|crypt|encrypted)\b", re.IGNORECASE)


@probe(
    "backups.integrity",
    title=say("Integrity of the newest dump"),
    expected=say(
        "pg_restore reads all of it, or gzip does and pg_dump's own last words are there; with tables"
    ),
    needs=(BACKUPS, BACKUP_CHECK, JOBS),
    remedy=(
        decision(
            say(
                "Make a new dump by hand and read its messages. In the job: set -e, pipefail where "
                "it pipes, and write to a name of its own that is renamed once pg_dump has succeeded."
            )
        )
    ),
)
def integrity(facts: Facts, profile: Profile) -> Judgement:
    """Judge what reading all of the newest dump came to: ``pg_restore --list`` reads its beginning only."""
    found = find(facts, profile)
    if isinstance(found, Judgement):
        return found
    newest, name = found[0], one_line(found[0].path)
    if stray := _of_another_database(facts[BACKUPS].dumps, newest):
        return stray
    if newest.kind.form == "empty":
        return Judgement(
            result=Result.FAIL,
            observed=say("{name}: nothing in it, {size} bytes", name=name, size=newest.size),
        )
    if newest.kind.form == "sealed":
        what = newest.kind.encryption or newest.kind.packing
        return Judgement(
            result=Result.UNKNOWN,
            observed=say("{name}: {what}, and cannot be read here", name=name, what=what),
            remedy=decision(say("Decrypt it where the key is, and run there: pg_restore -f /dev/null FILE")),
        )
    check = facts[BACKUP_CHECK]
    if check.path.removesuffix("/toc.dat") != newest.path:
        return Judgement(
            result=Result.UNKNOWN,
            observed=say(
                "{name} was not read: {path} was taken for the newest",
                name=name,
                path=one_line(check.path) or "no file",
            ),
            remedy=decision(
                say("Run by hand: {command}", command=command("pg_restore -f /dev/null", [newest.path]))
            ),
        )
    return _read(check, name)


def _of_another_database(dumps: tuple[Dump, ...], newest: Dump) -> Judgement | None:
    """Judge a newer dump that is called like the product's and is of another database."""
    for dump in dumps:
        if dump == newest:
            return None
        if dump.kind.database and _DIGITS.sub("", dump.path) == _DIGITS.sub("", newest.path):
            observed = say(
                "{path} is a dump of the database {database}",
                path=one_line(dump.path),
                database=one_line(dump.kind.database),
            )
            return Judgement(result=Result.FAIL, observed=observed)
    return None


def _read(check: Check, name: str) -> Judgement:
    evidence = (
        f"{one_line(check.tool)}: exit status {check.status}",
        *((check.complaint,) if check.complaint else ()),
    )
    if check.status is None:
        return Judgement(
            result=Result.UNKNOWN, observed=say("{name}: no program here can read it", name=name)
        )
    if reason := _unread(check):
        return Judgement(
            result=Result.UNKNOWN,
            observed=say("{name}: {reason}", name=name, reason=reason),
            evidence=evidence,
            remedy=decision(
                say("Run by hand: {command}", command=command("pg_restore -f /dev/null", [check.path]))
            ),
        )
    if fault := _fault(check):
        # A dump that is being written right now looks like one that was cut.
        result = Result.FAIL if check.settled else Result.UNKNOWN
        still = "" if check.settled else ", but it may still be being written"
        return Judgement(
            result=result,
            observed=say("{name}: {fault}{still}", name=name, fault=fault, still=still),
            evidence=evidence,
        )
    observed = say(
        "{name}: read to its end by {tool}, {tables} tables",
        name=name,
        tool=one_line(check.tool),
        tables=check.tables,
    )
    return Judgement(result=Result.PASS, observed=observed, evidence=evidence)


def _unread(check: Check) -> str:
    """Return why the program's exit status says nothing about the dump."""
    if check.status == _TIMED_OUT:
        return "too large to be read in the time given"
    if check.status in _NO_TOOL:
        return f"{one_line(check.tool)} could not be run"
    if "unsupported version" in check.complaint:
        return "it was made by a newer pg_dump than the pg_restore here"
    return ""


def _fault(check: Check) -> str:
    if check.status:
        return "damaged or cut short"
    if check.torn:
        return "torn: a part in the middle is missing"
    if check.ended is False:
        return "cut short: the words with which pg_dump ends are missing"
    return "" if check.tables else "there is not one table with data in it"


@probe(
    "backups.encryption",
    title=say("Encryption of the dumps"),
    expected=say("encrypted by its own first bytes, or plain and never taken off the host; no key beside it"),
    needs=(BACKUPS, JOBS),
    remedy=(
        decision(
            say(
                "Encrypt before it leaves, to a key whose private half is elsewhere: pg_dump -Fc "
                "shop | age -r age1... > shop-$(date +%F).dump.age"
            )
        )
    ),
)
def encryption(facts: Facts, profile: Profile) -> Judgement:
    """Judge by magic bytes; names prove nothing."""
    backups = facts[BACKUPS]
    if backups.keys:
        keys = ", ".join(one_line(key) for key in backups.keys[:3])
        return Judgement(
            result=Result.FAIL,
            observed=say("a private key or passphrase lies beside the dumps: {keys}", keys=keys),
        )
    if not backups.dumps and backups.repositories:
        return _stores(facts)
    found = find(facts, profile)
    if isinstance(found, Judgement):
        return found
    # A newest file with nothing in it says nothing of how the others are kept.
    newest = next((dump for dump in found if dump.kind.form != "empty"), found[0])
    kind, name = newest.kind, one_line(newest.path)
    evidence = tuple(f"{_what(dump)}: {one_line(dump.path)}" for dump in found[:4])
    if kind.encryption and not kind.weak:
        return Judgement(
            result=Result.PASS,
            observed=say("{name}: {encryption}", name=name, encryption=kind.encryption),
            evidence=evidence,
        )
    if fault := _false_claim(newest, found):
        return Judgement(
            result=Result.FAIL, observed=say("{name}: {fault}", name=name, fault=fault), evidence=evidence
        )
    if kind.form == "empty":
        return Judgement(
            result=Result.UNKNOWN,
            observed=say("{name}: empty, so that it shows nothing", name=name),
            evidence=evidence,
        )
    return _plain(facts, newest, evidence)


def _what(dump: Dump) -> str:
    kind = dump.kind
    if kind.form == "sealed":
        return kind.encryption or kind.packing
    return " ".join(filter(None, ("plain", kind.packing, kind.form)))


def _false_claim(newest: Dump, found: tuple[Dump, ...]) -> str:
    if newest.kind.weak:
        return f"{newest.kind.encryption} protects nothing"
    if _CLAIMS.search(newest.path.rpartition("/")[2]):
        return f"its name says encrypted, its first bytes say {_what(newest)}"
    if any(dump.kind.encryption for dump in found):
        return "plain, while older ones are encrypted"
    return ""


def _stores(facts: Facts) -> Judgement:
    stores = facts[BACKUPS].repositories
    sealed = [store for store in stores if store.tool == "restic" or store.key]
    if len(sealed) == len(stores):
        names = ", ".join(f"{store.tool} in {one_line(store.path)}" for store in stores)
        return Judgement(result=Result.PASS, observed=say("encrypted stores: {names}", names=names))
    return Judgement(
        result=Result.UNKNOWN,
        observed=say("whether the borg store is encrypted cannot be told from outside"),
        remedy=decision(say("Run by hand: borg info REPOSITORY (Encrypted: Yes)")),
    )


def _plain(facts: Facts, newest: Dump, evidence: tuple[str, ...]) -> Judgement:
    """The dump is plain: judge whether anything takes it off the host."""
    name = one_line(newest.path)
    jobs = jobs_or_none(facts)
    if jobs is None:
        return Judgement(
            result=Result.UNKNOWN,
            observed=say(
                "{name}: plain; whether it leaves the host is not known ({missing})",
                name=name,
                missing=facts.missing(JOBS),
            ),
            evidence=evidence,
        )
    leaving = [job for job in jobs.jobs if job.transfers and _takes(job, newest)]
    if leaving:
        return _leaves(facts, leaving, name, evidence)
    if unread := sorted({path for job in jobs.jobs for path in job.unread} | set(jobs.gaps)):
        seen = ", ".join(one_line(path) for path in unread[:3])
        return Judgement(
            result=Result.UNKNOWN,
            observed=say(
                "{name}: plain; whether a job takes it off the host cannot be seen ({seen})",
                name=name,
                seen=seen,
            ),
            evidence=evidence,
        )
    return Judgement(
        result=Result.INFORMATIONAL,
        observed=say(
            "{name}: plain; no scheduled job takes it off the host. A copy elsewhere must be encrypted",
            name=name,
        ),
        evidence=evidence,
    )


def _takes(job: Job, dump: Dump) -> bool:
    """Whether a job may take this dump away: it makes dumps, or names their folder."""
    return job.backs_up or job.resembles_backup or dump.place.path in job.text


def _leaves(facts: Facts, leaving: list[Job], name: str, evidence: tuple[str, ...]) -> Judgement:
    programs = sorted({program for job in leaving for program in job.transfers})
    where = ", ".join(sorted({one_line(job.where) for job in leaving}))
    observed = say(
        "{name}: plain, and {where} takes it off the host with {programs}",
        name=name,
        where=where,
        programs=", ".join(programs),
    )
    if programs != ["rclone"]:
        return Judgement(result=Result.FAIL, observed=observed, evidence=evidence)
    # rclone's crypt remotes encrypt on the way.
    remotes = facts[BACKUPS].remotes
    used = {
        remote: kind for remote, kind in (remotes or {}).items() if any(remote in job.text for job in leaving)
    }
    if used and set(used.values()) == {"crypt"}:
        return Judgement(
            result=Result.PASS,
            observed=say(
                "{name}: plain here, encrypted on the way by rclone's crypt remote {used}",
                name=name,
                used=", ".join(used),
            ),
            evidence=evidence,
        )
    if not used:
        return Judgement(
            result=Result.UNKNOWN,
            observed=say(
                "{observed}; whether its remote is of the type crypt is not known", observed=observed
            ),
            evidence=evidence,
            remedy=decision(say("Run by hand, as the job's user: rclone listremotes --long")),
        )
    return Judgement(result=Result.FAIL, observed=observed, evidence=evidence)

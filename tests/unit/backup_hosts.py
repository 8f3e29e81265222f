"""Hosts with backups as they were recorded: what the facts' own scripts printed on lab hosts.

recorded/jobs     good-root, good-viewer (asked without root), bad-root, bad-viewer; the good host, its timer
                  masked, not enabled, weekly, gone (no-job), with a failing service, with cron jobs
                  (cron-faults: one file for each fault; cron-ran, cron-stopped), with jobs that take dumps
                  away (leaves-rsync, leaves-rclone), and with containers that dump
recorded/backups  the good and the bad host; the good host with one folder for each kind of dump, and for each
                  thing that can be wrong with one (truncated, touched, copied, plain-gpg, ...); stores of
                  restic's and borg's
recorded/check    the same folders, the newest dump read to its end
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from signoff.facts.backups import BACKUP_CHECK, BACKUPS, Backups, Check, parse_backups, parse_check
from signoff.facts.base import Facts, Malformed, Unavailable
from signoff.facts.jobs import JOBS, Jobs, parse_jobs
from signoff.model import Finding
from signoff.probes.base import Probe
from signoff.target.command import Output
from signoff.target.profile import Profile

RECORDED = Path(__file__).parent / "recorded"
SHOP = Profile(project="/srv/shop", backup_directory="/var/backups/shop", database="shop")
UNNAMED = Profile(project="/srv/shop")
T = TypeVar("T")


def output(fact: str, state: str) -> Output:
    """Return what a fact's script printed; a state called ``viewer`` was recorded without root."""
    text = (RECORDED / fact / f"{state}.txt").read_bytes()
    return Output(fact, 0, text, as_root="viewer" not in state)


def _parsed(parse: Callable[[Output], T], fact: str, state: str) -> T | Unavailable | Malformed:
    try:
        return parse(output(fact, state))
    except (Unavailable, Malformed) as absent:
        return absent


@cache
def jobs(state: str) -> Jobs:
    """Return the jobs of a recorded host."""
    return parse_jobs(output("jobs", state))


@cache
def backups(state: str) -> Backups:
    """Return the dumps of a recorded host or folder."""
    return parse_backups(output("backups", state))


@cache
def check(state: str) -> Check | Unavailable | Malformed:
    """Return what reading the newest dump came to."""
    return _parsed(parse_check, "check", state)


def facts(state: str, job: str = "good-root", **instead: Any) -> Facts:
    """Return a folder's facts beside a host's jobs; ``instead`` are other values, by name."""
    known = {
        JOBS.id: instead.get("jobs", jobs(job)),
        BACKUPS.id: instead.get("backups", backups(state)),
        BACKUP_CHECK.id: instead.get("check") or (check(state) if _has_check(state) else Check()),
    }
    return Facts(known)


def _has_check(state: str) -> bool:
    return (RECORDED / "check" / f"{state}.txt").exists()


def judged(probe: Probe, given: Facts, profile: Profile = UNNAMED) -> Finding:
    """Return a probe's only finding."""
    (finding,) = probe.findings(given, profile)
    return finding


def by_subject(probe: Probe, given: Facts, profile: Profile = UNNAMED) -> dict[str, Finding]:
    """Return a probe's findings by their subject."""
    return {finding.subject: finding for finding in probe.findings(given, profile)}


def with_first(found: Backups, **changed: Any) -> Backups:
    """Return the same dumps with another newest one."""
    return replace(found, dumps=(replace(found.dumps[0], **changed), *found.dumps[1:]))

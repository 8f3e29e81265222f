"""The dumps on the target: where they lie, what they are, and what reading the newest to its end comes to."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from signoff.facts.base import Facts, HostFact, Malformed, Unavailable
from signoff.facts.dumps import Kind, recognise
from signoff.facts.jobs import JOBS
from signoff.facts.sections import Section, assigned, by_name, clock, moment, read_script, sections
from signoff.message import say
from signoff.target.command import Output, Root
from signoff.target.profile import Profile
from signoff.text import one_line

# The names under which a file counts as meant to be a dump although nothing in it says so.
_DUMP_WORDS = ("sql", "dump", "pg", "db", "backup", ".bak")
_NO_DUMPS = (".key", ".pub", ".txt", ".sh", ".json")
_SETTLED = timedelta(minutes=2)
_BY_NAME = frozenset({"sealed", "empty", "unread"})


@dataclass(frozen=True)
class Owned:
    """A file or a folder, and who may do what with it."""

    path: str
    mode: int
    user: str
    group: str
    open: bool
    """Whether everybody may pass through the folders above it."""

    @property
    def access(self) -> str:
        """Its mode and owner."""
        return f"{self.mode:04o} {self.user}:{self.group}"


@dataclass(frozen=True)
class Place(Owned):
    """A folder with dumps. ``found`` says how: ``profile``, ``job``, ``container`` or ``usual``;
    ``system`` is the kind of its file system.
    """

    found: str
    system: str = ""


@dataclass(frozen=True)
class Dump(Owned):
    """One dump; of one in directory format the folder. ``same_as`` is the oldest file with the same bytes,
    and ``same_since`` that one's time.
    """

    place: Place
    modified: datetime
    size: int
    kind: Kind
    same_as: str = ""
    same_since: datetime | None = None

    @property
    def made(self) -> datetime:
        """When it was made, by its own clock where it has one: ``touch`` changes the file's only."""
        inside = min(self.kind.made, key=lambda moment: abs(moment - self.modified), default=None)
        return self.modified if inside is None else min(self.modified, inside)


@dataclass(frozen=True)
class Repository:
    """A store of restic's or borg's, its newest snapshot's time, and whether borg keeps a key in it."""

    tool: str
    path: str
    newest: datetime | None
    key: bool


@dataclass(frozen=True)
class Backups:
    """All that was found. ``now`` is the host's clock and zone, ``host_since`` its machine-id's time."""

    now: datetime
    host_since: datetime | None
    places: tuple[Place, ...]
    dumps: tuple[Dump, ...]
    """Newest first; of each place the newest 60."""
    older: tuple[tuple[datetime, int, str], ...]
    """The time, the size and the path of each file beyond those."""
    repositories: tuple[Repository, ...]
    keys: tuple[str, ...]
    """Private keys and passphrases beside the dumps."""
    closed: tuple[str, ...]
    """Folders that may not be looked into."""
    absent: tuple[str, ...]
    postgres: tuple[str, ...]
    """What speaks for PostgreSQL being used."""
    gaps: tuple[str, ...]
    remotes: dict[str, str] | None
    """rclone's remotes and their types; None where it is not used, or could not be asked."""
    as_root: bool

    def of(self, database: str) -> tuple[Dump, ...]:
        """Return the dumps of a database in one place, newest first; of whichever where it has no name.

        SQL text and what is encrypted do not say of which database they are: where some are called like it,
        the others beside them are somebody else's. Another place is another product's.
        """
        dumps = [dump for dump in self.dumps if not dump.kind.roles]
        if database:
            dumps = [dump for dump in dumps if dump.kind.database in {"", database}]
            by_name = [d for d in dumps if d.kind.database or names(d.path.rpartition("/")[2], database)]
            dumps = by_name or [d for d in dumps if d.kind.database or names(d.path, database)] or dumps
        databases = {dump.kind.database for dump in dumps[:1]} | {""}
        return tuple(
            dump
            for dump in dumps
            if dump.place == dumps[0].place and (dump.kind.database in databases or databases == {""})
        )


def names(text: str, database: str) -> bool:
    """Tell whether a text names a database."""
    return bool(re.search(rf"(?<![a-z0-9]){re.escape(database)}(?![a-z0-9])", text, re.IGNORECASE))


def parse_backups(output: Output) -> Backups:
    """Return what lies in the backup folders; raise Malformed where the script did not run to its end."""
    listed = sections(output)
    found = by_name(listed)
    now, host_since = clock(found)
    places, files = list[Place](), list[Dump]()
    twins = {section.field(0): section for section in found["same"]}
    for section in listed:
        if section.name == "place":
            path, how, mode, user, group, way, system = [*section.fields, ""][:7]
            places.append(Place(path, int(mode, 8), user, group, way == "open", how, system))
        elif section.name == "file" and (file := _file(section, places[-1], twins, now.tzinfo or UTC)):
            files.append(file)
    older = [line.split("\t", 2) for section in found["older"] for line in section.lines]
    remotes = [line.split() for section in found["rclone"] for line in section.lines]
    keys = [file.path for file in files if file.kind.form == "key"]
    dumps = [file for file in files if file.kind.form != "key"]

    def fields(name: str) -> tuple[str, ...]:
        return tuple(section.field(0) for section in found[name])

    return Backups(
        now=now,
        host_since=moment(host_since),
        places=tuple(places),
        dumps=tuple(sorted(dumps, key=lambda dump: dump.modified, reverse=True)),
        older=tuple((_time(time), int(size), path.removesuffix("/toc.dat")) for time, size, path in older),
        repositories=tuple(
            Repository(one.field(0), one.field(1), moment(one.field(2)), one.field(3) not in {"", "0"})
            for one in found["repository"]
        ),
        keys=(*fields("key"), *keys),
        closed=fields("closed"),
        absent=fields("absent"),
        postgres=fields("postgres"),
        gaps=fields("gap"),
        remotes={words[0]: words[1] for words in remotes if len(words) == 2} or None,
        as_root=output.as_root,
    )


def _file(section: Section, place: Place, twins: Mapping[str, Section], zone: tzinfo) -> Dump | None:
    """Return a dump, or a key; None for a file that has nothing to do with dumps."""
    time, size, mode, user, group, path, way = section.fields
    if section.lines == ("unread",):
        kind: Kind | None = Kind("unread")
    else:
        head, inner = (bytes.fromhex(line) for line in (*section.lines, "", "")[:2])
        kind = recognise(head, inner, zone)
    if kind is None or (kind.form in _BY_NAME and not _named_as_dump(path, place.found)):
        return None
    twin = twins.get(path, Section("same", (), ()))
    if path.endswith("/toc.dat") and kind.form == "custom":
        path, kind = path.removesuffix("/toc.dat"), replace(kind, form="directory")
    kind = replace(kind, roles="roles" in section.lines)
    owned = (path, int(mode, 8), user, group, way == "open")
    same = (twin.field(1), moment(twin.field(2)))
    return Dump(*owned, place, _time(time), int(size or 0), kind, *same)


def _named_as_dump(path: str, found: str) -> bool:
    name = path.rpartition("/")[2].lower()
    if found == "usual":
        return any(word in name for word in _DUMP_WORDS)
    return not name.endswith(_NO_DUMPS)


def _time(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


@dataclass(frozen=True)
class Check:
    """The newest dump, read to its end.

    ``status`` is the exit status of ``tool``; None where no tool can read it. ``tables`` are those with
    data, ``ended`` tells that the words with which pg_dump ends are there (None where the tool knows).
    """

    path: str = ""
    settled: bool = True
    """Whether nothing writes to it: no process has it open, or where that is not seen, for two minutes."""
    tool: str = ""
    status: int | None = None
    tables: int = 0
    ended: bool | None = None
    complaint: str = ""
    torn: bool = False
    """Whether data is missing in between."""


def parse_check(output: Output) -> Check:
    """Return what reading the newest dump came to; raise Malformed where that was not told to its end."""
    found = by_name(sections(output))
    if not found["newest"]:
        raise Malformed(say("the newest dump was not named"))
    path, idle, held = [*found["newest"][0].fields, "", ""][:3]
    settled = held == "closed" or (not held and timedelta(seconds=int(idle or 0)) >= _SETTLED)
    for section in (*found["restored"], *found["text"]):
        status, tool, tables, ended, torn = [*section.fields, "", ""][:5]
        whole = ended == "1" if ended else None
        said = one_line(section.text)
        return Check(path, settled, tool, int(status), int(tables), whole, said, torn == "1")
    if found["no-tool"]:
        raise Unavailable(
            say("there is no pg_restore on the host or in a container to read the dump with"),
            f"pg_restore -f /dev/null {shlex.quote(one_line(path))}",
        )
    return Check(path, settled)


def _given_jobs(facts: Facts, profile: Profile) -> dict[str, Iterable[str]]:
    """What the script is to know of the jobs. Where the folder is known it can do without."""
    if profile.backup_directory and facts.missing(JOBS):
        return {}
    jobs = facts[JOBS]
    uses_rclone = any("rclone" in job.text for job in jobs.jobs)
    return {"paths": jobs.paths, "containers": jobs.containers, "rclone": ["used"] * uses_rclone}


def _given_newest(facts: Facts, profile: Profile) -> dict[str, Iterable[str]]:
    for dump in facts[BACKUPS].of(profile.database)[:1]:
        if dump.kind.form in {"custom", "directory", "tar", "sql"}:
            file = f"{dump.path}/toc.dat" if dump.kind.form == "directory" else dump.path
            return {"file": [file], "packing": [dump.kind.packing], "form": [dump.kind.form]}
    raise Unavailable(say("there is no dump that can be read"))


_BACKUPS = read_script("trust.sh", "unpack.sh", "places.sh", "backups.sh")

BACKUPS: HostFact[Backups] = HostFact(
    id="backups",
    title=say("backups"),
    script=lambda profile: assigned(directory=profile.backup_directory, project=profile.project) + _BACKUPS,
    parse=parse_backups,
    root=Root.PREFER,
    timeout=40.0,
    cap=4 << 20,
    sensitive=True,
    by_hand=lambda profile: (
        f"sudo ls -la --time-style=full-iso {shlex.quote(profile.backup_directory or '/var/backups')}"
    ),
    kept=Backups,
    needs=(JOBS,),
    given=_given_jobs,
)

BACKUP_CHECK: HostFact[Check] = HostFact(
    id="backups.check",
    title=say("the newest dump, read to its end"),
    script=read_script("trust.sh", "unpack.sh", "check.sh"),
    parse=parse_check,
    root=Root.PREFER,
    timeout=130.0,
    by_hand="pg_restore -f /dev/null NEWEST (custom format); gzip -t NEWEST && gzip -dc NEWEST | tail (SQL)",
    kept=Check,
    needs=(BACKUPS,),
    given=_given_newest,
)

"""The dumps on the target: where they lie, what they are, and what reading the newest to its end comes to."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from signoff.facts.base import HostFact, Malformed, Unavailable
from signoff.facts.dumps import Kind, is_private_key, recognise
from signoff.facts.sections import Section, assigned, read_script, sections
from signoff.message import say
from signoff.target.command import Output, Root
from signoff.target.profile import Profile
from signoff.text import one_line

# The names under which a file counts as meant to be a dump although nothing in it says so; as in check.sh.
_DUMP_WORDS = ("sql", "dump", "pg", "db", "backup", ".bak")
_NO_DUMPS = (".key", ".pub", ".txt", ".sh", ".json")
_SETTLED = timedelta(minutes=2)
_BY_NAME = frozenset({"sealed", "empty", "unread"})
_KEY = Kind("sealed", packing="a private key")


@dataclass(frozen=True)
class Place:
    """A folder with dumps. ``found`` says how: ``profile``, ``job``, ``container`` or ``usual``."""

    path: str
    found: str
    mode: int
    user: str
    group: str
    open: bool
    """Whether everybody may pass through the folders above it."""
    system: str = ""
    """The kind of its file system."""


@dataclass(frozen=True)
class Dump:
    """One dump; of one in directory format the folder. ``same_as`` is the oldest file with the same bytes,
    and ``same_since`` that one's time.
    """

    path: str
    place: Place
    modified: datetime
    size: int
    mode: int
    user: str
    group: str
    open: bool
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


def parse_backups(output: Output) -> Backups:
    """Return what lies in the backup folders; raise Malformed where the script did not run to its end."""
    found = sections(output)
    now, host_since = _clock(found)
    same = {section.field(0): section for section in found if section.name == "same"}
    dumps, keys, place = list[Dump](), list[str](), None
    places: list[Place] = []
    for section in found:
        match section.name:
            case "place":
                place = _place(section)
                places.append(place)
            case "key":
                keys.append(section.field(0))
            case "file" if place:
                kind = _kind(section, place, now)
                if kind is _KEY:
                    keys.append(section.field(5))
                elif kind:
                    dumps.append(_dump(section, place, kind, same))
    remotes = [line.split() for section in found if section.name == "rclone" for line in section.lines]
    return Backups(
        now=now,
        host_since=host_since,
        places=tuple(places),
        dumps=tuple(sorted(dumps, key=lambda dump: dump.modified, reverse=True)),
        older=tuple(_older(found)),
        repositories=tuple(_repositories(found)),
        keys=tuple(keys),
        closed=_fields(found, "closed"),
        absent=_fields(found, "absent"),
        postgres=_fields(found, "postgres"),
        gaps=_fields(found, "gap"),
        remotes={words[0]: words[1] for words in remotes if len(words) == 2} or None,
        as_root=output.as_root,
    )


def _fields(found: tuple[Section, ...], name: str) -> tuple[str, ...]:
    return tuple(section.field(0) for section in found if section.name == name)


def _clock(found: tuple[Section, ...]) -> tuple[datetime, datetime | None]:
    section = next((section for section in found if section.name == "now"), None)
    try:
        epoch, zone, since = section.fields if section else ()
        now = datetime.fromtimestamp(int(epoch), datetime.strptime(zone, "%z").tzinfo or UTC)
    except (ValueError, OverflowError, OSError):
        raise Malformed(say("the host's clock could not be read")) from None
    return now, datetime.fromtimestamp(int(since), UTC) if since.isdecimal() else None


def _place(section: Section) -> Place:
    path, found, mode, user, group, way = section.fields[:6]
    return Place(path, found, int(mode, 8), user, group, way == "open", section.field(6))


def _kind(section: Section, place: Place, now: datetime) -> Kind | None:
    """Return what a file is; None where it has nothing to do with dumps, ``_KEY`` for a private key."""
    path = section.field(5)
    if section.lines == ("unread",):
        kind: Kind | None = Kind("unread")
    else:
        head, inner = (bytes.fromhex(line) for line in (*section.lines, "", "")[:2])
        if is_private_key(head):
            return _KEY
        kind = recognise(head, inner, now.tzinfo or UTC)
        if kind and "roles" in section.lines:
            kind = replace(kind, roles=True)
    if kind is None or (kind.form in _BY_NAME and not _named_as_dump(path, place.found)):
        return None
    if path.endswith("/toc.dat") and kind.form == "custom":
        return Kind("directory", made=kind.made, unique=True, database=kind.database)
    return kind


def _named_as_dump(path: str, found: str) -> bool:
    name = path.rpartition("/")[2].lower()
    if found == "usual":
        return any(word in name for word in _DUMP_WORDS)
    return not name.endswith(_NO_DUMPS)


def _dump(section: Section, place: Place, kind: Kind, same: dict[str, Section]) -> Dump:
    time, size, mode, user, group, path, way = section.fields
    twin = same.get(path)
    return Dump(
        path=path.removesuffix("/toc.dat") if kind.form == "directory" else path,
        place=place,
        modified=datetime.fromtimestamp(int(time), UTC),
        size=int(size or 0),
        mode=int(mode, 8),
        user=user,
        group=group,
        open=way == "open",
        kind=kind,
        same_as=twin.field(1) if twin else "",
        same_since=datetime.fromtimestamp(int(twin.field(2)), UTC) if twin and twin.field(2) else None,
    )


def _older(found: tuple[Section, ...]) -> Iterator[tuple[datetime, int, str]]:
    for section in found:
        for line in section.lines if section.name == "older" else ():
            time, _, rest = line.partition("\t")
            size, _, path = rest.partition("\t")
            if time.isdecimal() and size.isdecimal():
                yield datetime.fromtimestamp(int(time), UTC), int(size), path.removesuffix("/toc.dat")


def _repositories(found: tuple[Section, ...]) -> Iterator[Repository]:
    for section in found:
        if section.name == "repository":
            tool, path, newest, keys = section.fields
            time = datetime.fromtimestamp(int(newest), UTC) if newest.isdecimal() else None
            yield Repository(tool, path, time, keys not in {"", "0"})


@dataclass(frozen=True)
class Check:
    """The newest dump, read to its end. ``path`` is empty where there is none.

    ``status`` is the exit status of ``tool``; None where no tool can read it. ``tables`` are those with
    data, ``ended`` tells that the words with which pg_dump ends are there (None where the tool knows).
    """

    path: str = ""
    settled: bool = True
    """Whether nothing writes to it: no process has it open, or where that is not seen, for two minutes."""
    sealed: bool = False
    tool: str = ""
    status: int | None = None
    tables: int = 0
    ended: bool | None = None
    complaint: str = ""
    torn: bool = False
    """Whether data is missing in between."""


def parse_check(output: Output) -> Check:
    """Return what reading the newest dump came to; raise Malformed where that was not told to its end."""
    found = {section.name: section for section in sections(output)}
    newest = found.get("newest")
    if newest is None:
        if "none" not in found:
            raise Malformed(say("the newest dump was not named"))
        return Check()
    path, idle = newest.field(0), timedelta(seconds=int(newest.field(1) or 0))
    settled = newest.field(2) == "closed" or (newest.field(2) == "" and idle >= _SETTLED)
    if restored := found.get("restored"):
        status, tool, tables = restored.fields
        return Check(path, settled, False, tool, int(status), int(tables), None, one_line(restored.text))
    if text := found.get("text"):
        status, tool, tables, ended = text.fields[:4]
        torn = text.field(4) == "1"
        return Check(path, settled, False, tool, int(status), int(tables), ended == "1", torn=torn)
    if "no-tool" in found:
        raise Unavailable(
            say("there is no pg_restore on the host or in a container to read the dump with"),
            f"pg_restore -f /dev/null {shlex.quote(one_line(path))}",
        )
    return Check(path, settled, sealed="sealed" in found)


def _asking(script: str, profile: Profile) -> str:
    known = {"directory": profile.backup_directory, "project": profile.project, "database": profile.database}
    return assigned(**known) + script


_BACKUPS = read_script("trust.sh", "scheduled.sh", "places.sh", "backups.sh")
_CHECK = read_script("trust.sh", "scheduled.sh", "places.sh", "check.sh")

BACKUPS: HostFact[Backups] = HostFact(
    id="backups",
    title=say("backups"),
    script=lambda profile: _asking(_BACKUPS, profile),
    parse=parse_backups,
    root=Root.PREFER,
    timeout=40.0,
    cap=4 << 20,
    sensitive=True,
    by_hand=lambda profile: (
        f"sudo ls -la --time-style=full-iso {shlex.quote(profile.backup_directory or '/var/backups')}"
    ),
)

BACKUP_CHECK: HostFact[Check] = HostFact(
    id="backups.check",
    title=say("the newest dump, read to its end"),
    script=lambda profile: _asking(_CHECK, profile),
    parse=parse_check,
    root=Root.PREFER,
    timeout=130.0,
    by_hand="pg_restore -f /dev/null NEWEST (custom format); gzip -t NEWEST && gzip -dc NEWEST | tail (SQL)",
)

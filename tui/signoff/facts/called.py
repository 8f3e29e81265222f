"""Which backup programs a job's text calls, and for what: a program that is only mentioned makes no backup.

``echo pg_dump failed``, ``command -v pg_dump``, ``find /x/pg_dump -delete``, ``pg_dumpall --globals-only``,
``barman cron``, ``restic check``: all of them name the program, and none leaves a copy of the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from signoff.facts.budget import Budget

_PROGRAMS = re.compile(
    # A word of its own, or the end of a path, and nothing of a path behind it.
    r"(?<![\w.-])(?:[\w.-]*pg_dump|pg_dumpall|pg_basebackup|pgbackrest|pg_probackup"
    r"|pg_backupcluster|pg_back|wal-g|wal-e|barman|dbbackup|autopostgresqlbackup|borg|borgmatic|restic)(?![\w./-])"
)
_BREAK = re.compile(r"[\s;|&()<>\"'`=]")
_LONGEST_PATH = 4096
_MOST_CALLS = 500
_ENDS = re.compile(r"[\n;|&`]|\$?\(|\)")
_CONTINUED = re.compile(r"\\\n")
_COMMENT = re.compile(r"(?:^|\s)#")
_TELLS = re.compile(
    r"\s*(?:(?:if|then|elif|else|do|while|until|!|\[+|sudo)\s+)*"
    r"(?:echo|printf|logger|mail|mailx|sendmail|command\s+-[vV]|which|type|hash|test|\[|pgrep|pkill|killall|find"
    r"|rm|ls|mkdir|chmod|chown|tail|head|cat|grep|tar|du|wall|apt|apt-get|dpkg|exit|return|trap)(?:\s|$)"
)
_TOLD = re.compile(r"\s(?:--version|--help|-V)(?![\w-])")

# Programs that start another one, and what may stand between: options, numbers, assignments, flock's file.
_STARTERS = frozenset(
    {
        "nice",
        "ionice",
        "chrt",
        "time",
        "timeout",
        "flock",
        "env",
        "sudo",
        "setsid",
        "nohup",
        "chronic",
        "cronic",
        "exec",
        "systemd-cat",
        "stdbuf",
    }
)
_BETWEEN = re.compile(r"-\S*|\d\S*|\w+=\S*")
_NAMED_OPTIONS = frozenset({"-u", "-g", "-t", "--user", "--group", "--identifier"})

# What makes the copy, where a program does other things too.
_VERBS = {
    "pgbackrest": re.compile(r"\bbackup\b"),
    "pg_probackup": re.compile(r"\bbackup\b"),
    "pg_backupcluster": re.compile(r"\b(dump|basebackup)\b"),
    "barman": re.compile(r"\bbackup\b"),
    "wal-g": re.compile(r"\bbackup-push\b"),
    "wal-e": re.compile(r"\bbackup-push\b"),
    "restic": re.compile(r"\bbackup\b"),
    "borg": re.compile(r"\bcreate\b"),
}
_FILES = frozenset({"borg", "borgmatic", "restic"})
_DUMPS = frozenset(
    {"pg_dump", "pg_dumpall", "dbbackup", "autopostgresqlbackup", "pg_back", "pg_backupcluster"}
)
_SCHEMA = re.compile(r"\s(?:--schema-only|-s)(?![\w-])|\s--section=pre-data\b")
_ROLES = re.compile(r"\s(?:--globals-only|--roles-only|--tablespaces-only|-[grt])(?![\w-])")
_TABLES = re.compile(r"\s(?:--table(?=[= ])|-t(?=[ \w\"']))")


@dataclass(frozen=True, slots=True)
class Call:
    """One call. ``part`` says which part of the database alone it copies; empty for all of it."""

    program: str
    part: str = ""

    @property
    def dumps(self) -> bool:
        """Whether it leaves a dump of the whole database."""
        return (self.program in _DUMPS or self.program.endswith("pg_dump")) and not self.part

    @property
    def keeps_files(self) -> bool:
        """Whether it stores files, whatever they are."""
        return self.program in _FILES


def calls(text: str) -> Iterator[Call]:
    """Yield the calls in a text that make a copy of something; raise Malformed where it names too many."""
    text = _CONTINUED.sub(" ", text)
    budget = Budget(_MOST_CALLS, "a job's text that names backup programs")
    after_last = 0
    for found in _PROGRAMS.finditer(text):
        budget.spend()
        name, start = found[0], found.start()
        led = text[max(after_last, start - _LONGEST_PATH) : start]
        path = _BREAK.split(led)[-1] if led.endswith("/") else ""
        start, after_last = start - len(path), found.end()
        if path and not path.rstrip("/").endswith("bin") and "$" not in path and "}" not in path:
            continue
        before = _ENDS.split(text[max(0, start - 400) : start])[-1]
        after = _ENDS.split(text[found.end() : found.end() + 2000], maxsplit=1)[0]
        # systemctl tells a program's path before its arguments: { path=/usr/bin/pg_dump ; argv[]=...
        if before.endswith("{ path=") or _mentioned(before, after):
            continue
        verb = _VERBS.get(name)
        if verb is None or verb.search(after):
            yield Call(name, _part(name, after))


def _mentioned(before: str, after: str) -> bool:
    return bool(_TELLS.match(before) or _COMMENT.search(before) or _TOLD.search(after))


def _part(name: str, after: str) -> str:
    if name == "pg_dumpall":
        return (
            "the roles alone" if _ROLES.search(after) else "the schema alone" if _SCHEMA.search(after) else ""
        )
    if not name.endswith("pg_dump"):
        return ""
    return (
        "the schema alone" if _SCHEMA.search(after) else "some tables alone" if _TABLES.search(after) else ""
    )


def called(command: str) -> Iterator[str]:
    """Yield the paths of the programs that a line starts itself, or by nice, flock, timeout and their like.

    A shell that is given a script reads it: that needs no mode. Where one program stands for another that is
    not there (``||``), none is named.
    """
    if "||" in command:
        return
    for part in re.split(r"[;|&\n]+", command):
        if path := _program(part.split()):
            yield path


def _program(words: list[str]) -> str:
    """Return the path of the program that the words start; empty where it has none, or cannot be told."""
    starter = name = ""
    for word in words:
        named, name = bool(name), word if word in _NAMED_OPTIONS else ""
        if word in _STARTERS or word.rpartition("/")[2] in _STARTERS:
            starter = word.rpartition("/")[2]
        elif named or _BETWEEN.fullmatch(word):
            continue
        elif starter == "flock":
            starter = ""  # its lock file
        else:
            return word if word.startswith("/") else ""
    return ""

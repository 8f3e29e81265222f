"""Which backup programs a job's text calls, and for what: a program that is only mentioned makes no backup.

``echo pg_dump failed``, ``command -v pg_dump``, ``find /x/pg_dump -delete``, ``pg_dumpall --globals-only``,
``barman cron``, ``restic check``: all of them name the program, and none leaves a copy of the database.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from signoff.facts.budget import Budget
from signoff.message import NOTHING, Message, say

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
_STARTERS = re.compile(
    r"(?:.*/)?(nice|ionice|chrt|time|timeout|flock|env|sudo|setsid|nohup|chronic|cronic|exec|systemd-cat|stdbuf)"
)
_BETWEEN = re.compile(r"-\S*|\d\S*|\w+=\S*")
_NAMED_OPTIONS = frozenset({"-u", "-g", "-t", "--user", "--group", "--identifier"})

_DUMPS = re.compile(r".*pg_dump|pg_dumpall|dbbackup|autopostgresqlbackup|pg_back|pg_backupcluster")
_FILES = frozenset({"borg", "borgmatic", "restic"})
_VERBS = {
    **dict.fromkeys(("pgbackrest", "pg_probackup", "barman", "restic"), r"\bbackup\b"),
    **dict.fromkeys(("wal-g", "wal-e"), r"\bbackup-push\b"),
    "pg_backupcluster": r"\b(dump|basebackup)\b",
    "borg": r"\bcreate\b",
}
"""What makes the copy, where a program does other things too."""
_PARTS = (
    (say("the roles alone"), r"pg_dumpall", r"\s(?:--(?:globals|roles|tablespaces)-only|-[grt])(?![\w-])"),
    (
        say("the schema alone"),
        r".*pg_dump(?:all)?",
        r"\s(?:--schema-only|--section=pre-data|-s)(?![\w-])",
    ),
    (say("some tables alone"), r".*pg_dump", r"\s(?:--table(?=[= ])|-t(?=[ \w\"']))"),
)
"""The options with which a program copies a part."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call. ``part`` says which part of the database alone it copies; empty for all of it."""

    program: str
    part: Message = NOTHING

    @property
    def dumps(self) -> bool:
        """Whether it leaves a dump of the whole database."""
        return not self.part and bool(_DUMPS.fullmatch(self.program))

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
        name, start, end = found[0], found.start(), found.end()
        led = _BREAK.split(text[max(after_last, start - _LONGEST_PATH) : start])[-1]
        path = led if led.endswith("/") else ""
        after_last = end
        if path and not path.rstrip("/").endswith("bin") and "$" not in path and "}" not in path:
            continue
        before = _ENDS.split(text[max(0, start - len(path) - 400) : start - len(path)])[-1]
        after = _ENDS.split(text[end : end + 2000], maxsplit=1)[0]
        # systemctl tells a program's path before its arguments: { path=/usr/bin/pg_dump ; argv[]=...
        told = before.endswith("{ path=") or _TELLS.match(before) or _COMMENT.search(before)
        if not told and not _TOLD.search(after) and re.search(_VERBS.get(name, ""), after):
            parts = (part for part, of, how in _PARTS if re.fullmatch(of, name) and re.search(how, after))
            yield Call(name, next(parts, NOTHING))


def called(command: str) -> Iterator[str]:
    """Yield the paths of the programs that a line starts itself, or by nice, flock, timeout and their like.

    A shell that is given a script reads it: that needs no mode. Where one program stands for another that is
    not there (``||``), none is named.
    """
    parts = [] if "||" in command else re.split(r"[;|&\n]+", command)
    yield from filter(None, (_program(part.split()) for part in parts))


def _program(words: list[str]) -> str:
    """Return the path of the program that the words start; empty where it has none, or cannot be told."""
    starter, ahead = "", iter(words)
    for word in ahead:
        if word in _NAMED_OPTIONS:
            next(ahead, "")
        elif found := _STARTERS.fullmatch(word):
            starter = found[1]
        elif starter == "flock" and not _BETWEEN.fullmatch(word):
            starter = ""  # its lock file
        elif not _BETWEEN.fullmatch(word):
            return word if word.startswith("/") else ""
    return ""

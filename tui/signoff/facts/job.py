"""One scheduled job: what runs it, what it runs, what keeps it from running, and when it last ran."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Literal

from signoff.facts.called import Call, calls
from signoff.facts.sections import Named
from signoff.message import NOTHING, Message, say
from signoff.text import one_line

Scheduler = Literal["cron", "run-parts", "timer", "container"]

# What takes files off the machine. rsync and scp count only with a remote end (user@host:path, host:path).
_TRANSFERS = re.compile(
    r"\brclone\b[^\n|;]*\s(?:copy|sync|move|copyto|moveto|rcat)\b|\baws\b[^\n|;]*\ss3(?:api)?\b"
    r"|\b(?:s3cmd|s4cmd|s5cmd|gsutil|azcopy|lftp|sftp|ncftpput)\s|\bgcloud\s+storage\b|\b(?:b2|swift)\s+upload"
    r"|\bmc\s+(?:cp|mirror|pipe)\b|\bcurl\b[^\n|;]*\s(?:-T|--upload-file)\b"
    r"|\b(?:rsync|scp)\b[^\n|;]*\s(?:[\w.-]+@)?[\w.-]{2,}:[^\s=]|\brsync\b[^\n|;]*\srsync://|\|\s*ssh\b"
)
BETWEEN_WORDS = re.compile(r"[\s;|&()<>\"'`={},]+")
_UPWARDS = re.compile(r"^(?:\.{1,2}/)+")


@dataclass(frozen=True)
class Run:
    """What is known of a job's last run.

    ``last`` is when it last started; None means never where ``certain``, else that it cannot be told.
    ``failed`` says how that run failed, ``finished`` that its end was seen, ``unknown`` why nothing is known.
    """

    last: datetime | None = None
    certain: bool = False
    failed: Message = NOTHING
    finished: bool = False
    running: bool = False
    unknown: Message = NOTHING


@dataclass(frozen=True)
class Job:
    """``where`` names it for people; ``faults`` say why its scheduler will not run it, or not each day,
    ``doubts`` why that cannot be told.

    ``command`` is what is scheduled, ``text`` the same with the scripts that it runs, without comments. They
    may hold passwords and are for looking at only: they are never shown. ``unread`` are the scripts that
    could not be read.
    """

    where: str
    scheduler: Scheduler
    schedule: str
    user: str
    command: str = field(repr=False)
    faults: tuple[Message, ...] = ()
    run: Run = Run()
    doubts: tuple[Message, ...] = ()
    text: str = field(default="", repr=False)
    unread: tuple[str, ...] = ()

    @cached_property
    def _calls(self) -> tuple[Call, ...]:
        return tuple(calls(self.text))

    @property
    def dumps(self) -> bool:
        """Whether it makes a dump of a PostgreSQL database."""
        return any(call.dumps for call in self._calls)

    @property
    def dumps_part(self) -> str:
        """Which part of a database its dumps hold, where none of them holds all of it."""
        return "" if self.dumps else next((call.part for call in self._calls if call.part), "")

    @property
    def backs_up(self) -> bool:
        """Whether it makes any kind of backup that may hold the database."""
        return any(not call.part for call in self._calls)

    @property
    def keeps_files(self) -> bool:
        """Whether it stores files, and makes no copy of a database itself: a dump among them is not seen."""
        return self.backs_up and all(call.keeps_files for call in self._calls if not call.part)

    @property
    def resembles_backup(self) -> bool:
        """Whether it is called a backup, whatever it does. dpkg's own backup of its database is none."""
        named = f"{self.where} {self.command}".lower()
        return ("backup" in named or "dump" in named) and "dpkg" not in named

    @property
    def transfers(self) -> tuple[str, ...]:
        """The programs with which it takes files off the machine."""
        return tuple(
            sorted({found[0].split()[0].strip("|") or "ssh" for found in _TRANSFERS.finditer(self.text)})
        )


class Programs:
    """The files that jobs name, and the scripts of /etc/cron.daily and the like."""

    def __init__(self, found: Named) -> None:
        self.modes = {
            one.field(0): int(one.field(1), 8) for one in found["program"] if one.field(1).isdecimal()
        }
        self.absent = {one.field(0) for one in found["absent"]}
        # Their texts by all that a job may call them: the whole path, and its end, as after a cd.
        self._scripts = defaultdict[str, dict[str, str | None]](dict)
        files = [(one.field(0), one, one.field(0).count("/") + 1) for one in found["program"]]
        # By the whole path alone: what is called "backup" somewhere is hardly one of run-parts' scripts.
        files += [(one.field(1), one, 1) for one in found["part"]]
        for path, one, ways in files:
            script = without_comments(one.text) if one.field(2) == "readable" else None
            for start in range(ways):
                self._scripts[path.split("/", start)[-1]][path] = script

    def read(self, job: Job) -> Job:
        """Return a job with the text of the scripts that it names, and the unreadable ones' names."""
        found, todo = dict[str, str | None](), [job.command]
        while todo:
            for word in {_UPWARDS.sub("", word) for word in BETWEEN_WORDS.split(todo.pop())}:
                for path, text in self._scripts.get(word, {}).items():
                    if path not in found:
                        found[path] = text
                        todo.append(text or "")
        texts = [text for _, text in sorted(found.items()) if text]
        unread = tuple(path for path, text in sorted(found.items()) if text is None)
        return replace(job, text="\n".join([job.command, *texts]), unread=unread)

    def faults(self, paths: Iterable[str]) -> Iterator[Message]:
        """Yield why programs cannot be started."""
        for path in paths:
            if path in self.absent:
                yield say("there is no {path}", path=one_line(path))
            elif not self.modes.get(path, 0o111) & 0o111:
                yield say("{path} is not executable", path=one_line(path))


def without_comments(text: str) -> str:
    """Return a script without the lines that are comments: what is commented out does not run."""
    return "".join(f"{line}\n" for line in text.splitlines() if not line.lstrip().startswith("#"))

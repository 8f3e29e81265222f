"""One process at a time: a lock that ends with its holder, and says who that is."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from signoff.errors import RecordError
from signoff.message import say
from signoff.session.files import record_error
from signoff.session.line import timestamp
from signoff.text import one_line


class Lock:
    """Holds ``path`` by flock(2), until closed or until the process ends.

    The file is locked instead of what it guards, since a lock on a file means nothing once another has been
    renamed over it; and it is never removed. Raises RecordError where another process holds it and goes on
    holding it for ``wait`` seconds.
    """

    def __init__(self, path: Path, what: str, *, wait: float = 0) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as problem:
            raise record_error(problem, say("{what} could not be locked", what=what), path) from None
        deadline = time.monotonic() + wait
        try:
            while not self._try():
                if time.monotonic() >= deadline:
                    raise RecordError(
                        say("{what} is in use by {holder}.", what=what, holder=self._holder()),
                        say("Go back to it there, or end it, then try again."),
                    )
                time.sleep(0.02)
            self._sign()
        except OSError as problem:
            self.close()
            raise record_error(problem, say("{what} could not be locked", what=what), path) from None
        except RecordError:
            self.close()
            raise

    def close(self) -> None:
        """Let go."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Lock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _try(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            if problem.errno in {errno.EWOULDBLOCK, errno.EACCES}:
                return False
            raise
        return True

    def _sign(self) -> None:
        terminal = ""
        with contextlib.suppress(OSError):
            terminal = os.ttyname(0)
        since = timestamp(datetime.now(UTC))
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "tty": terminal, "since": since}
        # A full disk must not keep anybody from sealing: who holds the lock is a courtesy.
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(holder).encode("ascii") + b"\n", 0)

    def _holder(self) -> str:
        try:
            holder = json.loads(os.pread(self._descriptor, 1024, 0))
            where = say(" on {holder}", holder=one_line(str(holder["tty"]), 40)) if holder["tty"] else ""
            host, since = one_line(str(holder["host"]), 64), one_line(str(holder["since"]), 30)
            return say(
                "process {holder}{where} of {host}, since {since}",
                holder=int(holder["pid"]),
                where=where,
                host=host,
                since=since,
            )
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return say("another process")

"""The end of a record, where the next line goes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from signoff.message import say
from signoff.session.clock import Moment, read_clock
from signoff.session.events import AnyEvent, Checkpoint
from signoff.session.line import Entry, decode, digest, encode
from signoff.session.scan import Scan, checkpoint_text
from signoff.session.signer import KeySigner
from signoff.session.sshsig import CHECKPOINT

if TYPE_CHECKING:
    from hashlib import _Hash


@dataclass(slots=True)
class Tip:
    """How many lines there are, their bytes, the last one's digest, the hash over all, the last moment."""

    session: str
    lines: int = 0
    size: int = 0
    head: str = ""
    sha256: _Hash = field(default_factory=hashlib.sha256)
    moment: Moment | None = None

    @classmethod
    def of(cls, scan: Scan) -> Tip:
        """Return the tip of a record that has been scanned to its end, torn bytes aside."""
        last = scan.last
        if last is None:
            raise ValueError(say("nothing has been scanned"))
        moment = Moment(last.time, last.monotonic, last.boot)
        return cls(last.session, scan.lines, scan.size, scan.head, scan.whole.copy(), moment)

    def copy(self) -> Tip:
        """Return a tip that can move on alone."""
        return Tip(self.session, self.lines, self.size, self.head, self.sha256.copy(), self.moment)

    def add(self, event: AnyEvent) -> tuple[Entry, bytes]:
        """Return the entry and the line for an event, and move behind it. Raises LineError.

        The entry is read back from the line: what a verifier would not accept is never written, and what is
        folded is what was written.
        """
        moment = self._now()
        line = encode(
            Entry(
                seq=self.lines + 1,
                prev=self.head,
                session=self.session,
                time=moment.time,
                monotonic=moment.monotonic,
                boot=moment.boot,
                event=event,
            )
        )
        entry = decode(line)
        self.lines += 1
        self.size += len(line)
        self.head = digest(line)
        self.sha256.update(line)
        self.moment = moment
        return entry, line

    def add_checkpoint(self, key: KeySigner) -> tuple[Entry, bytes]:
        """Return a checkpoint over all the lines so far, and move behind it."""
        prefix = self.sha256.hexdigest()
        signature = key.sign(CHECKPOINT, checkpoint_text(self.session, self.lines, self.size, prefix))
        return self.add(Checkpoint(lines=self.lines, size=self.size, digest=prefix, signature=signature))

    def _now(self) -> Moment:
        now, before = read_clock(), self.moment
        if before is not None and before.boot == now.boot and now.monotonic < before.monotonic:
            return Moment(now.time, before.monotonic, now.boot)
        return now

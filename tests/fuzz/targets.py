"""What is fuzzed, and what must hold whatever the bytes are: no crash, and nothing changed is ever VALID.

Each target takes bytes and raises AssertionError, or whatever crashed, where it does not hold; the exceptions
that a function documents are its answers. The seeds are real: a record of every kind of event, a ledger, a
list of signers, signatures by every type of key.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from fuzz.mutations import forge, mutate
from fuzz.seeds import MESSAGE, NAME, PAYLOAD, Seeds
from signoff.errors import RecordError
from signoff.session import allowed_signers, ledger, store
from signoff.session.archive import unpacked
from signoff.session.dsse import opened
from signoff.session.line import LineError, canonical, decode, digest, encode, is_session_id
from signoff.session.scan import BrokenError, Scan
from signoff.session.session import Session
from signoff.session.sshsig import MAX_ARMOUR, RECORD, armour, parse
from signoff.session.timestamp import StampError, check, check_unvouched, says
from signoff.session.verify import Status, Verdict, verify
from signoff.session.wire import SignatureError

Target = Callable[[bytes], None]


class Targets:
    """The targets, over seeds that lie in a folder; they write what they change there."""

    def __init__(self, seeds: Seeds, folder: Path) -> None:
        self._seeds = seeds
        self._folder = folder
        self._signatures = frozenset(seeds.signatures)

    def all(self) -> dict[str, tuple[Target, list[bytes]]]:
        """Return each target by its name, with its seeds."""
        seeds, programs = self._seeds, [b"", bytes(range(48)), b"\x05\x00\x40\x00\x07" * 8]
        return {
            "line": (self.line, seeds.lines),
            "scan": (self.scan, [seeds.sealed["session.jsonl"], seeds.open["session.jsonl"]]),
            "signature": (self.signature, seeds.signatures),
            "blob": (self.blob, seeds.blobs),
            "allowed-signers": (self.allowed_signers, [seeds.allowed]),
            "ledger": (self.ledger, [seeds.ledger]),
            "archive": (self.archive, [seeds.archive]),
            "envelope": (self.envelope, [seeds.envelope]),
            "time-stamp": (self.time_stamp, [seeds.stamp.answer]),
            "record": (self.record, programs),
            "forged": (self.forged, programs),
            "resume": (self.resume, programs),
        }

    def line(self, data: bytes) -> None:
        """One line: what is accepted is what would be written, by our own account and by Python's."""
        try:
            entry = decode(data)
        except LineError:
            return
        assert encode(entry) == data
        assert canonical(json.loads(data)) == data

    def scan(self, data: bytes) -> None:
        """A journal: whatever holds is a beginning of a journal that was written."""
        scan = Scan()
        try:
            for _ in scan.read(io.BytesIO(data)):
                pass
        except BrokenError:
            pass
        if scan.genesis is None or scan.genesis.session_key != self._seeds.key.key.line:
            return  # another session's, of a run before
        covered = b"".join(data.splitlines(keepends=True)[: scan.covered])
        assert any(one["session.jsonl"].startswith(covered) for one in (self._seeds.sealed, self._seeds.open))

    def signature(self, data: bytes) -> None:
        """An armoured signature: only the very bytes that were made are accepted."""
        try:
            signature = parse(data)
            signature.verify_message(RECORD, MESSAGE)
        except SignatureError:
            return
        assert data in self._signatures or signature.key not in self._seeds.keys  # made in a run before

    def blob(self, data: bytes) -> None:
        """A signature's bytes, in armour that is right."""
        if len(data) <= MAX_ARMOUR:
            self.signature(armour(data).encode("ascii"))

    def allowed_signers(self, data: bytes) -> None:
        """A list of signers: nobody is allowed whose key does not stand in it."""
        now = datetime.now(UTC)
        listed = allowed_signers.parse(data)
        for key in self._seeds.keys:
            refusal = listed.refusal(NAME, key, RECORD, now)
            assert refusal or key.line.split()[1].encode("ascii") in data

    def ledger(self, data: bytes) -> None:
        """A ledger: where it has no damage, every line is in its form and holds the one before."""
        path = self._folder / "ledger.jsonl"
        path.write_bytes(data)
        reading = ledger.read(path)
        if reading.damage:
            return
        before = ""
        lines = data.splitlines(keepends=True)
        assert len(lines) == len(reading.entries)
        for line, entry in zip(lines, reading.entries, strict=True):
            assert entry.prev == before
            assert canonical(json.loads(line)) == line
            assert entry.at.tzinfo is UTC
            before = digest(line)

    def archive(self, data: bytes) -> None:
        """An archived record: nothing is unpacked but files with plain names in one folder."""
        path = self._folder / "record.tar.gz"
        path.write_bytes(data)
        try:
            with unpacked(path) as directory:
                assert is_session_id(directory.name)
                assert all(one.is_file() and one.parent == directory for one in directory.iterdir())
        except RecordError:
            return

    def envelope(self, data: bytes) -> None:
        """An attestation's envelope: only what was signed comes out of it."""
        try:
            payload = opened(data, self._seeds.operator.key)
        except SignatureError:
            return
        assert payload == PAYLOAD

    def time_stamp(self, data: bytes) -> None:
        """A time-stamp: what holds says the time and the name that it said at first."""
        stamp = self._seeds.stamp
        with suppress(StampError):
            check_unvouched(data, stamp.digest)
        with suppress(StampError):
            says(data)
        try:
            found = check(data, stamp.digest, list(stamp.authorities))
        except StampError:
            return
        assert found == check(stamp.answer, stamp.digest, list(stamp.authorities))

    def record(self, program: bytes) -> None:
        """A sealed record with its files changed is not valid, and can be listed. A copy may be missing."""
        changed = mutate(self._seeds.sealed, program)
        directory = self._lay(changed)
        verdict = self._verify(directory)
        whole = {"quick.yaml": self._seeds.sealed["quick.yaml"], **changed} == self._seeds.sealed
        assert (verdict.status is Status.VALID) == whole, verdict
        store.summary(directory)

    def forged(self, program: bytes) -> None:
        """A record made of odd events, chained and signed all right by a stranger, is not valid."""
        directory = self._lay(forge(self._seeds, program))
        assert self._verify(directory).status in {Status.UNTRUSTED, Status.NEWER, Status.INVALID}
        store.summary(directory)

    def resume(self, program: bytes) -> None:
        """An open record is gone on with only where its whole lines are as they were, and then it holds."""
        changed = mutate(self._seeds.open, program)
        directory = self._lay(changed)
        try:
            with Session.resume(directory) as session:
                session.append(self._seeds.note)
        except RecordError:
            return
        before, after = self._seeds.open["session.jsonl"], (directory / "session.jsonl").read_bytes()
        first = before.splitlines(keepends=True)[0]
        assert after.startswith(first)
        assert "genesis.sig" in changed
        verdict = self._verify(directory)
        assert verdict.status is Status.UNSEALED, verdict

    def _lay(self, files: dict[str, bytes]) -> Path:
        directory = self._folder / "sessions" / self._seeds.session
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True, mode=0o700)
        for name, data in files.items():
            (directory / name).write_bytes(data)
            (directory / name).chmod(0o600)
        return directory

    def _verify(self, directory: Path) -> Verdict:
        path = self._folder / "allowed_signers"
        if not path.exists():
            path.write_bytes(self._seeds.allowed)
        verdict = verify(directory, path, ledger_file=self._folder / "no-ledger")
        said = [verdict.reason, verdict.operator, *verdict.remarks]
        assert all(text.isprintable() for text in said), said
        return verdict

"""A record under attack, and all that an attacker may do to it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signoff.session import tip
from signoff.session.clock import Moment
from signoff.session.events import Entered, Noted
from signoff.session.ledger import LedgerEntry
from signoff.session.line import digest
from signoff.session.signer import Signer
from signoff.session.sshsig import GENESIS, RECORD
from unit.session.records import CHECKLISTS, CONFIRMED, Place, journal, lines, write


@dataclass
class Scene:
    """A record, whoever trusts it, and how the attacker may look at every ``step``-th byte.

    Who verifies it may give a time, an authority's certificate and a list of revoked keys.
    """

    place: Place
    patch: pytest.MonkeyPatch
    directory: Path
    allowed: Path
    step: int = 1
    bits: tuple[int, ...] = (0,)
    at: datetime | None = None
    tsa_ca: Path | None = None
    revoked: Path | None = None

    @property
    def seal(self) -> Path:
        return self.directory / "seal.sig"

    def trust(self, line: str) -> None:
        """Have the verifiers trust what the line says; ``{name}`` and ``{key}`` are the operator's."""
        self.allowed.write_text(line.format(name=self.place.operator.name, key=self.place.operator.key.line))

    def sign(self, by: Signer | None = None, seal: str = RECORD, genesis: str = GENESIS) -> None:
        """Sign the record again, as it is now."""
        signer, whole = by or self.place.operator, journal(self.directory).read_bytes()
        first = whole.partition(b"\n")[0] + b"\n"
        (self.directory / "genesis.sig").write_text(signer.sign(genesis, first))
        self.seal.write_text(signer.sign(seal, whole))


Do = Callable[[Scene], object]
"""What an attacker does. An iterator does one thing after the other, and each is judged alone."""


def flip(name: str, until: Callable[[Path], int] | None = None) -> Do:
    def do(scene: Scene) -> Iterator[str]:
        path = scene.directory / name
        data = path.read_bytes()
        for at in range(0, until(path) if until else len(data), scene.step):
            for bit in scene.bits:
                mask = 1 << (at + bit) % 8
                path.write_bytes(data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :])
                yield f"byte {at}"

    return do


def to_last_checkpoint(path: Path) -> int:
    return len(b"".join(lines(path.parent)[:5]))


def change_lines(change: Callable[[list[bytes]], list[bytes]]) -> Do:
    return lambda scene: write(scene.directory, change(lines(scene.directory)))


def change_bytes(
    change: Callable[[bytes], bytes], name: str = "session.jsonl", *, signed: bool = False
) -> Do:
    def do(scene: Scene) -> None:
        path = scene.directory / name
        path.write_bytes(change(path.read_bytes()))
        if signed:
            scene.sign()

    return do


def replace(old: bytes, new: bytes) -> Do:
    return change_bytes(lambda data: data.replace(old, new, 1))


def next_line(content: list[bytes]) -> bytes:
    """Return a well-formed, chained line that could come after the last."""
    fields = {name: json.loads(content[-1])[name] for name in ("boot", "monotonic", "session", "time")}
    fields |= {"type": "resumed", "signoff": "", "host_key": "", "machine_id": ""}
    fields |= {"seq": len(content) + 1, "prev": digest(content[-1])}
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def add_odd_line(change: Callable[[bytes], bytes]) -> Do:
    """Add a line that is odd in one way only, and have the operator sign it all."""

    def do(scene: Scene) -> None:
        content = lines(scene.directory)
        write(scene.directory, [*content, change(next_line(content))])
        scene.sign()

    return do


def splice(scene: Scene) -> None:
    write(scene.directory, lines(scene.directory)[:2] + lines(scene.place.sealed())[2:])


def splice_and_seal(scene: Scene) -> None:
    splice(scene)
    scene.sign()


def swap_signatures(scene: Scene) -> None:
    one, other = scene.directory / "genesis.sig", scene.seal
    texts = one.read_text(), other.read_text()
    one.write_text(texts[1])
    other.write_text(texts[0])


def swap_sessions(scene: Scene) -> None:
    shutil.copy(scene.place.sealed() / "seal.sig", scene.seal)


def put_instead(name: str, by: Callable[[Path], object]) -> Do:
    def do(scene: Scene) -> None:
        path = scene.directory / name
        path.rename(path.with_name("moved"))
        by(path)

    return do


def remove(*names: str) -> Do:
    def do(scene: Scene) -> None:
        for name in names:
            (scene.directory / name).unlink()

    return do


def cut_to(keep: int) -> Do:
    """Roll an unsealed or once sealed record back to its first lines; the seal goes."""

    def do(scene: Scene) -> None:
        scene.seal.unlink(missing_ok=True)
        write(scene.directory, lines(scene.directory)[:keep])

    return do


def change_ledger(change: Callable[[list[bytes]], list[bytes]]) -> Do:
    def do(scene: Scene) -> None:
        path = scene.place.ledger
        path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))

    return do


def to_another_slot(scene: Scene) -> None:
    """Put the session's lines behind those of another session, in a ledger that holds."""
    written, before = b"", ""
    entries = [json.loads(line) for line in scene.place.ledger.read_bytes().splitlines()]
    other = entries[0] | {"session": "20200101-000000-aaaaaaaa", "digest": "a" * 64}
    for number, entry in enumerate([other, *entries], 1):
        fields = entry | {"seq": number, "prev": before}
        assert set(fields) == set(LedgerEntry.__struct_fields__)
        line = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        written, before = written + line, digest(line)
    scene.place.ledger.write_bytes(written)


def to_another_machine(scene: Scene) -> None:
    """Carry the record to a machine that has sessions and a ledger of its own."""
    sessions = scene.place.sessions.parent.parent / "elsewhere" / "sessions"
    with scene.place.start(sessions=sessions):
        pass
    scene.directory = scene.directory.rename(sessions / scene.directory.name)


def under_another_name(scene: Scene) -> None:
    scene.directory = scene.directory.rename(scene.directory.with_name("20200101-000000-aaaaaaaa"))


def clock(*moves: tuple[float, float, str], forged: bool = False) -> Do:
    """Walk and seal a session whose clocks move so many seconds (UTC, monotonic) before each event.

    No signoff writes a line that is older by the monotonic clock than the one before: that is ``forged``.
    """

    def do(scene: Scene) -> None:
        now = Moment(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), 10**12, "boot-1")
        scene.patch.setattr(tip, "read_clock", lambda: now)
        if forged:
            scene.patch.setattr(tip.Tip, "_now", lambda _: now)
        with scene.place.start() as session:
            for utc, monotonic, boot in moves:
                moved = now.monotonic + int(monotonic * 10**9)
                now = Moment(now.time + timedelta(seconds=utc), moved, boot)
                session.append(CONFIRMED)
            session.seal(scene.place.operator)
        scene.directory = session.directory

    return do


def with_copies(place: Place) -> Path:
    """Return a sealed record that keeps its checklist."""
    text = b"id: quick\n"
    checklists = (CHECKLISTS[0].__class__("quick", digest(text), ("secrets", "ports")),)
    with place.start(checklists=checklists, copies={"quick.yaml": text}) as session:
        session.append(CONFIRMED)
        session.seal(place.operator)
    return session.directory


def entered_last(place: Place) -> Path:
    """Return an open record that ends with an event behind its last checkpoint."""
    with place.start() as session:
        session.append(CONFIRMED)
        session.append(Noted(checklist="quick", step="ports", text="x"))
        session.append(Entered(checklist="quick", step="ports"))
    return session.directory

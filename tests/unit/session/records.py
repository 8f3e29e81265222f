"""A small session, and the place where a test's records lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from signoff.session.events import Attested, ChecklistRef, Entered, Noted, TargetRef
from signoff.session.key_file import load_key
from signoff.session.session import Session
from signoff.session.signer import Signer

if TYPE_CHECKING:
    from signoff.session.signer import PrivateKey

TARGET = TargetRef(
    name="shop",
    address="deploy@shop.example:22",
    host_key="SHA256:x",
    machine_id="m",
    profile={"name": "shop"},
)
CHECKLISTS = (ChecklistRef("quick", "0" * 64, ("secrets", "ports")),)
CONFIRMED = Attested(checklist="quick", step="secrets", kind="confirmed", value="3 keys")


@dataclass(frozen=True)
class Place:
    """Where a test's records lie, and who signs them."""

    config: Path
    sessions: Path
    operator: Signer

    @property
    def private(self) -> PrivateKey:
        return load_key(self.config / "identity", "x")._private

    @property
    def ledger(self) -> Path:
        return self.sessions.parent / "ledger.jsonl"

    @property
    def allowed_signers(self) -> Path:
        return self.config / "allowed_signers"

    def start(self, **given: object) -> Session:
        arguments = {"signer": self.operator, "target": TARGET, "checklists": CHECKLISTS, **given}
        return Session.start(**arguments)  # type: ignore[arg-type]  # a test's arguments, by name

    def sealed(self) -> Path:
        """Return a small sealed record: entered, confirmed, checkpoint, sealed, checkpoint."""
        with self.start() as session:
            session.append(Entered(checklist="quick", step="secrets"))
            session.append(CONFIRMED)
            session.seal(self.operator, open_steps=["quick/ports"])
        return session.directory

    def unsealed(self) -> Path:
        """Return a small open record: entered, confirmed, checkpoint, noted, checkpoint."""
        with self.start() as session:
            session.append(Entered(checklist="quick", step="secrets"))
            session.append(CONFIRMED)
            session.append(Noted(checklist="quick", step="ports", text="hello"))
        return session.directory


def journal(directory: Path) -> Path:
    return directory / "session.jsonl"


def lines(directory: Path) -> list[bytes]:
    return journal(directory).read_bytes().splitlines(keepends=True)


def write(directory: Path, content: list[bytes]) -> None:
    journal(directory).write_bytes(b"".join(content))

"""A thousand walks, killed at any moment: nothing that was acknowledged is lost, and nothing is misjudged."""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from signoff.session import identity, ledger, store
from signoff.session.events import Attested, Noted
from signoff.session.session import Session
from signoff.session.signer import Signer
from signoff.session.verify import Standing, Status, verify
from unit.session.conftest import place as place  # the fixture
from unit.session.records import Place

KILLS = 1000
TURNS = 2
LONGEST = 0.08
"""No life has more seconds than this, and none more than a whole walk takes here."""
STEPS = ("secrets", "ports")


@dataclass
class Told:
    """What the walkers have acknowledged, and over how many lives a session was walked."""

    killed: int = 0
    sealed: int = 0
    resumed: int = 0
    notes: dict[str, list[str]] = field(default_factory=dict)


def walk(place: Place, signer: Signer, directory: Path | None, number: int, saying: int) -> None:
    """Begin a session or go on with one, answer, and seal it; say each thing once it is on disk.

    One that was killed while it was sealed takes no answers any more.
    """
    session = Session.resume(directory) if directory else place.start(signer=signer)
    os.write(saying, f"session {session.id}\n".encode())
    for turn in range(0 if session.state.sealed else TURNS):
        text = f"{number}.{turn}"
        session.append(Attested(checklist="quick", step=STEPS[turn % 2], kind="skipped", reason=text))
        session.append(Noted(checklist="quick", step="ports", text=text))
        os.write(saying, f"note {text}\n".encode())
    session.seal(signer)
    os.write(saying, b"sealed\n")


def live(
    place: Place, signer: Signer, directory: Path | None, number: int, seconds: float | None
) -> tuple[bool, list[str]]:
    """Walk in a child that is killed after so many seconds; tell whether it was, and what it had said."""
    listening, saying = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(listening)
            walk(place, signer, directory, number, saying)
            os._exit(0)
        except BaseException as problem:  # noqa: BLE001 - the child must end here, whatever happened
            os.write(saying, f"{type(problem).__name__}: {problem}".encode())
            os._exit(1)
    os.close(saying)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with os.fdopen(listening) as pipe:
        said = pipe.read().splitlines()
    code = os.waitstatus_to_exitcode(status)
    assert code in {0, -signal.SIGKILL}, f"the walk failed: {code}, after {said}"
    return code != 0, said


def look(place: Place, told: Told, directory: Path) -> bool:
    """Hold a record to all that was said of it; tell whether it is sealed."""
    verdict = verify(directory)
    assert verdict.status in {Status.VALID, Status.UNSEALED}, verdict
    assert verdict.ledger is Standing.LISTED
    found = [text for _, text in store.read(directory).state.steps["quick", "ports"].notes]
    said = told.notes.get(directory.name, [])
    assert [text for text in found if text in set(said)] == said
    assert len(found) <= len(said) + told.resumed + 1
    return verdict.status is Status.VALID


def test_a_thousand_killed_walks(place: Place) -> None:
    signer, chance, told = identity.load_or_create(), random.Random(), Told()
    begun = time.perf_counter()
    for _ in range(5):
        live(place, signer, None, 0, None)
    longest = min(LONGEST, (time.perf_counter() - begun) / 5)
    directory: Path | None = None
    number = 0
    while told.killed < KILLS:
        number += 1
        killed, said = live(place, signer, directory, number, chance.uniform(0, longest))
        told.killed += killed
        told.resumed += directory is not None
        for line in said:
            word, _, rest = line.partition(" ")
            if word == "session":
                directory = place.sessions / rest
            elif word == "note" and directory:
                told.notes.setdefault(directory.name, []).append(rest)
        if directory and look(place, told, directory):
            told.sealed += 1
            directory = None
        else:
            assert "sealed" not in said
    place.start().close()  # finishes what the last ones left
    listed = ledger.read(place.ledger)
    assert listed.damage == []
    assert {one.name for one in place.sessions.iterdir()} == {
        entry.session for entry in listed.entries if entry.session
    }
    for name in told.notes:
        look(place, told, place.sessions / name)
    print(f"{number} lives: {told.killed} killed, {told.resumed} gone on with, {told.sealed} sealed")
    assert told.resumed
    assert told.sealed

"""How long verifying a long record takes, against sha256sum and one ssh-keygen -Y verify of the same file.

    python tests/bench/bench_verify.py [LARGEST]

Prints two tables: seconds and their ratio to the peer for the largest record (100,000 events), and the peak
memory of `signoff verify` for 1,000 events, ten times and a hundred times as many. It judges nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

from signoff.model import Finding, Result, Vantage
from signoff.session import identity
from signoff.session.events import (
    AnyEvent,
    Attested,
    ChecklistRef,
    Entered,
    Found,
    Genesis,
    Looked,
    OperatorRef,
    Probed,
    Sealed,
    TargetRef,
)
from signoff.session.signer import KeySigner, Signer
from signoff.session.sshsig import GENESIS, RECORD
from signoff.session.tip import Tip

PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
SESSION = "20260102-030405-abcdefgh"
PLACE = {"checklist": "quick", "step": "ports"}
FINDING = Finding(
    probe="network.listeners",
    title="PostgreSQL listens on one address only",
    result=Result.PASS,
    vantage=Vantage.HOST,
    observed="127.0.0.1:5432",
    expected="only addresses of this machine",
    evidence=("LISTEN 0 244 127.0.0.1:5432 0.0.0.0:*",),
)
# What a walk writes, step after step: one decision and its checkpoint in five lines or so.
STEP: tuple[AnyEvent, ...] = (
    Entered(**PLACE),
    Looked(
        fact="listeners",
        vantage="host",
        command="ss -H -t -u -l -n -p",
        status=0,
        size=1234,
        digest="a" * 64,
        as_root=True,
    ),
    Looked(
        fact="firewall",
        vantage="host",
        command="nft list ruleset",
        status=0,
        size=99,
        digest="b" * 64,
        as_root=True,
    ),
    Found(**PLACE, probe="network.listeners", findings=(FINDING,)),
    Found(**PLACE, probe="network.firewall", findings=(FINDING, FINDING)),
    Probed(**PLACE, complete=True),
    Attested(
        **PLACE, kind="confirmed", statement="The provider's firewall lets in 80 and 443.", value="80, 443"
    ),
)


def lines(operator: Signer, events: int) -> Iterator[bytes]:
    """Yield the lines of a sealed record of so many events."""
    key, tip = KeySigner.generate(SESSION), Tip(SESSION)
    genesis = Genesis(
        version=1,
        signoff="0.1.0",
        session_key=key.key.line,
        ledger="",
        target=TargetRef(name="shop", address="shop.example", host_key="", machine_id="", profile={}),
        checklists=(ChecklistRef("quick", "0" * 64, ("ports",)),),
        operator=OperatorRef(operator.name, operator.fingerprint),
        mode="walk",
    )
    yield tip.add(genesis)[1]
    for event in cycle(STEP):
        if tip.lines >= events - 3:
            break
        yield tip.add(event)[1]
        if isinstance(event, (Probed, Attested)):
            yield tip.add_checkpoint(key)[1]
    yield tip.add(Sealed(counts={}, open=()))[1]
    yield tip.add_checkpoint(key)[1]


def record(folder: Path, operator: Signer, events: int) -> Path:
    """Write a sealed record, as sealing would leave it."""
    folder.mkdir()
    written = b"".join(lines(operator, events))
    (folder / "session.jsonl").write_bytes(written)
    (folder / "genesis.sig").write_text(operator.sign(GENESIS, written.partition(b"\n")[0] + b"\n"))
    (folder / "seal.sig").write_text(operator.sign(RECORD, written))
    return folder


def seconds(work: Callable[[], object]) -> float:
    """Return the least of three runs: what else the machine does only ever adds."""
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def run(command: list[str], standard_input: Path | None = None) -> None:
    """Run a command that must succeed."""
    with (standard_input or Path(os.devnull)).open("rb") as given:
        subprocess.run(command, stdin=given, stdout=subprocess.DEVNULL, check=True)


def peak(command: list[str]) -> int:
    """Return the most memory that a command has held, in KiB.

    A small process starts it: what its parent holds at that moment would count as its own.
    """
    done = subprocess.run([sys.executable, "-c", PEAK, *command], capture_output=True, text=True, check=True)
    return int(done.stdout) // (1024 if sys.platform == "darwin" else 1)


def main() -> None:
    """Make the records, time the peers and ourselves, and print the tables."""
    largest = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {f"XDG_{kind}_HOME": f"{home}/{kind}" for kind in ("CONFIG", "STATE", "CACHE")}
        operator = identity.load_or_create()
        sizes = [largest // 100, largest // 10, largest]
        records = [record(Path(home, str(events)), operator, events) for events in sizes]
        _speed(records[-1], largest, operator)
        print("\npeak memory of signoff verify")
        for events, folder in zip(sizes, records, strict=True):
            print(f"  {events:>9,} events  {peak(_signoff(folder)) / 1024:7.1f} MiB")


def _signoff(folder: Path) -> list[str]:
    return [sys.executable, "-m", "signoff", "verify", str(folder)]


def _speed(folder: Path, events: int, operator: Signer) -> None:
    from signoff import paths
    from signoff.session.verify import Status, verify

    journal, allowed = folder / "session.jsonl", paths.allowed_signers_file()
    keygen = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", operator.name, "-n", RECORD]
    keygen += ["-s", str(folder / "seal.sig")]

    def peer() -> None:
        run(["sha256sum", str(journal)])
        run(keygen, journal)

    def library() -> None:
        if verify(folder).status is not Status.VALID:
            raise SystemExit("the record does not verify")

    times = {
        "sha256sum and ssh-keygen -Y verify": seconds(peer),
        "signoff verify": seconds(lambda: run(_signoff(folder))),
        "signoff.session.verify.verify": seconds(library),
    }
    print(f"verifying {events:,} events, {journal.stat().st_size / 1e6:.1f} MB")
    least = next(iter(times.values()))
    for name, each in times.items():
        print(f"  {name:<36} {each:7.2f} s  {each / least:6.1f}x  {each / events * 1e6:6.1f} us an event")


if __name__ == "__main__":
    main()

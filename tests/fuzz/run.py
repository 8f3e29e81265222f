"""Coverage-guided fuzzing of everything that reads a record: atheris, which is libFuzzer for Python.

    python tests/fuzz/run.py                            every target, 60 seconds each
    python tests/fuzz/run.py --seconds 3600 line blob  some, longer
    python tests/fuzz/run.py --keep FOLDER             keep what was found worth keeping, and begin with it

Prints a table. Exits with 1 where something did not hold: the input lies then in the folder that is named.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMES = (
    *("line", "scan", "signature", "blob", "allowed-signers", "ledger", "archive", "envelope", "time-stamp"),
    *("record", "forged", "resume"),
)


@dataclass(frozen=True)
class Outcome:
    """How a target's run ended."""

    name: str
    code: int
    output: str

    def number(self, pattern: str) -> int:
        """Return the last number that libFuzzer printed in such a place; 0 where there is none."""
        found = re.findall(pattern, self.output)
        return int(found[-1]) if found else 0

    @property
    def reason(self) -> str:
        """What did not hold: the exception, or where there is none the end of what libFuzzer printed."""
        _, uncaught, rest = self.output.partition("Uncaught Python exception")
        return f"{uncaught}{rest[:4000]}" if uncaught else self.output[-2000:]

    @property
    def row(self) -> str:
        """The target's line in the table."""
        executions = self.number(r"stat::number_of_executed_units: (\d+)") or self.number(r"#(\d+)\s")
        edges, features = self.number(r"cov: (\d+)"), self.number(r"ft: (\d+)")
        held = "holds" if self.code == 0 else "DOES NOT HOLD"
        return f"  {self.name:<16} {executions:>10,} {edges:>7,} {features:>9,}  {held}"


def fuzz(name: str, seconds: int, keep: Path) -> Outcome:
    """Fuzz one target in a process of its own."""
    corpus = keep / name
    corpus.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(HERE / "one.py"), name, f"-max_total_time={seconds}"]
    command += [
        "-print_final_stats=1",
        "-timeout=20",
        "-rss_limit_mb=2000",
        f"-artifact_prefix={keep}/{name}-",
    ]
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="signoff-fuzz-", dir=memory) as place:
        done = subprocess.run(
            [*command, str(corpus)],
            env={**os.environ, "TMPDIR": place},  # libFuzzer ends without clearing anything away
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    return Outcome(name, done.returncode, done.stdout + done.stderr)


def main() -> int:
    """Fuzz the targets that are asked for; return the exit code."""
    parser = argparse.ArgumentParser(description="Fuzz what reads a record.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(NAMES))
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    parser.add_argument("--keep", type=Path, help="the folder of what was found worth keeping")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at once")
    given = parser.parse_args()
    if wrong := [name for name in given.targets if name not in NAMES]:
        parser.error(f"there is no target {wrong[0]!a}; there are {', '.join(NAMES)}")
    keep = given.keep or Path(tempfile.mkdtemp(prefix="signoff-fuzz-"))
    with ThreadPoolExecutor(given.jobs) as pool:
        runs = pool.map(lambda name: fuzz(name, given.seconds, keep), given.targets or NAMES)
        print(f"  {'target':<16} {'executions':>10} {'edges':>7} {'features':>9}")
        failed = []
        for outcome in runs:
            print(outcome.row, flush=True)
            if outcome.code:
                failed.append(outcome)
    for outcome in failed:
        print(f"\n{outcome.name}, in {keep}:\n{outcome.reason}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

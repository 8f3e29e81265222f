"""A short run of the fuzzer over every target; a long one is `python tests/fuzz/run.py --seconds 3600`."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from required import give_up

SECONDS = 3


def test_fuzzing_finds_nothing(tmp_path: Path) -> None:
    if find_spec("atheris") is None:
        give_up("atheris is not installed: pip install -e '.[fuzz]'")
    fuzzer = Path(__file__).parents[1] / "fuzz" / "run.py"
    command = [sys.executable, str(fuzzer), f"--seconds={SECONDS}", f"--keep={tmp_path}", "--jobs=2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("  holds") == len(done.stdout.splitlines()) - 1 > 8

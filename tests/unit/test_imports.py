"""What a command imports is what its start costs: the fast ones never load the heavy libraries."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"textual", "paramiko", "httpcore", "rich"}


def modules_after(tmp_path: Path, code: str) -> set[str]:
    """Return the top-level packages that a fresh interpreter has loaded after running some code."""
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    return {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


def command(*arguments: str) -> str:
    """Return the code that runs a command and survives its end."""
    return f"from signoff.cli import main\ntry: main({list(arguments)!r})\nexcept SystemExit: pass"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--version",),
        ("--help",),
        ("generate", "key"),
        ("verify", "latest"),
        ("where",),
        ("checklist", "list"),
        ("sessions", "list"),
    ],
)
def test_fast_commands_load_nothing_heavy(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert not HEAVY & modules_after(tmp_path, command(*arguments))


def test_the_app_is_there_before_any_target(tmp_path: Path) -> None:
    loaded = modules_after(tmp_path, "import signoff.app")
    assert not {"paramiko", "httpcore", "zxcvbn"} & loaded

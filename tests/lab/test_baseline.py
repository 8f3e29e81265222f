"""What every probe says on every kind of host, as it was once written down: nothing changes unseen.

`python tests/lab/test_baseline.py VARIANT` writes a host's findings down again: whoever does so says in the
commit why each line that differs is right.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from labhost.host import Host
from look import look_at

from lab import Lab
from signoff.checklist.load import available, load
from signoff.model import Finding
from signoff.probes import all_probes

HERE = Path(__file__).parent / "baseline"
VARIANTS = ("good", "good-caddy", "good-docker", "bad")
BY_THE_CLOCK = frozenset({"backups.retention"})
"""Whether a backup two hours old is of today or of yesterday: the days that there are differ by it."""
USERS = ("operator", "deploy", "viewer")
"""Who looks: one with sudo, one who may ask Docker, one without any rights."""

PROFILE = {
    "name": "shop",
    "project": "/srv/shop",
    "admin_paths": ("/admin/", "/api/admin/users"),
}


def lines(home: Path, host: Host, user: str) -> list[str]:
    """Checklist, step, probe, subject, result and vantage of every finding, tab by tab."""
    probes = all_probes()
    steps = {
        probes[use.use].used(use): (loaded.checklist.id, step.id)
        for loaded in (load(path, probes) for path in available().values())
        for step in loaded.checklist.steps
        for use in step.uses
        if use.use not in BY_THE_CLOCK
    }
    places = {(probe.id, probe.use): step for probe, step in steps.items()}
    found = look_at(home, host, list(steps), user, **PROFILE)
    return sorted(_line(user, *places[one.probe, one.use], one) for one in found)


def _line(user: str, checklist: str, step: str, one: Finding) -> str:
    probe = f"{one.probe} ({one.use})" if one.use else one.probe
    return "\t".join((user, checklist, step, probe, one.subject, one.result.value, one.vantage.value))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An operator's folder, with an `ssh` that leads to the lab's hosts."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_findings_are_those_that_were_written_down(
    home: Path, kept_host: Callable[[str], Host], variant: str, user: str
) -> None:
    written = [
        line for line in (HERE / f"{variant}.tsv").read_text().splitlines() if line.startswith(f"{user}\t")
    ]
    seen = lines(home, kept_host(variant), user)
    differing = difflib.unified_diff(written, seen, "written down", "seen", lineterm="", n=0)
    assert "\n".join(differing) == ""


def main(variant: str) -> None:
    """Write down what is found on a fresh host of this kind."""
    host = Lab().up(variant)
    try:
        with TemporaryDirectory() as name:
            os.environ["PATH"] = f"{name}:/usr/bin:/bin"
            found = [line for user in USERS for line in lines(Path(name), host, user)]
    finally:
        host.stop()
    (HERE / f"{variant}.tsv").write_text("".join(f"{line}\n" for line in found))


if __name__ == "__main__":
    main(sys.argv[1])

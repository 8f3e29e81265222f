"""Fixtures of the lab tests: hosts that are really there, and are gone afterwards.

The tests skip, and say why, where the lab cannot run. SIGNOFF_LAB=0 skips them anywhere; SIGNOFF_LAB=required
makes a lab that cannot run a failure, so that nothing passes for having been left out.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from desk import Desk
from labhost.engine import LabError
from labhost.host import Host
from required import give_up
from terminal import Terminal

from lab import Lab

HERE = Path(__file__).resolve().parent


LONGEST = (
    "test_stranger",
    "test_rotation",
    "test_kills",
    "test_env_readers",
    "test_compose",
    "test_backups",
    "test_rotation_app",
)
"""The modules that take longest begin first: side by side, none is to be what all wait for in the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever is in this folder needs the lab."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.lab)
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


def obstacle() -> str:
    """Why the lab cannot run here; empty when it can be tried."""
    if os.environ.get("SIGNOFF_LAB") == "0":
        return "SIGNOFF_LAB=0"
    if os.geteuid() != 0:
        return "the lab needs root"
    missing = [tool for tool in ("dockerd", "docker", "debootstrap", "zstd") if not shutil.which(tool)]
    return f"the lab needs {', '.join(missing)}: tests/lab/setup.sh installs it" if missing else ""


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The lab, with its Docker daemon running."""
    reason = obstacle()
    if reason:
        give_up(reason)
    found = Lab(owner=os.getpid())
    try:
        found.engine.start()
    except LabError as error:
        give_up(str(error))
    found.reap()
    return found


@pytest.fixture
def desk(lab: Lab, tmp_path: Path) -> Iterator[Desk]:
    """Where an operator sits, with folders and an agent of their own."""
    sitting = Desk(tmp_path, lab.ca_certificate)
    yield sitting
    sitting.close()


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """A terminal of 80x24."""
    window = Terminal()
    yield window
    window.close()


@pytest.fixture(scope="session")
def kept_host(lab: Lab) -> Iterator[Callable[[str], Host]]:
    """One host of each variant that is asked for, which many tests look at and none changes.

    Should this process be killed, the next one that uses the lab removes them.
    """
    hosts: dict[str, Host] = {}

    def keep(variant: str) -> Host:
        """The host of this variant."""
        if variant not in hosts:
            hosts[variant] = lab.up(variant)
        return hosts[variant]

    yield keep
    for host in hosts.values():
        host.stop()


@pytest.fixture(scope="session")
def good_host(kept_host: Callable[[str], Host]) -> Host:
    """The good host that none changes."""
    return kept_host("good")


@pytest.fixture(scope="session")
def bad_host(kept_host: Callable[[str], Host]) -> Host:
    """The bad host that none changes."""
    return kept_host("bad")


@pytest.fixture(scope="class")
def class_host(lab: Lab) -> Iterator[Host]:
    """A good host that the tests of one class share, and may change."""
    host = lab.up()
    yield host
    host.stop()


@pytest.fixture
def fresh_host(lab: Lab) -> Iterator[Callable[..., Host]]:
    """Starts hosts, good ones unless told otherwise, that are the test's alone."""
    hosts: list[Host] = []

    def start(variant: str = "good") -> Host:
        """Start one more."""
        hosts.append(lab.up(variant))
        return hosts[-1]

    yield start
    for host in hosts:
        host.stop()

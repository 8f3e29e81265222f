"""Fixtures of the lab tests: hosts that are really there, and are gone afterwards.

The tests skip, and say why, where the lab cannot run. SIGNOFF_LAB=0 skips them anywhere; SIGNOFF_LAB=required
makes a lab that cannot run a failure, so that nothing passes for having been left out.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from labhost.engine import LabError
from labhost.host import Host

from lab import Lab

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever is in this folder needs the lab."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.lab)


def obstacle() -> str:
    """Why the lab cannot run here; empty when it can be tried."""
    if os.environ.get("SIGNOFF_LAB") == "0":
        return "SIGNOFF_LAB=0"
    if os.geteuid() != 0:
        return "the lab needs root"
    missing = [tool for tool in ("dockerd", "docker", "debootstrap", "zstd") if not shutil.which(tool)]
    return f"the lab needs {', '.join(missing)}: tests/lab/setup.sh installs it" if missing else ""


def give_up(reason: str) -> None:
    """Skip, or fail where the lab is required."""
    if os.environ.get("SIGNOFF_LAB") == "required":
        pytest.fail(f"the lab is required: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The lab, with its Docker daemon running."""
    reason = obstacle()
    if reason:
        give_up(reason)
    found = Lab()
    try:
        found.engine.start()
    except LabError as error:
        give_up(str(error))
    found.reap()
    return found


def running(lab: Lab, variant: str) -> Iterator[Host]:
    """A host for as long as it is needed; should this process be killed, the next one removes it."""
    host = lab.up(variant, owner=os.getpid())
    try:
        yield host
    finally:
        host.stop()


@pytest.fixture(scope="session")
def good_host(lab: Lab) -> Iterator[Host]:
    """A good host that many tests look at and none changes."""
    yield from running(lab, "good")


@pytest.fixture(scope="session")
def bad_host(lab: Lab) -> Iterator[Host]:
    """A bad host that many tests look at and none changes."""
    yield from running(lab, "bad")


@pytest.fixture(scope="class")
def class_host(lab: Lab) -> Iterator[Host]:
    """A good host that the tests of one class share, and may change."""
    yield from running(lab, "good")


@pytest.fixture
def fresh_host(lab: Lab) -> Iterator[Callable[..., Host]]:
    """Starts hosts, good ones unless told otherwise, that are the test's alone."""
    hosts: list[Host] = []

    def start(variant: str = "good") -> Host:
        """Start one more."""
        hosts.append(lab.up(variant, owner=os.getpid()))
        return hosts[-1]

    try:
        yield start
    finally:
        for host in hosts:
            host.stop()

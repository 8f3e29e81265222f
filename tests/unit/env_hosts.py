"""The facts about secrets as lab hosts showed them, for the tests of the probes that judge them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from signoff.facts.base import Facts, HostFact, Malformed, Unavailable
from signoff.facts.containers import CONTAINERS
from signoff.facts.environment import ENVIRONMENT
from signoff.facts.git import GIT
from signoff.facts.units import UNITS
from signoff.message import say
from signoff.model import Finding, Result
from signoff.probes.base import Probe
from signoff.target.command import Output
from signoff.target.profile import Profile

RECORDED = Path(__file__).parent / "recorded/env"
SHOP = Profile(name="shop", project="/srv/shop")
NEEDS_ROOT = Unavailable(say("the Docker daemon may not be asked: permission denied"), "sudo docker ps")


def output(name: str, fact: HostFact[Any]) -> Output:
    """Return what a fact's script printed on a lab host."""
    return Output(fact.id, 0, (RECORDED / f"{name}.{fact.id}").read_bytes(), as_root="viewer" not in name)


def parsed(name: str, fact: HostFact[Any]) -> Any:
    """Return a fact's value, or why there is none."""
    try:
        return fact.parse(output(name, fact))
    except (Unavailable, Malformed) as absent:
        return absent


def facts(name: str, **others: Any) -> Facts:
    """Return the facts of one host; ``others`` are values, or names of recordings, in their place."""
    values: dict[str, Any] = {}
    for fact in (ENVIRONMENT, UNITS, GIT, CONTAINERS):
        given = others.get(fact.id, name)
        if fact is CONTAINERS and given in {"good-viewer", "bad-viewer"}:
            given = NEEDS_ROOT
        if not isinstance(given, str):
            values[fact.id] = given
        elif (RECORDED / f"{given}.{fact.id}").exists():
            values[fact.id] = parsed(given, fact)
    return Facts(values)


def with_content(known: Facts, content: bytes, path: str = "/srv/shop/.env", **changes: Any) -> Facts:
    """Return the facts with another content of a file with secrets."""
    from signoff.credentials.dotenv import read

    environment = known[ENVIRONMENT]
    files = tuple(
        replace(file, content=read(content), **changes) if file.path == path else file
        for file in environment.files
    )
    return Facts({**known.values, ENVIRONMENT.id: replace(environment, files=files)})


def judge(probe: Probe, known: Facts, profile: Profile = SHOP) -> dict[str, Finding]:
    """Return a probe's findings by their subjects; no value of a secret may stand in any of them."""
    found = probe.findings(known, profile)
    for finding in found:
        assert finding.result is not Result.ERROR, finding
    return {finding.subject: finding for finding in found}


def results(probe: Probe, known: Facts, profile: Profile = SHOP) -> dict[str, str]:
    """Return a probe's results by their subjects."""
    return {subject: finding.result.value for subject, finding in judge(probe, known, profile).items()}

"""Record a case from a lab host that is up: what its programs said, trimmed to what is read.

python tests/lab/record_case.py HOST RESULT/NAME ABOUT '{use: ssh.password}' [user=USER] [KEY=VALUE ...]
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import msgspec
import yaml
from labhost.host import Host
from look import lead_to

from lab import Lab
from signoff.checklist.model import Use
from signoff.facts.base import HostFact, OutsideFact, closure, text_for
from signoff.facts.collect import collect
from signoff.probes import all_probes
from signoff.target.command import Command
from signoff.target.opening import open_target
from signoff.target.profile import Profile
from unit.case_files import FOLDER, write
from unit.target.rig import Operator

_READ = {
    "Id": ...,
    "Name": ...,
    "State": {"Running": ..., "StartedAt": ...},
    "Config": {"Image": ..., "Labels": {"com.docker.compose.project.working_dir": ...}},
    "HostConfig": {"NetworkMode": ...},
    "NetworkSettings": {},
}
"""What is read of a container; the rest is long, and may be secret."""


def record(home: Path, host: Host, use: Use, user: str = "deploy", **given: Any) -> dict[str, str]:
    """Return what each of the probe's facts is told on a host."""
    known = {"address": host.target(user), "url": "https://shop.test", "addresses": (host.ipv4, host.ipv6)}
    profile = Profile(**{**known, **given})
    lead_to(home, host)
    facts = closure(all_probes()[use.use].used(use).needs)
    target = open_target(profile, Operator(trusts=False))
    try:
        scripts = [
            Command(fact.id, text_for(fact.script, profile), fact.root, fact.timeout, fact.cap)
            for fact in facts
            if isinstance(fact, HostFact)
        ]
        told = {
            f"{one.id}: {one.problem.value}" if one.problem else one.id: _trimmed(one.stdout.decode())
            for one in target.collect(scripts, Event())
        }
        asked = [fact for fact in facts if isinstance(fact, OutsideFact)]
        for one in collect(asked, target, profile, Event()):
            lines = (json.dumps(msgspec.to_builtins(reply)) for reply in one.value)
            told[one.fact.id] = "\n".join(lines)
    finally:
        target.close()
    return {name: _renamed(text, host) for name, text in told.items()}


def _renamed(text: str, host: Host) -> str:
    return text.replace(host.ipv4, "192.0.2.1").replace(host.ipv6, "2001:db8::1")


def _trimmed(text: str) -> str:
    """Cut what docker inspect prints in full down to what is read."""
    if "\n|[\n" not in text:
        return text
    before, rest = text.split("\n|[\n", 1)
    body, after = rest.split("\n|]\n", 1)
    rows = json.loads("[" + "\n".join(line[1:] for line in body.split("\n")) + "]")
    kept = ",\n|".join(json.dumps(_part(row, _READ)) for row in rows)
    return f"{before}\n|[{kept}]\n{after}"


def _part(value: Any, wanted: Any) -> Any:
    if wanted is ... or not isinstance(value, dict):
        return value
    return {key: _part(value[key], wanted[key]) for key in wanted if key in value}


def main(name: str, case: str, about: str, use: str, *given: str) -> None:
    """Record one case."""
    lab = Lab()
    profile = dict(pair.split("=", 1) for pair in given)
    wanted = msgspec.convert(yaml.safe_load(use), Use)
    os.environ["SSL_CERT_FILE"] = str(lab.ca_certificate)
    with TemporaryDirectory() as home:
        os.environ["PATH"] = f"{home}:/usr/bin:/bin"
        told = record(Path(home), lab.find(name), wanted, profile.pop("user", "deploy"), **profile)
    subject = wanted.use.partition(".")[0]
    write(FOLDER / subject / wanted.use / f"{case}.txt", about, wanted, profile, told)


if __name__ == "__main__":
    main(*sys.argv[1:])

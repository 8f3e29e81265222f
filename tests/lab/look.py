"""Collect a lab host's facts as one of its users, and judge them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any

from labhost.host import Host

from signoff.facts.base import Facts
from signoff.facts.collect import collect
from signoff.model import Finding
from signoff.probes.base import Probe
from signoff.target.opening import open_target
from signoff.target.profile import Profile
from unit.target.rig import Operator


def lead_to(home: Path, host: Host) -> None:
    """Write the ssh configuration that leads to a host, and an ``ssh`` that takes it."""
    (home / "known_hosts").write_text(host.known_hosts)
    (home / "config").write_text(
        f"Host *\n  IdentityFile {host.ssh_key}\n  IdentitiesOnly yes\n  IdentityAgent none\n"
        f"  UserKnownHostsFile {home}/known_hosts\n"
    )
    ssh = home / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {home}/config "$@"\n')
    ssh.chmod(0o755)


def look_at(
    home: Path, host: Host, probes: Sequence[Probe], user: str = "deploy", **profile: Any
) -> tuple[Finding, ...]:
    """Return the findings. ``home`` is the operator's, with the ssh configuration that leads to the host."""
    known = Profile(
        address=host.target(user), url="https://shop.test", addresses=(host.ipv4, host.ipv6), **profile
    )
    lead_to(home, host)
    target = open_target(known, Operator(trusts=False))
    try:
        needed = [fact for probe in probes for fact in probe.needs]
        values = {one.fact.id: one.value for one in collect(needed, target, known, Event())}
    finally:
        target.close()
    return tuple(finding for probe in probes for finding in probe.findings(Facts(values), known))

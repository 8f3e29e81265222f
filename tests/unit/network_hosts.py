"""Hosts as they were recorded, and what the outside sees of them.

Each folder of ``recorded/network`` holds what the facts' own scripts printed on a real machine:

good           lab host, ufw active, PostgreSQL and Redis on loopback, one container published on loopback
bad            lab host, ufw active and denying 5432 and 6379, both published by Docker all the same
traps          good, and a host-network container on 9200, and a raw DNAT of 15432 that ss does not show
viewer         bad, asked by a user without sudo and without the docker group
docker-user    bad, and rules in DOCKER-USER for 5432 and 6379
ufw-inactive   good after ``ufw disable``; ufw-ipv6-no: good with IPV6=no in /etc/default/ufw
nftables       good without ufw, with a native ruleset, a DNAT to 25432 and a redirection of 3333 to SSH
legacy         good without ufw, with rules of iptables-legacy only, which nft does not show
nft-maps       a network namespace with sets, verdict maps and a translation by a map
nft-beside     a network namespace with rules, a set and a base chain of nft in the tables of iptables
nft-extra      a network namespace with a base chain of nft before INPUT
nft-dormant    a network namespace with rules of iptables in a table that is asleep
nft-untracked  a network namespace where rules of nft and iptables keep ports from connection tracking
nft-early      a network namespace with rules on connection tracking's states, before it has looked
nft-numbered   a network namespace on a machine without /etc/protocols
bridges        a network namespace with bridges of containers and of others
ip6-open       a network namespace with iptables rules, and none of ip6tables
accept-first   a network namespace where an ACCEPT of everything stands before the DROP
namespace      a network namespace with every kind of listening socket
swarm          the Docker Engine of a swarm's manager; no-docker, docker-stopped, podman: no Docker to ask
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from signoff.facts.base import Fact, Facts, HostFact, Malformed, Unavailable
from signoff.facts.containers import CONTAINERS
from signoff.facts.docker_engine import DOCKER_ENGINE
from signoff.facts.firewall import FIREWALL
from signoff.facts.network import INTERFACES, LISTENERS, SSH_SERVER
from signoff.facts.outside import OUTSIDE_PORTS, OutsideView, Port, in_doubt
from signoff.facts.services import KNOWN_PORTS
from signoff.message import say
from signoff.model import Finding
from signoff.probes.base import Probe
from signoff.target.command import Output
from signoff.target.outside import State
from signoff.target.profile import Profile

RECORDED = Path(__file__).parent / "recorded" / "network"
HOST: tuple[HostFact[Any], ...] = (LISTENERS, INTERFACES, SSH_SERVER, FIREWALL, CONTAINERS, DOCKER_ENGINE)

GOOD = ("10.213.222.3", "fd5f:51f0:ffde::3")
BAD = ("10.213.222.7", "fd5f:51f0:ffde::7")

NEEDS_ROOT = Unavailable(say("Firewall rules: needs root, and sudo was refused"), "sudo iptables-save")
NO_OUTSIDE = Unavailable(say("this machine cannot look at itself from outside"))

Open = Mapping[tuple[str, int], str]
WEB_AND_SSH = {22: "ssh", 80: "", 443: ""}


@cache
def output(state: str, fact: Fact[Any]) -> Output:
    """Return what a fact's script printed."""
    return Output(fact.id, 0, (RECORDED / state / f"{fact.id}.txt").read_bytes())


@cache
def parsed(state: str, fact: HostFact[Any]) -> Any:
    """Return what a fact's parser made of it: its value, or why there is none."""
    try:
        return fact.parse(output(state, fact))
    except (Unavailable, Malformed) as absent:
        return absent


def outside(
    addresses: tuple[str, ...] = GOOD, also: Open | None = None, silence: State = "filtered"
) -> OutsideView:
    """Return what is seen where 22, 80, 443 and ``also`` answer, and everything else is silent."""
    answering = {(address, port): speaks for address in addresses for port, speaks in WEB_AND_SSH.items()}
    answering |= dict(also or {})
    numbers = sorted(KNOWN_PORTS | {port for _, port in answering})
    ports = tuple(
        Port(address, number, "open", answering[address, number])
        if (address, number) in answering
        else Port(address, number, silence)
        for address in addresses
        for number in numbers
    )
    return OutsideView(ports, *in_doubt(ports))


def facts(state: str, seen: OutsideView | Unavailable, **instead: Any) -> Facts:
    """Return a host's facts: ``state``'s own, over those of the host it was made from.

    ``instead`` are values that take a fact's place, by its id with underscores.
    """
    base = "bad" if state in {"docker-user", "viewer"} else "good"
    values: dict[str, Any] = {OUTSIDE_PORTS.id: seen}
    for fact in HOST:
        where = state if (RECORDED / state / f"{fact.id}.txt").exists() else base
        values[fact.id] = parsed(where, fact)
    if state == "viewer":
        values[FIREWALL.id] = NEEDS_ROOT
    values |= {name.replace("_", "-"): value for name, value in instead.items()}
    return Facts(values)


def judged(probe: Probe, given: Facts, profile: Profile | None = None) -> dict[str, Finding]:
    """Return a probe's findings by their subject."""
    return {finding.subject: finding for finding in probe.findings(given, profile or Profile())}

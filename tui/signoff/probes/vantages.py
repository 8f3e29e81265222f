"""Both vantages side by side: what the host says leads in, and what answers from outside."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from signoff.facts.base import Fact, Facts
from signoff.facts.exposure import HOST_FACTS, Exposure, HostView, host_view
from signoff.facts.network import SSH_SERVER, ssh_ports
from signoff.facts.outside import OUTSIDE_PORTS, OutsideView, Port
from signoff.facts.passage import Fate
from signoff.target.profile import Profile

BOTH: tuple[Fact[Any], ...] = (*HOST_FACTS, SSH_SERVER, OUTSIDE_PORTS)
"""The facts that both vantages rest on."""

WEB = frozenset({80, 443})
_EVIDENCE_CAP = 12


@dataclass(frozen=True)
class Ways:
    """What answers from outside, and what the host says leads in, of the ports in question."""

    answering: tuple[Port, ...] = ()
    leading: tuple[Exposure, ...] = ()

    def having(self, fate: Fate) -> tuple[Exposure, ...]:
        """Return what the packet filter does this to."""
        return tuple(one for one in self.leading if one.fate == fate)

    @property
    def evidence(self) -> tuple[str, ...]:
        """What was seen from both sides, up to a limit."""
        return (*(f"outside: {port}" for port in self.answering), *map(described, self.leading))[
            :_EVIDENCE_CAP
        ]


@dataclass(frozen=True)
class Vantages:
    """``outside`` is None where nobody could look from there, and ``not_outside`` says why.

    ``expected`` are the TCP ports that are meant to answer: 80, 443, SSH, and those of the profile.
    ``client`` is the operator's address as the target sees it; empty where not known.
    """

    host: HostView
    outside: OutsideView | None
    not_outside: str
    expected: frozenset[int]
    client: str

    def doubts(self, ports: Collection[int] | None = None, ways: Ways = Ways()) -> tuple[str, ...]:
        """Return why these TCP ports (all, by default) are not shown closed from both sides."""
        found = [*self.host.missing]
        if not self.host.addresses and not self.host.missing:
            found.append("the host shows no address that the outside could come to")
        if self.outside is None:
            found.append(f"not looked at from outside: {self.not_outside}")
        else:
            found += self.outside.doubts(ports)
            if untried := self._untried(self.outside):
                found.append(f"not tried from outside: {', '.join(untried)}")
        return tuple(dict.fromkeys((*found, *map(described, ways.having("unsure")))))

    def _untried(self, outside: OutsideView) -> list[str]:
        """Public addresses of the host that nobody has tried: an address beside the one that DNS names.

        A container with an address of its own outside needs no published port: IPv6 without translation, or
        a network of the kind macvlan or ipvlan.
        """
        tried = {ip_address(address) for address in outside.addresses}
        missed = [f"{one}" for one in self.host.addresses if one.is_global and one not in tried]
        return missed + [
            f"{address} of container {container.name}"
            for container in self.host.containers
            for address in container.addresses
            if container.running and ip_address(address) not in tried and self._is_outside(address)
        ]

    def _is_outside(self, address: str) -> bool:
        known = ip_address(address)
        return known.is_global or self.host.interfaces.leads_out_to(known)

    def open_outside(self) -> tuple[Port, ...]:
        """Return the ports that answer from outside."""
        return self.outside.open() if self.outside else ()

    def let_in_by_name(self, port: Port) -> bool:
        """Tell whether a port answers this operator only because the packet filter names their address."""
        behind = [
            one
            for one in self.host.exposures
            if (one.protocol, one.port, one.address.version) == ("tcp", port.port, version(port))
        ]
        return bool(self.client and behind) and all(
            one.fate == "blocked" and self.host.admits(one, ip_address(self.client)) for one in behind
        )


def version(port: Port) -> int:
    """Return the version of IP that a port was tried by."""
    return ip_address(port.address).version


def vantages(facts: Facts, profile: Profile) -> Vantages:
    """Return both vantages; never raises, a missing one says why."""
    host, why = host_view(facts), facts.missing(OUTSIDE_PORTS)
    outside = None if why else facts[OUTSIDE_PORTS]
    if facts.missing(SSH_SERVER):
        client, own, ssh = "", frozenset[int](), frozenset({22})
    else:
        server = facts[SSH_SERVER]
        client, own, ssh = server.client, server.ports, ssh_ports(host.listeners, server)
    outside = outside and outside.without(_from_within(outside, host, client))
    # What ssh -R lays open (sshd_config: GatewayPorts) listens in sshd's name, and is something else.
    led_on = {port.port for port in (outside.open() if outside else ()) if port.speaks != "ssh"} - own
    return Vantages(host, outside, why, WEB | (ssh - led_on) | set(profile.open_ports), client)


def _from_within(outside: OutsideView, host: HostView, client: str) -> dict[str, str]:
    """Return the addresses that are asked from the target's own network, with what that means.

    A public address that is not the host's own is its router's: what that one says to its own network, or
    turns back into it (hairpin NAT), is not what it says to strangers.
    """
    if not client or ip_address(client).is_global or not host.interfaces.leads_out_to(ip_address(client)):
        return {}
    return {
        address: f"{address} was asked from the target's own network ({client}): its router may answer others"
        " differently"
        for address in outside.addresses
        if ip_address(address).is_global and not host.interfaces.own(ip_address(address))
    }


def described(exposure: Exposure) -> str:
    """Return an exposure with what the packet filter does to it, as evidence."""
    fates = {"open": "let in by", "blocked": "stopped by", "unsure": "it is not certain what becomes of it:"}
    said = f"host: {exposure}: {fates[exposure.fate]} {exposure.because}"
    return said + (f"; but let in for some: {exposure.exceptions[0]}" if exposure.exceptions else "")

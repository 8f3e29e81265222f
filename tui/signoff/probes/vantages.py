"""Both vantages side by side: what the host says leads in, and what answers from outside."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from signoff.facts.base import Fact, Facts
from signoff.facts.exposure import HOST_FACTS, Exposure, HostView, host_view
from signoff.facts.network import SSH_SERVER, ssh_ports
from signoff.facts.outside import OUTSIDE_PORTS, OutsideView, Port
from signoff.facts.passage import Fate
from signoff.message import Message, listed, say
from signoff.target.profile import Profile

BOTH: tuple[Fact[Any], ...] = (*HOST_FACTS, SSH_SERVER, OUTSIDE_PORTS)
"""The facts that both vantages rest on."""

WEB = frozenset({80, 443})
_MOST = 12


@dataclass(frozen=True)
class Ways:
    """What answers from outside, and what the host says leads in, of the ports in question."""

    answering: tuple[Port, ...] = ()
    leading: tuple[Exposure, ...] = ()

    def having(self, fate: Fate) -> tuple[Exposure, ...]:
        """Return what the packet filter does this to."""
        return tuple(one for one in self.leading if one.fate == fate)

    @property
    def evidence(self) -> tuple[Message, ...]:
        """What was seen from both sides, up to a limit."""
        return (*map(described, self.answering), *map(described, self.leading))[:_MOST]


@dataclass(frozen=True)
class Vantages:
    """``outside`` is None where nobody could look from there, and ``not_outside`` says why.

    ``expected`` are the TCP ports that are meant to answer: 80, 443, SSH, and those of the profile.
    ``client`` is the operator's address as the target sees it; empty where not known.
    """

    host: HostView
    outside: OutsideView | None
    not_outside: Message
    expected: frozenset[int]
    client: str

    def doubts(self, ports: Collection[int] | None = None) -> tuple[Message, ...]:
        """Return why these TCP ports (all, by default) are not shown closed from both sides."""
        found = [listed([reason]) for reason in self.host.missing]
        if not self.host.addresses and not self.host.missing:
            found.append(say("the host shows no address that the outside could come to"))
        if self.outside is None:
            found.append(say("not looked at from outside: {reason}", reason=self.not_outside))
        else:
            found += self.outside.doubts(ports)
            if untried := [*self._untried(self.outside)]:
                found.append(say("not tried from outside: {addresses}", addresses=listed(untried, ", ")))
        return tuple(dict.fromkeys(found))

    def _untried(self, outside: OutsideView) -> Iterator[str]:
        """Yield public addresses that nobody has tried: the host's, beside the one that DNS names.

        A container with an address of its own outside needs no published port: IPv6 without translation, or
        a network of the kind macvlan or ipvlan.
        """
        tried = {ip_address(address) for address in outside.addresses}
        yield from (str(one) for one in self.host.addresses if one.is_global and one not in tried)
        for container in self.host.containers:
            for one in map(ip_address, container.addresses if container.running else ()):
                if one not in tried and (one.is_global or self.host.interfaces.leads_out_to(one)):
                    yield say("{address} of container {name}", address=one, name=container.name)

    def open_outside(self) -> tuple[Port, ...]:
        """Return the ports that answer from outside."""
        return self.outside.open() if self.outside else ()

    def closed_outside(self, numbers: Collection[int] | None = None) -> list[Port]:
        """Return those (of all, by default) that do not."""
        tried = [port for port in (self.outside.ports if self.outside else ()) if port.state != "open"]
        return [port for port in tried if numbers is None or port.port in numbers]

    def let_in_by_name(self, port: Port) -> bool:
        """Tell whether a port answers this operator only because the packet filter names their address."""
        wanted = ("tcp", port.port, port.version)
        exposures = self.host.exposures
        behind = [one for one in exposures if (one.protocol, one.port, one.address.version) == wanted]
        return bool(self.client and behind) and all(
            one.fate == "blocked" and self.host.admits(one, ip_address(self.client)) for one in behind
        )


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


def _from_within(outside: OutsideView, host: HostView, client: str) -> dict[str, Message]:
    """Return the addresses that are asked from the target's own network, with what that means.

    A public address that is not the host's own is its router's: what that one says to its own network, or
    turns back into it (hairpin NAT), is not what it says to strangers.
    """
    if not client or ip_address(client).is_global or not host.interfaces.leads_out_to(ip_address(client)):
        return {}
    return {
        address: say(
            "{address} was asked from the target's own network ({client}): its router may answer others"
            " differently",
            address=address,
            client=client,
        )
        for address in outside.addresses
        if ip_address(address).is_global and not host.interfaces.own(ip_address(address))
    }


def fate_of(exposure: Exposure) -> Message:
    """Return what the packet filter does to an exposure."""
    because = exposure.because
    fate = {
        "open": say("let in by {because}", because=because),
        "blocked": say("stopped by {because}", because=because),
        "unsure": say("it is not certain what becomes of it: {because}", because=because),
    }[exposure.fate]
    let_in = (say("but let in for some: {rule}", rule=rule) for rule in exposure.exceptions[:1])
    return listed((fate, *let_in))


def described(way: Port | Exposure) -> Message:
    """Return what was seen of a way in, from either side, as evidence."""
    if isinstance(way, Port):
        return say("from outside: {port}", port=way)
    return say("host: {exposure}: {fate}", exposure=way, fate=fate_of(way))

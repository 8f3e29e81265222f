"""What listens on the target, on which addresses, and where it is asked from."""

from __future__ import annotations

import json
import re
from abc import ABCMeta
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address, ip_interface
from typing import TYPE_CHECKING, Any

from signoff.facts.base import HostFact, Malformed
from signoff.facts.sections import assigned, read_script, sections
from signoff.message import say
from signoff.target.command import Output, Root
from signoff.text import one_line

if TYPE_CHECKING:
    Address = IPv4Address | IPv6Address
    Own = IPv4Interface | IPv6Interface
else:
    # One type for both versions: of a union msgspec cannot tell which of them to make of a text that is kept.
    _made = {"__new__": lambda cls, text: ip_interface(text) if "/" in text else ip_address(text)}
    Address = Own = ABCMeta("Address", (), _made)
    Address.register(IPv4Address)
    Address.register(IPv6Address)


@dataclass(frozen=True)
class Listener:
    """A socket that waits for TCP connections or UDP datagrams.

    ``address`` is the one it is bound to, ``0.0.0.0`` or ``::`` for all; ``dual_stack`` tells that an IPv6
    socket answers IPv4 too. ``interface`` is set where it is bound to one. ``processes`` are empty where
    another user's may not be seen; ``container`` is the id of the container that they run in.
    """

    protocol: str
    address: Address
    port: int
    dual_stack: bool = False
    interface: str = ""
    processes: tuple[str, ...] = ()
    container: str = ""

    def covers(self, address: Address) -> bool:
        """Tell whether what is sent to ``address`` comes to this socket."""
        if self.address.is_unspecified:
            return address.version == self.address.version or self.dual_stack
        return address == self.address

    def hears(self, interface: str) -> bool:
        """Tell whether what comes in by an interface (empty: not known by which) comes to this socket."""
        if not self.interface:
            return True
        return self.interface == interface if interface else not inside_by_name(self.interface)


@dataclass(frozen=True)
class Interface:
    """A network interface that is up, with its addresses. ``kind`` is the kernel's: bridge, wireguard, ...

    ``enclosed`` tells of a bridge that only containers' and virtual machines' ends are part of.
    """

    name: str
    kind: str
    addresses: tuple[Own, ...]
    default_route: bool
    enclosed: bool = False

    @property
    def inside(self) -> bool:
        """Tell whether nothing from outside comes in here: loopback, containers' bridges, tunnels."""
        within = self.enclosed or self.kind in _NOWHERE or inside_by_name(self.name)
        return within and not self.default_route


# Bridges by name: one that an administrator made may well hold the public address.
_INSIDE = re.compile(
    r"lo|docker\d+|docker_gwbridge|br-[0-9a-f]{12}|veth.*|podman\d+|cni\d+|lxcbr\d+|lxdbr\d+|virbr\d+"
    r"|(?:wg|tun|tap|tailscale|zt|nebula)[\w.-]*"
)
_NOWHERE = frozenset({"wireguard", "tun", "dummy"})


def inside_by_name(name: str) -> bool:
    """Tell whether an interface of this name is one that nothing from outside comes in by."""
    return bool(_INSIDE.fullmatch(name))


@dataclass(frozen=True)
class Interfaces:
    """The interfaces that are up."""

    all: tuple[Interface, ...]

    def outside(self) -> tuple[tuple[str, Address], ...]:
        """Return the addresses that the outside may come to, each with the interface that it comes in by.

        Link-local addresses are left out. A public address on loopback or on a bridge (a floating address,
        a routed prefix) counts; by which interface its packets come in is not known: an empty name.
        """
        return tuple(
            ("" if one.inside else one.name, own.ip)
            for one in self.all
            for own in one.addresses
            if own.ip.is_global or not (one.inside or own.ip.is_link_local or own.ip.is_loopback)
        )

    def towards(self, address: Address) -> str:
        """Return the interface whose network holds ``address``; empty where none does."""
        return next((one.name for one in self._holding(address)), "")

    def leads_out_to(self, address: Address) -> bool:
        """Tell whether ``address`` is of a network that lies outside: on no bridge of the machine's own."""
        return not next((one.inside for one in self._holding(address)), True)

    def _holding(self, address: Address) -> Iterator[Interface]:
        return (one for one in self.all if any(address in own.network for own in one.addresses))

    def own(self, address: Address) -> bool:
        """Tell whether ``address`` is the machine's own."""
        return address.is_loopback or any(address == own.ip for one in self.all for own in one.addresses)


@dataclass(frozen=True)
class SshServer:
    """Where the machine's SSH server is to be found, and where the operator comes from.

    ``ports`` are those of the session itself and of systemd's ssh.socket; ``client`` is the operator's
    address as the target sees it. Both are empty for this machine.
    """

    ports: frozenset[int]
    client: str


# A process calls itself what it likes, quotes and line feeds too, in 15 bytes: too few for an entry more.
_PROCESS = re.compile(r'\("(.{0,60}?)",pid=(\d+),fd=\d+\)(?=,\("|\)(?:\s|$))', re.DOTALL)
_BETWEEN = re.compile(r"\n(?=(?:tcp|udp)\s+\S+\s+\d+\s+\d+\s+\S+:\S+\s+\S+:\S+)")
_SERVICES = range(61184, 65520)
"""The users that systemd makes for services (systemd.exec(5), DynamicUser=); ``trust.sh`` has the others."""
_CONTAINER = re.compile(r"(\d+) .*\b([0-9a-f]{64})\b")
_SSH_NAMES = frozenset({"sshd", "sshd-session", "dropbear"})


def parse_listeners(output: Output) -> tuple[Listener, ...]:
    """Return what ``ss -Hlntup`` lists (ss(8)); raise Malformed where a line is not understood.

    The socket of somebody who is not to be trusted is called theirs, whatever their program calls itself.
    """
    found = {section.name: section.lines for section in sections(output)}
    groups = map(_CONTAINER.match, found.get("groups", ()))
    containers = {group[1]: group[2] for group in groups if group}
    ours = found.get("ours", ())
    strangers = {
        (protocol, local): uid
        for protocol, local, uid in map(str.split, filter(None, found.get("owners", ())))
        if uid not in ours and int(uid) not in _SERVICES
    }
    lines = _BETWEEN.split("\n".join(found["listeners"]))
    return tuple(_listener(line, containers, strangers) for line in lines if line.strip())


def _listener(line: str, containers: Mapping[str, str], strangers: Mapping[tuple[str, str], str]) -> Listener:
    try:
        protocol, _state, _received, _sent, local, _peer, *rest = line.split(None, 6)
        host, _, port = local.rpartition(":")
        # The scope of a socket bound to an interface stands behind the address, outside the brackets.
        host, _, interface = host.partition("%")
        address = ip_address("::" if host == "*" else host.strip("[]"))
        number = int(port)
    except ValueError:
        raise Malformed(say("ss: a line that is not understood"), one_line(line)) from None
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    processes = _PROCESS.findall("".join(rest))
    container = next((containers[pid] for _, pid in processes if pid in containers), "")
    names = tuple(dict.fromkeys(one_line(name, 40) for name, _ in processes))
    if not container and (stranger := strangers.get((protocol, local))):
        names = (f"a program of user {stranger}",)
    return Listener(protocol, address, number, host == "*", interface.rstrip("]"), names, container)


def parse_interfaces(output: Output) -> Interfaces:
    """Return what ``ip -j -d addr`` shows (ip-address(8))."""
    found = {section.name: section.text for section in sections(output)}
    try:
        # ip prints nothing at all, or an empty object, where there is nothing to show.
        links, routes4, routes6 = (
            [entry for entry in json.loads(found[name].strip() or "[]") if entry]
            for name in ("links", "routes4", "routes6")
        )
        hops = [hop for route in routes4 + routes6 for hop in (route, *route.get("nexthops", ()))]
        default = {hop["dev"] for hop in hops if "dev" in hop}
        # The ends of containers' and virtual machines' links are veth or tun; a cable's is something else.
        led_out = {link.get("master") for link in links if _kind(link) not in {"veth", "tun"}}
        return Interfaces(tuple(_interface(link, default, led_out) for link in links))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Malformed(say("ip -j addr: not the JSON that it prints"), one_line(output.stdout)) from None


def _kind(link: Mapping[str, Any]) -> str:
    return str(link.get("linkinfo", {}).get("info_kind", ""))


def _interface(link: Mapping[str, Any], default: set[str], led_out: set[str | None]) -> Interface:
    name, kind = link["ifname"], _kind(link)
    own = [one for one in link.get("addr_info", ()) if "local" in one]
    addresses = tuple(ip_interface(f"{one['local']}/{one['prefixlen']}") for one in own)
    enclosed = kind == "bridge" and name not in led_out
    return Interface(one_line(name), kind, addresses, name in default, enclosed)


def parse_ssh_server(output: Output) -> SshServer:
    """Read the session's own addresses (ssh(1), SSH_CONNECTION), and systemd's sockets for SSH."""
    found = {section.name: section.text for section in sections(output)}
    # A unit's properties form a paragraph: "Listen=[::]:22 (Stream)", then "ActiveState=active".
    active = "\n".join(unit for unit in found["socket"].split("\n\n") if "ActiveState=active" in unit)
    ports = re.findall(r"^Listen=\S*?(\d+) \(Stream\)", active, re.MULTILINE)
    try:
        client, _client_port, _server, port = found["session"].split()[:4]
        ip_address(client)
        ports.append(port)
    except ValueError:  # no session, or sshd says UNKNOWN
        client = ""
    return SshServer(frozenset(map(int, ports)), client)


def ssh_ports(listeners: tuple[Listener, ...], server: SshServer) -> frozenset[int]:
    """Return the TCP ports that SSH really listens on, beside loopback."""
    return server.ports | {
        one.port
        for one in listeners
        if one.protocol == "tcp" and not one.address.is_loopback and _SSH_NAMES.intersection(one.processes)
    }


LISTENERS = HostFact(
    "listeners",
    say("Listening ports"),
    lambda profile: assigned(project=profile.project) + read_script("trust.sh", "listeners.sh"),
    parse_listeners,
    Root.PREFER,
    by_hand="sudo ss -lntup",
    kept=tuple[Listener, ...],
)

INTERFACES = HostFact(
    "interfaces",
    say("Network interfaces"),
    read_script("interfaces.sh"),
    parse_interfaces,
    by_hand="ip addr",
    kept=Interfaces,
)

SSH_SERVER = HostFact(
    "ssh-server",
    say("The SSH session's own addresses"),
    read_script("ssh-server.sh"),
    parse_ssh_server,
    by_hand="echo $SSH_CONNECTION",
    kept=SshServer,
)

"""What listens on the target, on which addresses, and where it is asked from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address, ip_interface
from typing import Any

from signoff.facts.base import HostFact, Malformed, Unavailable
from signoff.facts.sections import Section, assigned, read_script, sections
from signoff.message import say
from signoff.target.command import Output, Root
from signoff.text import one_line

Address = IPv4Address | IPv6Address


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
    addresses: tuple[IPv4Interface | IPv6Interface, ...]
    default_route: bool
    enclosed: bool = False

    @property
    def inside(self) -> bool:
        """Tell whether nothing from outside comes in here: loopback, containers' bridges, tunnels."""
        if self.default_route:
            return False
        return self.enclosed or self.kind in _NOWHERE or inside_by_name(self.name)


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
            ("" if interface.inside else interface.name, address.ip)
            for interface in self.all
            for address in interface.addresses
            if not (address.ip.is_link_local or address.ip.is_loopback)
            and (address.ip.is_global or not interface.inside)
        )

    def towards(self, address: Address) -> str:
        """Return the interface whose network holds ``address``; empty where none does."""
        found = self._holding(address)
        return found.name if found else ""

    def leads_out_to(self, address: Address) -> bool:
        """Tell whether ``address`` is of a network that lies outside: on no bridge of the machine's own."""
        found = self._holding(address)
        return found is not None and not found.inside

    def _holding(self, address: Address) -> Interface | None:
        held = (one for one in self.all if any(address in own.network for own in one.addresses))
        return next(held, None)

    def own(self, address: Address) -> bool:
        """Tell whether ``address`` is the machine's own."""
        return address.is_loopback or any(
            own.ip == address for interface in self.all for own in interface.addresses
        )


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
_LINE = re.compile(r"(?:tcp|udp)\s+\S+\s+\d+\s+\d+\s+\S+:\S+\s+\S+:\S+")
_SERVICES = range(61184, 65520)
"""The users that systemd makes for services (systemd.exec(5), DynamicUser=); ``trust.sh`` has the others."""
_CONTAINER = re.compile(r"\b[0-9a-f]{64}\b")


def parse_listeners(output: Output) -> tuple[Listener, ...]:
    """Return what ``ss -Hlntup`` lists (ss(8)); raise Malformed where a line is not understood.

    The socket of somebody who is not to be trusted is called theirs, whatever their program calls itself.
    """
    found = {section.name: section for section in sections(output)}
    if "listeners" not in found:
        raise Unavailable(
            say("the program ss is not there (package iproute2)"), "cat /proc/net/tcp /proc/net/tcp6"
        )
    containers: dict[str, str] = {}
    for line in found["groups"].lines if "groups" in found else ():
        pid, _, group = line.partition(" ")
        if ids := _CONTAINER.findall(group):
            containers[pid] = ids[-1]
    strangers = _strangers(found) if "owners" in found else {}
    return tuple(_listener(line, containers, strangers) for line in _lines(found["listeners"]))


def _strangers(found: dict[str, Section]) -> dict[tuple[str, str], str]:
    """Return by protocol and local address who holds a socket and is not to be trusted."""
    ours = frozenset(found["ours"].lines)
    owners = [line.split() for line in found["owners"].lines if line]
    return {
        (protocol, local): uid
        for protocol, local, uid in owners
        if uid not in ours and int(uid) not in _SERVICES
    }


def _lines(section: Section) -> list[str]:
    """Return the lines of ss; one that a line feed in a process's name broke is whole again."""
    lines: list[str] = []
    for line in section.lines:
        if lines and line and not _LINE.match(line):
            lines[-1] += f"\n{line}"
        elif line.strip():
            lines.append(line)
    return lines


def _listener(line: str, containers: dict[str, str], strangers: dict[tuple[str, str], str]) -> Listener:
    try:
        protocol, _state, _received, _sent, local, _peer, *rest = line.split(None, 6)
        host, _, port = local.rpartition(":")
        # The scope of a socket bound to an interface stands behind the address, outside the brackets.
        host, _, interface = host.partition("%")
        dual = host == "*"
        address = ip_address("::" if dual else host.strip("[]"))
        number = int(port)
    except ValueError:
        raise Malformed(say("ss: a line that is not understood"), one_line(line)) from None
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    processes = _PROCESS.findall(rest[0]) if rest else []
    container = next((containers[pid] for _, pid in processes if pid in containers), "")
    names = tuple(dict.fromkeys(one_line(name, 40) for name, _ in processes))
    if not container and (stranger := strangers.get((protocol, local))):
        names = (f"a program of user {stranger}",)
    return Listener(
        protocol=protocol,
        address=address,
        port=number,
        dual_stack=dual,
        interface=interface.rstrip("]"),
        processes=names,
        container=container,
    )


def parse_interfaces(output: Output) -> Interfaces:
    """Return what ``ip -j -d addr`` shows (ip-address(8))."""
    found = {section.name: section for section in sections(output)}
    if "links" not in found:
        raise Unavailable(say("the program ip is not there (package iproute2)"), "cat /proc/net/fib_trie")
    try:
        routes = [*_json(found["routes4"]), *_json(found["routes6"])]
        default = {str(route["dev"]) for route in routes if "dev" in route}
        default |= {str(hop["dev"]) for route in routes for hop in route.get("nexthops", ()) if "dev" in hop}
        return Interfaces(tuple(_interfaces(_json(found["links"]), default)))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Malformed(say("ip -j addr: not the JSON that it prints"), one_line(output.stdout)) from None


def _json(section: Section) -> list[dict[str, Any]]:
    # ip prints nothing at all, or an empty object, where there is nothing to show.
    return [entry for entry in json.loads(section.text.strip() or "[]") if entry]


def _kind(link: dict[str, Any]) -> str:
    return str(link.get("linkinfo", {}).get("info_kind", ""))


def _interfaces(links: list[dict[str, Any]], default: set[str]) -> Iterator[Interface]:
    # The ends of containers' and virtual machines' links are veth or tun; a cable's is something else.
    led_out = {
        str(link["master"]) for link in links if "master" in link and _kind(link) not in {"veth", "tun"}
    }
    for link in links:
        name = one_line(str(link["ifname"]))
        addresses = (entry for entry in link.get("addr_info", ()) if "local" in entry)
        yield Interface(
            name=name,
            kind=_kind(link),
            addresses=tuple(ip_interface(f"{entry['local']}/{entry['prefixlen']}") for entry in addresses),
            default_route=link["ifname"] in default,
            enclosed=_kind(link) == "bridge" and name not in led_out,
        )


def parse_ssh_server(output: Output) -> SshServer:
    """Read the session's own addresses (ssh(1), SSH_CONNECTION), and systemd's sockets for SSH."""
    found = {section.name: section for section in sections(output)}
    client, _client_port, _server, port = (found["session"].text.split() + [""] * 4)[:4]
    try:
        ip_address(client)
        ports = {int(port)}
    except ValueError:  # no session, or sshd says UNKNOWN
        client, ports = "", set[int]()
    # A unit's properties form a paragraph: "Listen=[::]:22 (Stream)", then "ActiveState=active".
    for unit in found["socket"].text.split("\n\n"):
        if "ActiveState=active" in unit:
            ports |= {
                int(number) for number in re.findall(r"^Listen=\S*?(\d+) \(Stream\)", unit, re.MULTILINE)
            }
    return SshServer(frozenset(ports), client)


_LISTENERS = read_script("trust.sh", "listeners.sh")

LISTENERS: HostFact[tuple[Listener, ...]] = HostFact(
    id="listeners",
    title=say("Listening ports"),
    script=lambda profile: assigned(project=profile.project) + _LISTENERS,
    parse=parse_listeners,
    root=Root.PREFER,
    by_hand="sudo ss -lntup",
)

INTERFACES: HostFact[Interfaces] = HostFact(
    id="interfaces",
    title=say("Network interfaces"),
    script=read_script("interfaces.sh"),
    parse=parse_interfaces,
    by_hand="ip addr",
)

SSH_SERVER: HostFact[SshServer] = HostFact(
    id="ssh-server",
    title=say("The SSH session's own addresses"),
    script=read_script("ssh-server.sh"),
    parse=parse_ssh_server,
    by_hand="echo $SSH_CONNECTION",
)

_SSH_NAMES = frozenset({"sshd", "sshd-session", "dropbear"})


def ssh_ports(listeners: tuple[Listener, ...], server: SshServer) -> frozenset[int]:
    """Return the TCP ports that SSH really listens on, beside loopback."""
    seen = {
        listener.port
        for listener in listeners
        if listener.protocol == "tcp"
        and not listener.address.is_loopback
        and _SSH_NAMES.intersection(listener.processes)
    }
    return frozenset(seen) | server.ports

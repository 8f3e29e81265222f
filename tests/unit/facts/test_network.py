"""What listens, on which addresses, and which of them the outside may come to."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from ipaddress import ip_address, ip_interface
from typing import Any

import pytest

from signoff.facts.base import HostFact, Malformed, Unavailable, text_for
from signoff.facts.network import (
    INTERFACES,
    LISTENERS,
    SSH_SERVER,
    Interface,
    Interfaces,
    Listener,
    SshServer,
    parse_interfaces,
    parse_listeners,
    parse_ssh_server,
    ssh_ports,
)
from signoff.target.command import Output
from signoff.target.profile import Profile
from unit.network_hosts import output

ANY = "0.0.0.0"  # noqa: S104 - what ss prints


def listeners(state: str) -> dict[tuple[str, int], list[Listener]]:
    found: dict[tuple[str, int], list[Listener]] = {}
    for listener in parse_listeners(output(state, LISTENERS)):
        found.setdefault((listener.protocol, listener.port), []).append(listener)
    return found


@pytest.mark.parametrize(
    ("port", "address", "dual_stack", "interface"),
    [
        (7001, "::", True, ""),
        (7002, "::", False, ""),
        (7003, ANY, False, ""),
        (7004, "127.0.0.1", False, ""),
        (7005, "127.0.0.1", False, ""),
        (7006, ANY, False, "lo"),
    ],
)
def test_every_kind_of_tcp_socket_is_told_apart(
    port: int, address: str, dual_stack: bool, interface: str
) -> None:
    (found,) = listeners("namespace")["tcp", port]
    assert (str(found.address), found.dual_stack, found.interface) == (address, dual_stack, interface)
    assert found.processes == ("python3",)


def test_udp_and_scoped_addresses_are_read() -> None:
    found = listeners("namespace")
    assert found["udp", 53][0].interface == "lo"
    assert found["udp", 53][0].address == ip_address("127.0.0.53")
    assert found["udp", 11211][0].address == ip_address("::1")


def test_a_dual_stack_socket_answers_ipv4_and_one_for_ipv6_only_does_not() -> None:
    found = listeners("namespace")
    v4, v6 = ip_address("192.0.2.1"), ip_address("2001:db8::1")
    assert found["tcp", 7001][0].covers(v4)
    assert found["tcp", 7001][0].covers(v6)
    assert not found["tcp", 7002][0].covers(v4)
    assert found["tcp", 7003][0].covers(v4)
    assert not found["tcp", 7003][0].covers(v6)
    assert not found["tcp", 7004][0].covers(v4)


def test_a_process_in_a_container_is_told_by_its_control_group() -> None:
    (found,) = listeners("traps")["tcp", 9200]
    assert found.processes == ("redis-server",)
    assert len(found.container) == 64


def test_without_root_the_processes_are_empty_and_the_ports_are_all_there() -> None:
    as_root, as_viewer = listeners("bad"), listeners("viewer")
    assert as_root.keys() == as_viewer.keys()
    assert not any(one.processes for several in as_viewer.values() for one in several)


@pytest.mark.parametrize("fact", [LISTENERS, INTERFACES], ids=lambda fact: fact.id)
def test_a_program_that_is_not_there_is_unavailable(fact: HostFact[Any]) -> None:
    """Whatever else is missing: without ss and ip there is no way to look."""
    script = text_for(fact.script, Profile()).replace("command -v", "false")
    said = subprocess.run(["/bin/sh", "-s"], input=script.encode(), capture_output=True, check=True)
    with pytest.raises(Unavailable, match="not installed"):
        fact.parse(Output(fact.id, 0, said.stdout))


def test_a_strange_line_is_malformed() -> None:
    cut = output("good", LISTENERS).stdout.replace(b"0.0.0.0:443 ", b"0.0.0.0:https ")
    with pytest.raises(Malformed, match="not understood"):
        parse_listeners(Output("listeners", 0, cut))
    with pytest.raises(Malformed):
        parse_listeners(Output("listeners", 0, output("good", LISTENERS).stdout[:900]))


def test_the_outside_comes_to_the_address_with_the_default_route_and_not_to_bridges() -> None:
    found = parse_interfaces(output("bad", INTERFACES))
    outside = {str(address) for _, address in found.outside()}
    assert outside == {"10.213.222.7", "fd5f:51f0:ffde::7"}
    assert any(one.name.startswith("br-") for one in found.all)
    assert found.own(ip_address("172.18.0.1"))
    assert found.towards(ip_address("172.18.0.3")).startswith("br-")


@pytest.mark.parametrize(
    ("name", "kind", "default", "inside"),
    [
        ("lo", "", False, True),
        ("docker0", "bridge", False, True),
        ("br-3b4d0b991599", "bridge", False, True),
        ("br0", "bridge", False, False),
        ("eth1", "veth", False, False),
        ("wg0", "wireguard", False, True),
        ("office", "wireguard", False, True),
        ("wg0", "wireguard", True, False),
    ],
)
def test_which_interfaces_are_inside(name: str, kind: str, default: bool, inside: bool) -> None:
    interface = Interface(name, kind, (ip_interface("192.0.2.1/24"),), default)
    assert interface.inside is inside


def test_interfaces_that_are_no_json_are_malformed() -> None:
    text = output("good", INTERFACES).stdout.replace(b'"ifname"', b'"ifnome"')
    with pytest.raises(Malformed):
        parse_interfaces(Output("interfaces", 0, text))


def test_ssh_ports_are_those_of_the_session_and_of_sshd_itself() -> None:
    server = parse_ssh_server(output("bad", SSH_SERVER))
    assert server == SshServer(frozenset({22}), "10.213.222.1")
    heard = parse_listeners(output("good", LISTENERS))
    moved = tuple(replace(one, port=2222) if "sshd" in one.processes else one for one in heard)
    assert ssh_ports(moved, SshServer(frozenset(), "")) == {2222}


def test_an_active_ssh_socket_counts_and_an_inactive_one_does_not() -> None:
    text = output("bad", SSH_SERVER).stdout.replace(b"10.213.222.1 50000 10.213.222.7 22", b"")
    assert parse_ssh_server(Output("ssh-server", 0, text)).ports == frozenset()
    active = text.replace(b"ActiveState=inactive", b"ActiveState=active")
    assert parse_ssh_server(Output("ssh-server", 0, active)).ports == {22}


def test_a_session_of_unknown_addresses_is_no_session() -> None:
    """The words of sshd where it has no network socket: sshd(8), SSH_CONNECTION."""
    text = output("bad", SSH_SERVER).stdout.replace(
        b"10.213.222.1 50000 10.213.222.7 22", b"UNKNOWN 65535 UNKNOWN 65535"
    )
    assert parse_ssh_server(Output("ssh-server", 0, text)) == SshServer(frozenset(), "")


def test_a_public_address_on_loopback_or_on_a_bridge_counts() -> None:
    """Floating addresses and routed prefixes lie where nothing from outside seems to come in."""
    lo = Interface(
        "lo", "", (ip_interface("127.0.0.1/8"), ip_interface("95.216.0.9/32")), default_route=False
    )
    bridge = Interface("docker0", "bridge", (ip_interface("2a01:4f8:1::1/64"),), default_route=False)
    found = Interfaces((lo, bridge)).outside()
    assert [(name, str(address)) for name, address in found] == [("", "95.216.0.9"), ("", "2a01:4f8:1::1")]


def test_a_socket_bound_to_an_interface_hears_only_that_one() -> None:
    loopback = listeners("namespace")["tcp", 7006][0]
    assert not loopback.hears("eth0")
    assert not loopback.hears("")
    external = replace(loopback, interface="eth0")
    assert external.hears("eth0")
    assert external.hears("")


def test_a_bridge_of_containers_ends_alone_is_inside_whatever_its_name() -> None:
    """As Docker makes one that the operator names; br0 has a tunnel's end among its own."""
    found = parse_interfaces(output("bridges", INTERFACES))
    assert {one.name: one.inside for one in found.all if one.kind == "bridge"} == {
        "shop0": True,
        "idle0": True,
        "br0": False,
    }
    assert found.leads_out_to(ip_address("192.168.7.9"))
    assert not found.leads_out_to(ip_address("172.19.0.2"))
    assert not found.leads_out_to(ip_address("203.0.113.1"))


def test_whose_socket_it_is_stands_where_nobody_can_write() -> None:
    """A process calls itself what it likes, and so does a control group: neither decides whose it is."""
    text = (
        "#listeners\n"
        '|tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))\n'
        '|tcp LISTEN 0 128 0.0.0.0:2222 0.0.0.0:* users:(("sshd",pid=7,fd=3))\n'
        '|tcp LISTEN 0 128 0.0.0.0:6400 0.0.0.0:* users:(("a",pid=1,fd=3",pid=8,fd=3))\n'
        '|tcp LISTEN 0 128 0.0.0.0:6401 0.0.0.0:* users:(("a\n|b",pid=9,fd=3))\n'
        "#owners\n|tcp 0.0.0.0:22 0\n|tcp 0.0.0.0:2222 12345\n"
        "|tcp 0.0.0.0:6400 12345\n|tcp 0.0.0.0:6401 65000\n"
        "#ours\n|0\n|1000\n"
        f"#groups\n|1 /docker/{'a' * 64}\n"
        "#end\n"
    )
    found = {one.port: one for one in parse_listeners(Output("listeners", 0, text.encode()))}
    assert found[22].processes == ("sshd",)
    assert found[2222].processes == found[6400].processes == ("a program of user 12345",)
    assert found[6400].container == ""
    assert found[6401].processes == ("a b",)

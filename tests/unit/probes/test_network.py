"""Ports judged from both vantages: closed only where both agree."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface

import pytest

from signoff.facts.base import Facts, Malformed, Unavailable
from signoff.facts.containers import CONTAINERS
from signoff.facts.firewall import FIREWALL
from signoff.facts.iptables import parse_iptables
from signoff.facts.network import INTERFACES, LISTENERS, Interface, Listener, SshServer
from signoff.facts.outside import OutsideView
from signoff.facts.services import KNOWN_PORTS
from signoff.message import say
from signoff.model import Finding, Result, Vantage
from signoff.probes.network import datastore_ports, only_expected, vantages_agree
from signoff.target.profile import Profile
from unit.network_hosts import BAD, GOOD, NEEDS_ROOT, NO_OUTSIDE, facts, judged, outside, parsed

BAD_OPEN = {(BAD[0], 5432): "postgresql", (BAD[0], 6379): "redis", (BAD[0], 8000): "http"}
TRAPS_OPEN = {(GOOD[0], 9200): "redis", (GOOD[0], 15432): "redis"}


def datastores(given: Facts) -> dict[str, Finding]:
    return judged(datastore_ports, given)


def results(found: dict[str, Finding]) -> dict[str, Result]:
    return {subject: finding.result for subject, finding in found.items()}


def with_listener(address: str, port: int, *names: str, protocol: str = "tcp") -> tuple[Listener, ...]:
    """Return the good host's listeners and one more."""
    return (*parsed("good", LISTENERS), Listener(protocol, ip_address(address), port, processes=names))


# Pass


def test_closed_from_both_sides_passes() -> None:
    found = datastores(facts("good", outside()))
    assert results(found) == {"postgresql": Result.PASS, "redis": Result.PASS, "others": Result.PASS}
    assert all(address in found["redis"].observed for address in GOOD)
    assert found["redis"].remedy == ""


def test_a_stop_in_docker_user_passes_and_says_which_rule() -> None:
    found = datastores(facts("docker-user", outside(BAD, {(BAD[0], 8000): "http"})))
    assert found["postgresql"].result is Result.PASS
    assert "DOCKER-USER" in found["postgresql"].observed
    assert any("203.0.113.0/24" in line for line in found["redis"].evidence)


# Fail


def test_open_on_both_sides_fails_and_says_both() -> None:
    found = datastores(facts("bad", outside(BAD, BAD_OPEN)))
    assert results(found) == {"postgresql": Result.FAIL, "redis": Result.FAIL, "others": Result.PASS}
    postgresql = found["postgresql"]
    assert f"{BAD[0]}:5432 open, answers as postgresql" in postgresql.observed
    assert "container shop_db_1" in postgresql.observed
    assert '"127.0.0.1:5432:5432"' in postgresql.remedy
    assert postgresql.vantage is Vantage.OUTSIDE


@pytest.mark.parametrize("seen", [outside(BAD), NO_OUTSIDE], ids=["closed outside", "nobody outside"])
def test_open_by_the_host_alone_fails(seen: OutsideView | Unavailable) -> None:
    """A provider's firewall, or the operator's own network, may hide what the host lets in."""
    found = datastores(facts("bad", seen))
    assert found["postgresql"].result is Result.FAIL
    assert found["redis"].result is Result.FAIL


def test_open_from_outside_alone_fails() -> None:
    found = datastores(facts("good", outside(also={(GOOD[0], 5432): "postgresql"})))
    assert found["postgresql"].result is Result.FAIL
    assert "sudo ss -lntup 'sport = :5432'" in found["postgresql"].remedy


def test_redis_on_ipv6_only_fails() -> None:
    given = facts(
        "good",
        outside(also={(GOOD[1], 6379): "redis"}),
        listeners=with_listener(GOOD[1], 6379, "redis-server"),
    )
    found = datastores(given)["redis"]
    assert found.result is Result.FAIL
    assert f"[{GOOD[1]}]:6379" in found.observed


def test_a_container_on_the_hosts_network_fails_though_it_publishes_nothing() -> None:
    found = datastores(facts("traps", outside(also=TRAPS_OPEN)))
    assert found["redis"].result is Result.FAIL
    assert "container hostnet, on the host's network" in found["redis"].observed
    assert "network_mode: host" in found["redis"].remedy


def test_a_translation_that_no_listener_shows_fails() -> None:
    given = facts("traps", outside(also=TRAPS_OPEN))
    assert not any(one.port == 15432 for one in given[LISTENERS])
    assert f"{GOOD[0]}:15432" in " ".join(datastores(given)["redis"].evidence)
    # Nobody outside has said what it is: the port that it is forwarded to tells.
    assert datastores(facts("traps", NO_OUTSIDE))["postgresql"].result is Result.FAIL


def test_a_datastore_on_another_port_is_known_by_what_it_says() -> None:
    found = datastores(facts("good", outside(also={(GOOD[0], 8080): "mongodb"})))
    assert found["mongodb"].result is Result.FAIL


def test_a_datastore_on_another_port_is_known_by_its_process() -> None:
    given = facts("ufw-inactive", NO_OUTSIDE, listeners=with_listener(GOOD[0], 7777, "mongod"))
    assert datastores(given)["mongodb"].result is Result.FAIL


# Cannot tell


def test_without_root_a_closed_port_is_unknown_and_an_open_one_still_fails() -> None:
    found = datastores(facts("viewer", outside(BAD, BAD_OPEN)))
    assert results(found) == {"postgresql": Result.FAIL, "redis": Result.FAIL, "others": Result.UNKNOWN}
    assert "needs root" in found["others"].observed
    closed = datastores(facts("viewer", outside(BAD)))
    assert set(results(closed).values()) == {Result.UNKNOWN}


def test_without_the_outside_nothing_passes() -> None:
    found = datastores(facts("good", NO_OUTSIDE))
    assert set(results(found).values()) == {Result.UNKNOWN}
    assert "cannot look at itself" in found["redis"].observed
    assert "--target ssh://" in found["redis"].remedy


def test_silence_everywhere_proves_nothing() -> None:
    """The operator's own network may be what blocks: not even SSH answers."""
    view = outside()
    ports = tuple(replace(port, state="filtered", speaks="") for port in view.ports)
    mute = replace(view, ports=ports, silent=dict.fromkeys(GOOD, "nothing answers, not even SSH"))
    assert set(results(datastores(facts("good", mute))).values()) == {Result.UNKNOWN}


def test_silence_on_one_address_is_enough_to_doubt() -> None:
    view = outside()
    ports = tuple(
        replace(port, state="filtered", speaks="") if port.address == GOOD[1] else port for port in view.ports
    )
    half = replace(view, ports=ports, silent={GOOD[1]: "nothing answers on IPv6"})
    found = datastores(facts("good", half))
    assert found["redis"].result is Result.UNKNOWN
    assert "nothing answers on IPv6" in found["redis"].observed


def test_a_proxy_that_answers_for_everything_is_neither_open_nor_closed() -> None:
    everything = {(address, port): "" for address in GOOD for port in KNOWN_PORTS}
    found = datastores(facts("good", outside(also=everything)))
    assert set(results(found).values()) == {Result.UNKNOWN}


def test_a_public_address_that_nobody_tried_is_a_doubt() -> None:
    interfaces = parsed("good", INTERFACES)
    more = tuple(
        replace(one, addresses=(*one.addresses, ip_interface("2a01:4f8::7/64"))) if one.default_route else one
        for one in interfaces.all
    )
    found = datastores(facts("good", outside(), interfaces=replace(interfaces, all=more)))
    assert found["redis"].result is Result.UNKNOWN
    assert "2a01:4f8::7" in found["redis"].observed


def test_rules_that_are_not_understood_are_a_doubt() -> None:
    found = datastores(facts("nftables", outside()))["postgresql"]
    assert found.result is Result.UNKNOWN
    assert "not certain" in found.observed


def test_facts_that_cannot_be_read_are_a_doubt() -> None:
    given = facts("good", outside(), listeners=Malformed(say("ss: a line that is not understood")))
    assert datastores(given)["redis"].result is Result.UNKNOWN
    given = facts("good", outside(), firewall=NEEDS_ROOT)
    assert datastores(given)["redis"].result is Result.UNKNOWN


def test_an_operator_whom_the_firewall_names_sees_what_others_do_not() -> None:
    """The rule lets 203.0.113.0/24 in: an answer there does not show that others are answered."""
    seen = outside(BAD, {(BAD[0], 6379): "redis"})
    named = facts("docker-user", seen, ssh_server=SshServer(frozenset({22}), "203.0.113.9"))
    assert datastores(named)["redis"].result is Result.UNKNOWN
    other = facts("docker-user", seen, ssh_server=SshServer(frozenset({22}), "192.0.2.9"))
    assert datastores(other)["redis"].result is Result.FAIL


# Only the expected ports


def test_only_the_expected_ports_pass() -> None:
    found = judged(only_expected, facts("good", outside()))
    assert results(found) == {"": Result.PASS}
    assert "22, 80, 443" in found[""].expected


def test_an_application_server_past_the_proxy_fails() -> None:
    found = judged(only_expected, facts("bad", outside(BAD, BAD_OPEN)))
    assert found[""].result is Result.FAIL
    assert f"{BAD[0]}:8000" in found[""].observed
    assert '"127.0.0.1:8000:8000"' in found[""].remedy


def test_a_port_of_the_profile_is_expected() -> None:
    given = facts("traps", outside(also=TRAPS_OPEN))
    assert judged(only_expected, given)[""].result is Result.FAIL
    meant = Profile(open_ports=(9200, 15432))
    assert judged(only_expected, given, meant)[""].result is Result.PASS


def test_ssh_elsewhere_is_expected_where_sshd_listens() -> None:
    moved = tuple(
        replace(one, port=2222) if "sshd" in one.processes else one for one in parsed("good", LISTENERS)
    )
    seen = outside(also={(GOOD[0], 2222): "ssh"})
    server = SshServer(frozenset({2222}), "")
    given = facts("good", seen, listeners=moved, ssh_server=server)
    assert "2222" in judged(only_expected, given)[""].expected
    # 22 answers though sshd is not there.
    assert judged(only_expected, given)[""].result is Result.FAIL


def test_what_is_forwarded_in_sshds_name_is_not_ssh() -> None:
    """ssh -R 0.0.0.0:8000:localhost:8000, where GatewayPorts allows it: sshd holds the socket."""
    listeners = with_listener(GOOD[0], 8000, "sshd")
    open_host = facts("ufw-inactive", outside(also={(GOOD[0], 8000): ""}), listeners=listeners)
    found = judged(only_expected, open_host)[""]
    assert found.result is Result.FAIL
    assert f"{GOOD[0]}:8000" in found.observed


def test_only_expected_is_unknown_without_one_of_the_vantages() -> None:
    assert judged(only_expected, facts("good", NO_OUTSIDE))[""].result is Result.UNKNOWN
    assert judged(only_expected, facts("viewer", outside(BAD)))[""].result is Result.UNKNOWN


def test_an_unexpected_udp_port_fails_on_the_hosts_word() -> None:
    listeners = with_listener(GOOD[0], 161, "snmpd", protocol="udp")
    found = judged(only_expected, facts("ufw-inactive", outside(), listeners=listeners))
    assert found["udp"].result is Result.FAIL
    assert found["udp"].vantage is Vantage.HOST
    assert "udp" not in judged(only_expected, facts("good", outside(), listeners=listeners))


@pytest.mark.parametrize("port", [68, 443])
def test_dhcp_and_http3_are_expected_on_udp(port: int) -> None:
    listeners = with_listener(GOOD[0], port, "caddy", protocol="udp")
    assert "udp" not in judged(only_expected, facts("ufw-inactive", outside(), listeners=listeners))


def test_what_the_kernel_itself_listens_on_is_wireguard_or_it_is_not() -> None:
    interfaces = parsed("good", INTERFACES)
    tunnel = replace(
        interfaces, all=(*interfaces.all, Interface("wg0", "wireguard", (), default_route=False))
    )
    wireguard = with_listener(GOOD[0], 51820, protocol="udp")
    assert "udp" not in judged(
        only_expected, facts("ufw-inactive", outside(), listeners=wireguard, interfaces=tunnel)
    )
    # VXLAN is the kernel's, too, and takes frames from everybody.
    vxlan = (*wireguard, *with_listener(GOOD[0], 4789, protocol="udp"))
    found = judged(only_expected, facts("ufw-inactive", outside(), listeners=vxlan, interfaces=tunnel))
    assert found["udp"].result is Result.FAIL
    assert f"{GOOD[0]}:4789/udp" in found["udp"].observed


def test_a_container_with_an_address_of_its_own_outside_was_not_looked_at() -> None:
    """As on a network of the kind macvlan: it answers beside the host, with no port published."""
    containers = tuple(replace(one, addresses=("10.213.222.241",)) for one in parsed("good", CONTAINERS))
    found = datastores(facts("good", outside(), containers=containers))
    assert set(results(found).values()) == {Result.UNKNOWN}
    assert "not tried from outside: 10.213.222.241 of container" in found["redis"].observed


# Agreement


def test_agreement_passes() -> None:
    assert judged(vantages_agree, facts("good", outside()))[""].result is Result.PASS
    assert judged(vantages_agree, facts("bad", outside(BAD, BAD_OPEN)))[""].result is Result.PASS


def test_an_answer_that_the_host_does_not_know_of_fails() -> None:
    found = judged(vantages_agree, facts("good", outside(also={(GOOD[0], 5432): "postgresql"})))[""]
    assert found.result is Result.FAIL
    assert "shows nothing that lets it in" in found.observed


def test_a_port_that_the_host_lets_in_and_nobody_reaches_fails() -> None:
    found = judged(vantages_agree, facts("bad", outside(BAD, {(BAD[0], 8000): "http"})))[""]
    assert found.result is Result.FAIL
    assert "from outside" in found.observed
    assert "provider" in found.remedy


def test_an_expected_port_that_does_not_answer_is_told_and_no_more() -> None:
    view = outside()
    ports = tuple(
        replace(port, state="filtered", speaks="") if port.port == 443 else port for port in view.ports
    )
    found = judged(vantages_agree, facts("good", replace(view, ports=ports)))[""]
    assert found.result is Result.INFORMATIONAL


def test_agreement_is_unknown_where_one_side_is_missing() -> None:
    assert judged(vantages_agree, facts("good", NO_OUTSIDE))[""].result is Result.UNKNOWN
    assert judged(vantages_agree, facts("viewer", outside(BAD)))[""].result is Result.UNKNOWN


def test_a_public_address_of_a_container_is_a_doubt() -> None:
    """With IPv6 and no translation a container answers without publishing anything."""
    containers = tuple(replace(one, addresses=("2a01:4f8:1::2",)) for one in parsed("good", CONTAINERS))
    found = datastores(facts("good", outside(), containers=containers))
    assert found["redis"].result is Result.UNKNOWN
    assert "2a01:4f8:1::2 of container mailer_mailer_1" in found["redis"].observed


def test_a_known_port_within_a_translated_range_is_seen() -> None:
    rules = parsed("nftables", FIREWALL)
    tables = parse_iptables(
        "*nat\n:PREROUTING ACCEPT [0:0]\n"
        "-A PREROUTING -p tcp -m tcp --dport 5000:7000 -j DNAT --to-destination 10.99.0.2\nCOMMIT\n",
        4,
        "iptables",
    )
    found = datastores(facts("good", NO_OUTSIDE, firewall=replace(rules, tables=tables)))
    assert found["postgresql"].result is Result.FAIL
    assert found["redis"].result is Result.FAIL


def test_a_web_server_that_passes_a_database_on_is_no_exception() -> None:
    listeners = tuple(one for one in parsed("good", LISTENERS) if one.port != 5432)
    stream = Listener("tcp", ip_address(GOOD[0]), 5432, processes=("nginx",))
    found = datastores(facts("ufw-inactive", outside(), listeners=(*listeners, stream)))
    assert found["postgresql"].result is Result.FAIL

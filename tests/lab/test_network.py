"""The network's probes against real hosts: both vantages, and every trap that makes one of them blind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from labhost.host import Host

from lab import Lab
from signoff.facts.base import Facts
from signoff.facts.collect import collect
from signoff.model import Finding, Result
from signoff.probes.base import Probe
from signoff.probes.firewall import docker_bypass, firewall
from signoff.probes.network import datastore_ports, only_expected, vantages_agree
from signoff.probes.published import host_networking, published_ports
from signoff.target.opening import open_target
from signoff.target.profile import Profile
from unit.target.rig import Operator

pytestmark = pytest.mark.lab

PROBES: tuple[Probe, ...] = (
    datastore_ports,
    only_expected,
    vantages_agree,
    firewall,
    docker_bypass,
    published_ports,
    host_networking,
)

Found = dict[tuple[str, str], Finding]
"""Findings by probe and subject."""
Look = Callable[..., Found]


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Return a function that collects a host's facts as a user, and judges them."""

    def look_(host: Host, user: str = "deploy", profile: Profile | None = None) -> Found:
        (tmp_path / "known_hosts").write_text(host.known_hosts)
        (tmp_path / "config").write_text(
            f"Host *\n  IdentityFile {host.ssh_key}\n  IdentitiesOnly yes\n  IdentityAgent none\n"
            f"  UserKnownHostsFile {tmp_path}/known_hosts\n"
        )
        ssh = tmp_path / "ssh"
        ssh.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {tmp_path}/config "$@"\n')
        ssh.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        monkeypatch.setenv("HOME", str(tmp_path))
        profile = profile or Profile(
            address=host.target(user), url="https://shop.test", addresses=(host.ipv4, host.ipv6)
        )
        target = open_target(profile, Operator(trusts=False))
        try:
            needs = [fact for probe in PROBES for fact in probe.needs]
            values = {one.fact.id: one.value for one in collect(needs, target, profile, Event())}
        finally:
            target.close()
        facts = Facts(values)
        return {
            (finding.probe, finding.subject): finding
            for probe in PROBES
            for finding in probe.findings(facts, profile)
        }

    return look_


@pytest.fixture(scope="module")
def trap_host(lab: Lab) -> Iterator[Host]:
    """A good host of this module's own, to be spoiled and mended."""
    host = lab.up("good")
    yield host
    host.stop()


def results(found: Found, probe: str) -> set[Result]:
    return {finding.result for (name, _), finding in found.items() if name == probe}


def test_nothing_of_the_good_host_fails(look: Look, good_host: Host) -> None:
    found = look(good_host)
    assert {finding.result for finding in found.values()} == {Result.PASS}
    assert all(
        address in found["network.only-expected", ""].observed for address in (good_host.ipv4, good_host.ipv6)
    )


def test_the_bad_hosts_datastores_fail_from_both_vantages(look: Look, bad_host: Host) -> None:
    found = look(bad_host)
    for kind, port in (("postgresql", 5432), ("redis", 6379)):
        finding = found["network.datastore-ports", kind]
        assert finding.result is Result.FAIL
        assert f"{bad_host.ipv4}:{port} open, answers as {kind}" in finding.observed
        assert f"{bad_host.ipv4}:{port}/tcp (container" in finding.observed
        assert f'"127.0.0.1:{port}:{port}"' in finding.remedy
    assert found["network.firewall", "ipv4"].result is Result.PASS
    bypass = found["network.docker-bypass", ""]
    assert bypass.result is Result.FAIL
    assert "ufw-versus-Docker trap" in bypass.observed
    assert results(found, "network.published-ports") == {Result.FAIL}
    assert found["network.only-expected", ""].result is Result.FAIL


def test_the_remedy_for_docker_user_closes_what_it_names(look: Look, lab: Lab) -> None:
    """The printed commands are run as they are."""
    host = lab.up("bad")
    try:
        remedy = look(host)["network.docker-bypass", ""].remedy
        commands = [line for line in remedy.splitlines() if line.startswith("sudo ip")]
        assert len(commands) == 3
        host.exec("\n".join(commands))
        found = look(host)
        assert results(found, "network.datastore-ports") == {Result.PASS}
        assert found["network.docker-bypass", ""].result is Result.PASS
        assert found["network.only-expected", ""].result is Result.PASS
        assert "DOCKER-USER" in found["network.datastore-ports", "redis"].observed
    finally:
        host.stop()


def test_a_port_that_compose_2_publishes_is_closed_as_printed(look: Look, lab: Lab) -> None:
    host = lab.up("good-docker")
    override = "/srv/shop/compose.override.yaml"
    try:
        assert results(look(host), "network.published-ports") == {Result.PASS}
        host.put(override, 'services: {web: {ports: !override ["8000:8000"]}}\n')
        host.exec("cd /srv/shop && docker compose up -d 2> /dev/null")
        found = look(host)["network.published-ports", "container shop-web-1 8000/tcp"]
        assert found.result is Result.FAIL
        assert f"from outside: {host.ipv4}:8000 open" in found.observed
        then = "cd /srv/shop && docker compose up -d web"
        assert found.remedy == (
            "Port 8000: in /srv/shop/compose.yaml publish it on loopback only, "
            f'ports: ["127.0.0.1:8000:8000"], or drop it; then: {then}'
        )
        host.put(override, 'services: {web: {ports: !override ["127.0.0.1:8000:8000"]}}\n')
        host.exec(f"{then} 2> /dev/null")
        assert results(look(host), "network.published-ports") == {Result.PASS}
    finally:
        host.stop()


@pytest.mark.parametrize("variant", ["good", "bad"])
def test_without_root_nothing_passes_that_needs_it(
    look: Look, good_host: Host, bad_host: Host, variant: str
) -> None:
    host = good_host if variant == "good" else bad_host
    found = look(host, "viewer")
    assert Result.PASS not in {finding.result for finding in found.values()}
    expected = Result.UNKNOWN if variant == "good" else Result.FAIL
    assert found["network.datastore-ports", "redis"].result is expected
    assert found["network.firewall", ""].result is Result.UNKNOWN
    assert "sudo iptables-save" in found["network.firewall", ""].remedy


def test_redis_on_ipv6_only(look: Look, trap_host: Host) -> None:
    redis = f"redis-server --port 6379 --bind {trap_host.ipv6} --protected-mode no --dir /tmp --save ''"
    trap_host.exec(f"systemd-run --quiet --unit=trap {redis}")
    trap_host.exec("ip6tables -I INPUT -p tcp --dport 6379 -j ACCEPT")
    try:
        finding = look(trap_host)["network.datastore-ports", "redis"]
        assert finding.result is Result.FAIL
        assert f"from outside: [{trap_host.ipv6}]:6379 open, answers as redis" in finding.observed
        assert f"[{trap_host.ipv6}]:6379/tcp (redis-server)" in finding.observed
        # Seen by IPv4 alone, the host's word is enough.
        only4 = Profile(address=trap_host.target(), addresses=(trap_host.ipv4,))
        assert look(trap_host, profile=only4)["network.datastore-ports", "redis"].result is Result.FAIL
    finally:
        trap_host.exec("ip6tables -D INPUT -p tcp --dport 6379 -j ACCEPT; systemctl stop trap")


def test_a_container_on_the_hosts_network(look: Look, trap_host: Host) -> None:
    trap_host.exec(
        "docker run -d --name hostnet --network host --entrypoint redis-server redis:7-bookworm "
        "--port 9200 --bind '*' --protected-mode no && iptables -I INPUT -p tcp --dport 9200 -j ACCEPT"
    )
    try:
        found = look(trap_host)
        assert found["network.host-networking", "hostnet"].result is Result.FAIL
        assert "0.0.0.0:9200/tcp" in found["network.host-networking", "hostnet"].observed
        # It publishes nothing, says Docker; and it is no Elasticsearch, says the port itself.
        assert results(found, "network.published-ports") == {Result.PASS}
        assert found["network.datastore-ports", "redis"].result is Result.FAIL
        assert ("network.datastore-ports", "elasticsearch") not in found
        assert found["network.only-expected", ""].result is Result.FAIL
    finally:
        trap_host.exec("docker rm -f hostnet; iptables -D INPUT -p tcp --dport 9200 -j ACCEPT")


def test_a_raw_translation_that_ss_does_not_show(look: Look, trap_host: Host) -> None:
    rule = "PREROUTING -p tcp --dport 15432 -j DNAT --to-destination 10.99.0.2:5432"
    trap_host.exec(
        f"""ip netns add inner && ip link add v0 type veth peer name v1 netns inner
        ip addr add 10.99.0.1/24 dev v0 && ip link set v0 up
        ip -n inner addr add 10.99.0.2/24 dev v1 && ip -n inner link set v1 up && ip -n inner link set lo up
        ip -n inner route add default via 10.99.0.1
        systemd-run --quiet --unit=trap ip netns exec inner \
            redis-server --port 5432 --bind 10.99.0.2 --protected-mode no --dir /tmp --save ''
        iptables -t nat -I {rule} && iptables -I FORWARD -d 10.99.0.2 -j ACCEPT"""
    )
    try:
        assert trap_host.exec("ss -Hltn 'sport = :15432'") == ""
        found = look(trap_host)
        redis = found["network.datastore-ports", "redis"]
        assert redis.result is Result.FAIL
        assert f"{trap_host.ipv4}:15432 open, answers as redis" in redis.observed
        assert found["network.docker-bypass", ""].result is Result.FAIL
        assert found["network.only-expected", ""].result is Result.FAIL
        assert found["network.vantages-agree", ""].result is Result.PASS
    finally:
        trap_host.exec(
            f"iptables -t nat -D {rule}; iptables -D FORWARD -d 10.99.0.2 -j ACCEPT; "
            "systemctl stop trap; ip netns del inner"
        )


def test_ufw_that_is_installed_and_disabled(look: Look, trap_host: Host) -> None:
    trap_host.exec("ufw disable")
    try:
        found = look(trap_host)
        assert found["network.firewall", "ipv4"].result is Result.FAIL
        assert found["network.firewall", "ipv6"].result is Result.FAIL
        assert "ufw is inactive" in found["network.firewall", "ipv4"].observed
        # What listens on loopback only is closed all the same.
        assert results(found, "network.datastore-ports") == {Result.PASS}
    finally:
        trap_host.exec("ufw --force enable")


def test_an_operator_who_is_blocked_sees_nothing(look: Look, trap_host: Host) -> None:
    """IPv6 answers on no port: silence there proves nothing."""
    trap_host.exec("ip6tables -I INPUT -p tcp --syn -j DROP")
    try:
        found = look(trap_host)
        assert results(found, "network.datastore-ports") == {Result.UNKNOWN}
        assert f"nothing answers on {trap_host.ipv6}" in found["network.only-expected", ""].observed
    finally:
        trap_host.exec("ip6tables -D INPUT -p tcp --syn -j DROP")


def test_looking_leaves_the_host_as_it_was(look: Look, good_host: Host) -> None:
    before = good_host.state()
    look(good_host)
    assert before.differences(good_host.state()) == []

"""What containers lay open, by publishing and by sharing the host's network."""

from __future__ import annotations

from dataclasses import replace

from signoff.facts.base import Unavailable
from signoff.facts.containers import CONTAINERS, PublishedPort
from signoff.facts.docker_engine import DOCKER_ENGINE
from signoff.facts.network import LISTENERS
from signoff.message import say
from signoff.model import Command, Result
from signoff.probes.published import host_networking, published_ports
from signoff.target.profile import Profile
from unit.network_hosts import BAD, GOOD, NEEDS_ROOT, NO_OUTSIDE, facts, judged, outside, parsed

BAD_OPEN = {(BAD[0], 5432): "postgresql", (BAD[0], 6379): "redis", (BAD[0], 8000): "http"}


def test_loopback_publishing_passes_and_an_old_engine_is_remarked() -> None:
    found = judged(published_ports, facts("good", outside()))[""]
    assert found.result is Result.PASS
    assert "127.0.0.1" in found.observed
    assert any("moby 45610" in line for line in found.evidence)
    newer = replace(parsed("good", DOCKER_ENGINE), version="28.2.2")
    found = judged(published_ports, facts("good", outside(), docker_engine=newer))[""]
    assert not any("moby 45610" in line for line in found.evidence)


def test_ports_on_every_address_fail_one_by_one() -> None:
    found = judged(published_ports, facts("bad", outside(BAD, BAD_OPEN)))
    assert {subject: one.result for subject, one in found.items()} == {
        "container shop_web_1 8000/tcp": Result.FAIL,
        "container shop_db_1 5432/tcp": Result.FAIL,
        "container shop_redis_1 6379/tcp": Result.FAIL,
    }
    database = found["container shop_db_1 5432/tcp"]
    assert f"{BAD[0]}:5432 open" in database.observed
    assert '"127.0.0.1:5432:5432"' in database.remedy


def test_published_fails_though_nobody_could_look_at_the_firewall() -> None:
    given = facts("bad", NO_OUTSIDE, firewall=NEEDS_ROOT)
    assert {one.result for one in judged(published_ports, given).values()} == {Result.FAIL}


def test_what_docker_user_stops_for_certain_passes() -> None:
    found = judged(published_ports, facts("docker-user", outside(BAD, {(BAD[0], 8000): "http"})))
    assert set(found) == {"container shop_web_1 8000/tcp"}
    meant = Profile(open_ports=(8000,))
    seen = outside(BAD, {(BAD[0], 8000): "http"})
    assert judged(published_ports, facts("docker-user", seen), meant)[""].result is Result.PASS
    # An answer from outside weighs more than a rule.
    answered = judged(published_ports, facts("docker-user", outside(BAD, BAD_OPEN)), meant)
    assert set(answered) == {"container shop_db_1 5432/tcp", "container shop_redis_1 6379/tcp"}


def test_the_proxys_ports_are_meant() -> None:
    containers = tuple(
        replace(one, published=tuple(replace(port, port=443) for port in one.published))
        for one in parsed("bad", CONTAINERS)
    )
    given = facts("bad", outside(BAD), containers=containers)
    assert judged(published_ports, given)[""].result is Result.PASS


def test_a_bridges_own_address_is_no_outside_address() -> None:
    containers = tuple(
        replace(one, published=(PublishedPort("172.18.0.1", 5432, 5432, "tcp"),))
        for one in parsed("bad", CONTAINERS)
    )
    assert (
        judged(published_ports, facts("bad", outside(BAD), containers=containers))[""].result is Result.PASS
    )


def test_a_stopped_container_is_remarked() -> None:
    containers = tuple(replace(one, running=False) for one in parsed("bad", CONTAINERS))
    found = judged(published_ports, facts("bad", outside(BAD), containers=containers))[""]
    assert found.result is Result.PASS
    assert any("shop_db_1 is stopped" in line for line in found.evidence)


def test_what_a_swarm_publishes_fails() -> None:
    found = judged(published_ports, facts("swarm", outside()))
    assert found["swarm service api 8088/tcp"].result is Result.FAIL
    fix = found["swarm service api 8088/tcp"].fix
    assert fix == Command("sudo docker service update --publish-rm 8025 api")


def test_published_ports_are_unknown_where_docker_cannot_be_asked() -> None:
    found = judged(published_ports, facts("viewer", outside(BAD)))[""]
    assert found.result is Result.UNKNOWN
    assert "permission denied" in found.observed
    assert judged(published_ports, facts("podman", outside()))[""].result is Result.UNKNOWN
    worker = facts("good", outside(), docker_engine=Unavailable(say("this node of a swarm is no manager")))
    assert judged(published_ports, worker)["swarm"].result is Result.UNKNOWN


def test_no_container_does_not_apply_on_proof() -> None:
    given = facts("no-docker", outside())
    assert judged(published_ports, given)[""].result is Result.NOTAPPLICABLE


def test_a_container_on_the_hosts_network_fails_with_what_it_listens_on() -> None:
    found = judged(host_networking, facts("traps", outside(also={(GOOD[0], 9200): "redis"})))["hostnet"]
    assert found.result is Result.FAIL
    assert "0.0.0.0:9200/tcp" in found.observed


def test_a_container_on_the_hosts_network_passes_behind_the_firewall_or_where_meant() -> None:
    ports = {9200: 9201}
    moved = tuple(replace(one, port=ports.get(one.port, one.port)) for one in parsed("traps", LISTENERS))
    assert (
        judged(host_networking, facts("traps", outside(), listeners=moved))["hostnet"].result is Result.PASS
    )
    meant = Profile(open_ports=(9200,))
    assert judged(host_networking, facts("traps", outside()), meant)["hostnet"].result is Result.PASS


def test_a_container_that_joins_one_on_the_hosts_network_is_there_as_well() -> None:
    host, *others = (one for one in parsed("traps", CONTAINERS) if one.network_mode == "host")
    assert not others
    joined = replace(host, id="f" * 64, name="sidecar", network_mode=f"container:{host.id}")
    found = judged(host_networking, facts("traps", outside(), containers=(host, joined)))
    assert set(found) == {"hostnet", "sidecar"}


def test_host_networking_is_unknown_where_processes_are_not_visible() -> None:
    blind = tuple(replace(one, processes=(), container="") for one in parsed("traps", LISTENERS))
    found = judged(host_networking, facts("traps", NO_OUTSIDE, listeners=blind, firewall=NEEDS_ROOT))
    assert found["hostnet"].result is Result.UNKNOWN
    unseen = facts("traps", NO_OUTSIDE, firewall=NEEDS_ROOT)
    assert judged(host_networking, unseen)["hostnet"].result is Result.UNKNOWN


def test_host_networking_passes_without_such_containers() -> None:
    assert judged(host_networking, facts("bad", outside(BAD)))[""].result is Result.PASS
    assert judged(host_networking, facts("viewer", outside(BAD)))[""].result is Result.UNKNOWN

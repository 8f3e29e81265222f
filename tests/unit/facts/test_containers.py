"""Containers as Docker describes them; none only on proof; their environment never in plain sight."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC
from pathlib import Path

import pytest

from signoff.credentials.secret import HIDDEN
from signoff.facts.base import Malformed, Unavailable
from signoff.facts.containers import CONTAINERS, Container, PublishedPort, parse_containers
from signoff.facts.docker_engine import DOCKER_ENGINE, Engine, parse_engine
from signoff.facts.sections import read_script
from signoff.target.command import Output
from unit.network_hosts import output

ANY = "0.0.0.0"  # noqa: S104 - what docker inspect prints


def containers(state: str) -> dict[str, Container]:
    return {container.name: container for container in parse_containers(output(state, CONTAINERS))}


def changed(before: bytes, after: bytes, state: str = "good") -> Output:
    text = output(state, CONTAINERS).stdout
    assert before in text
    return Output("containers", 0, text.replace(before, after))


def test_a_container_is_read() -> None:
    found = containers("bad")
    assert set(found) == {"shop_web_1", "shop_db_1", "shop_redis_1"}
    database = found["shop_db_1"]
    assert database.image == "postgres:15-bookworm"
    assert database.running
    assert database.started is not None
    assert database.started.tzinfo is not None
    assert database.started.astimezone(UTC).year == 2026
    assert database.published == (
        PublishedPort(ANY, 5432, 5432, "tcp"),
        PublishedPort("::", 5432, 5432, "tcp"),
    )
    assert database.networks == ("shop_default",)
    assert database.addresses == ("172.18.0.3",)
    assert database.labels["com.docker.compose.service"] == "db"


def test_health_and_loopback_ports_are_read() -> None:
    mailer = containers("good")["mailer_mailer_1"]
    assert mailer.health in {"healthy", "starting"}
    assert [port.address for port in mailer.published] == ["127.0.0.1"]


def test_a_container_on_the_hosts_network_publishes_nothing() -> None:
    found = containers("traps")["hostnet"]
    assert (found.network_mode, found.published, found.addresses) == ("host", (), ())


def test_the_environment_is_secret_at_once() -> None:
    found = containers("bad")["shop_db_1"]
    password = found.env["POSTGRES_PASSWORD"]
    assert password.reveal() == "postgres"
    assert str(password) == HIDDEN
    web = containers("bad")["shop_web_1"]
    shown = f"{web!r} {web} {web.env!r}"
    assert len(web.env) > 5
    for value in web.env.values():
        if len(value) > 8:
            assert value.reveal() not in shown


def test_a_stopped_container_shows_what_it_will_publish() -> None:
    text = output("bad", CONTAINERS).stdout.decode()
    # Docker empties NetworkSettings.Ports of a stopped container; HostConfig.PortBindings stays.
    stopped = re.sub(r'"Ports": \{.*?\n\|            \},', '"Ports": {},', text, flags=re.DOTALL)
    stopped = stopped.replace('"Running": true', '"Running": false')
    assert stopped != text
    found = {one.name: one for one in parse_containers(Output("containers", 0, stopped.encode()))}
    assert not found["shop_db_1"].running
    assert {port.address for port in found["shop_db_1"].published} == {ANY, "::"}


def test_no_docker_is_claimed_on_proof_only() -> None:
    assert parse_containers(output("no-docker", CONTAINERS)) == ()
    for sign in (b"#processes\n|dockerd\n", b"#sockets\n|/run/docker.sock\n", b"#hidden\n#sockets\n"):
        heading = sign.split(b"\n")[0] + b"\n"
        text = output("no-docker", CONTAINERS).stdout
        shown = text.replace(heading, sign) if heading in text else text.replace(b"#sockets\n", sign)
        with pytest.raises(Unavailable):
            parse_containers(Output("containers", 0, shown))


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("viewer", "permission denied"),
        ("docker-stopped", "does not answer"),
        ("podman", "Podman"),
    ],
)
def test_a_daemon_that_cannot_be_asked_is_unavailable(state: str, reason: str) -> None:
    with pytest.raises(Unavailable, match=reason) as caught:
        parse_containers(output(state, CONTAINERS))
    assert caught.value.by_hand


@pytest.mark.parametrize("process", [b"conmon", b"rootlesskit"])
def test_containers_of_others_are_not_passed_over(process: bytes) -> None:
    with pytest.raises(Unavailable):
        parse_containers(changed(b"#processes\n", b"#processes\n|" + process + b"\n"))


def test_containerd_without_docker_is_not_passed_over() -> None:
    text = output("no-docker", CONTAINERS).stdout
    shown = text.replace(b"#processes\n", b"#processes\n|containerd-shim\n")
    with pytest.raises(Unavailable, match="containerd"):
        parse_containers(Output("containers", 0, shown))


def test_garbled_output_is_malformed_and_quotes_nothing() -> None:
    with pytest.raises(Malformed) as caught:
        parse_containers(changed(b'"Running": true', b'"Running": "yes"'))
    assert caught.value.excerpt == ""
    with pytest.raises(Malformed):
        parse_containers(Output("containers", 0, output("bad", CONTAINERS).stdout[:5000]))


def test_the_engine_tells_its_version_and_what_a_swarm_publishes() -> None:
    assert parse_engine(output("good", DOCKER_ENGINE)) == Engine("20.10.24+dfsg1")
    assert parse_engine(output("good", DOCKER_ENGINE)).major == 20
    assert parse_engine(output("no-docker", DOCKER_ENGINE)) == Engine()
    swarm = parse_engine(output("swarm", DOCKER_ENGINE)).swarm
    assert swarm == (("api", PublishedPort(ANY, 8088, 8025, "tcp")),)


def asked(tmp_path: Path, docker: str, **environment: str) -> Output:
    """What the script of the engine prints with this for its docker."""
    (tmp_path / "docker").write_text(f"#!/bin/sh\n{docker}\n")
    (tmp_path / "docker").chmod(0o755)
    said = subprocess.run(
        ["/bin/sh", "-s"],
        input=read_script("docker-engine.sh").encode(),
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", **environment},
        capture_output=True,
        check=True,
    )
    return Output("docker-engine", 0, said.stdout)


def test_a_worker_of_a_swarm_cannot_tell(tmp_path: Path) -> None:
    refusal = "Error response from daemon: This node is not a swarm manager."
    worker = f'case $1 in version) echo 28.0;; info) echo active;; *) echo "{refusal}" >&2; exit 1;; esac'
    with pytest.raises(Unavailable, match="not a swarm manager") as caught:
        parse_engine(asked(tmp_path, worker))
    assert "docker service ls" in caught.value.by_hand
    with pytest.raises(Unavailable, match="permission denied"):
        parse_engine(output("viewer", DOCKER_ENGINE))


def test_a_swarm_of_which_nothing_is_said_is_malformed() -> None:
    text = output("swarm", DOCKER_ENGINE).stdout
    with pytest.raises(Malformed):
        parse_engine(Output("docker-engine", 0, text[: text.index(b"#services")] + b"#end\n"))


def test_it_is_this_machines_docker_that_is_asked(tmp_path: Path) -> None:
    """A docker context, or DOCKER_HOST in somebody's profile, may lead to another machine."""
    docker = 'echo "Docker version 26, asked at $DOCKER_HOST$DOCKER_CONTEXT" >&2; exit 1'
    said = asked(tmp_path, docker, DOCKER_HOST="ssh://other.test", DOCKER_CONTEXT="other")
    assert b"asked at unix:///var/run/docker.sock\n" in said.stdout

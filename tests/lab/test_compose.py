"""Secrets rotated where compose was told more than `up`: the containers come back as they were made."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from desk import Desk
from labhost.host import Host
from test_rotation import ALL, HEALTH, WELL, Product

from lab import Lab

pytestmark = pytest.mark.lab

Start = Callable[..., Host]


def compose(host: Host, words: str) -> None:
    host.exec(f"cd /srv/shop && {words} 2> /dev/null")


def containers(host: Host) -> dict[str, str]:
    """The names of all containers, each with the version of compose that made it."""
    form = '{{.Names}} {{.Label "com.docker.compose.version"}}'
    return dict(line.split() for line in host.exec(f"docker ps -a --format '{form}'").splitlines())


def inside(host: Host, container: str, name: str) -> str:
    """A variable of a container's."""
    return host.exec(f"docker exec {container} printenv {name}")


def rotate(desk: Desk, host: Host, *names: str) -> str:
    desk.know(host)
    done = desk.signoff("env", "rotate", ".env", *names, "--target", "shop", "--yes")
    return done.stdout + done.stderr


def done(desk: Desk) -> bool:
    """Whether the last rotation was carried out; what the probes say then is another matter."""
    newest = max((desk.home / "state" / "signoff" / "sessions").glob("*/session.jsonl"))
    events = [json.loads(line) for line in newest.read_text().splitlines()]
    return {one["outcome"] for one in events if one["type"] == "done"} == {"done"}


def test_a_host_that_went_from_compose_1_to_2(desk: Desk, fresh_host: Start, lab: Lab) -> None:
    """The containers keep the names that compose 1 gave them: its backups know them by these."""
    host = fresh_host("bad")
    host.put("/run/compose.deb", (lab.builder.make_trees() / "compose.deb").read_bytes())
    host.exec("dpkg --install /run/compose.deb && rm /usr/bin/docker-compose")
    before = containers(host)
    assert set(before.values()) == {"1.29.2"}
    names = ("SECRET_KEY", "JWT_SECRET_KEY", "POSTGRES_PASSWORD")
    said = rotate(desk, host, *names)
    assert done(desk), said
    after = containers(host)
    assert after.keys() == before.keys()
    assert after["shop_web_1"] == after["shop_db_1"] == "2.26.1"
    env = Product.of(host).env()
    for name in names:
        assert inside(host, "shop_web_1", name) == env[name]
    assert host.exec(HEALTH) == WELL
    # And once more, now that it was version 2 which made them.
    said = rotate(desk, host, "SECRET_KEY")
    assert done(desk), said
    assert containers(host).keys() == before.keys()


def test_compose_2_as_a_program_of_its_own(desk: Desk, fresh_host: Start) -> None:
    """No plugin, but a program called as version 1 was: what is shown is what is there."""
    host = fresh_host("good-docker")
    host.exec("mv /usr/libexec/docker/cli-plugins/docker-compose /usr/local/bin/docker-compose")
    said = rotate(desk, host, "SECRET_KEY")
    assert done(desk), said
    assert "cd /srv/shop && docker-compose -p shop -f compose.yaml up -d" in said
    assert inside(host, "shop-web-1", "SECRET_KEY") == Product.of(host).env()["SECRET_KEY"]
    # And where there is none at all, nothing is touched.
    host.exec("rm /usr/local/bin/docker-compose")
    before = Product.of(host).state()
    said = rotate(desk, host, "SECRET_KEY")
    assert "docker compose does not work in /srv/shop" in said
    assert Product.of(host).state() == before


def test_a_compose_file_in_another_directory_than_the_project(desk: Desk, fresh_host: Start) -> None:
    """What is relative, and .env, counts from the directory that compose was told."""
    host = fresh_host("good-docker")
    host.exec("cd /srv/shop && mkdir deploy && mv compose.yaml deploy")
    compose(host, "docker compose --project-directory . -f deploy/compose.yaml up -d --force-recreate")
    product = Product.of(host)
    product.wait_well()
    before = product.env()
    said = rotate(desk, host, *ALL, "POSTGRES_ADMIN_PASSWORD")
    assert done(desk), said
    assert "docker compose -p shop --project-directory /srv/shop -f deploy/compose.yaml up -d" in said
    after = product.env()
    product = Product.of(host)
    assert host.exec(HEALTH) == WELL
    assert product.takes("shop", after["POSTGRES_PASSWORD"])
    assert not product.takes("shop", before["POSTGRES_PASSWORD"])
    assert product.opens(after["REDIS_PASSWORD"])
    assert inside(host, "shop-db-1", "POSTGRES_PASSWORD") == after["POSTGRES_ADMIN_PASSWORD"]


JOBS = """
services:
  worker:
    image: shop_web
    profiles: [jobs]
    command: [sleep, infinity]
    init: true
    env_file:
      - path: ../.env
        required: true
      - path: none.env
        required: false
"""


def test_replicas_of_an_included_file_behind_a_profile(desk: Desk, fresh_host: Start) -> None:
    host = fresh_host("good-docker")
    host.put("/srv/shop/jobs/compose.yaml", JOBS)
    host.exec("sed -i '1i include: [jobs/compose.yaml]' /srv/shop/compose.yaml")
    compose(host, "docker compose --profile jobs up -d --scale worker=2")
    before = containers(host)
    assert {"shop-worker-1", "shop-worker-2"} < before.keys()
    said = rotate(desk, host, "SECRET_KEY")
    assert done(desk), said
    assert containers(host) == before
    key = Product.of(host).env()["SECRET_KEY"]
    for name in ("shop-web-1", "shop-worker-1", "shop-worker-2"):
        assert inside(host, name, "SECRET_KEY") == key


def test_what_compose_had_from_the_shell_alone_is_not_lost(desk: Desk, fresh_host: Start) -> None:
    host = fresh_host("good-docker")
    host.put(
        "/srv/shop/compose.override.yaml",
        "services: {web: {environment: {PARTNER_TOKEN: '${PARTNER_TOKEN}'}}}\n",
    )
    compose(host, "PARTNER_TOKEN=kV7x9mQzXw2Lp0RtYb8N docker compose up -d")
    product = Product.of(host)
    product.wait_well()
    before, running = product.state(), host.exec("docker ps -q --no-trunc")
    said = rotate(desk, host, "SECRET_KEY", "POSTGRES_PASSWORD")
    assert "would leave PARTNER_TOKEN of web empty" in said
    assert product.state() == before
    assert host.exec("docker ps -q --no-trunc") == running
    # As it is advised.
    host.exec("echo PARTNER_TOKEN=kV7x9mQzXw2Lp0RtYb8N >> /srv/shop/.env")
    said = rotate(desk, host, "SECRET_KEY")
    assert done(desk), said
    assert inside(host, "shop-web-1", "PARTNER_TOKEN") == "kV7x9mQzXw2Lp0RtYb8N"

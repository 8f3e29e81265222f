"""env.hardcoded: secrets in compose files, units, Dockerfiles and images."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from signoff.credentials.secret import Secret
from signoff.facts.base import Facts, Unavailable
from signoff.facts.compose import Compose, parse_compose
from signoff.facts.composed import Programs
from signoff.facts.containers import CONTAINERS
from signoff.facts.dockerfile import parse_dockerfile, parse_dockerignore
from signoff.facts.environment import ENVIRONMENT
from signoff.facts.units import UNITS
from signoff.message import say
from signoff.probes.env_open import hardcoded
from unit.env_hosts import facts, judge, results

VALUE = "kV7x9mQzXw2Lp0RtYb8Nc4Hd6Js1Kg5F"


def changed(**changes: Any) -> Facts:
    known = facts("good-root")
    return Facts({**known.values, ENVIRONMENT.id: replace(known[ENVIRONMENT], **changes)})


def dockerfile(text: str, ignored: str | None = None) -> Facts:
    ignores = () if ignored is None else (parse_dockerignore("/srv/shop/.dockerignore", Secret(ignored)),)
    return changed(
        dockerfiles=(parse_dockerfile("/srv/shop/Dockerfile", Secret(text)),), dockerignores=ignores
    )


@pytest.mark.parametrize("name", ["good-root", "bad-root"])
def test_hosts_without_such_secrets_pass(name: str) -> None:
    assert results(hardcoded, facts(name)) == {"": "pass"}


def test_a_closed_project_is_unknown() -> None:
    assert results(hardcoded, facts("good-root", environment="closed")) == {"": "unknown"}


def test_units_that_cannot_be_seen_are_unknown() -> None:
    assert results(hardcoded, facts("good-root", units=Unavailable(say("no answer")))) == {"units": "unknown"}


def test_a_secret_in_a_compose_file_fails() -> None:
    found = judge(hardcoded, facts("odd", units="good-root", containers=()))
    finding = found["/srv/shop/docker-compose.yml"]
    assert finding.result == "fail"
    assert "SECRET_KEY in /srv/shop/docker-compose.yml" in finding.observed
    assert VALUE not in repr(finding)


@pytest.mark.parametrize(
    ("service", "name"),
    [
        ("command: redis-server --requirepass s3cr3t-of-redis", "password"),
        ("command: [redis-server, --requirepass, s3cr3t-of-redis]", "password"),
        ("command: redis-server --requirepass ${REDIS_PASSWORD}", ""),
        ("command: redis-server --appendonly yes --maxmemory 256mb", ""),
        ("command: celery -b redis://:s3cr3t-of-redis@cache/0 worker", "a URL's password"),
        ("command: celery -b redis://cache/0 worker --loglevel info --max-tasks-per-child 10", ""),
        ("entrypoint: sh -c 'PGPASSWORD=s3cr3t-of-the-shop pg_dump shop'", "PGPASSWORD"),
        ("healthcheck: {test: [CMD, redis-cli, -a, s3cr3t-of-redis, ping]}", "password"),
        ("healthcheck: {test: [CMD-SHELL, 'curl -f http://localhost:8000/health || exit 1']}", ""),
        ("build: {context: ., args: {NPM_TOKEN: s3cr3t-of-npm-0123}}", "NPM_TOKEN"),
        ("build: {context: ., args: [NPM_TOKEN, VERSION=3]}", ""),
    ],
)
def test_secrets_in_commands_and_build_arguments(service: str, name: str) -> None:
    text = f"services:\n  cache:\n    image: redis\n    {service}\n"
    known = changed(compose=(parse_compose("/srv/shop/compose.yaml", Secret(text)),))
    found = list(judge(hardcoded, known).values())
    assert [finding.result for finding in found] == ["fail" if name else "pass"]
    assert found[0].observed.startswith(f"{name} in " if name else "no secret in ")
    assert "s3cr3t" not in repr(found)


def test_compose_files_that_were_not_looked_at() -> None:
    """include, extends, and what the containers were made with."""
    text = """
    include: [deploy/redis.yaml, {path: [deploy/mail.yaml]}]
    services: {web: {extends: {file: ../common.yaml, service: web}}}
    """
    known = changed(compose=(parse_compose("/srv/shop/compose.yaml", Secret(text)),))
    found = results(hardcoded, known)
    names = ("/srv/shop/deploy/redis.yaml", "/srv/shop/deploy/mail.yaml", "/srv/common.yaml")
    assert found == dict.fromkeys(names, "unknown")

    (one, *_) = facts("bad-root")[CONTAINERS]
    # As version 2 notes it, and version 1, by where it was called.
    for directory, file in (
        ("/srv/shop", "/srv/shop/deploy/live.yml"),
        ("/srv/shop/deploy", "deploy/live.yml"),
    ):
        about = {"project.working_dir": directory, "project.config_files": file}
        labels = {**one.labels, **{f"com.docker.compose.{key}": value for key, value in about.items()}}
        deployed = Facts({**changed(compose=()).values, CONTAINERS.id: (replace(one, labels=labels),)})
        assert results(hardcoded, deployed) == {"/srv/shop/deploy/live.yml": "unknown"}


@pytest.mark.parametrize(
    ("value", "result"),
    [("${SECRET_KEY}", "pass"), ("${SECRET_KEY:-dev-secret}", "fail"), ("/run/secrets/key", "pass")],
)
def test_references_pass_and_defaults_fail(value: str, result: str) -> None:
    text = f"services: {{web: {{environment: {{SECRET_KEY: '{value}', PORT: 80}}}}}}"
    known = changed(compose=(parse_compose("/srv/shop/compose.yaml", Secret(text)),))
    assert set(results(hardcoded, known).values()) == {result}


DEVELOPERS = "/srv/shop/docker-compose.dev.yml"


@pytest.mark.parametrize(
    ("password", "file", "result"),
    [
        ("postgres", DEVELOPERS, "informational"),
        # It may be the real one, whatever the file is called.
        (VALUE, DEVELOPERS, "fail"),
        ("postgres", "/srv/shop/docker-compose.yml", "fail"),
    ],
)
def test_a_default_in_a_compose_file_for_developers(password: str, file: str, result: str) -> None:
    text = f"services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: {password}\n"
    given = changed(compose=(parse_compose(file, Secret(text)),))
    found = results(hardcoded, given)
    assert found.pop(file) == result
    assert found == ({"": "pass"} if result == "informational" else {})


def test_a_compose_file_for_developers_that_is_in_use() -> None:
    text = "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: postgres\n"
    known = changed(compose=(parse_compose(DEVELOPERS, Secret(text)),))
    container = facts("docker-root")[CONTAINERS][0]
    for file in (DEVELOPERS, "docker-compose.dev.yml"):  # as version 2 notes it, and as 1 does
        labels = {**container.labels, "com.docker.compose.project.config_files": file}
        in_use = Facts({**known.values, CONTAINERS.id: (replace(container, labels=labels),)})
        assert judge(hardcoded, in_use)[DEVELOPERS].result == "fail"
    hidden = Facts({**known.values, CONTAINERS.id: Unavailable(say("needs root"))})
    assert judge(hardcoded, hidden)[DEVELOPERS].result == "fail"


def test_a_password_in_a_units_command_fails() -> None:
    known = facts("good-root")
    (unit,) = known[UNITS].units
    written = replace(unit, written={"admin-password": Secret(VALUE), "--bind": Secret("127.0.0.1")})
    given = Facts({**known.values, UNITS.id: replace(known[UNITS], units=(written,))})
    finding = judge(hardcoded, given)["shop.service"]
    assert finding.result == "fail"
    assert finding.observed.startswith("admin-password in shop.service")


def test_a_compose_file_that_cannot_be_read_is_unknown() -> None:
    known = changed(compose=(Compose("/srv/shop/compose.yaml", problem="it is no YAML in line 3"),))
    assert results(hardcoded, known) == {"/srv/shop/compose.yaml": "unknown"}
    for name, program in (("docker-root", "docker-compose"), ("docker2-root", "docker compose")):
        programs = Programs(program="1.29.2") if name == "docker-root" else Programs(plugin="2.26.1")
        containers = tuple(replace(one, programs=programs) for one in facts(name)[CONTAINERS])
        found = judge(hardcoded, Facts({**known.values, CONTAINERS.id: containers}))
        assert found["/srv/shop/compose.yaml"].remedy.startswith(f"{program} -f /srv/shop/compose.yaml")


def test_a_secret_in_a_unit_fails_for_any_user_can_ask() -> None:
    found = judge(hardcoded, facts("good-root", units="worker"))
    assert found["shop-worker.service"].result == "fail"
    assert "API_TOKEN" in found["shop-worker.service"].observed


def test_a_service_of_compose_is_no_unit_that_was_looked_at() -> None:
    known = facts("good-root")
    (unit,) = known[UNITS].units
    absent = replace(unit, name="web.service", exists=False)
    units = replace(known[UNITS], units=(unit, absent))
    found = judge(hardcoded, Facts({**known.values, UNITS.id: units}))
    assert [one.observed.rpartition(" ")[2] for one in found.values()] == ["shop.service"]


def test_a_secret_in_a_dockerfile_fails() -> None:
    found = judge(hardcoded, dockerfile(f"FROM x\nENV SECRET_KEY={VALUE} PORT=80\n"))
    assert found["/srv/shop/Dockerfile"].result == "fail"
    assert VALUE not in repr(found)


@pytest.mark.parametrize(
    ("text", "ignored", "result"),
    [
        ("COPY . .", None, "fail"),
        ("COPY . .", "node_modules\n", "fail"),
        ("COPY . .", ".env*\n!.env\n", "fail"),
        ("COPY . .", ".env*\n", "pass"),
        ("COPY --from=build . .", None, "pass"),
        ("COPY app.py ./", None, "pass"),
    ],
)
def test_an_image_takes_the_file_in_where_nothing_keeps_it_out(
    text: str, ignored: str | None, result: str
) -> None:
    found = results(hardcoded, dockerfile(f"FROM x\n{text}\n", ignored))
    assert set(found.values()) == {result}


def test_a_dockerfile_that_may_not_be_read_is_unknown() -> None:
    known = changed(dockerfiles=(parse_dockerfile("/srv/shop/Dockerfile", None),))
    assert results(hardcoded, known) == {"/srv/shop/Dockerfile": "unknown"}

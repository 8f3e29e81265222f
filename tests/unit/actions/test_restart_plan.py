"""Which containers are made anew for new secrets, and with which commands, on what compose 1 and 2 left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from signoff.actions.base import ActionError
from signoff.actions.restart_plan import ComposeServices, RestartPlan, restart_plan
from signoff.credentials.secret import Secret
from signoff.facts.base import Facts
from signoff.facts.compose import parse_compose
from signoff.facts.composed import LABEL, Programs
from signoff.facts.containers import CONTAINERS, Container
from signoff.facts.environment import ENVIRONMENT
from signoff.probes.env_running import restarted, values
from unit.env_hosts import SHOP, facts, results

RECORDED = Path(__file__).parents[1] / "recorded/compose"
ENV = frozenset({"/srv/shop/.env"})
BEFORE = "cd /srv/shop && docker compose -p shop -f compose.yaml up -d --no-deps --force-recreate"


def planned(known: Facts, *names: str, paths: frozenset[str] = ENV) -> RestartPlan:
    return restart_plan(known, SHOP, paths, frozenset(names))


def test_a_host_with_compose_2() -> None:
    known = facts("docker2-root")
    everything = {
        "container shop-web-1": "pass",
        "container shop-db-1": "pass",
        "container shop-redis-1": "pass",
    }
    assert results(values, known) == everything
    assert results(restarted, known) == everything
    made = planned(known, "SECRET_KEY")
    assert made.preview == (f"{BEFORE} web", "then wait until they are healthy")
    made = planned(known, "REDIS_PASSWORD")
    assert made.preview[0] == f"{BEFORE} redis web"
    assert made.containers == ("shop-redis-1", "shop-web-1")


def test_an_override_adds_to_a_service_and_takes_nothing_from_it() -> None:
    """Redis has its password from compose.yaml; the override tells of its ports alone."""
    known = facts("docker2-root")
    path = "/srv/shop/compose.override.yaml"
    override = parse_compose(path, Secret("services: {redis: {ports: ['127.0.0.1:6379:6379']}}"))
    environment = known[ENVIRONMENT]
    for compose in ((override, *environment.compose), (*environment.compose, override)):
        changed = Facts({**known.values, ENVIRONMENT.id: replace(environment, compose=compose)})
        containers = tuple(
            replace(
                one, labels={**one.labels, f"{LABEL}project.config_files": f"/srv/shop/compose.yaml,{path}"}
            )
            for one in changed[CONTAINERS]
        )
        for given in (changed, Facts({**changed.values, CONTAINERS.id: containers})):
            assert planned(given, "REDIS_PASSWORD").containers == ("shop-redis-1", "shop-web-1")


def test_a_file_that_the_containers_were_not_made_by_does_not_count() -> None:
    known = facts("docker2-root")
    environment = known[ENVIRONMENT]
    other = parse_compose("/srv/shop/compose.dev.yaml", Secret("services: {db: {env_file: .env}}"))
    changed = replace(environment, compose=(*environment.compose, other))
    made = planned(Facts({**known.values, ENVIRONMENT.id: changed}), "SECRET_KEY")
    assert made.containers == ("shop-web-1",)


def test_a_service_of_which_a_file_was_not_read_is_made_anew() -> None:
    known = facts("docker2-root")
    containers = tuple(
        replace(
            one,
            labels={
                **one.labels,
                f"{LABEL}project.config_files": "/srv/shop/compose.yaml,/srv/shop/deploy/more.yaml",
            },
        )
        for one in known[CONTAINERS]
    )
    made = planned(Facts({**known.values, CONTAINERS.id: containers}), "SECRET_KEY")
    assert set(made.containers) == {"shop-db-1", "shop-redis-1", "shop-web-1"}


def test_as_many_containers_remain_as_there_are() -> None:
    known = facts("docker2-root")
    (web,) = (one for one in known[CONTAINERS] if one.name == "shop-web-1")
    second = replace(web, id="2", name="shop-web-2", labels={**web.labels, f"{LABEL}container-number": "2"})
    made = planned(Facts({**known.values, CONTAINERS.id: (*known[CONTAINERS], second)}), "SECRET_KEY")
    assert made.preview[0] == f"{BEFORE} --scale web=2 web"


def test_containers_of_compose_1_where_only_2_is_left() -> None:
    """They keep their names, by which the rest of the machine knows them."""
    known = facts("docker-root")
    containers = tuple(replace(one, programs=Programs(plugin="2.26.1")) for one in known[CONTAINERS])
    made = planned(Facts({**known.values, CONTAINERS.id: containers}), "SECRET_KEY")
    assert made.preview[0] == (
        "cd /srv/shop && docker compose --compatibility -p shop -f docker-compose.yml"
        " up -d --no-deps --force-recreate web"
    )


def one(**env: str) -> ComposeServices:
    """The service ``one`` of the project ``t``, made by compose 2 in ``/srv/t``."""
    labels = {
        f"{LABEL}{key}": value
        for key, value in {
            "project": "t",
            "service": "one",
            "version": "2.26.1",
            "project.working_dir": "/srv/t",
            "project.config_files": "/srv/t/deploy/compose.yaml",
        }.items()
    }
    container = replace(
        facts("docker2-root")[CONTAINERS][0],
        name="t-one-1",
        labels=labels,
        env={name: Secret(value) for name, value in env.items()},
    )
    return _services(container)


def _services(container: Container) -> ComposeServices:
    assert container.composed is not None
    return ComposeServices(container.composed, (container,))


@pytest.mark.parametrize("version", ["first", "second"])
def test_what_compose_would_leave_empty_is_told_by_name(version: str) -> None:
    """As printed where .env lies in another directory than the compose file: blank, or null."""
    told = (RECORDED / f"{version}.yaml").read_bytes()
    assert one(A_PASSWORD="aaa", B_KEY="bbb", C_KEY="", D="$5").lost(told) == (
        "A_PASSWORD of one",
        "B_KEY of one",
    )
    assert one(A_PASSWORD="", D="$5").lost(told) == ()


def test_nothing_is_lost_where_compose_finds_it_all() -> None:
    services = one(A_PASSWORD="aaa", B_KEY="bbb", C_KEY="", D="$5")
    assert services.lost((RECORDED / "second-whole.yaml").read_bytes()) == ()
    assert services.question == (
        "docker compose -p t --project-directory /srv/t -f deploy/compose.yaml config one"
    )


@pytest.mark.parametrize("told", [b"", b"[", b"services: {}", b"services: {one: []}", b"services: 1"])
def test_an_answer_that_is_none_is_no_leave_to_go_on(told: bytes) -> None:
    with pytest.raises(ActionError):
        one(A_PASSWORD="aaa").lost(told)

"""env.running and env.restarted: what runs has today's secrets, or it is told that it has not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from signoff.facts.base import Facts, Unavailable
from signoff.facts.compose import Compose, ComposeService, EnvReference
from signoff.facts.containers import CONTAINERS
from signoff.facts.environment import ENVIRONMENT
from signoff.facts.units import UNITS
from signoff.message import say
from signoff.model import Command
from signoff.probes.env_running import restarted, values
from unit.env_hosts import NEEDS_ROOT, SHOP, facts, judge, results, with_content

ENV = "/srv/shop/.env"
WEB, DB, REDIS = "container shop_web_1", "container shop_db_1", "container shop_redis_1"


def unit(known: Facts, **changes: Any) -> Facts:
    """Change the first unit."""
    first, *rest = known[UNITS].units
    units = replace(known[UNITS], units=(replace(first, **changes), *rest))
    return Facts({**known.values, UNITS.id: units})


def files(known: Facts, **changes: Any) -> Facts:
    environment = known[ENVIRONMENT]
    changed = tuple(replace(file, **changes) if file.path == ENV else file for file in environment.files)
    return Facts({**known.values, ENVIRONMENT.id: replace(environment, files=changed)})


def container(known: Facts, name: str, **changes: Any) -> Facts:
    found = tuple(
        replace(one, **changes) if f"container {one.name}" == name else one for one in known[CONTAINERS]
    )
    return Facts({**known.values, CONTAINERS.id: found})


def test_a_good_host_passes() -> None:
    known = facts("good-root")
    assert results(values, known) == {"shop.service": "pass"}
    assert results(restarted, known) == {"shop.service": "pass"}


def test_other_users_processes_that_are_hidden_may_have_old_secrets() -> None:
    known = facts("good-root")
    known = Facts({**known.values, UNITS.id: replace(known[UNITS], hidden=True)})
    for probe in (values, restarted):
        assert results(probe, known) == {"shop.service": "pass", "other users": "unknown"}


def test_containers_keep_the_environment_that_they_were_made_with() -> None:
    known = facts("bad-root")
    found = judge(values, known)
    assert found[WEB].result == "fail"
    assert found[WEB].observed == f"{WEB} runs with another SMTP_PASSWORD than the file's"
    assert found[WEB].fix == Command("cd /srv/shop && docker-compose up -d --force-recreate web")
    assert found[DB].result == "pass"
    assert REDIS not in found


def test_a_container_that_was_restarted_and_not_made_anew_fails() -> None:
    """docker compose restart: started after the change, with the values of before."""
    known = facts("bad-root")
    changed = known[ENVIRONMENT].live[0].changed
    assert changed is not None
    known = container(known, WEB, started=changed + timedelta(hours=1))
    assert results(restarted, known)[WEB] == "fail"


def test_a_container_that_needs_no_restart_is_not_asked_for_one() -> None:
    known = facts("bad-root")
    assert results(restarted, known)[DB] == "pass"  # started before the change, with the values of today
    assert results(restarted, known)[REDIS] == "notapplicable"


def test_compose_2_has_another_name_and_quotes_for_a_shell() -> None:
    known = facts("bad-root")
    labels = {
        "com.docker.compose.service": "web",
        "com.docker.compose.version": "2.29.1",
        "com.docker.compose.project.working_dir": "/srv/shop/it's",
    }
    found = judge(values, container(known, WEB, labels=labels))
    assert found[WEB].fix == Command("cd '/srv/shop/it'\"'\"'s' && docker compose up -d --force-recreate web")


def test_another_projects_container_is_left_out() -> None:
    labels = {"com.docker.compose.service": "web", "com.docker.compose.project.working_dir": "/srv/shop2"}
    assert WEB not in results(values, container(facts("bad-root"), WEB, labels=labels))


def test_a_container_by_hand_counts_by_its_variables() -> None:
    found = judge(values, container(facts("bad-root"), WEB, labels={}))
    assert found[WEB].result == "fail"
    assert found[WEB].remedy.startswith("docker stop shop_web_1 && docker rename shop_web_1 ")


def test_a_stopped_container_is_left_out() -> None:
    assert WEB not in results(values, container(facts("bad-root"), WEB, running=False))


def test_a_unit_that_was_not_restarted_fails() -> None:
    known = facts("good-root", environment="changed", units="changed")
    found = judge(values, known)
    assert found["shop.service"].result == "fail"
    assert "another SMTP_PASSWORD" in found["shop.service"].observed
    # It was added to the file since.
    assert "without NEW_API_TOKEN" in found["shop.service"].observed
    assert found["shop.service"].fix == Command("sudo systemctl restart shop.service")
    assert results(restarted, known) == {"shop.service": "fail"}


def test_a_file_that_was_only_touched_does_not_fail() -> None:
    known = facts("good-root", environment="touched", units="touched")
    assert results(values, known) == {"shop.service": "pass"}
    finding = judge(restarted, known)["shop.service"]
    assert finding.result == "pass"
    assert "with the values that it runs with" in finding.observed


def test_an_old_worker_beside_the_new_ones_fails() -> None:
    found = judge(values, facts("good-root", units="worker"))
    assert found["shop-worker.service"].result == "fail"
    assert "SMTP_PASSWORD" in found["shop-worker.service"].observed
    assert found["shop.service"].result == "pass"


def test_what_a_title_was_written_over_is_not_missing() -> None:
    found = results(values, facts("good-root", units="titled"))
    assert found.get("shop-worker.service") != "fail"


def test_without_root_nothing_passes() -> None:
    known = facts("good-viewer")
    assert results(values, known) == {"": "unknown"}
    # The times are there for all to see: of the service, not of the containers.
    assert results(restarted, known) == {
        "shop.service": "pass",
        NEEDS_ROOT.reason: "unknown",
        "other users": "unknown",
    }


def test_a_container_whose_files_cannot_be_read_is_unknown() -> None:
    known = files(facts("bad-root"), content=None, readable=False)
    changed = known[ENVIRONMENT].live[0].changed
    assert changed is not None
    known = container(known, WEB, started=changed + timedelta(hours=1))
    assert results(restarted, known)[WEB] == "unknown"


def test_a_process_that_may_not_be_looked_into_is_unknown() -> None:
    known = facts("good-root", units="good-viewer")
    assert results(values, known) == {"shop.service": "unknown", "other users": "unknown"}


def test_a_service_that_reads_the_file_itself_is_judged_by_time() -> None:
    known = facts("good-root")
    process = known[UNITS].units[0].processes[0]
    assert process.environment is not None
    bare = {name: value for name, value in process.environment.items() if name in {"PATH", "LANG"}}
    known = unit(known, env_files=(), processes=(replace(process, environment=bare),))
    assert results(values, known) == {"not seen": "unknown"}
    started, file = known[UNITS].units[0].started, known[ENVIRONMENT].live[0]
    assert started is not None
    assert file.changed is not None
    assert results(restarted, known) == {"shop.service": "pass"}
    assert results(restarted, files(known, changed=started + timedelta(1))) == {"shop.service": "fail"}
    # cp -p: an old time on a new content.
    moved = files(known, touched=started + timedelta(1))
    assert results(restarted, moved) == {"shop.service": "unknown"}


def test_when_it_started_is_not_known() -> None:
    known = unit(facts("good-root"), started=None)
    assert results(restarted, known) == {"shop.service": "unknown"}


def test_a_process_of_no_unit_is_judged() -> None:
    known = facts("good-root", units="stray")
    (subject,) = results(values, known)
    assert subject.startswith("process ")
    assert results(values, known)[subject] == "pass"
    changed = with_content(known, b"SECRET_KEY=kV7x9mQzXw2Lp0RtYb8Nc4Hd6Js1Kg5F\n")
    assert results(values, changed)[subject] == "fail"


def test_nothing_that_runs_is_unknown() -> None:
    known = facts("good-root", units="nosystemd", containers=())
    assert results(values, known) == {"": "unknown"}
    assert results(restarted, known) == {"": "unknown"}


def test_what_cannot_be_seen_at_all_is_told() -> None:
    known = facts("good-root", units=Unavailable(say("units: no answer")), containers=NEEDS_ROOT)
    for probe in (values, restarted):
        assert results(probe, known) == {NEEDS_ROOT.reason: "unknown", "units: no answer": "unknown"}


def test_a_value_that_systemd_reads_otherwise_is_not_stale() -> None:
    """The comment behind it is a part of it for systemd: env.present says so, nothing is out of date."""
    known = with_content(facts("good-root"), b"SMTP_PASSWORD=kV7x9mQzXw2Lp0Rt # note\n")
    process = known[UNITS].units[0].processes[0]
    content = known[ENVIRONMENT].live[0].content
    assert content is not None
    assert process.environment is not None
    variable = content.variables["SMTP_PASSWORD"]
    read = next(value for reader, value in variable.readings.items() if reader.value == "systemd")
    assert read is not None
    environment = {**process.environment, "SMTP_PASSWORD": read}
    known = unit(known, processes=(replace(process, environment=environment),))
    assert results(values, known) == {"shop.service": "pass"}


def test_of_two_files_a_service_is_judged_by_its_own() -> None:
    known = facts("bad-root")
    environment = known[ENVIRONMENT]
    second = replace(
        environment.live[0],
        access=replace(environment.live[0].access, path="/srv/shop/.env.old-web"),
        target="/srv/shop/.env.old-web",
        content=environment.live[0].content,
    )
    compose = Compose(
        "/srv/shop/docker-compose.yml", (ComposeService("web", (EnvReference(".env.old-web"),)),)
    )
    changed = replace(environment, files=(*environment.files, second), compose=(compose,))
    known = Facts({**known.values, ENVIRONMENT.id: changed})
    other = with_content(known, b"SMTP_PASSWORD=kV7x9mQzXw2Lp0Rt\n")
    assert results(values, other)[WEB] == "fail"


def test_services_of_the_profile_count_whatever_their_labels() -> None:
    labels = {"com.docker.compose.project.working_dir": "/elsewhere"}
    known = container(facts("bad-root"), WEB, labels=labels)
    profile = msgspec.structs.replace(SHOP, services=("shop_web_1",))
    assert results(values, known, profile)[WEB] == "fail"

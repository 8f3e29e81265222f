"""env.present and env.mode: the four cases and the traps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from signoff.facts.base import Facts, Unavailable
from signoff.facts.compose import Compose, ComposeService, EnvReference
from signoff.facts.environment import ENVIRONMENT, Access, Kind
from signoff.facts.units import UNITS
from signoff.message import say
from signoff.model import Command
from signoff.probes.env import mode, present
from signoff.target.profile import Profile
from unit.env_hosts import SHOP, facts, judge, results, with_content

ENV = "/srv/shop/.env"


def test_present_on_a_good_host() -> None:
    finding = judge(present, facts("good-root"))[ENV]
    assert finding.result == "pass"
    assert "11 variables, 6 of them secrets; read by shop.service" in finding.observed


def test_not_readable_is_unknown() -> None:
    finding = judge(present, facts("good-viewer"))[ENV]
    assert finding.result == "unknown"
    assert "root" in finding.observed


def test_a_file_that_a_unit_reads_and_that_is_missing_fails() -> None:
    (finding,) = judge(present, facts("missing")).values()
    assert finding.result == "fail"
    assert "shop.service reads it" in finding.observed
    assert finding.fix == Command(f"install -m 600 /dev/null {ENV}")


def test_no_file_and_nothing_that_refers_to_one_is_unknown() -> None:
    known = facts("missing", units="nosystemd")
    assert results(present, known) == {"": "unknown"}


def test_a_missing_file_of_a_compose_service_fails_an_optional_one_does_not() -> None:
    found = judge(present, facts("odd", units="good-root"))
    assert found["/srv/shop/.env.absent"].result == "fail"
    assert "web in docker-compose.yml" in found["/srv/shop/.env.absent"].observed
    assert "/srv/shop/.env.optional" not in found
    # Out of the project and of no telling name: it was not looked at.
    assert found["/srv/elsewhere/app.conf"].result == "unknown"


def test_a_file_that_the_profile_names_must_be_there() -> None:
    known = facts("missing", units="nosystemd")
    profile = replace_profile(env_files=(".env.prod",))
    assert results(present, known, profile) == {"/srv/shop/.env.prod": "fail"}


def replace_profile(**changes: Any) -> Profile:
    changed: Profile = msgspec.structs.replace(SHOP, **changes)
    return changed


def test_absence_that_is_not_sure_is_unknown() -> None:
    known = facts("missing")
    environment = replace(known[ENVIRONMENT], absent={"/etc/shop/env": False})
    unit = replace(known[UNITS].units[0], env_files=(EnvReference("/etc/shop/env"),))
    units = replace(known[UNITS], units=(unit,))
    known = Facts({**known.values, ENVIRONMENT.id: environment, UNITS.id: units})
    assert results(present, known) == {"/etc/shop/env": "unknown"}


def test_broken_and_repeated_lines_fail() -> None:
    found = judge(present, facts("odd", units="good-root"))
    assert found["/srv/shop/.env.prod: lines"].result == "fail"
    assert "line 4" in found["/srv/shop/.env.prod: lines"].observed
    assert "B_TOKEN" in found["/srv/shop/.env.prod: repeated"].observed


def test_a_comment_behind_a_secret_is_part_of_it_for_systemd() -> None:
    known = with_content(
        facts("good-root"), b"SMTP_PASSWORD=kV7x9mQzXw2Lp0Rt # changed in May\nDEBUG=0 # x\n"
    )
    found = judge(present, known)
    assert found[f"{ENV}: SMTP_PASSWORD"].result == "fail"
    assert "systemd" in found[f"{ENV}: SMTP_PASSWORD"].observed
    assert len(found) == 1


def test_a_dispute_among_programs_that_do_not_read_the_file_is_none() -> None:
    # docker run would take the quotes for a part of it; systemd and dotenv agree.
    known = with_content(facts("good-root"), b'SMTP_PASSWORD="kV7x9mQzXw2Lp0Rt"\n')
    assert results(present, known) == {ENV: "pass"}


def test_a_dollar_is_a_dispute_where_compose_reads() -> None:
    known = with_content(facts("good-root", units="nosystemd"), b"SMTP_PASSWORD=kV7x9m$QzXw2Lp0Rt\n")
    assert results(present, known) == {ENV: "pass"}
    compose = Compose("/srv/shop/compose.yaml", (ComposeService("web"),))
    environment = replace(known[ENVIRONMENT], compose=(compose,))
    known = Facts({**known.values, ENVIRONMENT.id: environment})
    assert results(present, known) == {f"{ENV}: SMTP_PASSWORD": "fail"}


def test_units_that_cannot_be_seen_do_not_hide_the_rest() -> None:
    assert results(present, facts("good-root", units=Unavailable(say("no")))) == {ENV: "pass"}


def test_mode_on_a_good_host() -> None:
    assert results(mode, facts("good-root")) == {ENV: "pass"}


def test_a_mode_is_seen_without_root() -> None:
    assert results(mode, facts("good-viewer")) == {ENV: "pass"}


def test_world_readable_files_and_copies_fail() -> None:
    found = judge(mode, facts("bad-root"))
    assert found[ENV].result == "fail"
    assert "0644" in found[ENV].observed
    assert found[ENV].fix == Command(f"chmod 600 {ENV}")
    copies = found["copies that others may read"]
    assert copies.result == "fail"
    assert "/srv/shop/.env.bak" in copies.observed
    assert isinstance(copies.fix, Command)
    assert "/srv/shop/.env.bak" in copies.fix.command


def test_the_odd_files() -> None:
    found = judge(mode, facts("odd", units="good-root"))
    # In the group docker is nobody but the file's owner.
    assert found["/srv/shop/.env.prod"].result == "pass"
    assert found["/srv/shop/public/.env"].result == "fail"
    assert "web servers serve from" in found["/srv/shop/public/.env"].observed
    assert found["/srv/shop/.env.link"].result == "pass"
    outside = found["files outside of the project"]
    assert "/var/www/old/.env" in outside.observed
    assert (outside.result, outside.remedy) == ("informational", "Ask its owner.")
    assert "/srv/shop/.env.swp" in found["copies that others may read"].observed
    assert found["copies that nothing reads"].result == "informational"
    assert "/srv/shop/.env.save" in found["copies that nothing reads"].observed


def access(known: Facts, **changes: Any) -> Facts:
    environment = known[ENVIRONMENT]
    files = tuple(
        replace(file, access=replace(file.access, **changes)) if file.kind is Kind.LIVE else file
        for file in environment.files
    )
    return Facts({**known.values, ENVIRONMENT.id: replace(environment, files=files)})


@pytest.mark.parametrize(
    ("changes", "result"),
    [
        ({"mode": 0o400}, "pass"),
        ({"mode": 0o640}, "pass"),  # shop is the service's user, and alone in its group
        ({"mode": 0o640, "owner": "root"}, "pass"),
        ({"mode": 0o640, "group": "docker"}, "fail"),  # deploy is in it
        ({"mode": 0o640, "group": "unheard-of"}, "fail"),
        ({"mode": 0o660}, "fail"),
        ({"mode": 0o604}, "fail"),
        ({"mode": 0o601}, "fail"),
        ({"mode": 0o4600}, "pass"),
        ({"mode": 0o640, "listed": True}, "fail"),
        ({"mode": 0o600, "listed": True}, "pass"),  # the list's mask is empty: it lets nobody in
        ({"owner": "nobody"}, "fail"),
        ({"owner": "UNKNOWN"}, "fail"),
        ({"mode": None}, "unknown"),
    ],
)
def test_modes_and_owners(changes: dict[str, Any], result: str) -> None:
    assert results(mode, access(facts("good-root"), **changes)) == {ENV: result}


@pytest.mark.parametrize(("bits", "fails"), [(0o777, True), (0o1777, False), (0o775, False), (0o757, True)])
def test_a_directory_above_that_anybody_may_write_to_fails(bits: int, fails: bool) -> None:
    known = facts("good-root")
    parents = (Access("/srv/shop", bits, "root", "root"),)
    known = Facts({**known.values, ENVIRONMENT.id: replace(known[ENVIRONMENT], parents=parents)})
    assert ("/srv/shop" in results(mode, known)) is fails


def test_no_file_is_unknown_and_copies_are_judged_all_the_same() -> None:
    known = facts("bad-root")
    environment = known[ENVIRONMENT]
    files = tuple(file for file in environment.files if file.kind is not Kind.LIVE)
    known = Facts({**known.values, ENVIRONMENT.id: replace(environment, files=files, compose=())})
    assert results(mode, known) == {"": "unknown", "copies that others may read": "fail"}

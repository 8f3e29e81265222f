"""The admin panel's probes against real hosts: good, bad, every planted flaw, and a user without root."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import traps
from labhost.host import Host
from look import look_at

from signoff.model import Finding, Result
from signoff.probes.admin import forged_header, outside, raw_address, restriction
from signoff.probes.base import Probe

pytestmark = pytest.mark.lab

Look = Callable[..., tuple[Finding, ...]]

PROBES: tuple[Probe, ...] = (outside, forged_header, raw_address, restriction)
PATHS = ("/admin/", "/api/admin/users")

Found = Callable[..., dict[str, set[Result]]]


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Return a function that collects a host's facts as a user, and judges them."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("HOME", str(tmp_path))
    return partial(look_at, tmp_path)


@pytest.fixture
def findings(look: Look) -> Look:
    """Return a function that judges a host's admin panel."""

    def judged(host: Host, user: str = "deploy", paths: tuple[str, ...] = PATHS) -> tuple[Finding, ...]:
        return look(host, PROBES, user, admin_paths=paths)

    return judged


@pytest.fixture
def found(findings: Look) -> Found:
    """Return a function that gives each probe's results on a host."""

    def results(host: Host, user: str = "deploy", paths: tuple[str, ...] = PATHS) -> dict[str, set[Result]]:
        seen = findings(host, user, paths)
        return {probe.id: {one.result for one in seen if one.probe == probe.id} for probe in PROBES}

    return results


def test_good_hosts(found: Found, good_host: Host, fresh_host: Callable[..., Host]) -> None:
    for host in (good_host, fresh_host("good-caddy")):
        assert found(host) == {probe.id: {Result.PASS} for probe in PROBES}


def test_a_bad_host(findings: Look, bad_host: Host) -> None:
    results = {(one.probe, one.subject): one.result for one in findings(bad_host)}
    assert results[outside.id, "/admin/"] is Result.PASS
    assert results[outside.id, "/api/admin/users"] is Result.FAIL
    assert results[restriction.id, "/api/admin/users"] is Result.FAIL
    assert results[raw_address.id, ""] is Result.FAIL


def test_a_user_without_root(found: Found, good_host: Host, bad_host: Host) -> None:
    seen = found(good_host, "viewer")
    # What nginx refuses shows by its own page; its rules want root.
    assert seen[outside.id] == {Result.PASS}
    assert seen[restriction.id] == {Result.UNKNOWN}
    assert Result.FAIL in found(bad_host, "viewer")[outside.id]


def test_looking_changes_nothing(found: Found, fresh_host: Callable[..., Host]) -> None:
    host = fresh_host()
    before = host.state()
    found(host)
    assert before.differences(host.state()) == []


@pytest.mark.parametrize(
    ("trap", "fails"),
    [
        (traps.admin_trusts_forwarded_for, forged_header),
        (traps.admin_trusts_forwarded_for, restriction),
        (traps.admin_open_by_address, raw_address),
        (traps.admin_open_by_www, raw_address),
        (traps.admin_open_by_www, restriction),
        (traps.admin_api_open, outside),
        (traps.admin_api_open, restriction),
        (traps.admin_open_on_ipv6, outside),
    ],
    ids=lambda value: getattr(value, "__name__", getattr(value, "id", "")),
)
def test_a_planted_flaw_fails(
    found: Found, fresh_host: Callable[..., Host], trap: Callable[[Host], None], fails: Probe
) -> None:
    host = fresh_host()
    trap(host)
    assert Result.FAIL in found(host)[fails.id]


def test_an_open_api_that_the_operator_did_not_name(
    findings: Look, good_host: Host, fresh_host: Callable[..., Host]
) -> None:
    def judged(host: Host) -> dict[str, Result]:
        seen = findings(host, paths=("/admin/",))
        return {one.subject: one.result for one in seen if one.probe == outside.id}

    # nginx's own rules name the API, and close it.
    assert judged(good_host) == {"/admin/": Result.PASS, "/api/admin/": Result.PASS}
    host = fresh_host()
    traps.admin_api_open(host)
    assert judged(host) == {"/admin/": Result.PASS, "/api/admin/users": Result.FAIL}
    traps.admin_api_described(host)
    assert judged(host)["/backend/v2/admin/orders"] is Result.FAIL


def test_a_page_for_every_path(findings: Look, fresh_host: Callable[..., Host]) -> None:
    host = fresh_host()
    traps.spa_for_every_path(host)
    results = {
        one.subject: one.result for one in findings(host, paths=("/manage/",)) if one.probe == outside.id
    }
    # The API is what nginx's rules name.
    assert results == {"/manage/": Result.UNKNOWN, "/api/admin/": Result.PASS}
    assert {one.result for one in findings(host) if one.probe == outside.id} == {Result.PASS}


def test_a_path_that_is_spelt_wrong(findings: Look, good_host: Host) -> None:
    seen = [one for one in findings(good_host, paths=("/amdin/",)) if one.subject != "/api/admin/"]
    assert {one.result for one in seen if one.probe == outside.id} == {Result.UNKNOWN}
    assert Result.PASS not in {one.result for one in seen if one.probe in {raw_address.id, restriction.id}}


def test_rules_that_are_not_loaded_yet(found: Found, fresh_host: Callable[..., Host]) -> None:
    host = fresh_host()
    traps.admin_api_open(host)
    host.exec(f"sleep 3; sed -i 's/\\^\\/(admin)/^\\/(admin|api\\/admin)/' {traps.SITE}; nginx -t")
    seen = found(host)
    assert Result.FAIL in seen[outside.id]
    assert Result.UNKNOWN in seen[restriction.id]
    assert Result.FAIL not in seen[restriction.id]


def test_a_stopped_site(found: Found, fresh_host: Callable[..., Host]) -> None:
    host = fresh_host()
    host.exec("systemctl stop nginx")
    seen = found(host)
    assert seen[outside.id] == seen[forged_header.id] == seen[raw_address.id] == {Result.UNKNOWN}
    assert Result.PASS not in seen[restriction.id]

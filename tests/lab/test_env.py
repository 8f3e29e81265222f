"""The probes on secrets against real hosts: every planted flaw, every trap, and the printed remedies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from labhost.host import Host

from lab import Lab
from signoff.credentials.redact import Redactor, find_secrets
from signoff.facts.base import Facts
from signoff.facts.collect import collect
from signoff.model import Command, Finding, Result
from signoff.probes.base import Probe
from signoff.probes.env import mode, present
from signoff.probes.env_git import git
from signoff.probes.env_open import hardcoded
from signoff.probes.env_running import restarted, values
from signoff.probes.env_strength import debug, reuse, strength, test_keys
from signoff.target.opening import open_target
from signoff.target.profile import Profile
from unit.target.rig import Operator

pytestmark = pytest.mark.lab

PROBES: tuple[Probe, ...] = (
    present,
    mode,
    git,
    hardcoded,
    strength,
    reuse,
    test_keys,
    debug,
    values,
    restarted,
)
ENV = "/srv/shop/.env"

Found = dict[tuple[str, str], Finding]
"""Findings by probe and subject."""
Look = Callable[..., Found]


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Return a function that collects a host's facts as a user, judges them, and lets no secret pass."""

    def look_(host: Host, user: str = "deploy", project: str = "/srv/shop") -> Found:
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
        profile = Profile(name="shop", address=host.target(user), url="https://shop.test", project=project)
        redactor = Redactor()
        target = open_target(profile, Operator(trusts=False))
        try:
            needs = [fact for probe in PROBES for fact in probe.needs]
            facts = Facts({one.fact.id: one.value for one in collect(needs, target, profile, Event())})
        finally:
            target.close()
        redactor.know(pair for value in facts.values.values() for pair in find_secrets(value))
        findings = [finding for probe in PROBES for finding in probe.findings(facts, profile)]
        for finding in findings:
            assert finding.result is not Result.ERROR, finding
            redactor.refuse(repr(finding).encode())
        return {(finding.probe, finding.subject): finding for finding in findings}

    return look_


@pytest.fixture(scope="module")
def trap_host(lab: Lab) -> Iterator[Host]:
    """A good host of this module's own, to be spoiled and mended."""
    host = lab.up("good")
    yield host
    host.stop()


def of(found: Found, probe: Probe) -> dict[str, str]:
    """Return one probe's results by their subjects."""
    return {subject: finding.result.value for (name, subject), finding in found.items() if name == probe.id}


def done(finding: Finding) -> str:
    """Return the command that puts a finding right."""
    assert isinstance(finding.fix, Command)
    return finding.fix.command


def test_nothing_of_the_good_host_fails(look: Look, good_host: Host) -> None:
    found = look(good_host)
    assert {finding.result for finding in found.values()} == {Result.PASS}
    assert set(of(found, values)) == {"shop.service"}


def test_nothing_of_the_good_host_in_containers_fails(look: Look, lab: Lab) -> None:
    host = lab.up("good-docker")
    try:
        found = look(host)
    finally:
        host.stop()
    assert {finding.result for finding in found.values()} == {Result.PASS}
    assert of(found, values) == {f"container shop-{one}-1": "pass" for one in ("web", "db", "redis")}


def test_every_planted_flaw_of_the_bad_host_fails(look: Look, bad_host: Host) -> None:
    found = look(bad_host)
    assert of(found, mode) == {ENV: "fail", "copies that others may read": "fail"}
    assert of(found, git) == {"tracked": "fail", "values": "fail"}
    weak = {subject for subject, result in of(found, strength).items() if result == "fail"}
    assert weak >= {f"{ENV}: {name}" for name in ("SECRET_KEY", "JWT_SECRET_KEY", "POSTGRES_PASSWORD")}
    assert of(found, reuse) == {"SECRET_KEY, JWT_SECRET_KEY": "fail"}
    assert of(found, test_keys) == {"": "fail"}
    assert of(found, debug) == {"": "fail"}
    assert of(found, values)["container shop_web_1"] == "fail"
    assert of(found, values)["container shop_db_1"] == "pass"
    assert of(found, restarted)["container shop_web_1"] == "fail"


@pytest.mark.parametrize("variant", ["good", "bad"])
def test_without_root_nothing_passes_falsely(
    look: Look, good_host: Host, bad_host: Host, variant: str
) -> None:
    """What viewer sees: on the good host modes and times, on the bad one a file that is open to all."""
    host = good_host if variant == "good" else bad_host
    seen, whole = look(host, "viewer"), look(host)
    for key, finding in seen.items():
        if finding.result is Result.PASS:
            assert whole[key].result is Result.PASS
    if variant == "good":
        for probe in (present, git, strength, reuse, test_keys, debug, values):
            assert set(of(seen, probe).values()) == {"unknown"}
    unknown = [finding for finding in seen.values() if finding.result is Result.UNKNOWN]
    assert unknown
    assert all(finding.remedy or "root" in finding.observed for finding in unknown)


def test_looking_changes_nothing(look: Look, trap_host: Host) -> None:
    """Git writes no index, reads leave no trace but the time of access."""
    listing = "cd /srv && find . -type f -exec stat -c '%n %Y %Z %s %a %U' {} + | sort; ls -la /tmp /root"
    before = trap_host.exec(listing)
    look(trap_host)
    assert trap_host.exec(listing) == before


def test_a_changed_secret_fails_until_the_printed_restart(look: Look, trap_host: Host) -> None:
    trap_host.exec(f"sleep 1; sed -i 's/^SMTP_PASSWORD=.*/SMTP_PASSWORD=Zq7-vT2mK9xWc4bN8rJh/' {ENV}")
    found = look(trap_host)
    assert of(found, values) == {"shop.service": "fail"}
    assert of(found, restarted) == {"shop.service": "fail"}
    trap_host.exec(done(found[values.id, "shop.service"]))
    found = look(trap_host)
    assert of(found, values) == {"shop.service": "pass"}
    assert of(found, restarted) == {"shop.service": "pass"}


@pytest.mark.parametrize(
    ("variant", "compose", "web"),
    [
        ("bad", "docker-compose", "container shop_web_1"),
        ("good-docker", "docker compose", "container shop-web-1"),
    ],
)
def test_a_restarted_container_keeps_the_old_value_until_it_is_made_anew(
    look: Look, lab: Lab, variant: str, compose: str, web: str
) -> None:
    host = lab.up(variant)
    try:
        host.exec(f"sed -i 's/^SMTP_PASSWORD=.*/SMTP_PASSWORD=Zq7-vT2mK9xWc4bN8rJh/' {ENV}")
        host.exec(f"cd /srv/shop && {compose} restart web 2> /dev/null")
        found = look(host)
        assert of(found, values)[web] == "fail"
        assert of(found, restarted)[web] == "fail"
        remedy = done(found[values.id, web])
        assert remedy == f"cd /srv/shop && {compose} up -d --force-recreate web"
        host.exec(f"{remedy} 2> /dev/null")
        found = look(host)
        assert of(found, values)[web] == "pass"
        assert of(found, restarted)[web] == "pass"
    finally:
        host.stop()


def test_an_open_mode_fails_until_the_printed_chmod(look: Look, trap_host: Host) -> None:
    trap_host.exec(f"chmod 644 {ENV}; cp {ENV} '/srv/shop/.env.it'\"'\"'s old.bak'")
    found = look(trap_host)
    assert of(found, mode) == {ENV: "fail", "copies that others may read": "fail"}
    trap_host.exec(done(found[mode.id, ENV]))
    trap_host.exec(done(found[mode.id, "copies that others may read"]))
    assert of(look(trap_host), mode) == {ENV: "pass", "copies that nothing reads": "informational"}
    trap_host.exec(
        "python3 -c 'import os, struct;"
        " entries = [(1, 6, -1), (2, 4, 33), (4, 0, -1), (16, 4, -1), (32, 0, -1)];"
        ' os.setxattr("/srv/shop/.env", "system.posix_acl_access", struct.pack("<I", 2)'
        ' + b"".join(struct.pack("<HHi", *entry) for entry in entries))\''
    )
    assert "access control list" in look(trap_host)[mode.id, ENV].observed
    trap_host.exec(f"chmod 600 {ENV}")
    assert of(look(trap_host), mode)[ENV] == "pass"


def test_a_committed_file_stays_a_failure_after_it_was_removed(look: Look, trap_host: Host) -> None:
    commit = "git -C /srv/shop -c user.name=T -c user.email=t@t commit -q"
    trap_host.exec(f"cd /srv/shop && cat {ENV} > .env.production && chmod a+r .env.production")
    trap_host.exec(f"git -C /srv/shop add -f .env.production && {commit} -m oops", user="deploy")
    assert of(look(trap_host), git) == {"tracked": "fail", "values": "fail"}
    trap_host.exec(f"git -C /srv/shop rm -q .env.production && {commit} -m gone", user="deploy")
    found = look(trap_host)
    assert of(found, git) == {"history": "fail", "values": "fail"}
    assert "SECRET_KEY" in found[git.id, "values"].observed
    trap_host.exec(
        "install -d -o deploy /srv/clone"
        " && runuser -u deploy -- git clone -q --depth 1 file:///srv/shop /srv/clone"
        f" && install -m 600 {ENV} /srv/clone/.env"
    )
    assert of(look(trap_host, project="/srv/clone"), git)["clone"] == "unknown"
    trap_host.exec("rm -rf /srv/clone/.git")
    assert of(look(trap_host, project="/srv/clone"), git) == {"": "notapplicable"}


def test_a_missing_file_fails_and_a_missing_project_is_unknown(look: Look, trap_host: Host) -> None:
    trap_host.exec(f"mv {ENV} /root/kept")
    try:
        assert of(look(trap_host), present) == {ENV: "fail"}
    finally:
        trap_host.exec(f"mv /root/kept {ENV}")
    assert set(of(look(trap_host, project="/srv/nowhere"), present).values()) == {"unknown"}
    assert set(of(look(trap_host, "viewer", "/root/shop"), present).values()) == {"unknown"}

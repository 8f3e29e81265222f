"""The probes on the kit against real hosts: a setting is flipped, and the verdict turns, and back again."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from labhost.host import Host
from look import look_at

from lab import Lab
from signoff.checklist.model import Use
from signoff.model import Result, worst
from signoff.probes import all_probes

pytestmark = pytest.mark.lab

Judge = Callable[..., tuple[Result, ...]]

SSH = (Use(use="ssh.password"), Use(use="ssh.root-login"))
HEADERS = (
    Use(use="http.header", given={"name": "strict-transport-security", "at_least": 15768000}),
    Use(use="http.header", given={"name": "X-Content-Type-Options", "is": "nosniff"}),
)
CONTAINERS = (Use(use="containers.user"),)
PASS, FAIL, UNKNOWN = Result.PASS, Result.FAIL, Result.UNKNOWN

DROP_IN = "/etc/ssh/sshd_config.d/00-flipped.conf"
SITE = "/etc/nginx/sites-available/shop"
RESTART = "nginx -t && systemctl reset-failed nginx; systemctl restart nginx"
RUN = "docker run --detach --name=flipped {options} python:3.11-slim-bookworm sleep 600"


@pytest.fixture
def judge(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judge:
    """Return a function that looks at a host with some probes, and gives the worst result of each."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", str(lab.ca_certificate))
    look = partial(look_at, tmp_path)

    def results(host: Host, uses: tuple[Use, ...], user: str = "deploy") -> tuple[Result, ...]:
        probes = [all_probes()[use.use].used(use) for use in uses]
        found = look(host, probes, user, project="/srv/shop")
        return tuple(
            worst(one.result for one in found if (one.probe, one.use) == (use.use, use.parameters))
            for use in uses
        )

    return results


@pytest.fixture(scope="module")
def hosts(lab: Lab) -> Any:
    """One host of each kind that is asked for; each test puts back what it flips."""
    up: dict[str, Host] = {}

    def get(variant: str) -> Host:
        if variant not in up:
            up[variant] = lab.up(variant)
        return up[variant]

    yield get
    for host in up.values():
        host.stop()


@pytest.mark.parametrize(
    ("settings", "password", "root"),
    [
        ("Match User deploy\n    PasswordAuthentication yes", FAIL, PASS),
        ("Match Address 192.168.0.0/16\n    PasswordAuthentication yes", FAIL, PASS),
        ("KbdInteractiveAuthentication yes", FAIL, PASS),
        (
            "KbdInteractiveAuthentication yes\nAuthenticationMethods publickey,keyboard-interactive",
            PASS,
            PASS,
        ),
        ("PermitRootLogin yes", PASS, FAIL),
        ("PermitRootLogin prohibit-password", PASS, PASS),
        ("Match LocalPort 2222\n    PasswordAuthentication yes", UNKNOWN, UNKNOWN),
    ],
)
def test_ssh(
    hosts: Callable[[str], Host], judge: Judge, settings: str, password: Result, root: Result
) -> None:
    host = hosts("good")
    host.put(DROP_IN, f"{settings}\n")
    try:
        assert judge(host, SSH) == (password, root)
    finally:
        host.exec(f"rm {DROP_IN}")
    assert judge(host, SSH) == (PASS, PASS)


def test_a_second_ssh_server_with_a_configuration_of_its_own(
    hosts: Callable[[str], Host], judge: Judge
) -> None:
    host = hosts("good")
    host.put(
        "/etc/ssh/second",
        "Port 2022\nPasswordAuthentication yes\nUsePAM yes\nPermitRootLogin no\nPidFile none\n",
    )
    host.exec("systemd-run --unit=second /usr/sbin/sshd -D -f /etc/ssh/second")
    host.exec("until ss -Hltn 'sport = :2022' | grep -q .; do sleep 0.1; done")
    try:
        assert judge(host, SSH) == (FAIL, PASS)
    finally:
        host.exec("systemctl stop second; rm /etc/ssh/second")
    assert judge(host, SSH) == (PASS, PASS)


def test_without_root_ssh_is_unknown(hosts: Callable[[str], Host], judge: Judge) -> None:
    assert judge(hosts("good"), SSH, "viewer") == (UNKNOWN, UNKNOWN)


@pytest.mark.parametrize(
    ("edit", "hsts", "nosniff"),
    [
        ("/Content-Type-Options/d", PASS, FAIL),
        ("s/\\(Content-Type-Options.*\\) always;/\\1;/", PASS, FAIL),
        ("s/max-age=[0-9]*/max-age=0/", FAIL, PASS),
    ],
)
def test_header(hosts: Callable[[str], Host], judge: Judge, edit: str, hsts: Result, nosniff: Result) -> None:
    host = hosts("good")
    host.exec(f"cp {SITE} /root/site && sed -i -e '{edit}' {SITE} && {RESTART}")
    try:
        assert judge(host, HEADERS) == (hsts, nosniff)
    finally:
        host.exec(f"cp /root/site {SITE} && {RESTART}")
    assert judge(host, HEADERS) == (PASS, PASS)


@pytest.mark.parametrize(
    ("options", "result"),
    [
        ("--user=1000", PASS),
        ("", FAIL),
        ("--user=1000 --cap-add=SYS_ADMIN", FAIL),
        ("--user=1000 --volume=/var/run/docker.sock:/var/run/docker.sock:ro", FAIL),
        ("--user=1000 --volume=/run:/host:ro", FAIL),
    ],
)
def test_container(hosts: Callable[[str], Host], judge: Judge, options: str, result: Result) -> None:
    host = hosts("good-docker")
    host.exec(RUN.format(options=options))
    try:
        assert judge(host, CONTAINERS) == (result,)
    finally:
        host.exec("docker rm --force flipped")
    assert judge(host, CONTAINERS) == (PASS,)

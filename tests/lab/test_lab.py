"""The hosts are what they claim to be, by ordinary tools and without anything of the product."""

import gzip
import json
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from labhost.engine import run
from labhost.host import SUDO_PASSWORD, Host
from labhost.outside import ask, curl, knock

from lab import Lab

URL = "https://shop.test"
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
"""What a PostgreSQL client sends first; the server answers with one letter, S or N."""
PROXIED = ["good", "good-caddy", "good-docker", "bad"]

Start = Callable[..., Host]
Kept = Callable[[str], Host]


def psql(host: Host, password: str, query: str) -> subprocess.CompletedProcess[bytes]:
    """Ask the PostgreSQL of a host from outside."""
    target = f"host={host.ipv4} user=postgres password={password} dbname=shop connect_timeout=2"
    return run("psql", "-X", "-w", "-At", target, "-c", query, check=False)


def env_of(host: Host) -> dict[str, str]:
    """The names and values of the product's .env."""
    return dict(line.split("=", 1) for line in host.exec("cat /srv/shop/.env").splitlines())


# Every host


@pytest.mark.parametrize("ipv6", [False, True])
def test_users_log_in_by_key(good_host: Host, ipv6: bool) -> None:
    """All three do, over both protocols; root does not, and neither does a password."""
    for user in ("deploy", "operator", "viewer"):
        assert good_host.ssh("whoami", user, ipv6=ipv6).stdout == f"{user}\n"
    refused = good_host.ssh("true", "root", ipv6=ipv6)
    assert refused.code == 255
    assert "Permission denied (publickey)" in refused.stderr


def test_sudo_is_as_each_user_has_it(good_host: Host) -> None:
    """Free for deploy, for the password for operator, and not at all for viewer."""
    assert good_host.ssh("sudo -n whoami").stdout == "root\n"
    assert "a password is required" in good_host.ssh("sudo -n whoami", "operator").stderr
    asked = good_host.ssh("sudo -S -p '' whoami", "operator", stdin=f"{SUDO_PASSWORD}\n")
    assert asked.stdout == "root\n"
    assert good_host.ssh("sudo -S whoami", "viewer", stdin="viewer\n").code != 0
    assert "docker" not in good_host.ssh("groups", "viewer").stdout


def test_each_host_has_a_key_of_its_own(good_host: Host, bad_host: Host) -> None:
    """The key that sshd shows is the one that the known_hosts line and the fingerprint tell."""
    assert good_host.fingerprint != bad_host.fingerprint
    for host in (good_host, bad_host):
        seen = run("ssh-keyscan", "-t", "ed25519", host.ipv4).stdout.decode().split()[1:]
        assert seen == host.host_key.split()


def test_a_host_is_reached_no_further_than_from_this_machine(lab: Lab) -> None:
    """The engine has left the machine's forwarding and firewall alone."""
    assert "signoff" not in run("iptables-save").stdout.decode()
    assert Path(f"/proc/{lab.engine.pid()}/cmdline").read_bytes().count(b"--iptables=false") == 1


@pytest.mark.parametrize("variant", PROXIED)
def test_every_variant_boots_whole_and_serves_the_shop(lab: Lab, kept_host: Kept, variant: str) -> None:
    """No unit has failed, and the product answers through its proxy with the lab's certificate."""
    host = kept_host(variant)
    assert host.exec("systemctl is-system-running") == "running"
    for ipv6 in (False, True):
        status, text = curl(host, f"{URL}/healthz", authority=lab.ca_certificate, ipv6=ipv6)
        assert status == 200
        assert json.loads(text.splitlines()[-1]) == {"postgresql": "ok", "redis": "ok"}
        status, text = curl(host, "http://shop.test/a?b", ipv6=ipv6)
        assert status in {301, 308}
        assert "location: https://shop.test/a?b" in text.lower()
    assert curl(host, f"{URL}/no-such-page")[0] == 404


def test_the_shop_logs_in_and_signs(bad_host: Host) -> None:
    """A right password earns a signed cookie and a token, a wrong one neither."""
    fields = ("--data-urlencode", "user=ann@shop.test", "--data-urlencode", "password=customer pass phrase")
    status, text = curl(bad_host, f"{URL}/login", *fields)
    assert status == 303
    assert "set-cookie: session=" in text.lower()
    status, text = curl(bad_host, f"{URL}/api/token", *fields)
    assert status == 200
    assert json.loads(text.splitlines()[-1])["token"].count(".") == 2
    assert curl(bad_host, f"{URL}/login", "--data", "user=ann@shop.test&password=x")[0] == 401


# The good hosts


@pytest.mark.parametrize("variant", ["good", "good-caddy", "good-docker"])
def test_good_hosts_show_what_they_should_and_no_more(kept_host: Kept, variant: str) -> None:
    """Three ports are open, over both protocols; the panel is closed by every way to it."""
    host = kept_host(variant)
    for ipv6 in (False, True):
        for port in (22, 80, 443):
            assert knock(host, port, ipv6=ipv6) == "open"
        for port in (5432, 6379, 8000, 8025, 2019):
            assert knock(host, port, ipv6=ipv6) == "filtered"
        for path in ("/admin", "/admin/", "/api/admin/users"):
            assert curl(host, URL + path, ipv6=ipv6)[0] == 403
            assert curl(host, URL + path, "--header", "X-Forwarded-For: 10.8.0.5", ipv6=ipv6)[0] == 403
            other = curl(host, URL + path, "--header", "Host: other.test", ipv6=ipv6)
            assert other[0] == 0 or "users" not in other[1].lower()
            assert curl(host, f"https://{f'[{host.ipv6}]' if ipv6 else host.ipv4}{path}")[0] == 0
    for path in ("/", "/no-such-page", "/admin", "/api/items"):
        text = curl(host, URL + path)[1].lower()
        assert text.count("strict-transport-security: max-age=31536000") == 1
        assert "content-security-policy: " in text
    assert (
        host.exec(
            "curl -sk --resolve shop.test:443:127.0.0.1 https://shop.test/api/admin/users -o /dev/null"
            " -w '%{http_code}'"
        )
        == "401"
    )


def test_good_secrets_are_good(good_host: Host) -> None:
    """Long, all different, readable by the service only, and never committed."""
    env = env_of(good_host)
    secrets = [value for name, value in env.items() if name.endswith(("KEY", "PASSWORD"))]
    assert len({*secrets}) == len(secrets) == 6
    assert min(map(len, secrets)) >= 32
    assert good_host.exec("stat -c '%a %U' /srv/shop/.env") == "600 shop"
    git = "git -C /srv/shop -c safe.directory='*'"
    assert good_host.exec(f"{git} log --all --format=%H -- .env") == ""
    assert len(good_host.exec(f"{git} log --format=%H").split()) == 2
    assert good_host.exec(f"{git} status --porcelain") == ""


def test_good_backups_are_made_by_the_timer_and_can_be_restored(good_host: Host) -> None:
    """Eleven dumps a day apart; the newest is from this boot, and whole."""
    shown = good_host.exec(
        "systemctl show shop-backup.timer shop-backup.service -p LastTriggerUSec -p Result"
    )
    assert "LastTriggerUSec=\n" not in f"{shown}\n"
    assert shown.count("Result=success") == 2
    names = good_host.exec("ls -t /var/backups/shop").split()
    assert len(names) == 11
    assert names == sorted(names, reverse=True)
    ages = good_host.exec("cd /var/backups/shop && stat -c '%Y %a' *").splitlines()
    times = [int(line.split()[0]) for line in ages]
    assert all(86390 < later - earlier < 86500 for earlier, later in pairwise(times))
    assert {line.split()[1] for line in ages} == {"600"}
    for name in (names[0], names[-1]):
        text = good_host.exec(f"pg_restore --file=- /var/backups/shop/{name}")
        assert text.count("\n") > 4000
        assert "PostgreSQL database dump complete" in text


def test_good_guards_run(good_host: Host) -> None:
    """ufw denies what is not named, fail2ban watches sshd, and the container is healthy on loopback."""
    assert "Default: deny (incoming)" in good_host.exec("ufw status verbose")
    assert "Currently banned" in good_host.exec("fail2ban-client status sshd")
    shown = good_host.exec("docker ps --format '{{.Names}} {{.Status}} {{.Ports}}'")
    assert shown.startswith("mailer_mailer_1 ")
    assert "(healthy) 127.0.0.1:8025->" in shown


def test_good_role_is_no_superuser(good_host: Host) -> None:
    """The shop's role may do what the shop does."""
    query = "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = 'shop'"
    assert good_host.exec(f'runuser -u postgres -- psql -XAt -c "{query}"') == "f"
    refused = psql(good_host, env_of(good_host)["POSTGRES_PASSWORD"], "SELECT 1")
    assert refused.returncode != 0


# The bad host


def test_bad_stores_answer_though_ufw_denies_them(bad_host: Host) -> None:
    """ufw is active and names each port as denied; Docker has opened them all the same."""
    status = bad_host.exec("ufw status verbose")
    assert "Status: active" in status
    for port in (5432, 6379, 8000):
        assert f"{port}/tcp                   DENY IN" in status
        assert knock(bad_host, port) == "open"
        # Over IPv6 the proxy of Docker listens, on the host itself, where ufw does deny.
        assert f"[::]:{port}" in bad_host.exec("ss -Hltn")
        assert knock(bad_host, port, ipv6=True) == "filtered"
    assert ask(bad_host, 5432, SSL_REQUEST) == b"N"
    assert ask(bad_host, 6379, b"PING\r\n") == b"+PONG\r\n"
    assert psql(bad_host, "postgres", "SELECT count(*) > 4000 FROM orders").stdout == b"t\n"
    assert psql(bad_host, "wrong", "SELECT 1").returncode != 0


def test_bad_panel_is_half_closed(bad_host: Host) -> None:
    """Its pages are forbidden, its API is not."""
    assert curl(bad_host, f"{URL}/admin/")[0] == 403
    status, text = curl(bad_host, f"{URL}/api/admin/users")
    assert status == 200
    assert "admin@shop.test" in text


def test_bad_secrets_are_bad(bad_host: Host) -> None:
    """Known, equal, readable by all, copied, committed; and not even those that run."""
    env = env_of(bad_host)
    assert env["SECRET_KEY"] == env["JWT_SECRET_KEY"] == "changeme"
    assert bad_host.exec("stat -c '%a' /srv/shop/.env /srv/shop/.env.bak").split() == ["644", "644"]
    git = "git -C /srv/shop -c safe.directory='*'"
    assert bad_host.exec(f"{git} ls-files .env") == ".env"
    assert bad_host.exec(f"{git} check-ignore --no-index .env") == ".env"
    assert bad_host.exec(f"{git} log --all --format=%H -- .env") != ""
    running = bad_host.exec("docker exec shop_web_1 printenv SMTP_PASSWORD")
    assert running != env["SMTP_PASSWORD"]


def test_bad_backups_only_look_like_some(bad_host: Host) -> None:
    """cron passes over the job; the newest file is an empty one that gzip finds no fault with."""
    assert bad_host.exec("ls /etc/cron.d/shop-backup.cron")
    newest, *older = bad_host.exec("ls -t /var/backups/shop/*").split()
    assert bad_host.exec(f"stat -c '%s %a' {newest}") == "20 644"
    assert bad_host.run(f"gzip -t {newest}").code == 0
    assert len(older) == 10
    whole = subprocess.run(
        [*("docker", f"--host=unix://{bad_host.engine.socket}", "exec", bad_host.container), "cat", older[0]],
        capture_output=True,
        check=True,
    ).stdout
    assert b"PostgreSQL database dump complete" in gzip.decompress(whole)


# Looking at a host


@pytest.mark.parametrize("which", ["good_host", "bad_host"])
def test_a_state_stays_the_same_while_nobody_changes_anything(
    request: pytest.FixtureRequest, which: str
) -> None:
    """Logins, sudo, requests and time leave no difference."""
    host: Host = request.getfixturevalue(which)
    before = host.state()
    host.ssh("sudo -n sh -c 'ss -ltnp; iptables-save; docker ps; ufw status; systemctl list-timers'")
    curl(host, f"{URL}/healthz")
    assert before.differences(host.state()) == []


def test_a_state_shows_every_kind_of_change(fresh_host: Start) -> None:
    """A file, a mode, a rule, a process, a listener, a container, a unit."""
    host = fresh_host()
    before = host.state()
    host.put("/etc/new", "x")
    host.exec("chmod 0640 /srv/shop/.env")
    host.exec("iptables -I INPUT -p tcp --dport 9999 -j ACCEPT")
    host.exec("systemd-run --unit=lab-listener python3 -m http.server 9999")
    host.exec("docker stop mailer_mailer_1")
    host.exec("until ss -Hltn 'sport = :9999' | grep -q .; do sleep 0.1; done")
    found = "\n".join(before.differences(host.state()))
    for part in (
        "files: new: /etc/new",
        "files: changed: /srv/shop/.env: -rw------- ",
        "firewall: new: iptables-save: -A INPUT -p tcp -m tcp --dport 9999",
        "processes: new: 0 /usr/bin/python3 -m http.server 9999",
        "listeners: gone: tcp LISTEN 0 4096 127.0.0.1:8025",
        "listeners: new: tcp LISTEN 0 5 0.0.0.0:9999",
        "docker: gone: ",
        "units: new: lab-listener.service",
    ):
        assert part in found


def test_a_host_that_lost_its_owner_is_reaped(lab: Lab) -> None:
    """Only those are removed whose owner has ended."""
    process = subprocess.Popen(["sleep", "60"])
    orphan, kept = Lab(owner=process.pid).up(), Lab().up()
    try:
        lab.reap()
        assert {orphan.container, kept.container} < {host.container for host in lab.hosts()}
        process.kill()
        process.wait()
        lab.reap()
        assert orphan.container not in {host.container for host in lab.hosts()}
        assert kept.container in {host.container for host in lab.hosts()}
    finally:
        kept.stop()

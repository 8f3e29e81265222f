"""Each trap has the effect that it claims.

The tests of one class share a host, so flaws pile up on it in the order of the tests; each looks at its own.
"""

from collections.abc import Callable

import pytest
import traps
from labhost.engine import run
from labhost.host import Host
from labhost.outside import ask, curl, knock

URL = "https://shop.test"
GIT = "git -C /srv/shop -c safe.directory='*'"
NEWEST = "$(ls -t /var/backups/shop/* | head -1)"


@pytest.fixture
def host(class_host: Host) -> Host:
    """The host of the class, by a shorter name."""
    return class_host


def show(host: Host, unit: str, field: str) -> str:
    """One property of a unit."""
    return host.exec(f"systemctl show {unit} --property={field} --value")


class TestNetwork:
    """What listens, and what lets it be reached."""

    def test_redis_open_on_ipv6(self, host: Host) -> None:
        """Redis answers over IPv6 only."""
        traps.redis_open_on_ipv6(host)
        assert knock(host, 6379) == "filtered"
        assert ask(host, 6379, b"PING\r\n", ipv6=True).startswith(b"-NOAUTH")
        assert "0.0.0.0:6379" not in host.exec("ss -Hltn")

    def test_host_network_container(self, host: Host) -> None:
        """A container listens on all addresses, and Docker lists no port of it."""
        traps.host_network_container(host, allowed=False)
        assert "0.0.0.0:9200" in host.exec("ss -Hltn")
        assert host.exec("docker ps --filter name=metrics --format '{{.Ports}}'") == ""
        assert knock(host, 9200) == "filtered"
        host.exec("ufw allow 9200/tcp")
        assert knock(host, 9200) == "open"

    def test_redis_behind_raw_dnat(self, host: Host) -> None:
        """A port answers that neither the listeners nor ufw nor Docker know."""
        assert knock(host, 6380) == "filtered"
        traps.redis_behind_raw_dnat(host)
        assert ask(host, 6380, b"PING\r\n") == b"+PONG\r\n"
        assert ":6380" not in host.exec("ss -Hltn")
        assert "6380" not in host.exec("ufw status verbose; docker ps")

    def test_firewall_disabled(self, host: Host) -> None:
        """A closed port is refused now and no longer filtered."""
        traps.firewall_disabled(host)
        assert "inactive" in host.exec("ufw status")
        assert knock(host, 5432) == "refused"


class TestBackups:
    """Dumps, and the jobs that make them."""

    def test_backup_truncated(self, host: Host) -> None:
        """Its table of contents can be read, and it cannot be restored."""
        before = host.exec(f"stat -c '%n %y' {NEWEST}")
        traps.backup_truncated(host)
        assert host.exec(f"stat -c '%n %y' {NEWEST}") == before
        assert host.run(f"pg_restore --list {NEWEST}").code == 0
        assert host.run(f"pg_restore --file=/dev/null {NEWEST}").code == 1

    def test_backup_of_old_data(self, host: Host) -> None:
        """The newest and the oldest are the same."""
        traps.backup_of_old_data(host)
        sums = host.exec("cd /var/backups/shop && sha256sum $(ls -t | sed -n '1p;$p') | cut --characters=-64")
        newest, oldest = sums.split()
        assert newest == oldest
        assert int(host.exec(f"echo $(( $(date +%s) - $(stat -c %Y {NEWEST}) ))")) < 120

    def test_backup_of_empty_database(self, host: Host) -> None:
        """It is whole, and has no table."""
        traps.backup_of_empty_database(host)
        text = host.exec(f"pg_restore --file=- {NEWEST}")
        assert "PostgreSQL database dump complete" in text
        assert "CREATE TABLE" not in text

    def test_backup_only_named_encrypted(self, host: Host) -> None:
        """Everything is .gpg by name and PostgreSQL's by content, the next one too."""
        traps.backup_only_named_encrypted(host)
        host.exec("systemctl start shop-backup.service")
        assert host.exec("ls /var/backups/shop | grep -v 'dump.gpg$'", check=False) == ""
        assert host.exec(f"head -c 5 {NEWEST}") == "PGDMP"

    def test_backup_fails(self, host: Host) -> None:
        """The unit says so; the dumps do not."""
        before = host.exec("ls -l /var/backups/shop")
        traps.backup_fails(host)
        assert show(host, "shop-backup.service", "Result") == "exit-code"
        assert host.exec("ls -l /var/backups/shop") == before

    def test_backup_timer_disabled(self, host: Host) -> None:
        """It is there and does not tick."""
        traps.backup_timer_disabled(host)
        assert show(host, "shop-backup.timer", "UnitFileState") == "disabled"
        assert show(host, "shop-backup.timer", "ActiveState") == "inactive"

    def test_backup_timer_masked(self, host: Host) -> None:
        """It cannot even be started."""
        traps.backup_timer_masked(host)
        assert show(host, "shop-backup.timer", "LoadState") == "masked"


class TestCron:
    """The same backup as a job of cron."""

    def test_cron_stopped(self, host: Host) -> None:
        """The job is there, and would run; cron does not."""
        traps.cron_stopped(host)
        *_, user, command = host.exec("cat /etc/cron.d/shop-backup").split()
        assert host.exec("stat -c '%a %U' /etc/cron.d/shop-backup") == "644 root"
        assert host.run(command, user=user).code == 0
        assert show(host, "cron.service", "ActiveState") == "inactive"
        assert show(host, "shop-backup.timer", "LoadState") == "not-found"


class TestProxy:
    """What nginx serves, and to whom."""

    def test_admin_trusts_forwarded_for(self, host: Host) -> None:
        """Whoever claims an address of the VPN is let in, and others are not."""
        traps.admin_trusts_forwarded_for(host)
        assert curl(host, f"{URL}/api/admin/users")[0] == 403
        assert curl(host, f"{URL}/api/admin/users", "--header", "X-Forwarded-For: 10.8.0.5")[0] == 401

    def test_admin_open_by_address(self, host: Host) -> None:
        """The name is guarded; the address, and any other name, is not."""
        traps.admin_open_by_address(host)
        for address in (host.ipv4, f"[{host.ipv6}]"):
            assert curl(host, f"https://{address}/api/admin/users")[0] == 401
            assert curl(host, f"http://{address}/api/admin/users")[0] == 401
        assert curl(host, f"{URL}/admin/", "--header", "Host: other.test")[0] == 303
        assert curl(host, f"{URL}/admin/")[0] == 403

    def test_admin_api_open(self, host: Host) -> None:
        """The pages are forbidden, the API answers."""
        traps.admin_api_open(host)
        assert curl(host, f"{URL}/admin/")[0] == 403
        assert curl(host, f"{URL}/api/admin/users")[0] == 401

    def test_admin_open_on_ipv6(self, host: Host) -> None:
        """Forbidden over IPv4 only."""
        traps.admin_open_on_ipv6(host)
        assert curl(host, f"{URL}/admin/")[0] == 403
        assert curl(host, f"{URL}/admin/", ipv6=True)[0] == 303

    def test_spa_for_every_path(self, host: Host) -> None:
        """A page that does not exist is the first page, with 200."""
        traps.spa_for_every_path(host)
        status, text = curl(host, f"{URL}/.git/HEAD")
        assert status == 200
        assert "<h1>Shop</h1>" in text
        assert curl(host, f"{URL}/admin/")[0] == 403

    def test_headers_lost_in_location(self, host: Host) -> None:
        """The first page has lost them; another location has not."""
        traps.headers_lost_in_location(host)
        assert "strict-transport-security" not in curl(host, f"{URL}/")[1].lower()
        assert "strict-transport-security" in curl(host, f"{URL}/login")[1].lower()

    def test_certificate_runs_out(self, host: Host) -> None:
        """It is good, for less than four days."""
        traps.certificate_runs_out(host)
        assert curl(host, f"{URL}/", authority=host.ssh_key.with_name("ca.crt"))[0] == 200
        assert host.run("openssl x509 -checkend 345600 -in /etc/ssl/shop/shop.test.crt").code == 1

    def test_certificate_self_signed(self, host: Host) -> None:
        """It is served, and not believed."""
        traps.certificate_self_signed(host)
        assert curl(host, f"{URL}/")[0] == 200
        assert curl(host, f"{URL}/", authority=host.ssh_key.with_name("ca.crt"))[0] == 0


class TestRepository:
    """The settings and the repository around them: three ways, each on a host of its own."""

    def test_env_in_history(self, fresh_host: Callable[..., Host]) -> None:
        """Untracked, ignored, and in the history with the values that are in use."""
        host = fresh_host()
        traps.env_in_history(host)
        assert host.exec(f"{GIT} ls-files .env") == ""
        assert host.exec(f"{GIT} check-ignore .env") == ".env"
        assert filed_secret(host) in host.exec(f"{GIT} log --all --patch -- .env")
        assert host.ssh("git -C /srv/shop status --porcelain").stdout == ""

    def test_env_in_history_of_shallow_clone(self, fresh_host: Callable[..., Host]) -> None:
        """The repository knows nothing of it, and is whole in every other way."""
        host = fresh_host()
        traps.env_in_history_of_shallow_clone(host)
        assert host.exec(f"{GIT} rev-parse --is-shallow-repository") == "true"
        assert host.exec(f"{GIT} log --all --format=%H -- .env") == ""
        status = host.ssh("git -C /srv/shop status --porcelain")
        assert (status.code, status.stdout) == (0, "")

    def test_env_tracked_though_ignored(self, fresh_host: Callable[..., Host]) -> None:
        """check-ignore only says so when the index is left out."""
        host = fresh_host()
        traps.env_tracked_though_ignored(host)
        assert host.exec(f"{GIT} ls-files .env") == ".env"
        assert host.run(f"{GIT} check-ignore --quiet .env").code == 1
        assert host.run(f"{GIT} check-ignore --quiet --no-index .env").code == 0


def running_secret(host: Host) -> str:
    """SMTP_PASSWORD as the service runs with it."""
    pid = show(host, "shop.service", "MainPID")
    return host.exec(f"tr '\\0' '\\n' < /proc/{pid}/environ | sed -n 's/^SMTP_PASSWORD=//p'")


def filed_secret(host: Host) -> str:
    """SMTP_PASSWORD as .env has it."""
    return host.exec("sed -n 's/^SMTP_PASSWORD=//p' /srv/shop/.env")


def file_is_older_than_service(host: Host) -> bool:
    """Whether .env was last changed before the service started."""
    pid = show(host, "shop.service", "MainPID")
    return host.run(f"[ $(stat -c %Y /srv/shop/.env) -lt $(stat -c %Y /proc/{pid}) ]").code == 0


class TestSettings:
    """What runs, and what .env says."""

    def test_running_value_differs(self, host: Host) -> None:
        """Only the value tells."""
        assert running_secret(host) == filed_secret(host)
        traps.running_value_differs(host)
        assert running_secret(host) != filed_secret(host)
        assert file_is_older_than_service(host)

    def test_env_changed_since_start(self, host: Host) -> None:
        """The time of the file tells as well."""
        traps.env_changed_since_start(host)
        assert running_secret(host) != filed_secret(host)
        assert not file_is_older_than_service(host)
        assert host.exec("stat -c '%a %U' /srv/shop/.env") == "600 shop"

    def test_shop_is_superuser(self, host: Host) -> None:
        """The catalogue says so."""
        traps.shop_is_superuser(host)
        query = "SELECT rolsuper FROM pg_roles WHERE rolname = 'shop'"
        assert host.exec(f'runuser -u postgres -- psql -XAt -c "{query}"') == "t"


def effective(host: Host, user: str = "") -> str:
    """What sshd's configuration says of passwords, in general or for one user."""
    context = f"-C user={user},host=x,addr=192.0.2.1" if user else ""
    return host.exec(f"sshd -T {context} | grep ^passwordauthentication").split()[1]


def offered(host: Host, user: str) -> str:
    """What sshd itself offers to this user."""
    unknown = ("-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null")
    words = ("-F/dev/null", *unknown, "-oBatchMode=yes", "-oPubkeyAuthentication=no")
    done = run("ssh", *words, f"{user}@{host.ipv4}", "true", check=False)
    return done.stderr.decode().rpartition("(")[2].partition(")")[0]


class TestLogin:
    """sshd, and what a login meets."""

    def test_ssh_password_for_one_user(self, host: Host) -> None:
        """Refused in general, accepted for one."""
        traps.ssh_password_for_one_user(host)
        assert effective(host) == "no"
        assert effective(host, "operator") == "yes"
        assert offered(host, "operator") == "publickey,password"
        assert offered(host, "deploy") == "publickey"

    def test_ssh_password_by_earlier_file(self, host: Host) -> None:
        """The later file is not heard."""
        traps.ssh_password_by_earlier_file(host)
        assert effective(host) == "yes"
        assert offered(host, "deploy") == "publickey,password"

    def test_ssh_not_reloaded(self, host: Host) -> None:
        """What the files say and what sshd does are not the same."""
        traps.ssh_not_reloaded(host)
        assert effective(host, "deploy") == "no"
        assert offered(host, "deploy") == "publickey,password"

    def test_host_key_changed(self, host: Host) -> None:
        """The host is another to those who knew it."""
        known = host.known_hosts
        traps.host_key_changed(host)
        assert host.known_hosts != known
        assert host.ssh("true").code == 0

    def test_fail2ban_stopped(self, host: Host) -> None:
        """Enabled in its file, and dead."""
        traps.fail2ban_stopped(host)
        assert host.run("fail2ban-client ping").code != 0
        assert "enabled = true" in host.exec("cat /etc/fail2ban/jail.d/sshd.local")

    def test_noisy_login(self, host: Host) -> None:
        """What was asked for comes last, after what was not."""
        traps.noisy_login(host)
        answer = host.ssh("echo asked")
        assert answer.stdout.splitlines()[-1] == "asked"
        assert len(answer.stdout.splitlines()) == 2
        assert "Authorised use only" in answer.stderr
        assert "oops" in answer.stderr
        assert host.ssh("echo asked", "viewer").stdout == "asked\n"

    def test_slow_command(self, host: Host) -> None:
        """It is slow for those who log in, and right in the end; the lab is not disturbed."""
        traps.slow_command(host, "ss", seconds=2)
        assert host.ssh("timeout 1 ss -Hltn").code == 124
        assert ":22" in host.ssh("sudo -n ss -Hltn").stdout
        assert host.run("timeout 1 ss -Hltn").code == 0

    def test_sudo_refused(self, host: Host) -> None:
        """deploy is asked for a password that there is not."""
        traps.sudo_refused(host)
        assert host.ssh("sudo -n true").code != 0

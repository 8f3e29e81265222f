"""Flaws to plant, one at a time, on a good host that has just been started: each fools some way of looking.

Every function takes the host, makes one thing wrong through the lab's own way in, and returns when it is
in effect.
"""

from pathlib import Path

from labhost.engine import run
from labhost.host import Host

SITE = "/etc/nginx/sites-available/shop"
NEWEST = "newest=$(ls -t /var/backups/shop/*.dump | head -1)"
GIT = """
in_git() { git -C /srv/shop -c safe.directory='*' -c user.name=Deploy -c user.email=deploy@shop.test "$@"; }
"""


RESTART_NGINX = "systemctl reset-failed nginx; systemctl restart nginx"
"""Anew, for after a reload old workers answer for a while; and not counted as one start too many."""


def _nginx(host: Host, edit: str) -> None:
    """Edit the site with a sed script, and let nginx serve it so."""
    host.exec(f"sed -i -e '{edit}' {SITE} && nginx -t && {RESTART_NGINX}")


# Network


def redis_open_on_ipv6(host: Host) -> None:
    """Redis on all IPv6 addresses, with ufw's leave; over IPv4 nothing is to be seen."""
    host.exec(
        "sed -i 's/^bind .*/bind 127.0.0.1 ::/' /etc/redis/redis.conf && systemctl restart redis-server"
        " && ufw allow proto tcp from ::/0 to any port 6379"
    )


def host_network_container(host: Host, *, allowed: bool = True) -> None:
    """A container on the host's own network, at 0.0.0.0:9200, of which Docker lists no port.

    ufw lets it be reached, unless it is not allowed.
    """
    host.exec(
        "docker run --detach --name=metrics --network=host --restart=unless-stopped python:3.11-slim-bookworm"
        " python3 -m http.server 9200 --bind 0.0.0.0 --directory /srv"
    )
    host.exec("until ss -Hltn 'sport = :9200' | grep -q .; do sleep 0.1; done")
    if allowed:
        host.exec("ufw allow 9200/tcp")


def redis_behind_raw_dnat(host: Host) -> None:
    """A rule of nat PREROUTING leads port 6380 to a Redis in a container that publishes nothing.

    No listener of the host, no line of ufw and no field of Docker shows it.
    """
    host.exec(
        "docker run --detach --name=cache --restart=unless-stopped redis:7-bookworm\n"
        "ip=$(docker inspect --format '{{.NetworkSettings.IPAddress}}' cache)\n"
        'iptables -t nat -I PREROUTING -i eth0 -p tcp --dport 6380 -j DNAT --to-destination "$ip:6379"\n'
        'iptables -I FORWARD -d "$ip" -p tcp --dport 6379 -j ACCEPT\n'
        'until redis-cli -h "$ip" ping | grep -q PONG; do sleep 0.1; done'
    )


def firewall_disabled(host: Host) -> None:
    """ufw off; its rules are still in its files."""
    host.exec("ufw disable")


# Backups and jobs


def backup_timer_disabled(host: Host) -> None:
    """The timer is there, and neither enabled nor active; the last dump is still fresh."""
    host.exec("systemctl disable --now shop-backup.timer")


def backup_timer_masked(host: Host) -> None:
    """The timer's name leads to /dev/null."""
    host.exec(
        "systemctl disable --now shop-backup.timer && rm /etc/systemd/system/shop-backup.timer"
        " && systemctl mask shop-backup.timer"
    )


def backup_by_cron(host: Host) -> None:
    """No flaw yet: the backup as a job of cron instead of a timer, for hosts that do it so."""
    backup_timer_disabled(host)
    host.exec("rm /etc/systemd/system/shop-backup.timer && systemctl daemon-reload")
    host.put("/etc/cron.d/shop-backup", "15 3 * * * postgres /usr/local/sbin/shop-backup\n")


def cron_stopped(host: Host) -> None:
    """The backup is a job of cron, in perfect order, and cron does not run."""
    backup_by_cron(host)
    host.exec("systemctl disable --now cron.service")


def backup_fails(host: Host) -> None:
    """The timer fires and the job fails: the database has another name. The last dump is still fresh."""
    host.exec(
        "sed -i 's/ shop$/ shop2/' /usr/local/sbin/shop-backup; systemctl start shop-backup.service",
        check=False,
    )
    host.exec("rm -f /var/backups/shop/*.partial")


def backup_truncated(host: Host, size: int = 20_000) -> None:
    """The newest dump, of some 200 kB, ends early; `pg_restore --list` still reads its table of contents."""
    host.exec(
        f"{NEWEST}; touch -r $newest /run/when; truncate --size={size} $newest; touch -r /run/when $newest"
    )


def backup_of_old_data(host: Host) -> None:
    """The newest dump is new by name and date only: a copy of the oldest."""
    host.exec(f"{NEWEST}; oldest=$(ls -tr /var/backups/shop/*.dump | head -1); cat $oldest > $newest")


def backup_of_empty_database(host: Host) -> None:
    """The newest dump is a good dump of a database without a table."""
    host.exec(f"{NEWEST}; runuser -u postgres -- pg_dump -Fc --file=$newest postgres")


def backup_only_named_encrypted(host: Host) -> None:
    """Every dump is named .gpg, and none is encrypted."""
    host.exec(
        "sed -i 's/\\.dump/.dump.gpg/g' /usr/local/sbin/shop-backup"
        " && for dump in /var/backups/shop/*.dump; do mv $dump $dump.gpg; done"
    )


# The admin panel and the proxy


def admin_trusts_forwarded_for(host: Host) -> None:
    """nginx believes everybody's X-Forwarded-For, so whoever claims an address of the VPN is let in."""
    _nginx(host, "1i real_ip_header X-Forwarded-For; set_real_ip_from 0.0.0.0/0; set_real_ip_from ::/0;")


def admin_open_by_address(host: Host) -> None:
    """By address, or by any other name, one gets the product without its rules."""
    _nginx(
        host,
        "/ssl_reject_handshake/d; s|return 444;|location / { proxy_pass http://127.0.0.1:8000; }|",
    )


def admin_open_by_www(host: Host) -> None:
    """The name with www has a server of its own, which passes everything on, the panel too."""
    www = (
        "server { listen 443 ssl; listen [::]:443 ssl; server_name www.shop.test; "
        "location / { proxy_pass http://localhost:8000; } }"
    )
    _nginx(host, f"s/ www.shop.test;/;/; $ a {www}")


def admin_api_open(host: Host) -> None:
    """The pages below /admin are closed; the API that they use is not."""
    _nginx(host, "s/(admin|api\\/admin)/(admin)/")


def admin_api_described(host: Host) -> None:
    """A second application, below /backend/, with an API of its own for the panel: it describes it to whoever
    asks, as FastAPI does, and no rule closes it.
    """
    described = Path(__file__).parents[1] / "unit/recorded/inside/openapi-fastapi.json"
    host.put("/srv/backend/openapi.json", described.read_bytes())
    host.put("/srv/backend/v2/admin/orders", "[1]")
    host.exec(
        "systemd-run --quiet --uid=nobody --working-directory=/srv/backend --"
        " python3 -m http.server --bind 127.0.0.1 8123"
    )
    _nginx(host, "s|^    location / {|    location /backend/ { proxy_pass http://127.0.0.1:8123/; }\\n&|")
    host.exec("until curl -sf http://127.0.0.1:8123/openapi.json; do sleep 0.1; done")


def admin_open_on_ipv6(host: Host) -> None:
    """Closed over IPv4, open to everybody over IPv6."""
    _nginx(host, "s|deny all;|allow ::/0; deny all;|")


def spa_for_every_path(host: Host) -> None:
    """Whatever is not there is answered with 200 and the first page, as single-page applications do."""
    _nginx(
        host,
        "s|^    location / {|&\\n        proxy_intercept_errors on;\\n        error_page 404 =200 /;|",
    )


def headers_lost_in_location(host: Host) -> None:
    """One add_header inside the location takes away all of those that the server has."""
    _nginx(host, "s|^    location / {|&\\n        add_header X-Robots-Tag noindex;|")


def certificate_self_signed(host: Host) -> None:
    """The right name, signed by nobody."""
    host.exec(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=shop.test"
        " -addext subjectAltName=DNS:shop.test,DNS:www.shop.test -keyout /etc/ssl/shop/shop.test.key"
        f" -out /etc/ssl/shop/shop.test.crt && {RESTART_NGINX}"
    )


def certificate_runs_out(host: Host) -> None:
    """A certificate of the lab's authority that is good for three more days."""
    keys: Path = host.ssh_key.parent
    run(
        *("openssl", "x509", "-req", "-days", "3", "-in", keys / "shop.test.csr"),
        *("-CA", keys / "ca.crt", "-CAkey", keys / "ca.key", "-CAserial", keys / "ca.srl"),
        *("-extfile", keys / "shop.test.ext", "-out", keys / "short.crt"),
    )
    host.put("/etc/ssl/shop/shop.test.crt", (keys / "short.crt").read_bytes())
    host.exec(RESTART_NGINX)


# Secrets and their repository


def env_in_history(host: Host) -> None:
    """Ignored and untracked now, .env was committed once; its values, still in use, are in the history."""
    host.exec(
        f"""{GIT}
        in_git add --force .env && in_git commit --quiet --message 'Settings'
        in_git rm --quiet --cached .env && in_git commit --quiet --message 'Keep the settings out'
        chown -R deploy:deploy /srv/shop/.git"""
    )


def env_in_history_of_shallow_clone(host: Host) -> None:
    """The same history, of which the repository on the host has only the last commit."""
    env_in_history(host)
    host.exec(
        f"""{GIT}
        runuser -u deploy -- git clone --quiet --no-checkout --depth=1 file:///srv/shop /tmp/clone
        rm -r /srv/shop/.git && mv /tmp/clone/.git /srv/shop/.git && rm -r /tmp/clone
        in_git reset --quiet && in_git remote set-url origin git@git.shop.test:shop.git
        chown -R deploy:deploy /srv/shop/.git"""
    )


def env_tracked_though_ignored(host: Host) -> None:
    """.gitignore names .env, and git tracks it all the same."""
    host.exec(
        f"""{GIT}
        in_git add --force .env && in_git commit --quiet --message 'Settings'
        chown -R deploy:deploy /srv/shop/.git"""
    )


def env_changed_since_start(host: Host) -> None:
    """A secret was replaced in .env, and the service, started before that, runs with the old one."""
    host.exec('sed -i "s/^SMTP_PASSWORD=.*/SMTP_PASSWORD=$(openssl rand -hex 24)-Aa1/" /srv/shop/.env')


def running_value_differs(host: Host) -> None:
    """The same, and the file looks older than the service: only the value itself tells."""
    host.exec("touch -r /srv/shop/.env /run/when")
    env_changed_since_start(host)
    host.exec("touch -r /run/when /srv/shop/.env")


def shop_is_superuser(host: Host) -> None:
    """The role that the shop connects as may do everything."""
    host.exec("runuser -u postgres -- psql -X -q -c 'ALTER ROLE shop SUPERUSER'")


# SSH and the login


def ssh_password_for_one_user(host: Host) -> None:
    """`sshd -T` says that passwords are refused; a Match block lets `operator` use one."""
    host.put(
        "/etc/ssh/sshd_config.d/operator.conf", "Match User operator\n    PasswordAuthentication yes\n", 0o600
    )
    host.exec("systemctl reload ssh")


def ssh_password_by_earlier_file(host: Host) -> None:
    """hardening.conf refuses passwords, after an earlier file has allowed them: the first one wins."""
    host.put("/etc/ssh/sshd_config.d/50-cloud-init.conf", "PasswordAuthentication yes\n", 0o600)
    host.exec("systemctl reload ssh")


def ssh_not_reloaded(host: Host) -> None:
    """sshd was started with passwords allowed; the files refuse them now, and it has not read them again."""
    ssh_password_by_earlier_file(host)
    host.exec("rm /etc/ssh/sshd_config.d/50-cloud-init.conf")


def host_key_changed(host: Host) -> None:
    """The host has another key than it had when it was first seen."""
    host.exec(
        "rm /etc/ssh/ssh_host_ed25519_key* && ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key"
        " && systemctl restart ssh"
    )


def fail2ban_stopped(host: Host) -> None:
    """The jail's file says enabled; the daemon does not run."""
    host.exec("systemctl disable --now fail2ban")


def noisy_login(host: Host, user: str = "deploy") -> None:
    """A banner before each login, and a .bashrc that talks on stdout and stderr whatever is run."""
    host.put("/etc/ssh/banner", "*** Authorised use only ***\n")
    host.put("/etc/ssh/sshd_config.d/banner.conf", "Banner /etc/ssh/banner\n")
    host.exec(
        f"sed -i '1i echo \"Welcome, {user}: 3 updates are waiting\"; echo oops >&2' /home/{user}/.bashrc"
    )
    host.exec("systemctl reload ssh")


def slow_command(host: Host, command: str = "docker", seconds: int = 300) -> None:
    """A command that takes its time before it does what it always did."""
    script = f'#!/bin/sh\nsleep {seconds}\nexec {host.exec(f"command -v {command}")} "$@"\n'
    host.put(f"/usr/local/bin/{command}", script, 0o755)


def sudo_refused(host: Host) -> None:
    """`deploy` may no longer use sudo; it has no password to give either."""
    host.exec("rm /etc/sudoers.d/deploy")

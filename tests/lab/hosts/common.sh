#!/bin/bash
# What every host has: users, sshd, time stamps of a machine that is kept up to date. Sourced by each host's setup.sh,
# which runs once, as root, on the running machine; /run/lab holds this folder and is gone with the next boot.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8
LAB=/run/lab

# A random secret with no character that a shell, a URL or a compose file reads otherwise, and with all four classes.
secret() { printf '%s-Aa1' "$(openssl rand -hex "${1:-24}")"; }

# put MODE OWNER SOURCE DESTINATION: a file of the lab with the given mode and owner.
put() { install -D -m "$1" -o "${2%%:*}" -g "${2##*:}" "$LAB/hosts/$3" "$4"; }

add_users() {
    for user in deploy operator viewer; do
        groupadd --force "$user"
        useradd --create-home --gid "$user" --shell /bin/bash "$user"
        install -d -m 0700 -o "$user" -g "$user" "/home/$user/.ssh"
        install -m 0600 -o "$user" -g "$user" "$LAB/id_ed25519.pub" "/home/$user/.ssh/authorized_keys"
    done
    usermod --append --groups adm,systemd-journal,docker deploy
    echo 'operator:lab-sudo-password' | chpasswd
    usermod --append --groups sudo operator
    printf 'deploy ALL=(ALL:ALL) NOPASSWD: ALL\n' > /etc/sudoers.d/deploy
    chmod 0440 /etc/sudoers.d/deploy
}

set_up_sshd() {
    put 0644 root:root common/sshd.conf /etc/ssh/sshd_config.d/hardening.conf
    systemctl restart ssh
}

# ufw: deny whatever is not named. IPV6=yes is Debian's default.
set_up_ufw() {
    ufw --force reset > /dev/null
    rm -f /etc/ufw/*.rules.20*
    ufw default deny incoming > /dev/null
    ufw default allow outgoing > /dev/null
    for port in 22/tcp 80/tcp 443/tcp; do ufw allow "$port" > /dev/null; done
    ufw --force enable > /dev/null
}

# Docker as a machine with systemd would run it: containers live in the host's own control groups.
set_up_docker() {
    put 0644 root:root common/daemon.json /etc/docker/daemon.json
    systemctl enable --now docker.service containerd.service 2> /dev/null
    systemctl restart docker.service
    zstd --quiet --decompress --stdout "$LAB/inner.tar.zst" | docker load --quiet > /dev/null
}

set_up_nginx() {
    install -d -m 0755 /etc/ssl/shop
    install -m 0644 "$LAB/shop.test.crt" /etc/ssl/shop/
    install -m 0600 "$LAB/shop.test.key" /etc/ssl/shop/
    put 0644 root:root good/nginx.conf /etc/nginx/sites-available/shop
    ln -s ../sites-available/shop /etc/nginx/sites-enabled/shop
    rm /etc/nginx/sites-enabled/default
    systemctl disable --now caddy 2> /dev/null
    systemctl enable nginx 2> /dev/null
    systemctl restart nginx
}

# set_up_caddy CADDYFILE
set_up_caddy() {
    install -d -m 0750 -o root -g caddy /etc/caddy/certs
    install -m 0640 -o root -g caddy "$LAB"/shop.test.{crt,key} /etc/caddy/certs/
    put 0644 root:root "$1" /etc/caddy/Caddyfile
    systemctl disable --now nginx 2> /dev/null
    systemctl enable caddy 2> /dev/null
    systemctl restart caddy
}

set_up_fail2ban() {
    put 0644 root:root common/fail2ban.local /etc/fail2ban/jail.d/sshd.local
    systemctl enable --now fail2ban 2> /dev/null
    systemctl restart fail2ban
}

set_up_updates() {
    put 0644 root:root common/20auto-upgrades /etc/apt/apt.conf.d/20auto-upgrades
    mkdir -p /var/lib/apt/periodic
    touch /var/lib/apt/periodic/{update-success-stamp,upgrade-stamp,update-stamp,unattended-upgrades-stamp}
}

# The project directory as its developer left it: /srv/shop, a git repository with a short past.
set_up_project() {
    useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin shop
    install -d -m 0755 -o deploy -g shop /srv/shop
    install -m 0644 -o deploy -g shop "$LAB"/shop/{app.py,requirements.txt} /srv/shop/
    install -m 0644 -o deploy -g shop "$LAB/shop/gitignore" /srv/shop/.gitignore
    install -m 0644 -o deploy -g shop "$LAB/shop/env.example" /srv/shop/.env.example
    in_git init --quiet --initial-branch=main
    commit 'First version of the shop'
    install -m 0644 -o deploy -g shop "$LAB/shop/schema.sql" /srv/shop/
    commit 'Fill an empty database'
}
in_git() { runuser -u deploy -- git -C /srv/shop -c user.name=Deploy -c user.email=deploy@shop.test "$@"; }
commit() { in_git add --all && in_git commit --quiet --message "$1"; }

# Dumps of the last ten days, each a little larger than the one before; the given command is called with each number.
dump_history() {
    local day
    for day in 01 02 03 04 05 06 07 08 09 10; do
        run_sql "INSERT INTO orders (item_id, reference) SELECT 1 + n % 40, md5(random()::text) || md5(random()::text)
                 FROM generate_series(1, 25) n" > /dev/null
        "$1" "$day"
    done
}

# Leave nothing behind that a real machine would not have, and no log of the set-up itself.
finish() {
    rm -f /etc/ssh/ssh_host_* /root/.bash_history
    journalctl --rotate --quiet
    journalctl --vacuum-time=1s --quiet 2> /dev/null
    truncate --size=0 /var/log/*.log /var/log/*/*.log 2> /dev/null || true
}

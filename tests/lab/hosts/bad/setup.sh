#!/bin/bash
# The bad host: everything works, and almost everything is wrong in a way that looks right at first sight.
. /run/lab/hosts/common.sh

run_sql() { docker exec shop_db_1 psql -X -q -v ON_ERROR_STOP=1 -U postgres -d shop -c "$1"; }

set_up_env() {
    install -m 0644 -o deploy -g deploy "$LAB/hosts/bad/env" /srv/shop/.env
    install -m 0644 -o deploy -g deploy "$LAB/hosts/bad/env" /srv/shop/.env.bak
}

set_up_shop() {
    set_up_project
    set_up_env
    sed -i '/^\.env/d' /srv/shop/.gitignore
    install -m 0644 -o deploy -g shop "$LAB/shop/Dockerfile" "$LAB/hosts/bad/docker-compose.yml" /srv/shop/
    in_git add .env docker-compose.yml Dockerfile
    in_git commit --quiet --message 'Run it in containers'
    # Ignored since then, and still tracked.
    printf '.env\n.env.bak\n' >> /srv/shop/.gitignore
    in_git commit --quiet --all --message 'Ignore .env'
    cd /srv/shop || exit
    docker-compose --no-ansi build --quiet > /dev/null
    docker-compose --no-ansi up -d 2> /dev/null
    until docker exec -e SEED_TOTP=0 shop_web_1 python3 app.py seed 2> /dev/null; do sleep 0.5; done
}

dump_day() {
    docker exec shop_db_1 pg_dump -U postgres shop | gzip > "/var/backups/shop/$1.sql.gz"
}

set_up_backups() {
    install -d -m 0755 /var/backups/shop
    dump_history dump_day
    # What cron leaves when pg_dump is not found: gzip is content with nothing.
    false | gzip > /var/backups/shop/11.sql.gz || true
    chmod 0644 /var/backups/shop/*
    put 0644 root:root bad/shop-backup.sh /usr/local/bin/shop-backup.sh
    chmod 0755 /usr/local/bin/shop-backup.sh
    # cron passes over every name in /etc/cron.d that has a dot in it.
    put 0644 root:root bad/shop-backup.cron /etc/cron.d/shop-backup.cron
}

add_users
set_up_sshd
systemctl disable --now postgresql redis-server fail2ban 2> /dev/null
systemctl disable --now unattended-upgrades apt-daily.timer apt-daily-upgrade.timer 2> /dev/null
set_up_docker
set_up_shop
set_up_backups
set_up_caddy bad/Caddyfile
set_up_ufw
for port in 5432/tcp 6379/tcp 8000/tcp; do ufw deny "$port" > /dev/null; done
finish

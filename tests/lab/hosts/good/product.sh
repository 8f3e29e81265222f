#!/bin/bash
# The product of the good hosts: the shop as a systemd service beside Debian's PostgreSQL and Redis, with its backups.

run_sql() { runuser -u postgres -- psql -X -q -v ON_ERROR_STOP=1 -d shop -c "$1"; }

set_up_stores() {
    runuser -u postgres -- psql -X -q -v ON_ERROR_STOP=1 << SQL
CREATE ROLE shop LOGIN PASSWORD '$POSTGRES_PASSWORD';
CREATE DATABASE shop OWNER shop;
REVOKE CONNECT ON DATABASE shop FROM PUBLIC;
SQL
    printf '\nrequirepass %s\n' "$REDIS_PASSWORD" >> /etc/redis/redis.conf
    systemctl enable --now redis-server postgresql 2> /dev/null
    systemctl restart redis-server
}

set_up_env() {
    POSTGRES_PASSWORD=$(secret) REDIS_PASSWORD=$(secret)
    install -m 0600 -o shop -g shop /dev/null /srv/shop/.env
    cat > /srv/shop/.env << ENV
SECRET_KEY=$(secret 32)
JWT_SECRET_KEY=$(secret 32)
POSTGRES_USER=shop
POSTGRES_PASSWORD=$POSTGRES_PASSWORD
POSTGRES_DB=shop
POSTGRES_HOST=${POSTGRES_HOST:-127.0.0.1}
REDIS_HOST=${REDIS_HOST:-127.0.0.1}
REDIS_PASSWORD=$REDIS_PASSWORD
SMTP_PASSWORD=$(secret)
STRIPE_API_KEY=rk_$(secret)
SUPPORT_EMAIL=support@shop.test
ENV
}

set_up_shop() {
    set_up_project
    set_up_env
    set_up_stores
    put 0644 root:root good/shop.service /etc/systemd/system/shop.service
    (set -a && . /srv/shop/.env && cd /srv/shop && PYTHONDONTWRITEBYTECODE=1 runuser -u shop -- python3 app.py seed)
    systemctl daemon-reload
    systemctl enable --now shop.service 2> /dev/null
}

dump_day() { runuser -u postgres -- sh -c "umask 077 && pg_dump -Fc shop > /var/backups/shop/$1.dump"; }

set_up_backups() {
    put 0755 root:root good/shop-backup /usr/local/sbin/shop-backup
    put 0644 root:root good/shop-backup.service /etc/systemd/system/shop-backup.service
    put 0644 root:root good/shop-backup.timer /etc/systemd/system/shop-backup.timer
    install -d -m 0700 -o postgres -g postgres /var/backups/shop
    dump_history dump_day
    systemctl daemon-reload
    systemctl enable --now shop-backup.timer 2> /dev/null
}

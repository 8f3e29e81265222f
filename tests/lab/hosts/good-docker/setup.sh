#!/bin/bash
# The good host with the whole product in containers, made by compose 2: only nginx, on the host, can be reached from
# outside.
. /run/lab/hosts/common.sh
. /run/lab/hosts/good/product.sh
export POSTGRES_HOST=db REDIS_HOST=redis

# As Docker's own packages bring it: a plugin of docker's, and no command called docker-compose.
set_up_compose() {
    dpkg --install "$LAB/compose.deb" > /dev/null
    rm /usr/bin/docker-compose
}

run_sql() { docker exec shop-db-1 psql -X -q -v ON_ERROR_STOP=1 -U postgres -d shop -c "$1"; }
dump_day() { (umask 077 && docker exec shop-db-1 pg_dump -Fc -U postgres shop > "/var/backups/shop/$1.dump"); }

set_up_shop() {
    set_up_project
    set_up_env
    printf 'POSTGRES_ADMIN_PASSWORD=%s\n' "$(secret)" >> /srv/shop/.env
    chown deploy:deploy /srv/shop/.env
    install -m 0644 -o deploy -g shop "$LAB/shop/Dockerfile" "$LAB/hosts/good-docker/compose.yaml" /srv/shop/
    install -m 0644 -o deploy -g shop "$LAB/shop/dockerignore" /srv/shop/.dockerignore
    commit 'Run it in containers'
    cd /srv/shop || exit
    # Nothing of the build is to stay in root's home.
    DOCKER_CONFIG=/run/docker-config docker compose build --quiet 2> /dev/null
    docker compose up -d 2> /dev/null
    until docker exec shop-db-1 pg_isready --quiet --host=127.0.0.1; do sleep 0.2; done
    # The shop's own role is no superuser; that of the image is for its keeper only.
    run_sql "CREATE ROLE shop LOGIN PASSWORD '$POSTGRES_PASSWORD'; GRANT CREATE ON SCHEMA public TO shop"
    docker exec shop-web-1 python3 app.py seed
}

add_users
set_up_sshd
set_up_updates
systemctl disable --now postgresql redis-server 2> /dev/null
set_up_docker
set_up_compose
set_up_shop
set_up_backups
put 0755 root:root good-docker/shop-backup /usr/local/sbin/shop-backup
put 0644 root:root good-docker/shop-backup.service /etc/systemd/system/shop-backup.service
chown -R root:root /var/backups/shop
set_up_nginx
set_up_ufw
set_up_fail2ban
finish

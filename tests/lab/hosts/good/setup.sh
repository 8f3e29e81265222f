#!/bin/bash
# The good host: nginx, the shop under systemd, and a small container that is published on loopback only.
. /run/lab/hosts/common.sh
. /run/lab/hosts/good/product.sh

set_up_mailer() {
    put 0644 root:root good/mailer.yml /srv/mailer/docker-compose.yml
    (cd /srv/mailer && docker-compose --no-ansi up -d 2> /dev/null)
}

add_users
set_up_sshd
set_up_updates
set_up_docker
set_up_shop
set_up_backups
set_up_nginx
set_up_mailer
set_up_ufw
set_up_fail2ban
finish

#!/bin/bash
# The good host: nginx, the shop under systemd, and a small container that is published on loopback only.
. /run/lab/hosts/common.sh
. /run/lab/hosts/good/product.sh

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

set_up_mailer() {
    put 0644 root:root good/mailer.yml /srv/mailer/docker-compose.yml
    (cd /srv/mailer && docker-compose --no-ansi up -d 2> /dev/null)
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
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
fi

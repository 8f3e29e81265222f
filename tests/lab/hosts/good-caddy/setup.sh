#!/bin/bash
# The good host's product behind Caddy, with no container at all.
. /run/lab/hosts/common.sh
. /run/lab/hosts/good/product.sh

add_users
set_up_sshd
set_up_updates
systemctl disable --now docker.service docker.socket containerd.service 2> /dev/null
set_up_shop
set_up_backups
set_up_caddy good-caddy/Caddyfile
set_up_ufw
set_up_fail2ban
finish

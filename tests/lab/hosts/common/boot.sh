#!/bin/sh
# Runs before systemd at each start of a host, from the image that was set up once and kept: gives the host a key of its
# own, and moves the dates of what should look recent, so that a host never looks older than its image is.
set -eu
ssh-keygen -q -t ed25519 -N '' -C "root@$(hostname)" -f /etc/ssh/ssh_host_ed25519_key
touch /var/lib/apt/periodic/*-stamp /var/lib/apt/lists /var/lib/apt/lists/* 2> /dev/null || true
# systemd's own timers count as triggered a moment ago, the backup's as due: so it runs at boot, and by its timer.
touch /var/lib/systemd/timers/stamp-* 2> /dev/null || true
if [ -e /var/lib/systemd/timers/stamp-shop-backup.timer ]; then
    touch --date='2 days ago' /var/lib/systemd/timers/stamp-shop-backup.timer
fi
# Backups in the order of their names become one day apart; FIRST_AGE is the age of the newest in hours.
if [ -n "${FIRST_AGE:-}" ]; then
    cd /var/backups/shop
    set -- *
    hours=$((($# - 1) * 24 + FIRST_AGE))
    mkdir .new
    for old in "$@"; do
        new=.new/shop-$(date --date="$hours hours ago" +%Y%m%d-%H%M).${old#*.}
        mv "$old" "$new"
        touch --date="$hours hours ago" "$new"
        hours=$((hours - 24))
    done
    mv .new/* .
    rmdir .new
    unset FIRST_AGE
fi
exec /sbin/init

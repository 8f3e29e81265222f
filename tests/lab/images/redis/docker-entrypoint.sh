#!/bin/sh
# Redis as its own user. The password, when there is one, goes in over stdin so that no process list shows it.
set -eu
chown redis:redis /data
{
    printf 'dir /data\nprotected-mode no\n'
    if [ -n "${REDIS_PASSWORD:-}" ]; then printf 'requirepass %s\n' "$REDIS_PASSWORD"; fi
} | exec setpriv --reuid=redis --regid=redis --init-groups redis-server -

#!/bin/sh
# What the well-known image does: a new cluster on an empty volume, the password of the environment used that once,
# trust on the socket and on loopback, scram for everybody else; the server runs as postgres, never as root.
set -eu
user=${POSTGRES_USER:-postgres}
mkdir -p "$PGDATA" /var/run/postgresql
chown postgres:postgres "$PGDATA" /var/run/postgresql
chmod 0700 "$PGDATA"
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    (umask 077; printf '%s\n' "$POSTGRES_PASSWORD" > /tmp/password; chown postgres /tmp/password)
    as_postgres initdb --username="$user" --pwfile=/tmp/password --auth=trust --encoding=UTF8 --no-locale --no-sync
    rm /tmp/password
    printf 'host all all all scram-sha-256\n' >> "$PGDATA/pg_hba.conf"
    as_postgres pg_ctl -w -o "-c listen_addresses=''" start
    if [ "${POSTGRES_DB:-postgres}" != postgres ]; then
        as_postgres psql -X -v ON_ERROR_STOP=1 -U "$user" -d postgres -c "CREATE DATABASE \"$POSTGRES_DB\""
    fi
    as_postgres pg_ctl -w -m fast stop
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups "$@" -c listen_addresses='*'

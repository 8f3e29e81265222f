#!/bin/bash
# Makes what the lab is built of: host.tar.zst, the files of a Debian 12 server with everything that the hosts run;
# inner.tar.zst, those for the containers on the hosts; compose.deb, version 2 of Docker Compose.
# Use: rootfs.sh DIRECTORY
set -euo pipefail
out=$1
work=$(mktemp -d "$out/rootfs.XXXXXX")
trap 'rm -rf "$work"' EXIT
export DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8
mirror=http://deb.debian.org

host_packages=(systemd systemd-sysv dbus openssh-server cron nginx-light caddy redis-server postgresql fail2ban
python3-systemd ufw docker.io docker-compose nftables iptables sudo git python3 python3-psycopg2 python3-redis
python3-bcrypt curl iproute2 procps gnupg age zstd openssl unattended-upgrades ca-certificates netcat-openbsd less file
needrestart logrotate)
inner_packages=(postgresql-15 redis-server python3 python3-psycopg2 python3-redis python3-bcrypt)

install_in() {
    local tree=$1
    shift
    # Nothing starts inside a chroot, and a tree that is thrown away on failure needs no fsync after each file.
    printf '#!/bin/sh\nexit 101\n' > "$tree/usr/sbin/policy-rc.d"
    chmod 0755 "$tree/usr/sbin/policy-rc.d"
    echo force-unsafe-io > "$tree/etc/dpkg/dpkg.cfg.d/lab"
    echo 'Acquire::Languages "none"; Acquire::GzipIndexes "true";' > "$tree/etc/apt/apt.conf.d/99lab"
    printf '%s\n' "deb $mirror/debian bookworm main" "deb $mirror/debian bookworm-updates main" \
        "deb $mirror/debian-security bookworm-security main" > "$tree/etc/apt/sources.list"
    cp /etc/resolv.conf "$tree/etc/resolv.conf"
    chroot "$tree" apt-get update -qq
    chroot "$tree" apt-get upgrade -y -qq > /dev/null
    chroot "$tree" apt-get install -y -qq --no-install-recommends "$@" > /dev/null
    chroot "$tree" apt-get clean
    rm -rf "$tree"/usr/sbin/policy-rc.d "$tree"/etc/dpkg/dpkg.cfg.d/lab "$tree"/etc/resolv.conf \
        "$tree"/usr/share/{doc,man,info,locale}/*
}

pack() { tar --directory="$1" --numeric-owner --create . | zstd --quiet -3 --force -o "$2.partial" && mv "$2.partial" "$2"; }

# Debian 12 has compose 1 alone. Version 2, which nearly everybody runs, comes from Debian 13 and needs no more than
# Debian 12 has: nothing else of Debian 13 is looked at, so none of its releases can change anything else.
fetch_compose() {
    local tree=$1 place=/tmp/trixie
    local only=(-o Dir::Etc::sourcelist=$place/sources.list -o Dir::Etc::sourceparts=- -o Dir::State::lists=$place/lists
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root)
    mkdir -p "$tree$place/lists/partial"
    echo "deb $mirror/debian trixie main" > "$tree$place/sources.list"
    cp /etc/resolv.conf "$tree/etc/resolv.conf"
    chroot "$tree" apt-get "${only[@]}" update -qq
    chroot "$tree" sh -c "cd $place && exec apt-get \"\$@\" download docker-compose" sh "${only[@]}" -qq
    mv "$tree$place"/docker-compose_*.deb "$out/compose.deb"
    rm -rf "$tree$place" "$tree/etc/resolv.conf"
}

make_host() {
    install_in "$work/host" "${host_packages[@]}"
    fetch_compose "$work/host"
    rm -f "$work"/host/etc/ssh/ssh_host_*
    pack "$work/host" "$out/host.tar.zst"
}

make_inner() {
    install_in "$work/inner" "${inner_packages[@]}"
    # What the JIT compiler of PostgreSQL weighs is more than all the rest, and nobody misses it.
    rm -rf "$work"/inner/usr/lib/x86_64-linux-gnu/libLLVM* "$work"/inner/usr/lib/postgresql/15/lib/{bitcode,llvmjit*} \
        "$work"/inner/var/lib/{apt/lists,postgresql/15}
    pack "$work/inner" "$out/inner.tar.zst"
}

debootstrap --variant=minbase bookworm "$work/host" "$mirror/debian" > "$out/debootstrap.log" 2>&1 ||
    { tail "$out/debootstrap.log" >&2; exit 1; }
cp -a "$work/host" "$work/inner"
make_inner &
inner=$!
make_host
wait "$inner"

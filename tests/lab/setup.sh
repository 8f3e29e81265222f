#!/bin/sh
# Installs on a Debian 12 machine what the lab needs. Safe to run again: does nothing when all is there.
set -eu
packages='docker.io debootstrap iptables zstd openssh-client openssl curl postgresql-client-15 ca-certificates
python3 tmux strace openssh-server git netcat-openbsd busybox oathtool zbar-tools'
if [ "$(id -u)" -ne 0 ]; then
    echo 'setup.sh: the lab needs root' >&2
    exit 1
fi
missing=
for package in $packages; do
    status=$(dpkg-query --show --showformat='${Status}' "$package" 2> /dev/null || true)
    [ "$status" = 'install ok installed' ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

# No service is to start by its installation: the lab runs a Docker daemon of its own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 0755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
apt-get install -y -qq --no-install-recommends $missing > /dev/null

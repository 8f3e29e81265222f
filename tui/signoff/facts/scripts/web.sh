# The configuration that the web servers run with, as they tell it themselves. Reads only.
# nginx -T makes log files and folders that the configuration names and that are missing: it is asked only
# where nginx runs with that configuration, so that all of them are there.
tab=$(printf '\t')
own=$(readlink /proc/self/ns/pid)
# Processes of this name outside containers: pid, and what they were started with.
processes() {
    for folder in /proc/[0-9]*; do
        read -r name 2> /dev/null < "$folder/comm" && [ "$name" = "$1" ] || continue
        [ "$(readlink "$folder/ns/pid" 2> /dev/null)" = "$own" ] || continue
        printf '%s\t%s\n' "${folder#/proc/}" "$(tr '\0' ' ' < "$folder/cmdline")"
    done
}
started() { echo "$(($(date +%s) - $(ps -o etimes= -p "$1" | tr -d ' ')))"; }
option() { printf '%s\n' "$2" | sed -n "s/.* $1[ =]\([^ ]*\).*/\1/p"; }
fetch() {
    if command -v curl > /dev/null; then curl -fsS --max-time 5 "$1"; else wget -qO- -T 5 "$1"; fi 2> /dev/null < /dev/null
}
# The newest of the files named in the dump, and when the youngest worker began: a reload makes new workers.
nginx_host() {
    master=$(processes nginx | grep 'master process' | head -n 1)
    [ -n "$master" ] || return 0
    pid=${master%%$tab*}
    program=$(readlink "/proc/$pid/exe" | sed 's/ (deleted)$//')
    set --
    file=$(option -c "$master"); [ -n "$file" ] && set -- "$@" -c "$file"
    prefix=$(option -p "$master"); [ -n "$prefix" ] && set -- "$@" -p "$prefix"
    dump=$("$program" "$@" -T 2> /dev/null < /dev/null) || { head_of failed nginx "the host"; return 0; }
    begun=$(processes nginx | grep 'worker process' | while IFS=$tab read -r worker _; do started "$worker"; done | sort -n | head -n 1)
    changed=$(printf '%s\n' "$dump" | sed -n 's/^# configuration file \(.*\):$/\1/p' |
        while read -r name; do stat -L -c %Y "$name"; done 2> /dev/null | sort -rn | head -n 1)
    head_of nginx "the host" "$begun" "$changed"
    printf '%s\n' "$dump" | show
}
caddy_host() {
    process=$(processes caddy | head -n 1)
    [ -n "$process" ] || return 0
    if config=$(fetch http://127.0.0.1:2019/config/) && [ -n "$config" ]; then
        head_of caddy "the host" api; printf '%s\n' "$config" | show; return 0
    fi
    file=$(option --config "$process"); [ -n "$file" ] || file=/etc/caddy/Caddyfile
    config=$(caddy adapt --config "$file" 2> /dev/null < /dev/null) || { head_of failed caddy "the host"; return 0; }
    head_of caddy "the host" file "$(started "${process%%$tab*}")" "$(stat -L -c %Y "$file")"
    printf '%s\n' "$config" | show
}
containers() {
    docker ps --format '{{.Names}}{{"\t"}}{{.Image}} {{.Command}}' 2> /dev/null | grep -iE 'nginx|openresty|caddy' |
        while IFS=$tab read -r name what; do
            case $what in
                *[cC]addy*)
                    config=$(docker exec "$name" sh -c 'wget -qO- http://127.0.0.1:2019/config/ || curl -fsS http://127.0.0.1:2019/config/' 2> /dev/null < /dev/null)
                    kind=api
                    [ -n "$config" ] || { kind=file; config=$(docker exec "$name" caddy adapt --config /etc/caddy/Caddyfile 2> /dev/null < /dev/null); }
                    if [ -z "$config" ]; then head_of failed caddy "container $name"; continue; fi
                    head_of caddy "container $name" $kind; printf '%s\n' "$config" | show ;;
                *)
                    dump=$(docker exec "$name" nginx -T 2> /dev/null < /dev/null) || { head_of failed nginx "container $name"; continue; }
                    head_of nginx "container $name"; printf '%s\n' "$dump" | show ;;
            esac
        done
}
if [ "$(id -u)" = 0 ]; then
    nginx_host
    caddy_host
    containers
    for name in apache2 httpd haproxy traefik lighttpd envoy; do
        [ -n "$(processes $name)" ] && head_of other "$name"
    done
    docker ps --format '{{.Names}} {{.Image}}' 2> /dev/null | grep -iE 'traefik|haproxy|httpd|apache|envoy' |
        while read -r name image; do head_of other "$image"; done
else
    # Others' processes are not told apart from those of containers without root: Caddy's own word alone.
    config=$(fetch http://127.0.0.1:2019/config/)
    [ -n "$config" ] && { head_of caddy "the host" api; printf '%s\n' "$config" | show; }
    cat /proc/[0-9]*/comm 2> /dev/null | sort -u | grep -E '^(nginx|apache2|httpd|haproxy|traefik|lighttpd|envoy)$' |
        while read -r name; do head_of failed "$name" "the host"; done
    docker ps > /dev/null 2>&1 || head_of failed docker "the containers"
fi
head_of end

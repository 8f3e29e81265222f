# After trust.sh and servers.sh: the configuration that the web servers run with, as they tell it themselves. Reads only.
# The newest of the files named in the dump, and when the youngest worker began: a reload makes new workers.
nginx_host() {
    nginx_masters | {
        where='the host'
        while read -r kind pid; do
            if [ "$kind" = stranger ]; then stranger "$pid" nginx; continue; fi
            if ! dump=$(nginx_dump "$pid"); then
                head_of failed nginx "$where" "${dump##*"$nl"}"
            else
                begun=$(for worker in $(processes nginx); do is_child "$worker" "$pid" && started "$worker"; done | sort -n | one)
                changed=$(printf '%s\n' "$dump" | sed -n 's/^# configuration file \(.*\):$/\1/p' |
                    while read -r name; do stat -L -c %Y -- "$name"; done 2> /dev/null | sort -rn | one)
                head_of nginx "$where" "$begun" "$changed"
                printf '%s\n' "$dump" | show
            fi
            where='the host, one more'
        done
    }
}
caddy_host() {
    where='the host'
    for pid in $(processes caddy); do
        if ! is_trusted "$pid"; then stranger "$pid" caddy; continue; fi
        if config=$(caddy_api "$pid") && [ -n "$config" ]; then
            head_of caddy "$where" api; printf '%s\n' "$config" | show
        elif config=$(caddy_file "$pid"); then
            head_of caddy "$where" file "$(started "$pid")" "$(stat -L -c %Y -- "$(caddy_path "$pid")")"
            printf '%s\n' "$config" | show
        else
            head_of failed caddy "$where"
        fi
        where='the host, one more'
    done
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
others() { called "$@" | sed -n 's/^ours [0-9]* //p' | sort -u; }
others='apache2 httpd haproxy traefik lighttpd envoy'
strangers nginx caddy $others
caddy_host
if [ "$(id -u)" = 0 ]; then
    nginx_host
    containers
    for name in $(others $others); do head_of other "$name"; done
    docker ps --format '{{.Names}} {{.Image}}' 2> /dev/null | grep -iE 'traefik|haproxy|httpd|apache|envoy' |
        while read -r name image; do head_of other "$image"; done
else
    # Others' processes are not told apart from those of containers without root.
    for name in $(others nginx $others); do head_of failed "$name" "the host"; done
    docker ps > /dev/null 2>&1 || head_of failed docker "the containers"
fi

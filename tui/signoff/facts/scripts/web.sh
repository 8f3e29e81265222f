# After trust.sh and servers.sh: the configuration that the web servers run with, as they tell it themselves. Reads only.
# The newest of the files named in the dump, and when the youngest worker began: a reload makes new workers.
nginx_host() {
    found=$(processes nginx)
    trusted=$(for pid in $found; do if is_trusted "$pid"; then printf '%s ' "$pid"; fi; done)
    for pid in $found; do
        is_child "$pid" "$trusted" && continue
        case " $trusted " in *" $pid "*) ;; *) stranger "$pid" nginx; continue ;; esac
        dump=$(nginx_dump "$pid") || { head_of failed nginx 'the host' "${dump##*"$nl"}"; continue; }
        begun=$(for worker in $(processes nginx); do is_child "$worker" "$pid" && started "$worker"; done | sort -n | one)
        changed=$(printf '%s\n' "$dump" | sed -n 's/^# configuration file \(.*\):$/\1/p' |
            while read -r name; do stat -L -c %Y -- "$name"; done 2> /dev/null | sort -rn | one)
        head_of nginx 'the host' "$begun" "$changed"
        printf '%s\n' "$dump" | show
    done
}
caddy_host() {
    for pid in $(processes caddy); do
        begun='' changed=''
        if ! is_trusted "$pid"; then stranger "$pid" caddy; continue; fi
        config=$(caddy_api "$pid" | grep .) || {
            begun=$(started "$pid") changed=$(stat -L -c %Y -- "$(caddy_path "$pid")")
            config=$(caddy_file "$pid")
        } || { head_of failed caddy 'the host'; continue; }
        head_of caddy 'the host' "$begun" "$changed"
        printf '%s\n' "$config" | show
    done
}
# What runs in containers tells it itself there.
containers() {
    api='wget -qO- http://127.0.0.1:2019/config/ || curl -fsS http://127.0.0.1:2019/config/'
    docker ps --format '{{.Names}}{{"\t"}}{{.Image}} {{.Command}}' 2> /dev/null | grep -iE 'nginx|openresty|caddy' |
        while IFS=$tab read -r name what; do
            case $what in
                *[cC]addy*) kind=caddy config=$(docker exec "$name" sh -c "$api" | grep . || docker exec "$name" caddy adapt --config /etc/caddy/Caddyfile) ;;
                *) kind=nginx config=$(docker exec "$name" nginx -T) ;;
            esac 2> /dev/null < /dev/null || { head_of failed $kind "container $name"; continue; }
            head_of $kind "container $name"
            printf '%s\n' "$config" | show
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

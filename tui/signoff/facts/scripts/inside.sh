# After trust.sh and servers.sh. Wants $paths (one a line), $host and $random. Asks the application itself, past the web server: for want of
# a rule there, what it answers shows whether a path exists. GET only, at addresses of this machine only.
command -v curl > /dev/null || { no_answer missing '' curl; exit 0; }
upstreams() {
    {
        [ "$(id -u)" != 0 ] || nginx_masters | while read -r kind pid; do
            [ "$kind" = stranger ] || nginx_dump "$pid"
        done | sed 's/#.*//' | grep -oE '(^|[[:space:];{])(proxy_pass|uwsgi_pass|server)[[:space:]]+[^;]+' |
            sed -n 's|^[ \t;{]*\(proxy_pass *http://\)\{0,1\}\(server *\)\{0,1\}\([0-9a-zA-Z.:]*:[0-9]\{1,5\}\).*|\3|p'
        for pid in $(processes caddy); do
            if is_trusted "$pid"; then caddy_api "$pid"; fi
        done | grep -oE '"dial":"[^"]+"' | cut -d '"' -f 4
    } | sed 's/^localhost:/127.0.0.1:/' | grep -E '^(127|10|192\.168|172\.(1[6-9]|2[0-9]|3[01]))\.[0-9.]+:[0-9]+$' | sort -u | while read -r upstream; do
        # Somebody else may have taken the application's port while it was down.
        for uid in $(answering "${upstream##*:}" "${upstream%:*}"); do is_ours "$uid" || continue 2; done
        printf '%s\n' "$upstream"
    done | first 8 'applications behind the web server'
}
# URL OPTION...: what the application answers.
get() { curl -s -H "Host: $host" -A signoff "$@" < /dev/null | tr -d '\0'; }
try() {
    body=$(get "http://$1$2" --max-time 4 -H 'X-Forwarded-Proto: https' -w '\n%{http_code} %{redirect_url}' | peek_end 65536)
    # A page may quote its own path, which says nothing of what it is.
    said=$(printf '%s\n' "$body" | sed '$d' | sed "s|$2||g" | cksum | cut -d' ' -f1)
    head_of answer "$1" "$2" "${body##*"$nl"}" "$said"
}
# Frameworks describe their API to whoever asks (OpenAPI 3, Swagger 2): which of its paths are the panel's?
describe() {
    for document in /openapi.json /api/openapi.json /api/v1/openapi.json '/api/schema/?format=json' /swagger.json; do
        body=$(get "http://$1$document" -f --max-time 2 --max-filesize 4000000 | tr -d '\n')
        case $body in *'"openapi"'* | *'"swagger"'*) ;; *) continue ;; esac
        base=$(printf '%s' "$body" | grep -oE '("servers" *: *\[ *\{ *"url"|"basePath") *: *"[^"]*"' | one | sed 's/"$//; s/.*"//; s|^[a-z]*://[^/]*||; s|/$||')
        printf '%s' "$body" | grep -oiE '"/[a-z0-9_./-]*admin[a-z0-9_./-]*" *: *\{' | cut -d '"' -f 2 | sort -u | first 20 'admin paths in the description of the API' |
            while read -r path; do head_of documented "$base$path"; done
        return
    done
}
for upstream in $(upstreams); do
    describe "$upstream"
    for path in $random $paths; do try "$upstream" "$path"; done
done

# After trust.sh. Wants $paths (one a line), $host and $random, and is given where the applications listen behind the web server. Asks them
# themselves, past it: for want of a rule there, what they answer shows whether a path exists. GET only, at this machine's addresses only.
command -v curl > /dev/null || { no_answer missing '' curl; exit 0; }
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
for upstream in $(given upstream | while read -r one; do
    # Somebody else may have taken the application's port while it was down.
    for uid in $(answering "${one##*:}" "${one%:*}"); do is_ours "$uid" || continue 2; done
    printf '%s\n' "$one"
done | first 8 'applications behind the web server'); do
    describe "$upstream"
    for path in $random $paths; do try "$upstream" "$path"; done
done

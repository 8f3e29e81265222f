# Wants $project, $services and $listed: names, one a line.
# project_units prints the systemd services that belong to the project: those named, and those with its directory in
# their working directory, their environment files or their command. secret_files prints the files with secrets that
# are known of by name: those listed, those that such services read, and those that look like it at the project's top.
# Goes to the project directory, or says why not and ends the script.
enter_project() {
    [ -n "$project" ] || { head_of nowhere 'not known'; exit 0; }
    if cd -- "$project" 2> /dev/null; then project=$(pwd -P); return; fi
    why=missing
    above=$project
    while [ "$above" != / ] && [ "$above" != . ] && [ ! -e "$above" ]; do above=$(dirname -- "$above"); done
    { [ -e "$project" ] || [ ! -x "$above" ]; } && why=closed
    head_of nowhere "$why" "$project"
    exit 0
}
project_units() {
    [ -d /run/systemd/system ] && command -v systemctl > /dev/null || return 0
    {
        printf '%s\n' "$services" | sed -n -e '/\.service$/{p;d}' -e 's/^[A-Za-z0-9:_.@\\-]\{1,\}$/&.service/p'
        # A path ends here: /srv/shop is not in /srv/shop2.
        [ -z "$project" ] || systemctl show '*.service' -p Id -p WorkingDirectory -p EnvironmentFiles -p ExecStart 2> /dev/null |
            project=$project awk -v RS= '{
                text = $0; id = $0; sub(/^(.*\n)?Id=/, "", id); sub(/\n.*/, "", id); path = ENVIRON["project"]
                while ((at = index(text, path)) > 0) {
                    text = substr(text, at + length(path))
                    if (text == "" || substr(text, 1, 1) !~ /[A-Za-z0-9_.-]/) { print id; break }
                }
            }'
    } | sort -u
}
# The files that compose mounts as secrets: each is one secret's value.
mounted_files() {
    cat "$project"/docker-compose*.y*ml "$project"/compose*.y*ml 2> /dev/null | tr -d "\"'\r" | awk '
        /^[^ \t#]/ { inside = /^secrets:/ }
        inside && /^[ \t]+file:[ \t]/ { sub(/^[ \t]+file:[ \t]+/, ""); sub(/[ \t]+#.*$/, ""); print }' |
        while IFS= read -r path; do
            case $path in '' | *'$'*) ;; /*) printf '%s\n' "$path" ;; *) printf '%s\n' "$project/${path#./}" ;; esac
        done | sort -u | first 100 'files that compose mounts as secrets'
}
secret_files() {
    {
        printf '%s\n' "$listed" | while IFS= read -r name; do
            case $name in '') ;; /*) printf '%s\n' "$name" ;; *) printf '%s\n' "$project/${name#./}" ;; esac
        done
        for unit in $(project_units); do
            systemctl show "$unit" -p EnvironmentFiles 2> /dev/null | sed -n 's/^EnvironmentFiles=\(.*\) (ignore_errors=[a-z]*)$/\1/p'
        done
        for path in "$project"/.env "$project"/.env.* "$project"/*.env; do
            case ${path##*/} in *example* | *sample* | *dist | *template* | *.bak | *.old | *.orig | *.save | *.sw? | *~) continue ;; esac
            [ -f "$path" ] && printf '%s\n' "$path"
        done
    } | sort -u
}

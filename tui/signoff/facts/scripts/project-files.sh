# Wants $project, $services and $listed: names, one a line.
# project_units prints the systemd services that belong to the project: those named, and those with its directory in
# their working directory, their environment files or their command. secret_files prints the files with secrets that
# are known of by name: those listed, those that such services read, and those that look like it at the project's top.
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
secret_files() {
    {
        printf '%s\n' "$listed" | while IFS= read -r name; do
            case $name in '') ;; /*) printf '%s\n' "$name" ;; *) printf '%s\n' "$project/${name#./}" ;; esac
        done
        for unit in $(project_units); do
            systemctl show "$unit" -p EnvironmentFiles 2> /dev/null | sed -n 's/^EnvironmentFiles=\(.*\) (ignore_errors=[a-z]*)$/\1/p'
        done
        for path in "$project"/.env "$project"/.env.* "$project"/*.env; do [ -f "$path" ] && printf '%s\n' "$path"; done
    } | sort -u
}

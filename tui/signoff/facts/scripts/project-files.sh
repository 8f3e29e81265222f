# Wants $project, $services and $listed: names, one a line.
# project_units prints the systemd services that belong to the project: those named, and those with its directory in
# their working directory, their environment files or their command. secret_files prints the files with secrets that
# are known of by name: those listed, those that such services read, and those that look like it at the project's top.
# PATH: itself, or the nearest folder above that can be seen.
nearest() {
    above=$1
    while [ "$above" != / ] && [ "$above" != . ] && [ ! -e "$above" ]; do above=$(dirname -- "$above"); done
    printf '%s\n' "$above"
}
# Goes to the project directory, or says why not and ends the script.
enter_project() {
    [ -n "$project" ] || { head_of nowhere 'not known'; exit 0; }
    if cd -- "$project" 2> /dev/null; then project=$(pwd -P); return; fi
    why=missing
    if [ -e "$project" ] || [ ! -x "$(nearest "$project")" ]; then why=closed; fi
    head_of nowhere "$why" "$project"
    exit 0
}
project_units() {
    [ -d /run/systemd/system ] && command -v systemctl > /dev/null || return 0
    # A path ends here: /srv/shop is not in /srv/shop2.
    like="$(printf %s "$project" | sed 's/[][\.*^$(){}+?|]/\\&/g')([^A-Za-z0-9_.-]|\$)"
    {
        printf '%s\n' "$services" | sed -n -e '/\.service$/{p;d}' -e 's/^[A-Za-z0-9:_.@\\-]\{1,\}$/&.service/p'
        [ -z "$project" ] || systemctl show '*.service' -p Id,WorkingDirectory,EnvironmentFiles,ExecStart 2> /dev/null |
            like=$like awk -v RS= '$0 ~ ENVIRON["like"] { sub(/^(.*\n)?Id=/, ""); sub(/\n.*/, ""); print }'
    } | sort -u
}
# Names, one a line: as paths.
in_project() {
    while IFS= read -r path; do
        case $path in '') ;; /*) printf '%s\n' "$path" ;; *) printf '%s\n' "$project/${path#./}" ;; esac
    done
}
# The files that compose mounts as secrets: each is one secret's value.
mounted_files() {
    cat "$project"/docker-compose*.y*ml "$project"/compose*.y*ml 2> /dev/null | tr -d "\"'\r" | awk '
        /^[^ \t#]/ { inside = /^secrets:/ }
        inside && /^[ \t]+file:[ \t]/ && !/\$/ { sub(/^[ \t]+file:[ \t]+/, ""); sub(/[ \t]+#.*$/, ""); print }' |
        in_project | sort -u | first 100 'files that compose mounts as secrets'
}
secret_files() {
    {
        printf '%s\n' "$listed" | in_project
        systemctl show $(project_units) -p EnvironmentFiles 2> /dev/null |
            sed -n 's/^EnvironmentFiles=\(.*\) (ignore_errors=[a-z]*)$/\1/p'
        find -L "$project" -maxdepth 1 -type f \( -name .env -o -name '.env.*' -o -name '*.env' \) 2> /dev/null |
            grep -vE '(example|sample|template)[^/]*$|(dist|\.bak|\.old|\.orig|\.save|\.sw.|~)$'
    } | sort -u
}

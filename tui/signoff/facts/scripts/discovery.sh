# Where a product may lie: compose projects, services of the administrator's own, folders with .env. Reads only,
# and of a file with secrets tells its name and the name of the database, nothing else. After trust.sh.
has_project() {
    for file in "$1/.env" "$1"/.env.* "$1/docker-compose.yml" "$1/docker-compose.yaml" "$1/compose.yml" "$1/compose.yaml"; do
        case $file in *.example | *.sample | *.bak | *.dist | *'*') continue ;; esac
        [ -f "$file" ] && return 0
    done
    return 1
}
database() {
    [ -r "$1" ] || return 0
    sed -n -e 's/^\(export \)\{0,1\}\(POSTGRES_DB\|PGDATABASE\|DB_NAME\|DB_DATABASE\|DATABASE_NAME\)=["'\'']\{0,1\}\([A-Za-z0-9_-]\{1,63\}\)["'\'']\{0,1\}[[:space:]]*$/\3/p' \
        -e 's/^\(export \)\{0,1\}DATABASE_URL=["'\'']\{0,1\}postgres[^/]*:\/\/[^[:space:]]*\/\([A-Za-z0-9_-]\{1,63\}\)\(?.*\)\{0,1\}["'\'']\{0,1\}[[:space:]]*$/\2/p' "$1" | one
}
folder() {
    owner_is_ours "$1" && has_project "$1" || return 0
    head_of project "$1" "$2"
    for file in "$1/.env" "$1"/.env.* "$1"/*.env; do
        case $file in *.example | *.sample | *.bak | *.dist | *.template | *.old | *'~' | *'*'*) continue ;; esac
        [ -f "$file" ] || continue
        head_of env "$file"
        database "$file" | show
    done
}
here=$(pwd)
[ "$here" != / ] && folder "$here" here
command -v docker > /dev/null && docker ps -a --format '{{.Label "com.docker.compose.project.working_dir"}}' 2> /dev/null |
    sort -u | while read -r path; do [ -d "$path" ] && folder "$path" compose; done
if [ -d /run/systemd/system ]; then
    units=$(systemctl list-units --type=service --state=running,failed,activating --plain --no-legend --no-pager |
        awk '$1 !~ /^(user@|systemd-|getty@|dbus|ssh|cron|docker|containerd)/ {print $1}')
    for unit in $units; do
        about=$(systemctl show --no-pager -p FragmentPath -p WorkingDirectory -p EnvironmentFiles "$unit")
        case $about in *FragmentPath=/etc/systemd/system/* | *FragmentPath=/usr/local/lib/systemd/*) ;; *) continue ;; esac
        work=$(printf '%s\n' "$about" | sed -n 's/^WorkingDirectory=[!-]*//p')
        env=$(printf '%s\n' "$about" | sed -n 's/^EnvironmentFiles=-\{0,1\}\(.*\) (ignore_errors=.*/\1/p' | one)
        path=$work
        if [ -z "$path" ] || [ "$path" = / ]; then path=${env%/*}; fi
        head_of unit "$unit" "$path" "$env"
        [ -d "$path" ] && folder "$path" unit
    done
fi
find /srv /opt /var/www -mindepth 1 -maxdepth 1 -type d $owned 2> /dev/null | while IFS= read -r path; do folder "$path" usual; done
find /home -mindepth 2 -maxdepth 2 -type d $owned 2> /dev/null | while IFS= read -r path; do folder "$path" usual; done

# Where a product may lie: compose projects, services of the administrator's own, folders with .env. Reads only,
# and of a file with secrets tells its name and the name of the database, nothing else. After trust.sh.
# FOLDER PATTERN: the names there; not of folders, examples and copies.
named() { ls -ap -- "$1" 2> /dev/null | grep -E "$2" | grep -vE '(\.(example|sample|bak|dist|template|old)|~)$'; }
database() {
    [ -r "$1" ] || return 0
    sed -n -e 's/^\(export \)\{0,1\}\(POSTGRES_DB\|PGDATABASE\|DB_NAME\|DB_DATABASE\|DATABASE_NAME\)=["'\'']\{0,1\}\([A-Za-z0-9_-]\{1,63\}\)["'\'']\{0,1\}[[:space:]]*$/\3/p' \
        -e 's/^\(export \)\{0,1\}DATABASE_URL=["'\'']\{0,1\}postgres[^/]*:\/\/[^[:space:]]*\/\([A-Za-z0-9_-]\{1,63\}\)\(?.*\)\{0,1\}["'\'']\{0,1\}[[:space:]]*$/\2/p' "$1" | one
}
folder() { # PATH WHY
    owner_is_ours "$1" && [ -n "$(named "$1" '^(\.env(\..*)?|(docker-)?compose\.ya?ml)$')" ] || return 0
    head_of project "$1" "$2"
    named "$1" '^\.env(\..*)?$|\.env$' | while IFS= read -r name; do
        [ -f "$1/$name" ] || continue
        head_of env "$1/$name"
        database "$1/$name" | show
    done
}
here=$(pwd)
[ "$here" != / ] && folder "$here" here
command -v docker > /dev/null && docker ps -a --format '{{.Label "com.docker.compose.project.working_dir"}}' 2> /dev/null |
    sort -u | while read -r path; do folder "$path" compose; done
property() { printf '%s\n' "$about" | sed -n "s/^$1=[!-]*//p" | one; }
for unit in $(systemctl list-units --type=service --state=running,failed,activating --plain --no-legend --no-pager 2> /dev/null | awk '{print $1}'); do
    about=$(systemctl show --no-pager -p FragmentPath,WorkingDirectory,EnvironmentFiles "$unit")
    case $(property FragmentPath) in /etc/systemd/system/* | /usr/local/lib/systemd/*) ;; *) continue ;; esac
    path=$(property WorkingDirectory) env=$(property EnvironmentFiles)
    env=${env%" (ignore_errors="*}
    case $path in '' | /) path=${env%/*} ;; esac
    head_of unit "$unit" "$path" "$env"
    folder "$path" unit
done
{
    find /srv /opt /var/www -mindepth 1 -maxdepth 1 -type d $owned
    find /home -mindepth 2 -maxdepth 2 -type d $owned
} 2> /dev/null | while IFS= read -r path; do folder "$path" usual; done

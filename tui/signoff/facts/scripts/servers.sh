# After trust.sh: the web servers of the host that are to be trusted, and what they say of themselves. Reads only.
# nginx -T makes log files and folders that the configuration names and that are missing: it is asked only
# where nginx runs with that configuration, so that all of them are there.
started() { echo "$(($(date +%s) - $(ps -o etimes= -p "$1" | tr -d ' ')))"; }
# PID NAME: the value of an option in its command line.
option() { tr '\0' ' ' < "/proc/$1/cmdline" | sed -n "s/.* $2[ =]\([^ ]*\).*/\1/p"; }
# PID: its parent is one of the processes listed behind it.
is_child() { case " $2 " in *" $(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status" 2> /dev/null) "*) return 0 ;; esac; return 1; }
# FOLDER PREFIX FILE...: the files that configurations name, a line each; relative ones lie in the folder of the main one, or
# below the prefix. "include" and "loaded" decide what nginx does; "made" it opens or makes as root, in a test of its
# configuration as well. Quotes count for nothing, and what follows a # for directives of its own where it may stand within
# some: rather too many names than too few. A name that is not understood is one that is not there.
nginx_words() {
    folder=$1 prefix=$2 blank="(^|[ $tab$cr;{}])"
    shift 2
    for file in "$@"; do sed -E "s/$blank#[^\"']*\$/\1/; s/$blank#.*/;&;/" -- "$file" 2> /dev/null; echo ';'; done |
        tr '\n\r;{}' '  \n\n\n' | awk -v folder="$folder" -v prefix="$prefix" '
            { gsub(/["\047]/, "", $1); path = $1 == "js_import" ? $NF : $2; kind = "" }
            $1 ~ /^(load_module|perl_modules|perl_require|js_import|js_include|js_path)$|_by_lua_file$/ { kind = "loaded" }
            $1 ~ /^(error_log|access_log|pid|lock_path)$|_(temp|cache|store)_path$/ { kind = "made" }
            $1 == "include" { kind = "include"; if (NF != 2) path = "\\" }
            kind == "" || (kind == "made" && (path ~ /^(off$|stderr$|syslog:|memory:)/ || $1 path ~ /_log.*\$/)) { next }
            path ~ /^(".*"|\047.*\047)$/ { path = substr(path, 2, length(path) - 2) }
            path == "" || path ~ /["\047\\]/ { kind = "loaded"; path = "/a name that is not understood" }
            path !~ /^\// { path = (kind == "include" ? folder : prefix) "/" path }
            { print kind " " path }'
}
# CONFIGURATION PREFIX: the files that a configuration is made of or that it names, "loaded PATH" or "made PATH".
# Beyond 300 files the last is no path.
nginx_files() {
    new=$1 seen=
    IFS=$nl
    while [ -n "$new" ]; do
        seen=$seen$new$nl
        printf 'loaded %s\n' $new
        [ "$(printf %s "$seen" | grep -c .)" -lt 300 ] || { echo 'loaded too many files'; break; }
        named=$(nginx_words "${1%/*}" "${2%/}" $new)
        printf '%s\n' "$named" | grep -E '^(loaded|made) '
        # Patterns are what the shell makes of them.
        new=$(printf '%s\n' $(printf '%s\n' "$named" | sed -n 's/^include //p') | grep -vxF "$seen" | sort -u)
    done
    unset IFS
}
# A file that nginx opens or makes as root: no link, no FIFO, and in a folder in which our own people alone make such.
is_made_safely() { if [ -e "$1" ] || [ -L "$1" ]; then [ ! -L "$1" ] && { [ -f "$1" ] || [ -d "$1" ]; } || return 1; fi; is_kept "${1%/*}"; }
# PID: what nginx -T says of the configuration that it runs with; or, and it fails, why it was not asked: somebody else
# than root could make root's nginx do as they like.
nginx_dump() {
    program=$(program_of "$1") || { echo 'its program can be changed by others than root'; return 1; }
    built=$("$program" -V 2>&1 < /dev/null | tr ' ' '\n')
    named=$(option "$1" -c)
    given=$(option "$1" -p)
    prefix=${given:-$(printf '%s\n' "$built" | sed -n 's/^--prefix=//p')}
    file=${named:-$(printf '%s\n' "$built" | sed -n 's/^--conf-path=//p')}
    case $file in /*) ;; *) file=${prefix%/}/$file ;; esac
    open=$(nginx_files "$file" "$prefix" | sort -u | while read -r kind path; do
        case $kind,$path in
            made,*) is_made_safely "$path" ;;
            *[*?[]*) root_only "${path%/*}" ;; # a pattern that nothing fits: the folder
            *) root_only "$path" ;;
        esac || { printf '%s\n' "$path"; break; }
    done)
    [ -z "$open" ] || { printf '%s can be changed by others than root\n' "$open"; return 1; }
    "$program" ${named:+-c "$named"} ${given:+-p "$given"} -T 2> /dev/null < /dev/null ||
        { echo 'nginx -T refuses its configuration'; return 1; }
}
# PID: the configuration of Caddy as its admin API tells it, where it is this process's own that answers; as its file has it.
caddy_api() {
    uid_of "$1" && [ "$(answering 2019)" = "$uid" ] || return 1
    { curl -fsS --max-time 5 http://127.0.0.1:2019/config/ || wget -qO- -T 5 http://127.0.0.1:2019/config/; } 2> /dev/null < /dev/null
}
caddy_path() { option "$1" --config | grep . || echo /etc/caddy/Caddyfile; }
caddy_file() { program=$(program_of "$1") && "$program" adapt --config "$(caddy_path "$1")" 2> /dev/null < /dev/null; }

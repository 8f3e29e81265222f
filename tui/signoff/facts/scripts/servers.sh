# After trust.sh: the web servers of the host that are to be trusted, and what they say of themselves. Reads only.
# nginx -T makes log files and folders that the configuration names and that are missing: it is asked only
# where nginx runs with that configuration, so that all of them are there.
started() { echo "$(($(date +%s) - $(ps -o etimes= -p "$1" | tr -d ' ')))"; }
# PID NAME: the value of an option in its command line.
option() { tr '\0' ' ' < "/proc/$1/cmdline" | sed -n "s/.* $2[ =]\([^ ]*\).*/\1/p"; }
# PID: its parent is one of the processes listed behind it.
is_child() { case " $2 " in *" $(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status" 2> /dev/null) "*) return 0 ;; esac; return 1; }
fetch() {
    if command -v curl > /dev/null; then curl -fsS --max-time 5 "$1"; else wget -qO- -T 5 "$1"; fi 2> /dev/null < /dev/null
}

# What is called nginx and is nobody's worker: "master PID", or "stranger PID" where it is not to be trusted.
nginx_masters() {
    found=$(processes nginx)
    trusted=$(for pid in $found; do if is_trusted "$pid"; then printf '%s ' "$pid"; fi; done)
    for pid in $found; do
        is_child "$pid" "$trusted" || case " $trusted " in *" $pid "*) echo "master $pid" ;; *) echo "stranger $pid" ;; esac
    done
}
# CONFIGURATION PREFIX: the files that a configuration is made of or that it loads programs from, as it names them;
# relative ones lie beside it, or below the prefix. No more than 400: then the last is no path.
nginx_files() {
    waiting=$1 seen=$nl
    set -f
    while [ -n "$waiting" ]; do
        file=${waiting%%"$nl"*}
        waiting=$(printf '%s\n' "$waiting" | sed 1d)
        case $seen in *"$nl$file$nl"*) continue ;; esac
        seen=$seen$file$nl
        printf '%s\n' "$file"
        [ "${#seen}" -lt 40000 ] || { echo 'too many files'; break; }
        case $file in *.so) continue ;; esac
        named=$(sed 's/^[[:space:]]*#.*//' "$file" 2> /dev/null | tr '\n\t\r' '   ' |
            grep -oE '(^|[ ;{}])(include|load_module|perl_modules|perl_require|[a-z_]+_by_lua_file|js_import|js_include) +[^;]+;' |
            sed "s/;\$//; s/^[ ;{}]*//; s/[\"']//g")
        waiting=$waiting$nl$(printf '%s\n' "$named" | while read -r directive path; do
            [ -n "$path" ] || continue
            case $directive,$path in
                *,/*) ;;
                include,*) path=${1%/*}/$path ;;
                *) path=${2%/}/${path##* } ;;
            esac
            set +f
            IFS=$nl
            for path in $path; do printf '%s\n' "$path"; done
            unset IFS
            set -f
        done)
        waiting=$(printf '%s\n' "$waiting" | sed '/^$/d')
    done
    set +f
}
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
    open=$(nginx_files "$file" "$prefix" | while IFS= read -r path; do
        # Of a pattern that nothing fits: the folder.
        case $path in *[*?[]*) path=${path%/*} ;; esac
        root_only "$path" || { printf '%s\n' "$path"; break; }
    done)
    [ -z "$open" ] || { printf '%s can be changed by others than root\n' "$open"; return 1; }
    "$program" ${named:+-c "$named"} ${given:+-p "$given"} -T 2> /dev/null < /dev/null ||
        { echo 'nginx -T refuses its configuration'; return 1; }
}
# PID: the configuration of Caddy as its admin API tells it, where it is this process's own that answers; as its file has it.
caddy_api() { uid_of "$1" && [ "$(answering 2019)" = "$uid" ] && fetch http://127.0.0.1:2019/config/; }
caddy_path() {
    file=$(option "$1" --config)
    printf '%s\n' "${file:-/etc/caddy/Caddyfile}"
}
caddy_file() { program=$(program_of "$1") && "$program" adapt --config "$(caddy_path "$1")" 2> /dev/null < /dev/null; }

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
# FILE: the directives of a configuration that name files, a line each: what kind, and the word. "loaded": what decides what
# nginx does; "made": what it opens or makes as root, in a test of its configuration as well. Quotes, comments and line feeds
# are nginx's (ngx_conf_read_token).
nginx_words() {
    awk -v loaded=' include load_module perl_modules perl_require js_import js_include js_path ' \
        -v made=' error_log access_log pid lock_path ' -v single="'" '
        function word() { if (has) { words++; if (words == 1) first = token; last = token; if (words == 2) second = token }; token = ""; has = 0 }
        function over() {
            word()
            if (index(loaded, " " first " ") || first ~ /_by_lua_file$/) print "loaded\t" first "\t" (first == "js_import" ? last : second)
            else if (index(made, " " first " ") || first ~ /_(temp|cache|store)_path$|_cache_path$/) print "made\t" first "\t" second
            words = 0; first = second = last = ""
        }
        { line = $0 "\n"; n = length(line)
          for (i = 1; i <= n; i++) {
            c = substr(line, i, 1)
            if (comment) { if (c == "\n") comment = 0; continue }
            if (quote != "") {
                if (c == "\\") { token = token substr(line, ++i, 1) } else if (c == quote) quote = ""; else token = token c
                continue
            }
            if (c == "#" && !has) { comment = 1; continue }
            if ((c == "\"" || c == single) && !has) { quote = c; has = 1; continue }
            if (c == ";" || c == "{" || c == "}") { over(); continue }
            if (c ~ /[ \t\r\n]/) { word(); continue }
            if (c == "\\") c = substr(line, ++i, 1)
            token = token c; has = 1
          }
        }' "$1" 2> /dev/null
}
# CONFIGURATION PREFIX: the files that a configuration is made of or that it names, "loaded PATH" or "made PATH"; relative ones
# lie beside it, or below the prefix. Beyond 300 files the last is no path.
nginx_files() {
    waiting=$1 seen=$nl count=0
    while [ -n "$waiting" ]; do
        file=${waiting%%"$nl"*}
        waiting=$(printf '%s\n' "$waiting" | sed 1d)
        case $seen in *"$nl$file$nl"*) continue ;; esac
        seen=$seen$file$nl count=$((count + 1))
        printf 'loaded %s\n' "$file"
        [ "$count" -lt 300 ] || { echo 'loaded too many files'; return; }
        named=$(nginx_words "$file" | while IFS=$tab read -r kind directive path; do
            case $directive,$path in
                *, | *,off | *,stderr | *,syslog:* | *,memory:* | *_log,*'$'*) continue ;;
                *,/*) ;;
                include,*) path=${1%/*}/$path ;;
                *) path=${2%/}/$path ;;
            esac
            IFS=$nl
            case $directive in include) for path in $path; do printf 'include %s\n' "$path"; done ;; *) printf '%s %s\n' "$kind" "$path" ;; esac
            unset IFS
        done)
        printf '%s\n' "$named" | grep -v '^include ' | grep .
        waiting=$(printf '%s\n' "$waiting" "$named" | sed -n 's/^include //p; /^\//p')
    done
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
        if [ "$kind" = made ]; then
            is_made_safely "$path" || { printf '%s\n' "$path"; break; }
            continue
        fi
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

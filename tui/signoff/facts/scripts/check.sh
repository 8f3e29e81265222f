# After trust.sh and unpack.sh: read a dump to its end. Is given the file, its packing and its form. Reads only; the output of
# pg_restore is dropped.
file=$(given file) packing=$(given packing) form=$(given form)
# The newest pg_restore of the host; else that of a container, to which a dump is given over stdin.
restorer() {
    { ls -d /usr/lib/postgresql/*/bin/pg_restore /usr/pgsql-*/bin/pg_restore 2> /dev/null | sort -Vr; command -v pg_restore; } |
        one | grep . && return
    [ "$form" = directory ] || docker ps --format '{{.Names}} {{.Image}}' 2> /dev/null |
        grep -iE 'postg|pgvector|timescale|supabase' | while read -r name image; do
            docker exec "$name" pg_restore --version > /dev/null 2>&1 && printf 'docker exec -i %s pg_restore\n' "$name"
        done | one
}
# Whether some process of ours has a file open, as while it is being written: for root to see.
held() {
    [ "$(id -u)" = 0 ] || return 0
    for pid in $(find -L /proc/[0-9]*/fd -maxdepth 1 -samefile "$1" 2> /dev/null | cut -d / -f 3); do
        if uid_of "$pid" && is_ours "$uid"; then echo open; return; fi
    done
    echo closed
}
# COMMAND...: a program of PostgreSQL's, with the dump. One in directory format is files that its reader opens: with the rights of
# whoever made it, and no others.
with_dump() {
    case $form,$1 in
        directory,*) as "$(stat -c %u -- "$file")" "$(stat -c %g -- "$file")" timeout "${most:-75}" nice "$@" "${file%/toc.dat}" ;;
        # The docker command is root's to give; what it starts is the container's.
        *,docker) unpack "$packing" < "$file" | timeout "${most:-75}" nice "$@" ;;
        *) unpack "$packing" < "$file" | harmless timeout "${most:-75}" nice "$@" ;;
    esac
}
# Status, tool, tables; then what the program complained of.
restore() {
    tool=$(restorer)
    if [ -z "$tool" ]; then head_of no-tool; return; fi
    complaint=$(with_dump $tool -f /dev/null 2>&1 > /dev/null)
    head_of restored "$?" "$tool" "$(most=20 with_dump $tool -l 2> /dev/null | grep -c ' TABLE DATA ')"
    printf '%s\n' "$complaint" | some 3 | show
}
# One pass: the program's own word on the whole, the tables with data (of a dump of the schema alone there are none),
# the words that pg_dump ends with (inside a cluster's dump they end each database), and whether something is missing
# in between: a line of data with other columns than its table has, or a table that begins within another.
read_text() {
    {
        { harmless timeout 90 nice ${packing:-cat} ${packing:+-qdc} < "$file" 2> /dev/null; echo "$?" >&3; } |
            awk -F '\t' 'NR < 10 && /^-- PostgreSQL database cluster dump$/ { cluster = 1 }
                 /^COPY .* FROM stdin;$/ { if (inside) torn = 1; tables++; inside = 1; header = $0
                     columns = header ~ /"/ ? 0 : gsub(/,/, ",", header) + 1; next }
                 /^\\\.$/ { inside = 0 }
                 inside && columns && NF != columns && $0 != "" { torn = 1 }
                 !inside && /^INSERT INTO / { split($0, word, " "); if (!seen[word[3]]++) tables++ } { last[NR % 10] = $0 }
                 END { said = cluster ? "^-- PostgreSQL database cluster dump complete" : "^-- PostgreSQL database dump complete"
                       for (i in last) if (last[i] ~ said) end = 1
                       printf "%d %d %d\n", tables, end, torn }'
    } 3>&1 | { read -r status; read -r tables end torn; head_of text "$status" "${packing:-text}" "$tables" "$end" "$torn"; }
}


head_of newest "$file" "$(($(date +%s) - $(stat -c %Y "$file")))" "$(held "$file")"
case $form in sql) read_text ;; *) restore ;; esac

# After trust.sh, scheduled.sh and places.sh: read the newest dump to its end. Reads only; the output of pg_restore is dropped.
# The product's database as a pattern, and as pg_dump writes it into an archive (WriteStr): its length, then its bytes.
like=$(printf '%s' "$database" | sed 's/[][\.*^$+?(){}|]/\\&/g')
written=00$(printf '%02x' "$(printf '%s' "$database" | wc -c)")000000$(printf '%s' "$database" | od -An -v -tx1 | tr -d ' \n')
named_like() { printf '%s\n' "$1" | grep -qiE "(^|[^a-z0-9])$like([^a-z0-9]|\$)"; }
# How likely a file is the dump to judge, as signoff.probes.series has it: what an archive itself says, then its name,
# then its folder's. The roles alone are no dump of any database.
rank() {
    if roles_only "$1" "$2"; then echo 0; return; fi
    if [ -z "$database" ]; then echo 4; return; fi
    case $(unpack "$(magic_of < "$1")" < "$1" 2> /dev/null | peek 640 | od -An -v -tx1 | tr -d ' \n') in
        5047444d50*"$written"* | 746f632e64617400*"$written"*) echo 4; return ;;
        5047444d50* | 746f632e64617400*) echo 1; return ;;
    esac
    if named_like "${1##*/}"; then echo 4; elif named_like "$1"; then echo 3; else echo 2; fi
}
# The same judgement as signoff.facts.dumps makes of the first bytes: a dump, or meant to be one.
named_as_dump() {
    case $1 in usual) ;; *) case $2 in *.key | *.pub | *.txt | *.sh | *.json) return 1 ;; *) return 0 ;; esac ;; esac
    case $(printf '%s' "${2##*/}" | tr '[:upper:]' '[:lower:]') in
        *sql* | *dump* | *pg* | *db* | *backup* | *.bak*) return 0 ;;
    esac
    return 1
}
is_dump() {
    start=$(magic_of < "$2")
    case $start in
        5047444d50) return 0 ;;
        '') named_as_dump "$1" "$2" ;;
        1f8b* | 28b52ffd* | fd377a585a | 425a68*)
            case $(unpack "$start" < "$2" 2> /dev/null | peek 200 | tr -d '\0') in
                '') named_as_dump "$1" "$2" ;;
                PGDMP* | toc.dat* | *PostgreSQL\ database*) return 0 ;;
                *) return 1 ;;
            esac ;;
        6167652d65 | 53616c7465 | 2d2d2d2d2d | 8[4-6cd]* | a3* | c[138]*) named_as_dump "$1" "$2" ;;
        *) case $(peek 200 < "$2" | tr -d '\0') in toc.dat* | *PostgreSQL\ database*) return 0 ;; esac; return 1 ;;
    esac
}
# The newest of the highest rank. Of two with the same time the one that was listed first, as in signoff.facts.backups.
newest() {
    places | while IFS=$tab read -r found place; do
        dump_files "$place" "$found" | first 400 "dumps in $place" | while IFS=$tab read -r time size mode user group file; do
            { [ -r "$file" ] && is_dump "$found" "$file"; } || continue
            rank=$(rank "$file" "$size")
            printf '%s\t%s\t%s\n' "$rank" "$time" "$file"
            [ "$rank" = 4 ] && break
        done
    done | sort -s -t "$tab" -k 1,1rn -k 2,2rn | one | cut -f3-
}
# The newest pg_restore of the host; else that of a container, to which a dump is given over stdin.
restorer() {
    for tool in $(ls -d /usr/lib/postgresql/*/bin/pg_restore /usr/pgsql-*/bin/pg_restore 2> /dev/null | sort -Vr); do
        printf '%s\n' "$tool"; return
    done
    command -v pg_restore && return
    docker ps --format '{{.Names}} {{.Image}}' 2> /dev/null | grep -iE 'postg|pgvector|timescale|supabase' |
        while read -r name image; do
            docker exec "$name" pg_restore --version > /dev/null 2>&1 || continue
            printf 'docker exec -i %s pg_restore\n' "$name"
            break
        done
}
# Whether some process has a file open, as while it is being written: for root to see.
held() {
    [ "$(id -u)" = 0 ] || return 0
    for folder in /proc/[0-9]*; do
        uid_of "${folder#/proc/}" && is_ours "$uid" || continue
        for descriptor in "$folder"/fd/*; do
            if [ "$descriptor" -ef "$1" ]; then echo open; return; fi
        done
    done
    echo closed
}
# Status, tool, tables, whether its end is there; then what the program complained of.
said() { head_of "$@"; printf '%s\n' "$complaint" | some 3 | show; }
restore() {
    tool=$(restorer)
    [ -n "$tool" ] || { head_of no-tool; return; }
    # The docker command is root's to give; what it starts is the container's.
    case $tool in docker*) as= ;; *) as=harmless ;; esac
    complaint=$({ unpack "$1" | $as timeout 75 nice $tool -f /dev/null; } 2>&1 > /dev/null < "$file")
    status=$?
    tables=$(unpack "$1" 2> /dev/null < "$file" | $as timeout 20 $tool -l 2> /dev/null | grep -c ' TABLE DATA ')
    said restored "$status" "$tool" "$tables"
}
# A dump in directory format is files that its reader opens: with the rights of whoever made it, and no others.
as_owner() {
    if [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null; then
        setpriv --reuid "$(stat -c %u -- "$file")" --regid "$(stat -c %g -- "$file")" --clear-groups --no-new-privs "$@"
    else
        "$@"
    fi
}
restore_folder() {
    tool=$(restorer)
    case $tool in '' | docker*) head_of no-tool; return ;; esac
    complaint=$(as_owner timeout 75 nice "$tool" -f /dev/null "${file%/toc.dat}" 2>&1 > /dev/null)
    status=$?
    said restored "$status" "$tool" "$(as_owner timeout 20 "$tool" -l "${file%/toc.dat}" 2> /dev/null | grep -c ' TABLE DATA ')"
}
# One pass: the program's own word on the whole, the tables with data (of a dump of the schema alone there are none),
# the words that pg_dump ends with (inside a cluster's dump they end each database), and whether something is missing
# in between: a line of data with other columns than its table has, or a table that begins within another.
read_text() {
    {
        { harmless timeout 90 nice sh -c "$2" < "$file" 2> /dev/null; echo "$?" >&3; } |
            awk -F '\t' 'NR < 10 && /^-- PostgreSQL database cluster dump$/ { cluster = 1 }
                 /^COPY .* FROM stdin;$/ { if (inside) torn = 1; tables++; inside = 1; header = $0
                     columns = header ~ /"/ ? 0 : gsub(/,/, ",", header) + 1; next }
                 /^\\\.$/ { inside = 0 }
                 inside && columns && NF != columns && $0 != "" { torn = 1 }
                 !inside && /^INSERT INTO / { split($0, word, " "); if (!seen[word[3]]++) tables++ } { last[NR % 10] = $0 }
                 END { said = cluster ? "^-- PostgreSQL database cluster dump complete" : "^-- PostgreSQL database dump complete"
                       for (i in last) if (last[i] ~ said) end = 1
                       printf "%d %d %d\n", tables, end, torn }'
    } 3>&1 | { read -r status; read -r tables end torn; head_of text "$status" "$1" "$tables" "$end" "$torn"; }
}

file=$(newest)
if [ -z "$file" ]; then head_of none; exit 0; fi
head_of newest "$file" "$(($(date +%s) - $(stat -c %Y "$file")))" "$(held "$file")"
magic=$(magic_of < "$file")
inner=$(unpack "$magic" < "$file" 2> /dev/null | magic_of)
case $file,$magic,$inner in
    */toc.dat,*) restore_folder ;;
    *,*,5047444d50 | *,5047444d50,*) restore "$magic" ;;
    *) case $magic in
        1f8b*) read_text gzip 'gzip -dc' ;;
        28b52ffd*) read_text zstd 'zstd -qdc' ;;
        fd377a585a) read_text xz 'xz -dc' ;;
        425a68*) read_text bzip2 'bzip2 -dc' ;;
        *) case $(unpack "$magic" < "$file" 2> /dev/null | peek 7 | tr -d '\0') in
            toc.dat) restore "$magic" ;;
            *) if peek 4096 < "$file" | grep -q 'PostgreSQL database'; then read_text text cat; else head_of sealed; fi ;;
        esac ;;
    esac ;;
esac

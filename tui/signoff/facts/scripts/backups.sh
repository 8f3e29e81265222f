# After trust.sh, unpack.sh and places.sh: the dumps, by what is in them. Is given rclone where a job uses it. Reads only.
hex() { peek 640 | od -An -v -tx1 | tr -d ' \n'; }
# A private key; or a passphrase, by its name: what is encrypted with it lies open beside it.
key() {
    if [ "$2" -lt 4096 ]; then case ${1##*/} in *passphrase* | *password* | *.pass | *-pass | *.pwd) return 0 ;; esac; fi
    grep -qE 'AGE-SECRET-KEY-1|PRIVATE KEY( BLOCK)?-----' "$1" 2> /dev/null
}
# Whether what is unpacked holds a cluster's roles and no database: pg_dumpall --globals-only.
roles_only() {
    peek 4194304 | awk 'NR < 10 && /^-- PostgreSQL database cluster dump$/ { cluster = 1 }
        /^\\connect / { whole = 1; exit } END { exit !(cluster && !whole) }'
}
look() {
    while IFS=$tab read -r time size mode user group file; do
        if [ "$size" -lt 65536 ] && key "$file" "$size"; then head_of key "$file"; continue; fi
        case $file in */toc.dat) size=$(du -sb "${file%/*}" 2> /dev/null | cut -f1) ;; esac
        head_of file "$time" "$size" "$mode" "$user" "$group" "$file" "$(way_open "${file%/*}")"
        if [ ! -r "$file" ]; then echo '|unread'; continue; fi
        magic=$(hex < "$file") packing=
        case $magic in 1f8b*) packing=gzip ;; 28b52ffd*) packing=zstd ;; fd377a585a*) packing=xz ;; 425a68*) packing=bzip2 ;; esac
        # The first bytes tell what it is; the reader ends, and the program with it.
        printf '|%s\n' "$magic" "$([ -z "$packing" ] || unpack $packing < "$file" 2> /dev/null | hex)"
        [ "$size" -lt 1048576 ] && unpack "$packing" < "$file" 2> /dev/null | roles_only && echo '|roles'
    done
}
# Each of the newest files, one of which is judged, beside the older ones of its size: a copy under a new name or date is no new dump.
twins() {
    printf '%s\n' "$1" | some 12 | while IFS=$tab read -r since size mode user group newest; do
        printf '%s\n' "$1" | awk -F '\t' -v size="$size" 'size > 0 && $2 == size' |
            while IFS=$tab read -r time size mode user group older; do
                [ "$older" = "$newest" ] || [ "$time" -gt "$since" ] || ! cmp -s "$newest" "$older" || head_of same "$newest" "$older" "$time"
            done
    done
}
repository() {
    for path in "$1" "$1"/*; do
        [ -f "$path/config" ] && [ -d "$path/data" ] || continue
        kind=; [ -d "$path/snapshots" ] && [ -d "$path/keys" ] && kind=restic
        grep -q 'Borg Backup' "$path/README" 2> /dev/null && kind=borg
        case $kind in '') continue ;; restic) changes=$path/snapshots ;; *) changes=$path ;; esac
        newest=$(find "$changes" -xdev -maxdepth 4 -type f -exec stat -c %Y {} + 2> /dev/null | sort -rn | one)
        head_of repository "$kind" "$path" "$newest" "$(grep -c '^key = ' "$path/config" 2> /dev/null)"
    done
}

head_of now "$(date +%s)" "$(date +%z)" "$(stat -c %Y /etc/machine-id 2> /dev/null)"
if [ -n "$directory" ] && [ ! -d "$directory" ]; then head_of absent "$directory"; fi
places | while IFS=$tab read -r found place; do
    [ -d "$place" ] || continue
    set -- $(stat -L -c '%a %U %G' "$place")
    if [ ! -r "$place" ] || [ ! -x "$place" ]; then head_of closed "$place" "$found"; continue; fi
    head_of place "$place" "$found" "$@" "$(way_open "$place")" "$(stat -f -c %T "$place" 2> /dev/null)"
    stores=$(repository "$place")
    [ -z "$stores" ] || printf '%s\n' "$stores"
    # Without what lies in the stores.
    inside=$(printf '%s\n' "$stores" | awk -F '\t' 'BEGIN { print FS FS } NF { print FS $3 "/" }')
    files=$(dump_files "$place" "$found" | grep -vF "$inside")
    [ -n "$files" ] || continue
    printf '%s\n' "$files" | some 60 | look
    # Of the others no more than that they are there: how far back they go is judged.
    head_of older; printf '%s\n' "$files" | awk 'NR > 60' | cut -f 1,2,6 | first 4000 "dumps in $place" | show
    twins "$files"
done

# What speaks for PostgreSQL: a process, a container, a cluster's files, a word in the project.
[ -z "$(processes postgres postmaster)" ] || head_of postgres "a process"
for file in /var/lib/postgresql/*/*/PG_VERSION /var/lib/pgsql/data/PG_VERSION; do
    [ -e "$file" ] && head_of postgres "${file%/PG_VERSION}"
done
if command -v docker > /dev/null; then
    listed=$(docker ps -a --format '{{.Image}} {{.Command}}' 2> /dev/null) || head_of gap "the containers"
    printf '%s\n' "$listed" | grep -qiE 'postg|pgvector|timescale|supabase' && head_of postgres "a container"
fi
if [ -n "$project" ] && [ -r "$project" ]; then
    timeout 5 grep -rIiq postgres "$project" --include='.env*' --include='*.y*ml' --include='*.toml' \
        --include='*.py' --include='*.js' --include='*.json' --include='*.php' --include='*.rb' 2> /dev/null
    case $? in 0) head_of postgres "the project" ;; 1) ;; *) head_of gap "the project directory" ;; esac
else
    head_of gap "the project directory"
fi
# Whether what rclone sends is encrypted on the way. Names and kinds only.
if [ -n "$(given rclone)" ] && command -v rclone > /dev/null; then
    head_of rclone; rclone listremotes --long 2> /dev/null < /dev/null | show
fi

# After scheduled.sh and places.sh: the dumps, by what is in them. Reads only.
tab=$(printf '\t')
hex() { head -c 640 | od -An -v -tx1 | tr -d ' \n'; }
unpacked() {
    case $1 in
        1f8b*) gzip -dc ;;
        28b52ffd*) zstd -dc ;;
        fd377a585a*) xz -dc ;;
        425a68*) bzip2 -dc ;;
        *) return 0 ;;
    esac 2> /dev/null
}
private_key() { grep -qE 'AGE-SECRET-KEY-1|PRIVATE KEY( BLOCK)?-----' "$1" 2> /dev/null; }
look() {
    while IFS=$tab read -r time size mode user group file; do
        if [ "$size" -lt 65536 ] && private_key "$file"; then head_of key "$file"; continue; fi
        case $file in */toc.dat) size=$(du -sb "${file%/*}" 2> /dev/null | cut -f1) ;; esac
        head_of file "$time" "$size" "$mode" "$user" "$group" "$file" "$(way_open "${file%/*}")"
        if [ ! -r "$file" ]; then echo '|unread'; continue; fi
        magic=$(hex < "$file" 2> /dev/null)
        printf '|%s\n' "$magic"
        # Of a long file the first bytes are enough; the reader ends, and the program with it.
        printf '|%s\n' "$(unpacked "$magic" < "$file" | hex)"
    done
}
# The newest dump beside the others of its size: a copy under a new name or date is no new dump.
twins() {
    head -n 200 | {
        IFS=$tab read -r time size mode user group newest || return 0
        while IFS=$tab read -r _ other _ _ _ file; do
            [ "$other" = "$size" ] && cmp -s "$newest" "$file" && head_of same "$newest" "$file"
        done
    }
}
repository() {
    for path in "$1" "$1"/*; do
        [ -f "$path/config" ] && [ -d "$path/data" ] || continue
        kind=; [ -d "$path/snapshots" ] && [ -d "$path/keys" ] && kind=restic
        grep -q 'Borg Backup' "$path/README" 2> /dev/null && kind=borg
        [ -n "$kind" ] || continue
        newest=$(find "$path" -xdev -maxdepth 4 -type f -exec stat -c %Y {} + 2> /dev/null | sort -rn | head -n 1)
        [ "$kind" = restic ] && newest=$(find "$path/snapshots" -type f -exec stat -c %Y {} + 2> /dev/null | sort -rn | head -n 1)
        head_of repository "$kind" "$path" "$newest" "$(grep -c '^key = ' "$path/config" 2> /dev/null)"
    done
}

head_of now "$(date +%s)" "$(date +%z)" "$(stat -c %Y /etc/machine-id 2> /dev/null)"
if [ -n "$directory" ] && [ ! -d "$directory" ]; then head_of absent "$directory"; fi
places | while IFS=$tab read -r found place; do
    [ -d "$place" ] || continue
    set -- $(stat -L -c '%a %U %G' "$place")
    if [ ! -r "$place" ] || [ ! -x "$place" ]; then head_of closed "$place" "$found"; continue; fi
    head_of place "$place" "$found" "$@" "$(way_open "$place")"
    stores=$(repository "$place")
    if [ -n "$stores" ]; then printf '%s\n' "$stores"; continue; fi
    files=$(dump_files "$place" "$found")
    [ -n "$files" ] || continue
    printf '%s\n' "$files" | head -n 60 | look
    # Of the others no more than that they are there: how far back they go is judged.
    head_of older; printf '%s\n' "$files" | sed -n '61,4000p' | cut -f 1,2,6 | show
    printf '%s\n' "$files" | twins
done

# What speaks for PostgreSQL: a process, a container, a cluster's files, a word in the project.
cat /proc/[0-9]*/comm 2> /dev/null | grep -qE '^(postgres|postmaster)$' && head_of postgres "a process"
for file in /var/lib/postgresql/*/*/PG_VERSION /var/lib/pgsql/data/PG_VERSION; do
    [ -e "$file" ] && head_of postgres "${file%/PG_VERSION}"
done
if command -v docker > /dev/null; then
    listed=$(docker ps -a --format '{{.Image}} {{.Command}}' 2> /dev/null) || head_of gap "the containers"
    printf '%s\n' "$listed" | grep -qiE 'postg|pgvector|timescale|supabase' && head_of postgres "a container"
fi
if [ -n "$project" ] && [ -r "$project" ]; then
    timeout 5 grep -rIliq -m 1 postgres "$project" --include='.env*' --include='*.y*ml' --include='*.toml' \
        --include='*.py' --include='*.js' --include='*.json' --include='*.php' --include='*.rb' 2> /dev/null
    case $? in 0) head_of postgres "the project" ;; 1) ;; *) head_of gap "the project directory" ;; esac
else
    head_of gap "the project directory"
fi
# Whether what rclone sends is encrypted on the way. Names and kinds only.
if printf '%s\n' "$first" "$second" "$third" | grep -q rclone && command -v rclone > /dev/null; then
    head_of rclone; rclone listremotes --long 2> /dev/null < /dev/null | show
fi
head_of end

# After trust.sh and scheduled.sh: where dumps may lie. Set before: directory, project (either may be empty). Reads only.

# The content of the sections that make a database dump: headings are dropped, and what makes none.
dump_texts() {
    printf '%s\n' "$first" "$second" "$third" | awk '
        function flush() { if (body ~ /pg_dump|pgbackrest|pg_basebackup|borg|restic|dbbackup|autopostgresqlbackup/) printf "%s", body; body = "" }
        /^#/ { flush(); next } { body = body $0 "\n" } END { flush() }'
}
# The scripts of a dump's job name its folder: as a path, or as what a path begins with.
job_places() {
    dump_texts | words | grep -E '^/[A-Za-z0-9._/@+-]+$' | while read -r path; do
        while [ ! -d "$path" ]; do path=${path%/*}; [ -n "$path" ] || path=/; done
        if owner_is_ours "$path"; then printf '%s\n' "${path%/}"; else passed_over "the folder $path"; fi
    done | grep -vE '^(/(bin|sbin|lib|lib64|usr|etc|dev|proc|sys|boot|home|root|opt|srv|mnt|media|data|tmp|run|var)?|/(usr|bin|sbin|lib|lib64|etc|dev|proc|sys|run|boot)/.*|/var/(lib|log|run|lock|tmp|cache|spool|mail|www)(/(postgresql|docker))?|/home/[^/]*)$'
}
usual_places() {
    for path in /backup /backups /var/backup /var/backups /srv/backup /srv/backups /opt/backup /opt/backups \
        /root/backup /root/backups /home/*/backup /home/*/backups /mnt/backup /mnt/backups /data/backup /data/backups \
        /var/backups/* /var/lib/postgresql/backup /var/lib/postgresql/backups /var/lib/autopostgresqlbackup \
        ${project:+"$project/backup" "$project/backups" "$project/dumps"}; do
        if [ ! -d "$path" ]; then continue; fi
        if owner_is_ours "$path"; then printf '%s\n' "$path"; else passed_over "the folder $path"; fi
    done
}
container_places() {
    names=$(printf '%s\n' "$first" | sed -n 's/^#container\t\([^\t]*\).*/\1/p')
    [ -z "$names" ] || docker inspect --format '{{range .Mounts}}{{.Source}}{{"\n"}}{{end}}' $names 2> /dev/null |
        while read -r path; do [ -d "$path" ] && printf '%s\n' "$path"; done
}
# Each place with how it was found, the likeliest first, none twice.
places() {
    {
        if [ -n "$directory" ]; then
            printf 'profile\t%s\n' "${directory%/}"
        else
            job_places | sed 's/^/job\t/'
            container_places | sed 's/^/container\t/'
            usual_places | sed 's/^/usual\t/'
        fi
    } | awk -F '\t' '!seen[$2]++' | first 60 'places where dumps may lie'
}
# Whether everybody may pass through all folders above a path.
way_open() {
    # By the way that it really lies: a link from a closed folder closes nothing.
    path=$(readlink -f "$1" 2> /dev/null) || path=$1
    while [ "$path" != / ] && [ -n "$path" ]; do
        case $(stat -L -c %a "$path" 2> /dev/null) in *[1357]) ;; *) echo closed; return ;; esac
        path=${path%/*}
    done
    echo open
}
# Modification time, size, mode, owner, group and path of what may be a dump: newest first. Not: half-written
# files, checksums, the parts of a dump in directory format. In a place that was only guessed, and where others can
# write, theirs do not count.
dump_files() {
    depth=6; [ "$2" = usual ] && depth=1
    theirs=
    case $2,$(stat -L -c %a -- "$1") in job,*[2367] | usual,*[2367]) theirs=$owned ;; esac
    case $2 in job | usual) is_ours "$(stat -L -c %u -- "$1")" || theirs=$owned ;; esac
    find -H "$1" -xdev -maxdepth $depth -type f $theirs ! -name '*.partial' ! -name '*.part' ! -name '*.tmp' ! -name '*.log' \
        ! -name '*.md5' ! -name '*.sha256' ! -name '[0-9]*.dat*' ! -name 'blobs.toc' ! -name 'alternatives.*' \
        ! -name 'apt.extended_states*' ! -name 'dpkg.*' -print0 2> /dev/null |
        names "$1" | while IFS= read -r file; do
        case $file in *"$tab"*) left_out "$1: a name has a tab in it"; continue ;; esac
        printf '%s\0' "$file"
    done | xargs -0 -r stat -c '%Y	%s	%a	%U	%G	%n' 2> /dev/null | sort -rn
}
# Whether a file holds a cluster's roles and no database: pg_dumpall --globals-only.
roles_only() {
    [ "$2" -lt 1048576 ] || return 1
    unpack "$(magic_of < "$1")" < "$1" 2> /dev/null | peek 4194304 | awk '
        NR < 10 && /^-- PostgreSQL database cluster dump$/ { cluster = 1 }
        /^\\connect / { whole = 1; exit } END { exit !(cluster && !whole) }'
}
# What unpacks and reads a dump does so without root's rights: a dump may be made to break its reader.
harmless() {
    if [ "$(id -u)" = 0 ] && command -v setpriv > /dev/null && [ -n "$(getent passwd nobody)" ]; then
        setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups --no-new-privs "$@"
    else
        "$@"
    fi
}
magic_of() { peek 5 | od -An -v -tx1 | tr -d ' \n'; }
unpack() {
    case $1 in 1f8b*) harmless gzip -dc ;; 28b52ffd*) harmless zstd -qdc ;; fd377a585a) harmless xz -dc ;;
        425a68*) harmless bzip2 -dc ;; *) cat ;; esac
}

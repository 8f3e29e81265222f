# After trust.sh: where dumps may lie. Wants $directory and $project (either may be empty); is given the paths that the jobs name that
# make dumps, and the containers that do. Reads only.

# HOW PATH: a folder, with how it was found.
place() {
    [ -d "$2" ] || return 0
    if owner_is_ours "$2"; then printf '%s\t%s\n' "$1" "$2"; else passed_over "the folder $2"; fi
}
# The scripts of a dump's job name its folder: as a path, or as what a path begins with.
job_places() {
    given paths | while IFS= read -r path; do
        while [ -n "$path" ] && [ ! -d "$path" ]; do path=${path%/*}; done
        place job "${path%/}"
    done | grep -vE '	(/(bin|sbin|lib|lib64|usr|etc|dev|proc|sys|boot|home|root|opt|srv|mnt|media|data|tmp|run|var)?|/(usr|bin|sbin|lib|lib64|etc|dev|proc|sys|run|boot)/.*|/var/(lib|log|run|lock|tmp|cache|spool|mail|www)(/(postgresql|docker))?|/home/[^/]*)$'
}
usual_places() {
    for path in /backup /backups /var/backup /var/backups /srv/backup /srv/backups /opt/backup /opt/backups \
        /root/backup /root/backups /home/*/backup /home/*/backups /mnt/backup /mnt/backups /data/backup /data/backups \
        /var/backups/* /var/lib/postgresql/backup /var/lib/postgresql/backups /var/lib/autopostgresqlbackup \
        ${project:+"$project/backup" "$project/backups" "$project/dumps"}; do
        place usual "$path"
    done
}
# Each place, the likeliest first, none twice.
places() {
    if [ -n "$directory" ]; then printf 'profile\t%s\n' "${directory%/}"; return; fi
    {
        job_places
        given containers | tr '\n' '\0' | xargs -0 -r docker inspect \
            --format '{{range .Mounts}}container{{"\t"}}{{.Source}}{{"\n"}}{{end}}' 2> /dev/null
        usual_places
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
# PLACE HOW: modification time, size, mode, owner, group and path of what may be a dump: newest first. Not: half-written
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

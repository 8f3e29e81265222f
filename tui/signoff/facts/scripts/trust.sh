# Whose word counts where root looks. Nothing of anybody else's is run, and what they run or own decides nothing.

# The numbers of the users that are the host's own people, one a line: root, the system's accounts (nobody's too), those that
# services run as and that own a PostgreSQL, whoever asks, the project's owner, and those who may become root. People have
# 1000 and more (UID_MIN of login.defs(5)); systemd makes users for services from 61184 on (DynamicUser=).
ours=$({
    echo 0
    echo 65534
    id -u
    printf '%s\n' "${SUDO_UID:-}"
    [ -z "${project:-}" ] || stat -L -c %u -- "$project"
    { getent passwd || cat /etc/passwd; } | awk -F : '$3 < 1000 { print $3 }'
    stat -c %u /var/lib/postgresql/*/*/PG_VERSION /var/lib/pgsql/data/PG_VERSION
    [ ! -d /run/systemd/system ] || systemctl show '*.service' -p Id -p User | awk -v RS= '
        !/(^|\n)Id=user@/ && match($0, /(^|\n)User=[^\n]+/) { user = substr($0, RSTART, RLENGTH); sub(/\n?User=/, "", user); print user }' |
        sort -u | while read -r name; do id -u -- "$name"; done
    for name in $(getent group root sudo wheel admin docker | cut -d : -f 4 | tr ',' ' '); do id -u -- "$name"; done
} 2> /dev/null | grep -x '[0-9]*' | sort -un)
is_ours() {
    case "$nl$ours$nl" in *"$nl$1$nl"*) return 0 ;; esac
    [ "${1:-0}" -ge 61184 ] && [ "$1" -le 65519 ]
}
# The same as a condition of find(1).
owned="( -user 0 $(printf -- '-o -user %s ' $ours))"
# PATH: whether it is theirs.
owner_is_ours() { is_ours "$(stat -c %u -- "$1" 2> /dev/null)"; }

# PID: sets $uid to who runs it, by the real number, which a program that takes on other rights keeps, and $ids to all four
# (credentials(7)). By the shell alone: there may be very many processes of a stranger's.
uid_of() {
    uid= ids=
    { while IFS=$tab read -r key uid effective saved filesystem; do
        if [ "$key" = Uid: ]; then ids="$uid $effective $saved $filesystem"; return 0; fi
    done < "/proc/$1/status"; } 2> /dev/null
    uid=
    return 1
}
is_root() { uid_of "$1" && [ "$ids" = '0 0 0 0' ]; }
# PID: its control group, as seen from that of the first process.
group_of() { group_in "$1" | awk -v root="$root_group" '{ print index($0, root) == 1 ? substr($0, length(root) + 1) : $0 }'; }
group_in() {
    awk '/^[0-9]+:name=systemd:/ { sub(/^[0-9]+:name=systemd:/, ""); first = $0 } /^0::/ { second = substr($0, 4) }
        END { print first != "" ? first : second }' "/proc/$1/cgroup" 2> /dev/null
}
root_group=$(group_in 1 | sed 's|/init\.scope$||; s|^/$||')
# Whether systemd itself started it: as the main process of a unit, which only root can make. Of the service manager of a
# user it is the user who says what it runs.
is_service() {
    unit=$(group_of "$1")
    case $unit in */user@*) return 1 ;; *.service) unit=${unit##*/} ;; *) return 1 ;; esac
    [ "$(systemctl show -p MainPID -- "$unit" 2> /dev/null)" = "MainPID=$1" ]
}
# PID KIND: whether it is in the namespace that the host's first process is in.
is_here() {
    here=$(readlink "/proc/1/ns/$2" 2> /dev/null) && [ -n "$here" ] && [ "$(readlink "/proc/$1/ns/$2" 2> /dev/null)" = "$here" ]
}
# A service may have a mount namespace of its own (PrivateTmp=), and is the host's all the same.
is_trusted() { is_service "$1" || { is_root "$1" && is_here "$1" pid && is_here "$1" user && is_here "$1" mnt; }; }
in_container() { group_of "$1" | grep -qE '[0-9a-f]{64}|/lxc|/machine\.slice/'; }
# The processes called by one of the names, "ours PID NAME" or "stranger PID NAME"; not those that are in a container, as far
# as that can be seen.
called() {
    for folder in /proc/[0-9]*; do
        { IFS= read -r name < "$folder/comm"; } 2> /dev/null || continue
        case " $* " in *" $name "*) ;; *) continue ;; esac
        pid=${folder#/proc/}
        uid_of "$pid" || continue
        if ! is_ours "$uid"; then
            printf 'stranger %s %s\n' "$pid" "$name"
        elif { [ "$(id -u)" != 0 ] || is_here "$pid" pid; } && ! in_container "$pid"; then
            printf 'ours %s %s\n' "$pid" "$name"
        fi
    done
}
processes() { called "$@" | sed -n 's/^ours \([0-9]*\) .*/\1/p'; }
# PID NAME: that it is there and was passed over.
stranger() {
    uid_of "$1"
    passed_over "$2, process $1 of user $uid"
}
# NAME...: tells of those that are not to be trusted.
strangers() {
    called "$@" | sed -n 's/^stranger //p' | some 20 | while read -r pid name; do
        in_container "$pid" || stranger "$pid" "$name"
    done
}
# PATH: every folder, link and file on the way to it, one a line; links are followed. Where they are too many, none at all.
way() { steps=0; way_on "$1"; }
way_on() {
    steps=$((steps + 1))
    [ "$steps" -lt 600 ] || { echo ''; return; }
    case $1 in */*) way_on "${1%/*}" ;; *) echo /; return ;; esac
    printf '%s\n' "$1"
    [ -L "$1" ] || return 0
    link=$(readlink -- "$1")
    case $link in /*) way_on "$link" ;; *) way_on "${1%/*}/$link" ;; esac
}
# GROUP: the numbers of its users.
members() {
    { getent group "$1" | cut -d : -f 4 | tr ',' '\n'
        getent passwd | awk -F : -v group="$1" '$4 == group { print $1 }'; } |
        while read -r name; do id -u -- "$name"; done 2> /dev/null
}
# PATH JUDGE: whether those alone can change it that the judge, a function, says yes to, by their numbers; the folders above
# it and the links on the way as well. In a folder such as /tmp everybody changes only what is theirs; root's programs do not
# lie there. With an access control list (+) the group's rights are the most that anybody has.
only() {
    case $1 in /*) ;; *) return 1 ;; esac
    listed=$(way "$1" | tr '\n' '\0' | xargs -0 ls -ldn -- 2> /dev/null) || return 1
    printf '%s\n' "$listed" | while read -r mode links uid gid rest; do
        "$2" "$uid" || exit 1
        case $mode in l*) continue ;; ?????w*+) exit 1 ;; d????????[tT]*) [ "$2" = is_ours ] && continue ;; esac
        case $mode in ????????w*) exit 1 ;; ?????w*) ;; *) continue ;; esac
        for uid in $(members "$gid"); do "$2" "$uid" || exit 1; done
    done
}
is_roots() { [ "$1" = 0 ]; }
root_only() { only "$1" is_roots; }
is_kept() { only "$1" is_ours; }
# PID: the program that it runs, for root to run too; nothing unless process and program are root's.
program_of() {
    is_trusted "$1" && program=$(readlink "/proc/$1/exe") || return 1
    case $program in
        *' (deleted)') program=${program% (deleted)} ;; # a newer version lies there
        *) [ "/proc/$1/exe" -ef "$program" ] || return 1 ;;
    esac
    root_only "$program" && printf '%s\n' "$program"
}
# PORT [ADDRESS]: who answers there, at 127.0.0.1 without an address, by their numbers. Without -p no name is in the lines.
answering() {
    ss -Hlnte "sport = :$1" 2> /dev/null | awk -v address="${2:-127.0.0.1}" '
        { local = $4; sub(/:[0-9]+$/, "", local); gsub(/[][]/, "", local); sub(/%.*/, "", local); sub(/^::ffff:/, "", local) }
        local == address || local == "*" || local == "::" || local == "0.0.0.0" {
            if (!sub(/^uid:/, "", $6)) $6 = 0
            print $6
        }' | sort -un
}

# Whose word counts where root looks. Nothing of anybody else's is run, and what they run or own decides nothing.

# The numbers of the users that are the host's own people, one a line: root, the system's accounts (nobody's too), whoever
# asks, the project's owner, and those who may become root. People have 1000 to 60000 (UID_MIN, UID_MAX of login.defs(5)) or
# what a directory gives them; between them and nobody are the users that systemd makes for services (DynamicUser=).
ours=$({
    echo 0
    id -u
    printf '%s\n' "${SUDO_UID:-}"
    [ -z "${project:-}" ] || stat -L -c %u -- "$project"
    echo 65534
    { getent passwd || cat /etc/passwd; } | awk -F : '$3 < 1000 { print $3 }'
    for name in $(getent group root sudo wheel admin docker | cut -d : -f 4 | tr ',' ' '); do id -u -- "$name"; done
} 2> /dev/null | grep -x '[0-9]*' | sort -un)
is_ours() {
    case "$nl$ours$nl" in *"$nl$1$nl"*) return 0 ;; esac
    [ "${1:-0}" -gt 60000 ] && [ "$1" -lt 65534 ]
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
# Whether systemd itself started it: as the main process of a unit, which only root can make.
is_service() {
    unit=$(group_of "$1")
    case $unit in *.service) unit=${unit##*/} ;; *) return 1 ;; esac
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
    head_of stranger "$2, process $1 of user $uid"
}
# NAME...: tells of those that are not to be trusted.
strangers() {
    called "$@" | sed -n 's/^stranger //p' | some 20 | while read -r pid name; do
        in_container "$pid" || stranger "$pid" "$name"
    done
}
# PATH...: whether root alone can change them, all the folders above them, and all the links on the way (namei(1)).
root_only() {
    namei -lx -- "$@" 2> /dev/null | awk -v wanted="$#" '
        /^f: / { paths++; next }
        /^l/ { next }
        !/^[Dd-][-rwxsStT]+ / || $2 != "root" || substr($1, 9, 1) == "w" { bad = 1 }
        substr($1, 6, 1) == "w" && $3 != "root" { bad = 1 }
        END { exit bad || paths != wanted }'
}
# GROUP: whether nobody is in it but our own people.
is_closed() {
    number=$(getent group "$1" | cut -d : -f 3)
    for uid in $({ getent group "$1" | cut -d : -f 4 | tr ',' '\n'
        getent passwd | awk -F : -v group="$number" '$4 == group { print $1 }'; } |
        while read -r name; do id -u -- "$name"; done 2> /dev/null); do
        is_ours "$uid" || return 1
    done
}
# PATH: whether our own people alone can change it, the folders above it, and the links on the way. In a folder such as /tmp
# everybody changes only what is theirs.
is_kept() {
    namei -lx -- "$1" 2> /dev/null | {
        read -r heading || exit 1
        while read -r mode owner group name; do
            case $mode in l*) continue ;; [Dd-]*) ;; *) exit 1 ;; esac
            is_ours "$(id -u -- "$owner" 2> /dev/null || echo "$owner" | grep -x '[0-9]*')" || exit 1
            case $mode in [Dd]????????[tT]) continue ;; ????????w?) exit 1 ;; ?????w????) is_closed "$group" || exit 1 ;; esac
        done
    }
}
# PID: the program that it runs, for root to run too; nothing unless process and program are root's.
program_of() {
    is_trusted "$1" && program=$(readlink "/proc/$1/exe") || return 1
    case $program in
        *' (deleted)') program=${program% (deleted)} ;; # a newer version lies there
        *) [ "/proc/$1/exe" -ef "$program" ] || return 1 ;;
    esac
    root_only "$program" && printf '%s\n' "$program"
}
# PORT: who answers at 127.0.0.1, by their numbers.
answering() {
    awk -v port="$(printf '%04X' "$1")" '
        { split($2, local, ":") }
        $4 == "0A" && local[2] == port && local[1] ~ /^(0+(FFFF00000100007F)?|0100007F)$/ { print $8 }
    ' /proc/net/tcp /proc/net/tcp6 2> /dev/null | sort -un
}

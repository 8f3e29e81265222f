# After trust.sh. Wants $services: names, one a line. The systemd services that belong to a project: those named, and those with
# its directory in their working directory, their environment files or their command. And the environments that its
# processes run with, in base64. Reads only.
project=$(cd -- "${project:-/nonexistent}" 2> /dev/null && pwd -P || printf %s "$project")
# A path ends here: /srv/shop is not in /srv/shop2.
like="$(printf %s "$project" | sed 's/[][\.*^$(){}+?|]/\\&/g')([^A-Za-z0-9_.-]|\$)"
ticks=$(getconf CLK_TCK 2> /dev/null || echo 100)
booted=$(awk '$1 == "btime" {print $2}' /proc/stat)
process() { # UNIT PID
    name=$(tr -d '\t\n\r' < "/proc/$2/comm" 2> /dev/null) || return 0
    started=$(awk -v b="$booted" -v t="$ticks" '{sub(/^.*\) /, ""); printf "%d", b + $20 / t}' "/proc/$2/stat" 2> /dev/null)
    environment=$(cat "/proc/$2/environ" 2> /dev/null | base64)
    [ -d "/proc/$2" ] || return 0
    head_of process "$1" "$2" "$name" "$started"
    printf '%s\n' "$environment" | show # nothing where it may not be read
}
known=' '
for unit in $([ ! -d /run/systemd/system ] || {
    printf '%s\n' "$services" | sed -n -e '/\.service$/{p;d}' -e 's/^[A-Za-z0-9:_.@\\-]\{1,\}$/&.service/p'
    [ -z "$project" ] || systemctl show '*.service' -p Id,WorkingDirectory,EnvironmentFiles,ExecStart 2> /dev/null |
        like=$like awk -v RS= '$0 ~ ENVIRON["like"] { sub(/^(.*\n)?Id=/, ""); sub(/\n.*/, ""); print }'
} | sort -u); do
    shown=$(TZ=UTC systemctl show "$unit" -p Id,LoadState,ActiveState,MainPID,User,Group,EnvironmentFiles,Environment \
        -p ExecStart,ExecStartPre,ExecStartPost,ExecMainStartTimestamp,ControlGroup 2> /dev/null) || continue
    head_of unit "$unit"
    printf '%s\n' "$shown" | show
    group=$(printf '%s\n' "$shown" | sed -n 's/^ControlGroup=//p')
    members=$([ -z "$group" ] || find /sys/fs/cgroup"$group" /sys/fs/cgroup/unified"$group" /sys/fs/cgroup/systemd"$group" \
        -name cgroup.procs -exec cat {} + 2> /dev/null | sort -u | first 256 "processes of $unit")
    for pid in ${members:-$(printf '%s\n' "$shown" | sed -n 's/^MainPID=//p')}; do
        process "$unit" "$pid"
        known="$known$pid "
    done
done
# Processes of the project that no unit accounts for: started by hand, by supervisor, by cron.
[ -r /proc/1/environ ] || head_of hidden
[ -z "$project" ] || for directory in /proc/[0-9]*; do
    pid=${directory#/proc/}
    case $known in *" $pid "*) continue ;; esac
    # What others start there is nothing of the project.
    uid_of "$pid" && is_ours "$uid" || continue
    case $(readlink "$directory/cwd" 2> /dev/null) in "$project" | "$project"/*) ;; *) continue ;; esac
    # In a container the same path is another place.
    [ "$(readlink "$directory/ns/pid")" = "$(readlink /proc/self/ns/pid)" ] && ! in_container "$pid" || continue
    case $(cat "$directory/comm" 2> /dev/null) in sh | bash | dash | zsh | fish | sudo | ssh* | systemd*) continue ;; esac
    process '' "$pid"
done

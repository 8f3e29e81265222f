# After trust.sh. Absence is claimed on proof only: no command, no socket, no daemon, and no process of another engine.
[ -r /proc/1/comm ] || head_of hidden
# The kernel keeps 15 characters of a process name.
head_of processes
for folder in /proc/[0-9]*; do
    { IFS= read -r name < "$folder/comm"; } 2> /dev/null || continue
    case $name in dockerd | conmon | rootlesskit | containerd-shim*) ;; *) continue ;; esac
    # Somebody else's own engine runs nothing of the project.
    if uid_of "${folder#/proc/}" && is_ours "$uid"; then printf '%s\n' "$name"; fi
done | sort -u | show
head_of sockets
ls -d /run/docker.sock /var/run/docker.sock 2>/dev/null | show
inspect() {
    ids=$(docker ps -aq --no-trunc) || return 1
    if [ -n "$ids" ]; then docker inspect --type container $ids; else echo '[]'; fi
}
if ! command -v docker >/dev/null 2>&1; then
    head_of docker none
elif docker --version 2>&1 | grep -qi podman; then
    head_of docker podman
# A container that goes away between the two commands makes the second fail: once more, then.
elif found=$(inspect 2>/dev/null) || found=$(inspect 2>/dev/null); then
    head_of docker present
    printf '%s\n' "$found" | show
    # Which compose there is. Without its plugin docker says something else, or nothing.
    if [ "$found" != '[]' ]; then
        head_of plugin; docker compose version --short 2>/dev/null | one | show
        head_of program; docker-compose version --short 2>/dev/null | one | show
    fi
else
    head_of docker refused
    inspect 2>&1 >/dev/null | show
fi

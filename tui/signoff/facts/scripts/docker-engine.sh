PATH=$PATH:/snap/bin
if ! command -v docker >/dev/null 2>&1; then head_of absent; head_of end; exit 0; fi
if ! info=$(docker info --format '{{.ServerVersion}} {{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}' 2>&1)
then
    head_of refused; printf '%s\n' "$info" | show; head_of end; exit 0
fi
head_of info; printf '%s\n' "$info" | show
services=$(docker service ls -q 2>/dev/null)
head_of services "$?"
if [ -n "$services" ]; then docker service inspect $services | show; fi
head_of end

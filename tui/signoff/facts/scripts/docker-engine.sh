if ! command -v docker >/dev/null 2>&1; then head_of absent; exit 0; fi
if ! version=$(docker version --format '{{.Server.Version}}' 2>&1); then
    head_of refused; printf '%s\n' "$version" | show; exit 0
fi
head_of version "$version"
head_of swarm
docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}' 2>/dev/null | show
services=$(docker service ls -q 2>/dev/null)
head_of services "$?"
if [ -n "$services" ]; then docker service inspect $services | show; fi

# A worker of a swarm cannot tell what the swarm publishes: then there is no answer.
patience=15
command -v docker > /dev/null 2>&1 || { head_of absent; exit 0; }
ask version docker version --format '{{.Server.Version}}'
ask swarm docker info --format '{{.Swarm.LocalNodeState}}'
case $said in
    inactive) head_of services ;;
    *) ask services sh -c 'ids=$(docker service ls -q) && if [ -n "$ids" ]; then docker service inspect $ids; fi' ;;
esac

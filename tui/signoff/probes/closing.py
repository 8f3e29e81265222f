"""How a port is closed, in exact commands, by the way that it came to be open."""

from __future__ import annotations

from signoff.facts.exposure import Exposure
from signoff.facts.outside import Port
from signoff.message import listed, say
from signoff.probes.base import Remedy
from signoff.probes.kit import decision

_LOOPBACK = {
    "postgresql": "sudo -u postgres psql -c \"ALTER SYSTEM SET listen_addresses = 'localhost'\""
    " && sudo systemctl restart postgresql",
    "redis": "set `bind 127.0.0.1 -::1` in /etc/redis/redis.conf, then: sudo systemctl restart redis-server",
    "mysql": "set `bind-address = 127.0.0.1` under [mysqld], then: sudo systemctl restart mysql",
    "mongodb": "set `net.bindIp: 127.0.0.1` in /etc/mongod.conf, then: sudo systemctl restart mongod",
    "elasticsearch": "set `network.host: 127.0.0.1` in elasticsearch.yml, then restart it",
    "memcached": "set `-l 127.0.0.1` in /etc/memcached.conf, then: sudo systemctl restart memcached",
    "docker-api": "remove `-H tcp://...` from dockerd's unit and `hosts` from /etc/docker/daemon.json,"
    " then: sudo systemctl restart docker",
}


def how_to_close(exposures: tuple[Exposure, ...], ports: tuple[Port, ...]) -> Remedy:
    """Return the exact commands that close what is open, by the way that it is opened."""
    known = [one for one in exposures if one.owner.sort != "nameless"]
    ways = {say("Port {port}: {way}", port=one.port, way=_one_way_to_close(one)): one.port for one in known}
    seen = {one.port for one in exposures} | {port.port for port in ports}
    rest = sorted(seen - {*ways.values()})
    return decision(
        listed((*ways, *(say("Port {port}: {way}", port=one, way=_find(one)) for one in rest)), "\n")
    )


def _one_way_to_close(exposure: Exposure) -> str:
    number = exposure.port
    match exposure.owner.sort:
        case "published":
            return (
                f"in {exposure.owner.file} publish it on loopback only, "
                f'ports: ["127.0.0.1:{number}:{exposure.leads_to}"], or drop it; then: {exposure.owner.up}'
            )
        case "shared":
            return (
                f"in {exposure.owner.file} drop network_mode: host, or make the program listen on 127.0.0.1; "
                f"then: {exposure.owner.up}"
            )
        case "rule":
            return (
                "take away the rule that forwards it, and where it is loaded from: "
                f"sudo iptables -t nat -S | grep -w {number}; sudo nft -a list ruleset | grep -w {number}"
            )
    refuse = f"bind it to 127.0.0.1, or refuse it: sudo ufw deny {number}/{exposure.protocol}"
    return _LOOPBACK.get(exposure.owner.kind, refuse)


def _find(port: int) -> str:
    return (
        f"find what leads there: sudo ss -lntup 'sport = :{port}'; "
        f"sudo iptables -t nat -S | grep -w {port}; sudo nft list ruleset | grep -w {port}"
    )

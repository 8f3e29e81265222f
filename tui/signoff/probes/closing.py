"""How a port is closed, in exact commands, by the way that it came to be open."""

from __future__ import annotations

from signoff.facts.exposure import Exposure
from signoff.facts.outside import Port
from signoff.message import Message, listed, say
from signoff.probes.base import Remedy
from signoff.probes.kit import decision

_LOOPBACK = {
    "postgresql": say(
        "sudo -u postgres psql -c \"ALTER SYSTEM SET listen_addresses = 'localhost'\""
        " && sudo systemctl restart postgresql"
    ),
    "redis": say(
        "set `bind 127.0.0.1 -::1` in /etc/redis/redis.conf, then: sudo systemctl restart redis-server"
    ),
    "mysql": say("set `bind-address = 127.0.0.1` under [mysqld], then: sudo systemctl restart mysql"),
    "mongodb": say("set `net.bindIp: 127.0.0.1` in /etc/mongod.conf, then: sudo systemctl restart mongod"),
    "elasticsearch": say("set `network.host: 127.0.0.1` in elasticsearch.yml, then restart it"),
    "memcached": say("set `-l 127.0.0.1` in /etc/memcached.conf, then: sudo systemctl restart memcached"),
    "docker-api": say(
        "remove `-H tcp://...` from dockerd's unit and `hosts` from /etc/docker/daemon.json,"
        " then: sudo systemctl restart docker"
    ),
}


def how_to_close(exposures: tuple[Exposure, ...], ports: tuple[Port, ...]) -> Remedy:
    """Return the exact commands that close what is open, by the way that it is opened."""
    ways = [(one.port, _one_way_to_close(one)) for one in exposures if one.owner.sort != "nameless"]
    seen = {one.port for one in exposures} | {one.port for one in ports}
    ways += [(port, _find(port)) for port in sorted(seen - {port for port, _ in ways})]
    lines = (say("Port {port}: {way}", port=port, way=way) for port, way in dict.fromkeys(ways))
    return decision(listed(lines, "\n"))


def _one_way_to_close(exposure: Exposure) -> Message:
    owner, number = exposure.owner, exposure.port
    match owner.sort:
        case "published":
            return say(
                'in {file} publish it on loopback only, ports: ["127.0.0.1:{number}:{leads_to}"], or drop it;'
                " then: {up}",
                file=owner.file,
                number=number,
                leads_to=exposure.leads_to,
                up=owner.up,
            )
        case "shared":
            return say(
                "in {file} drop network_mode: host, or make the program listen on 127.0.0.1; then: {up}",
                file=owner.file,
                up=owner.up,
            )
        case "rule":
            return say(
                "take away the rule that forwards it, and where it is loaded from: "
                "sudo iptables -t nat -S | grep -w {number}; sudo nft -a list ruleset | grep -w {number}",
                number=number,
            )
    port = f"{number}/{exposure.protocol}"
    refuse = say("bind it to 127.0.0.1, or refuse it: sudo ufw deny {port}", port=port)
    return _LOOPBACK.get(owner.kind, refuse)


def _find(port: int) -> Message:
    return say(
        "find what leads there: sudo ss -lntup 'sport = :{port}'; "
        "sudo iptables -t nat -S | grep -w {port}; sudo nft list ruleset | grep -w {port}",
        port=port,
    )

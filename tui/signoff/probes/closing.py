"""How a port is closed, in exact commands, by the way that it came to be open."""

from __future__ import annotations

from signoff.facts.exposure import Exposure
from signoff.facts.outside import Port
from signoff.message import Message, listed, say
from signoff.probes.base import Remedy
from signoff.probes.kit import decision

_SETTINGS = (
    ("redis", "bind 127.0.0.1 -::1", "/etc/redis/redis.conf", "redis-server"),
    ("mysql", "bind-address = 127.0.0.1", "my.cnf, under [mysqld]", "mysql"),
    ("mongodb", "net.bindIp: 127.0.0.1", "/etc/mongod.conf", "mongod"),
    ("elasticsearch", "network.host: 127.0.0.1", "elasticsearch.yml", "elasticsearch"),
    ("memcached", "-l 127.0.0.1", "/etc/memcached.conf", "memcached"),
)
_LOOPBACK = {
    kind: say("set `{set}` in {file}, then: sudo systemctl restart {unit}", set=setting, file=file, unit=unit)
    for kind, setting, file, unit in _SETTINGS
} | {
    "postgresql": say(
        "sudo -u postgres psql -c \"ALTER SYSTEM SET listen_addresses = 'localhost'\""
        " && sudo systemctl restart postgresql"
    ),
    "docker-api": say(
        "remove `-H tcp://...` from dockerd's unit and `hosts` from /etc/docker/daemon.json,"
        " then: sudo systemctl restart docker"
    ),
}


def how_to_close(exposures: tuple[Exposure, ...], ports: tuple[Port, ...]) -> Remedy:
    """Return the exact commands that close what is open, by the way that it is opened."""
    ways = {(one.port, _way(one)) for one in exposures if one.owner.sort != "nameless"}
    seen = {one.port for one in exposures} | {port.port for port in ports}
    nameless = seen - {port for port, _ in ways}
    ways |= {(port, say("find what leads there: {commands}", commands=_search(port))) for port in nameless}
    lines = (say("Port {port}: {way}", port=port, way=way) for port, way in sorted(ways))
    return decision(listed(lines, "\n"))


def _search(port: int) -> str:
    rules = f"sudo iptables -t nat -S | grep -w {port}; sudo nft -a list ruleset | grep -w {port}"
    return f"sudo ss -lntup 'sport = :{port}'; {rules}"


def _way(exposure: Exposure) -> Message:
    owner, port = exposure.owner, exposure.port
    match owner.sort:
        case "published":
            on = f'ports: ["127.0.0.1:{port}:{exposure.leads_to}"]'
            how = say("in {file} publish it on loopback only, {on}, or drop it", file=owner.file, on=on)
        case "shared":
            how = say(
                "in {file} drop network_mode: host, or make the program listen on 127.0.0.1", file=owner.file
            )
        case "rule":
            return say(
                "take away the rule that forwards it, and where it is loaded from: {commands}",
                commands=_search(port),
            )
        case _:
            refuse = f"sudo ufw deny {port}/{exposure.protocol}"
            either = say("bind it to 127.0.0.1, or refuse it: {command}", command=refuse)
            return _LOOPBACK.get(owner.kind, either)
    return say("{how}; then: {up}", how=how, up=owner.up)

"""How a port is closed, in exact commands, by the way that it came to be open."""

from __future__ import annotations

from signoff.facts.exposure import Exposure
from signoff.facts.outside import Port

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


def how_to_close(exposures: tuple[Exposure, ...], ports: tuple[Port, ...], kind: str = "") -> str:
    """Return the exact commands that close what is open, by the way that it is opened."""
    lines: dict[str, None] = {}
    for exposure in exposures:
        lines[_one_way_to_close(exposure, kind)] = None
    for number in sorted({port.port for port in ports} - {exposure.port for exposure in exposures}):
        lines[
            f"Port {number}: find what leads there: sudo ss -lntp 'sport = :{number}'; "
            f"sudo iptables -t nat -S | grep -w {number}; sudo nft list ruleset | grep -w {number}"
        ] = None
    return "\n".join(lines)


def _one_way_to_close(exposure: Exposure, kind: str) -> str:
    number = exposure.port
    if exposure.owner.startswith("container "):
        return (
            f"Port {number}: in compose.yaml publish it on loopback only, "
            f'ports: ["127.0.0.1:{number}:..."], or drop it; then: docker compose up -d'
        )
    if exposure.forwarded:
        return (
            f"Port {number}: take away the rule that forwards it (see it with: "
            f"sudo iptables -t nat -S PREROUTING; sudo nft list ruleset), and where it is loaded from"
        )
    loopback = _LOOPBACK.get(exposure.kind or kind, "")
    firewall = f"sudo ufw deny {number}/{exposure.protocol}"
    return (
        f"Port {number}: {loopback}" if loopback else f"Port {number}: bind it to 127.0.0.1, or: {firewall}"
    )

"""The web servers of the target: the configuration that each runs with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

from signoff.facts import caddy, nginx, nginx_access
from signoff.facts.base import HostFact, Malformed, Unavailable
from signoff.facts.ruling import Network, Ruling
from signoff.facts.sections import assigned, read_script, sections
from signoff.message import Message, listed, say
from signoff.target.command import Output, Root
from signoff.text import one_line

T = TypeVar("T")

BY_HAND = "sudo nginx -T; curl -s http://127.0.0.1:2019/config/"


@dataclass(frozen=True)
class WebServers:
    """Every nginx and Caddy with its configuration; ``doubts`` are why that may not be all that decides."""

    nginx: tuple[nginx.Server, ...] = ()
    caddy: tuple[caddy.Server, ...] = ()
    doubts: tuple[Message, ...] = ()

    @property
    def known(self) -> bool:
        """Whether there is any configuration to judge."""
        return bool(self.nginx or self.caddy)

    def rulings(self, host: str, path: str) -> tuple[Ruling, ...]:
        """Return what each server that can be reached from outside does with a path of a host."""
        return (*nginx_access.rulings(self.nginx, host, path), *caddy.rulings(self.caddy, host, path))

    def elsewhere(self, host: str, path: str) -> tuple[Ruling, ...]:
        """Return where the host's own application serves a path to everybody under another name."""
        return (*nginx_access.elsewhere(self.nginx, host, path), *caddy.elsewhere(self.caddy, host, path))

    def names(self) -> tuple[str, ...]:
        """Return the host names that are served."""
        return _merged(nginx_access.names(self.nginx), caddy.names(self.caddy))

    def allowed(self) -> tuple[Network, ...]:
        """Return every network that some rule lets in by name."""
        return _merged(nginx_access.allowed_anywhere(self.nginx), caddy.allowed_anywhere(self.caddy))

    def admin_paths(self) -> tuple[str, ...]:
        """Return the paths called ``admin`` that some rule names."""
        return _merged(nginx_access.admin_locations(self.nginx), caddy.admin_locations(self.caddy))

    def upstreams(self) -> tuple[str, ...]:
        """Return where the applications listen that requests are passed on to."""
        return _merged(nginx_access.upstreams(self.nginx), caddy.upstreams(self.caddy))


def _merged(*found: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(chain(*found)))


def parse_web(output: Output) -> WebServers:
    """Return the web servers; one whose configuration is not understood is a doubt."""
    servers, sites, doubts = list[nginx.Server](), list[caddy.Server](), list[Message]()
    for section in sections(output):
        name, where, *said = section.fields if section.name == "failed" else (section.name, *section.fields)
        server = one_line(f"{name} on {where}")
        # When it loaded its files, and when they changed, where that can be told.
        times = [int(field) for field in said if field.isdecimal()]
        try:
            match section.name:
                case "nginx":
                    servers += nginx.parse(section.text)
                case "caddy":
                    sites += caddy.parse(section.text)
                case "failed":
                    raise Malformed(listed(said) or say("it needs root"))
                case "other":
                    text = say(
                        "{server} also runs, and its rules are not understood here", server=one_line(where)
                    )
                    doubts.append(text)
        except Malformed as why:
            text = say(
                "the configuration of {server} could not be read ({why})", server=server, why=why.reason
            )
            doubts.append(text)
        if len(times) == 2 and times[0] < times[1]:
            text = say(
                "{server}: its files changed after it loaded them, so that other rules run", server=server
            )
            doubts.append(text)
    if not (servers or sites or doubts or output.as_root):
        raise Unavailable(say("needs root: what web server runs cannot be told"), BY_HAND)
    return WebServers(tuple(servers), tuple(sites), tuple(doubts))


_SCRIPT = read_script("trust.sh", "servers.sh", "web.sh")

WEB_SERVERS: HostFact[WebServers] = HostFact(
    id="web-servers",
    title=say("the web servers' configuration"),
    script=lambda profile: assigned(project=profile.project) + _SCRIPT,
    parse=parse_web,
    root=Root.PREFER,
    timeout=25.0,
    cap=4 << 20,
    sensitive=True,
    by_hand=BY_HAND,
)

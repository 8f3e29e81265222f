"""The web servers of the target: the configuration that each runs with."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from signoff.facts import caddy, nginx, nginx_access
from signoff.facts.base import HostFact, Malformed, Unavailable
from signoff.facts.ruling import Network, Ruling
from signoff.facts.sections import assigned, read_script, sections
from signoff.message import say
from signoff.target.command import Output, Root
from signoff.text import one_line

BY_HAND = "sudo nginx -T; curl -s http://127.0.0.1:2019/config/"


@dataclass(frozen=True)
class WebServers:
    """Every nginx and Caddy with its configuration.

    ``unread`` are those whose configuration could not be had, ``others`` the servers of other kinds,
    ``stale`` those whose files changed after they were last loaded: what runs is not what was read.
    """

    nginx: tuple[nginx.Server, ...] = ()
    caddy: tuple[caddy.Server, ...] = ()
    unread: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()

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
        return tuple(dict.fromkeys((*nginx_access.names(self.nginx), *caddy.names(self.caddy))))

    def allowed(self) -> tuple[Network, ...]:
        """Return every network that some rule lets in by name."""
        found = nginx_access.allowed_anywhere(self.nginx), caddy.allowed_anywhere(self.caddy)
        return tuple(dict.fromkeys(chain(*found)))

    def admin_paths(self) -> tuple[str, ...]:
        """Return the paths called ``admin`` that some rule names."""
        found = nginx_access.admin_locations(self.nginx), caddy.admin_locations(self.caddy)
        return tuple(dict.fromkeys(chain(*found)))


def parse_web(output: Output) -> WebServers:
    """Return the web servers; one whose configuration is not understood counts as unread."""
    servers: list[nginx.Server] = []
    sites: list[caddy.Server] = []
    unread, others, stale = list[str](), list[str](), list[str]()
    for section in sections(output):
        where = one_line(f"{section.name} on {section.field(0)}")
        # When it loaded its files, and when they changed, where that can be told.
        times = [int(field) for field in section.fields[1:] if field.isdecimal()]
        try:
            match section.name:
                case "nginx":
                    servers += nginx.parse(section.text)
                case "caddy":
                    sites += caddy.parse(section.text)
                case "failed":
                    name, on, *why = section.fields
                    unread.append(one_line(": ".join([f"{name} on {on}", *filter(None, why)])))
                case "other":
                    others.append(one_line(section.field(0)))
        except Malformed as garbled:
            unread.append(f"{where}: {garbled.reason}")
        else:
            stale += [where] if len(times) == 2 and times[1] > times[0] else []
    if not (servers or sites or unread or others) and not output.as_root:
        raise Unavailable(say("needs root: what web server runs cannot be told"), BY_HAND)
    return WebServers(tuple(servers), tuple(sites), tuple(unread), tuple(others), tuple(stale))


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

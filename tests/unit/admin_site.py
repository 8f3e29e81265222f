"""A site that answers as a test has it answer, and what the admin probes make of it.

recorded/nginx, recorded/caddy  configurations with every trap, and the statuses that the real servers gave:
                                host, path, status, and status with X-Forwarded-For: 10.8.0.1
recorded/web, recorded/inside   what the facts' scripts printed on lab hosts; ``changed`` is the good host
                                after a file of nginx's was touched, ``reloaded`` the same after a reload
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from signoff.facts.admin import ADMIN_SURVEY, look_at_admin
from signoff.facts.admin_inside import ADMIN_INSIDE, Inside
from signoff.facts.base import Facts, Malformed, Unavailable
from signoff.facts.network import SSH_SERVER, SshServer
from signoff.facts.outside import OUTSIDE_PORTS, OutsideView, Port
from signoff.facts.web import WEB_SERVERS, WebServers, parse_web
from signoff.message import say
from signoff.model import Finding
from signoff.probes.base import Probe
from signoff.target.command import Output
from signoff.target.outside import HungUpError, NotAskedError, Outside, OutsideError, Response
from signoff.target.profile import Profile

RECORDED = Path(__file__).parent / "recorded"
SHOP = Profile(url="https://shop.test", admin_paths=("/admin/", "/api/admin/users"))
FOUR, SIX = "192.0.2.7", "2001:db8::7"
NO_WEB = Unavailable(say("needs root: what web server runs cannot be told"), "sudo nginx -T")

NGINX_403 = (
    b"<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n"
    b"<center><h1>403 Forbidden</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


@dataclass(frozen=True)
class Asked:
    """One request as the site sees it."""

    address: str
    scheme: str
    host: str
    port: int | None
    path: str
    headers: dict[str, str]


Said = tuple[int, bytes] | tuple[int, bytes, dict[str, str]] | None
"""Status and body, and headers; None for no answer."""


@dataclass
class Site:
    """Stands for the outside: every request goes to ``answer``, and is kept."""

    answer: Callable[[Asked], Said]
    addresses: tuple[str, ...] = (FOUR,)
    asked: list[Asked] = field(default_factory=list)
    slow: tuple[str, ...] = ()
    """Paths whose answer does not come in time."""
    budget: int = 300

    def request(
        self, url: str, *, address: str, host: str | None = None, headers: Iterable[tuple[str, str]] = ()
    ) -> Response:
        """Answer as ``Outside.request`` does."""
        parts = urlsplit(url)
        asked = Asked(
            address, parts.scheme, host or parts.hostname or "", parts.port, parts.path, dict(headers)
        )
        if len(self.asked) >= self.budget:
            raise NotAskedError(say("The limit is reached."))
        self.asked.append(asked)
        if asked.path in self.slow:
            raise OutsideError(
                say("No answer to GET {url} from {address}: it took too long.", url=url, address=address)
            )
        said = self.answer(asked)
        if said is None:
            raise HungUpError(
                say("No answer to GET {url} from {address}: refused.", url=url, address=address)
            )
        extra = said[2] if len(said) == 3 else {}
        return Response(url, address, said[0], tuple(extra.items()), said[1])


def by_name(pages: Callable[[Asked], Said]) -> Callable[[Asked], Said]:
    """Return a site that answers only https by its own name."""
    return lambda asked: pages(asked) if (asked.scheme, asked.host) == ("https", "shop.test") else None


def shop(asked: Asked) -> Said:
    """A front page, and 404 for what is not there."""
    return (200, b"<h1>Shop</h1>") if asked.path == "/" else (404, b"<h1>Not found</h1>")


def closed(asked: Asked) -> Said:
    """The shop with its panel and API closed by nginx."""
    return (403, NGINX_403) if "admin" in asked.path else shop(asked)


def web(state: str) -> WebServers:
    """Return the web servers of a recorded host."""
    text = (RECORDED / "web" / f"{state}.txt").read_bytes()
    return parse_web(Output("web", 0, text, as_root="viewer" not in state))


def facts(
    site: Site,
    profile: Profile = SHOP,
    *,
    servers: WebServers | Unavailable = NO_WEB,
    inside: Inside | Unavailable | None = None,
    client: str = "198.51.100.9",
    ports: tuple[Port, ...] = (),
) -> Facts:
    """Return the facts of a site; the survey is made by the real look."""
    values: dict[str, Any] = {
        WEB_SERVERS.id: servers,
        ADMIN_INSIDE.id: inside or Unavailable(say("there is no curl on the host")),
        SSH_SERVER.id: SshServer(frozenset({22}), client),
        OUTSIDE_PORTS.id: OutsideView(ports, {}, {}),
    }
    try:
        values[ADMIN_SURVEY.id] = look_at_admin(cast(Outside, site), profile, Facts(values))
    except (Unavailable, Malformed) as absent:
        values[ADMIN_SURVEY.id] = absent
    return Facts(values)


def judged(probe: Probe, given: Facts, profile: Profile = SHOP) -> dict[str, Finding]:
    """Return a probe's findings by their subject."""
    return {finding.subject: finding for finding in probe.findings(given, profile)}


def results(probe: Probe, given: Facts, profile: Profile = SHOP) -> dict[str, str]:
    """Return a probe's results by their subject."""
    return {subject: finding.result.value for subject, finding in judged(probe, given, profile).items()}

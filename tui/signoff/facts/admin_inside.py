"""The admin paths: as named, where they usually are, and whether the application itself has them at all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from signoff.facts.base import HostFact, Unavailable
from signoff.facts.sections import assigned, read_script, sections
from signoff.facts.web import WEB_SERVERS
from signoff.message import say
from signoff.target.command import Output, Root
from signoff.target.profile import Profile

USUAL_PATHS = ("/admin/", "/wp-admin/", "/dashboard/", "/backoffice/")
"""Tried where nobody named the admin paths; an answer there is a finding, silence is none."""
USUAL_API_PATHS = ("/api/admin/", "/api/admin/users", "/api/v1/admin/", "/api/v1/admin/users")
"""Tried always: whoever closes the panel's page is apt to forget the API behind it."""
MOST_PATHS = 8

_OF_AN_API = re.compile(r"[/._-](api|graphql|rest|rpc|v\d+)([/._-]|$)", re.IGNORECASE)
_RANDOM = "/signoff-no-such-path-5b0c/"
_HERE = re.compile(r"(127|10|192\.168|172\.(1[6-9]|2\d|3[01]))\.[\d.]+:\d+")
"""An address that leads to nobody else's machine, with a port."""
_PLAIN = re.compile(r"[\w/.~%-]+")


def admin_paths(profile: Profile) -> tuple[str, ...]:
    """Return the paths to ask for."""
    return named_paths(profile)[:MOST_PATHS] or USUAL_PATHS


def named_paths(profile: Profile) -> tuple[str, ...]:
    """Return the paths that the operator named, however many."""
    return tuple(f"/{path.lstrip('/')}" for path in profile.admin_paths if path.strip("/ "))


def of_an_api(path: str) -> bool:
    """Whether a path looks like one of an API, not like a page."""
    return bool(_OF_AN_API.search(path))


@dataclass(frozen=True)
class Inside:
    """What the application says itself. ``exists`` are the paths that are answered unlike one made up.

    ``documented`` are the panel's paths in the application's own description of its API (OpenAPI, Swagger).
    """

    exists: frozenset[str] = frozenset()
    documented: tuple[str, ...] = ()


def parse_inside(output: Output) -> Inside:
    """Return which paths the application knows; raise Unavailable where it could not be asked."""
    found = sections(output)
    told = [one.fields for one in found if one.name == "answer" and not one.field(2).startswith("000")]
    answers = [(upstream, path, _kind(said, path), digest) for upstream, path, said, digest in told]
    nowhere = {upstream: (kind, digest) for upstream, path, kind, digest in answers if path == _RANDOM}
    if not nowhere:
        raise Unavailable(say("no application is known on the host that could be asked past the web server"))
    exists = {
        path
        for upstream, path, kind, digest in answers
        if upstream in nowhere and _differs(kind, digest, *nowhere[upstream])
    }
    documented = [one.field(0) for one in found if one.name == "documented"]
    return Inside(frozenset(exists), tuple(path for path in documented if _PLAIN.fullmatch(path)))


def _kind(said: str, path: str) -> str:
    """Return status and redirection without the path itself, which a way to a login page quotes."""
    return said.strip().replace(path, "").replace(quote(path, safe=""), "")


def _differs(kind: str, digest: str, nowhere: str, nothing: str) -> bool:
    """Whether an answer is another than that to a path that is not there; "not found" never is."""
    if kind[:3] in {"404", "410"}:
        return False
    return kind != nowhere or (kind.startswith("2") and digest != nothing)


_SCRIPT = read_script("trust.sh", "inside.sh")


def _inside(profile: Profile) -> str:
    host = urlsplit(profile.url).hostname or "localhost"
    paths = "\n".join(filter(_PLAIN.fullmatch, admin_paths(profile)))
    return assigned(host=host, random=_RANDOM, paths=paths, project=profile.project) + _SCRIPT


ADMIN_INSIDE: HostFact[Inside] = HostFact(
    id="admin.inside",
    title=say("the admin paths, asked of the application itself"),
    script=_inside,
    parse=parse_inside,
    root=Root.PREFER,
    timeout=60.0,
    needs=(WEB_SERVERS,),
    given=lambda facts, profile: {"upstream": filter(_HERE.fullmatch, facts[WEB_SERVERS].upstreams())},
    kept=Inside,
)

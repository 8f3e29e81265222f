"""The admin paths, asked of the application itself, past the web server: do they exist at all?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from signoff.facts.admin_paths import admin_paths
from signoff.facts.base import HostFact, Unavailable
from signoff.facts.sections import assigned, read_script, sections
from signoff.message import say
from signoff.target.command import Output, Root
from signoff.target.profile import Profile

_RANDOM = "/signoff-no-such-path-5b0c/"
_PLAIN = re.compile(r"[\w/.~%-]+")


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


_SCRIPT = read_script("trust.sh", "servers.sh", "inside.sh")


def _inside(profile: Profile) -> str:
    host = urlsplit(profile.url).hostname or "localhost"
    paths = "\n".join(filter(_PLAIN.fullmatch, admin_paths(profile)[0]))
    return assigned(host=host, random=_RANDOM, paths=paths, project=profile.project) + _SCRIPT


ADMIN_INSIDE: HostFact[Inside] = HostFact(
    id="admin.inside",
    title=say("the admin paths, asked of the application itself"),
    script=_inside,
    parse=parse_inside,
    root=Root.PREFER,
    timeout=60.0,
    kept=Inside,
)

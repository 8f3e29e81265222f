"""The admin paths, asked of the application itself, past the web server: do they exist at all?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from signoff.facts.admin_paths import admin_paths
from signoff.facts.base import HostFact, Unavailable
from signoff.facts.sections import Section, assigned, read_script, sections
from signoff.message import listed, say
from signoff.target.command import Output, Root
from signoff.target.profile import Profile

_RANDOM = "/signoff-no-such-path-5b0c/"
_PLAIN = re.compile(r"[\w/.~%-]+")


@dataclass(frozen=True)
class Inside:
    """What the application says itself. ``exists`` are the paths that are answered unlike one made up.

    ``documented`` are the panel's paths in the application's own description of its API (OpenAPI, Swagger).
    """

    exists: frozenset[str]
    asked: frozenset[str]
    documented: tuple[str, ...] = ()


def parse_inside(output: Output) -> Inside:
    """Return which paths the application knows; raise Unavailable where it could not be asked."""
    found = sections(output)
    for section in found:
        if section.name == "none":
            raise Unavailable(listed((section.field(0),)))
    answers = [
        section.fields for section in found if section.name == "answer" and section.field(2)[:3] != "000"
    ]
    nowhere = {
        fields[0]: (_kind(fields[2], _RANDOM), fields[3]) for fields in answers if fields[1] == _RANDOM
    }
    if not nowhere:
        raise Unavailable(say("no application is known on the host that could be asked past the web server"))
    known, asked = set[str](), set[str]()
    for upstream, path, said, digest in answers:
        if path != _RANDOM and upstream in nowhere:
            asked.add(path)
            if _differs(_kind(said, path), digest, *nowhere[upstream]):
                known.add(path)
    return Inside(frozenset(known), frozenset(asked), tuple(_documented(found)))


def _documented(found: Iterable[Section]) -> Iterator[str]:
    """Yield the panel's paths that the API's description has, below the path where it says the API lies."""
    base = ""
    for section in found:
        if section.name == "base":
            base = urlsplit(section.field(0)).path.rstrip("/")
        elif section.name == "documented" and _PLAIN.fullmatch(path := base + section.field(0)):
            yield path


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
    paths = "\n".join(path for path in admin_paths(profile)[0] if _PLAIN.fullmatch(path))
    return assigned(host=host, random=_RANDOM, paths=paths, project=profile.project) + _SCRIPT


ADMIN_INSIDE: HostFact[Inside] = HostFact(
    id="admin.inside",
    title=say("the admin paths, asked of the application itself"),
    script=_inside,
    parse=parse_inside,
    root=Root.PREFER,
    timeout=60.0,
)

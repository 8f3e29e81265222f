"""Response headers, as a browser gets them: by GET, at every address, on a page and where there is none."""

from __future__ import annotations

import msgspec

from signoff.facts.base import Facts
from signoff.facts.kinds import RANDOM, Reply, http
from signoff.message import listed, say
from signoff.model import Vantage
from signoff.probes.base import Judgement, Probe, probe, with_parameters
from signoff.probes.kit import Proves, Seen, decision, each, right, unseen, wrong
from signoff.target.profile import Profile

HSTS = "strict-transport-security"


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which header: with exactly this value, or with at least this max-age, or at all; and on what page."""

    name: str
    value: str = msgspec.field(default="", name="is")
    at_least: int = 0
    path: str = "/"

    def met(self, value: str) -> bool:
        """Tell whether a value of the header is as wanted."""
        return max_age(value) >= self.at_least if self.at_least else self.value.lower() in {"", value.lower()}


@with_parameters("http.header", Header)
def header(wanted: Header) -> Probe:
    """A header that every answer is to have."""
    name = wanted.name.lower()
    if wanted.at_least and (name != HSTS or wanted.value):
        raise ValueError(f"at_least is for the max-age of {HSTS} alone")
    if not wanted.path.startswith("/"):
        raise ValueError("path: begins with /")
    answers = http(wanted.path, RANDOM)
    rule = f"max-age={wanted.at_least} at least" if wanted.at_least else wanted.value or "any value"

    def look(reply: Reply) -> Seen:
        values = reply.header(name)
        if not reply.status:
            return unseen(say("{error}", error=reply.error))
        if name == HSTS and not reply.verified:
            return wrong(say("no HTTPS with a valid certificate: browsers ignore the header"))
        if len(set(values)) != 1 or not wanted.met(values[0]):
            found = listed(map(repr, values), " and ") or say("no such header")
            return wrong(say("{status} with {found}", status=reply.status, found=found))
        if reply.path == wanted.path and reply.status != 200:
            return unseen(say("{status}, not a page: give the path of one", status=reply.status))
        return right(say("{value}", value=values[0]))

    @probe(
        "http.header",
        title=say("Header {name}", name=name),
        expected=say("{name}: {rule}", name=name, rule=rule),
        needs=(answers,),
        vantage=Vantage.OUTSIDE,
        remedy=decision(say("Set {name} once, in the web server, for every answer.", name=name)),
    )
    def judge(facts: Facts, profile: Profile) -> Judgement:
        return each(say("answers"), [*facts[answers]], look, proves=Proves.OUTSIDE)

    return judge


def max_age(value: str) -> int:
    """Return for how many seconds HSTS holds; -1 where browsers do not understand it (RFC 6797, 6.1)."""
    parts = [part.partition("=") for part in value.lower().split(";") if part.strip()]
    found = {name.strip(): age.strip().strip('"') for name, _, age in parts}
    return int(age) if (age := found.get("max-age", "")).isdecimal() and len(found) == len(parts) else -1

"""Can the admin panel be reached around its name, and what do the web server's own rules say?"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from urllib.parse import urlsplit

from signoff.facts.admin import ADMIN_SURVEY
from signoff.facts.admin_inside import ADMIN_INSIDE
from signoff.facts.admin_paths import named_paths
from signoff.facts.base import Facts
from signoff.facts.ruling import Fate, Ruling
from signoff.facts.web import BY_HAND, WEB_SERVERS, WebServers
from signoff.message import NOTHING, Message, listed, say
from signoff.model import Vantage
from signoff.probes import reach
from signoff.probes.admin import CLOSE, LOOK, Told, doubtful, opened, told
from signoff.probes.base import Judgement, probe
from signoff.probes.kit import Proves, Seen, command, decision, each, right, unknown, unseen, wrong
from signoff.probes.reach import NAME_THEM, Reach
from signoff.target.profile import Profile

SHOW = command(BY_HAND, say("Look at the configuration that runs, and judge for yourself."))


@probe(
    "admin.raw-address",
    title=say("Admin panel around its name"),
    expected=say("nothing of it by the bare address, another name, plain HTTP or the application's own port"),
    needs=reach.NEEDS,
    vantage=Vantage.OUTSIDE,
    remedy=decision(
        say(
            "Publish the application on 127.0.0.1 only, and give the web server a default site that refuses "
            "(nginx: default_server, ssl_reject_handshake on, return 444)."
        )
    ),
)
def raw_address(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge every other way in than the name."""
    survey, site = facts[ADMIN_SURVEY], urlsplit(profile.url)
    exists = frozenset() if facts.missing(ADMIN_INSIDE) else facts[ADMIN_INSIDE].exists

    def is_known(path: str) -> bool:
        """Whether a rule, or an answer, shows that a path is there: else refusals prove nothing."""
        answered = any(one.how.reach is Reach.OPEN for one in told(survey.views, path))
        return answered or path in exists or reach.refused_by_rule(reach.verdicts(facts, profile, path))

    def look(one: Told) -> Seen:
        answer, view, how = one
        here = urlsplit(answer.url)
        # A way round that led to the site by its name after all is judged apart.
        by_name = (here.scheme, here.hostname, here.port) == (site.scheme, site.hostname, site.port)
        if how.reach is not Reach.CLOSED and not by_name:
            # What goes through the same rules is open to the operator's address; a port beside them, to all.
            through = urlsplit(view.base).port is None
            return opened(one, reach.own_address_allowed(facts, profile, answer.path) if through else "")
        if not known[answer.path]:
            return unseen(say("refused, but nothing shows that {path} is there", path=answer.path))
        return right(say("led to the site's own name") if by_name else say("{why}", why=how.why))

    if not survey.named:
        yield reach.unnamed(survey)
        return
    ways = told(survey.raw)
    known = {path: is_known(path) for path in {one.answer.path for one in ways}}
    remedy = LOOK if all(known.values()) else reach.NAME_THEM
    yield doubtful(each(say("ways"), ways, look, proves=Proves.OUTSIDE), remedy)
    yield from reach.not_asked(survey.left_out.around)


@probe(
    "admin.restriction",
    title=say("Web server's rules for the admin panel"),
    expected=say("deny all but named networks, by the connection's own address, for every admin path"),
    needs=reach.NEEDS,
    remedy=CLOSE,
)
def restriction(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge the configuration that runs: what becomes of a stranger's request, and whose word is taken."""
    servers = facts[WEB_SERVERS]
    paths = named_paths(profile) or servers.admin_paths()
    if not paths or not profile.url:
        missing = "the product's URL (url)" if not profile.url else "the admin paths (admin_paths)"
        text = say("nothing to judge by: {missing} are not in the target's profile", missing=missing)
        yield unknown(text, remedy=NAME_THEM)
        return
    if doubt := _doubt(servers):
        yield unknown(doubt, remedy=SHOW)
    for path in paths if servers.known else ():
        yield _restricted(path, facts, profile)


def _doubt(servers: WebServers) -> Message:
    """Return why the configuration read may not be all that decides."""
    if servers.unread:
        unread = listed(servers.unread, ", ")
        return say("the configuration of {unread} could not be read (it needs root)", unread=unread)
    if servers.stale:
        stale = listed(servers.stale, ", ")
        return say("{stale}: its files changed after it loaded them, so that other rules run", stale=stale)
    if servers.others:
        others = listed(servers.others, ", ")
        return say("{others} also runs, and its rules are not understood here", others=others)
    return NOTHING if servers.known else say("no nginx and no Caddy runs here whose rules could be read")


def _restricted(path: str, facts: Facts, profile: Profile) -> Judgement:
    found = reach.verdicts(facts, profile, path)
    views = () if facts.missing(ADMIN_SURVEY) else facts[ADMIN_SURVEY].views
    refused_outside = {one.how.reach for one in told(views, path)} == {Reach.CLOSED}

    def look(ruling: Ruling) -> Seen:
        if ruling.fate is Fate.REFUSED and ruling.spoofable:
            why = ruling.spoofable
            return wrong(say("{why}, so that anybody can say to be let in", why=why))
        if ruling.fate is Fate.SERVED and refused_outside:
            return unseen(say("{why}; yet it is refused from outside, by something else", why=ruling.why))
        if ruling.fate is Fate.SERVED:
            return wrong(say("{why}", why=ruling.why))
        if ruling.fate is Fate.UNCLEAR or not any(one.fate is Fate.REFUSED for one in found):
            return unseen(say("{why}", why=ruling.why))
        return right(
            say(
                "{why}; lets in {nets}",
                why=ruling.why,
                nets=listed(map(str, ruling.allowed), ", ") or "nobody",
            )
        )

    elsewhere = facts[WEB_SERVERS].elsewhere(urlsplit(profile.url).hostname or "", path)
    under_a_name = wrong(say("let in under another name, where no rule refuses it"))
    # Of a rule for the one page, or one that a location for scripts (~ \.php$) goes around.
    below = reach.verdicts(facts, profile, f"{path.rstrip('/')}/signoff-none-such.php")
    through = unseen(say("what lies below it is let through"))
    seen = [
        *((ruling, look(ruling)) for ruling in found),
        *((ruling, under_a_name) for ruling in elsewhere),
        *((ruling, through) for ruling in below if ruling.fate is Fate.SERVED),
    ]
    judged = each(
        say("rules"),
        seen,
        itemgetter(1),
        proves=Proves.CONFIGURED,
        name=lambda one: one[0].where,
        subject=path,
    )
    return doubtful(judged, SHOW)

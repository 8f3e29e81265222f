"""Can the admin panel be reached by its name, with a forged header or around it? What do the rules say?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from operator import itemgetter
from typing import NamedTuple
from urllib.parse import urlsplit

from signoff.facts.admin import ADMIN_SURVEY
from signoff.facts.admin_inside import ADMIN_INSIDE, named_paths, of_an_api
from signoff.facts.admin_requests import BELOW, Answer, View
from signoff.facts.base import Facts
from signoff.facts.ruling import Fate, Ruling
from signoff.facts.web import BY_HAND, WEB_SERVERS
from signoff.message import listed, say
from signoff.model import Result, Vantage
from signoff.probes import kit, reach
from signoff.probes.base import Judgement, Remedy, probe
from signoff.probes.reach import Reach, Reached
from signoff.target.profile import Profile

CLOSE = kit.decision(
    say(
        "Let in a VPN or known addresses only, for the page and for its API. nginx: location ~ "
        "^/(admin|api/admin)(/|$) with allow 10.8.0.0/24 and deny all; Caddy: a matcher with not remote_ip, "
        "and respond 403."
    )
)
LOOK = kit.decision(say("Ask for it yourself from an address that is not let in, and from one that is."))
SHOW = kit.command(BY_HAND, say("Look at the configuration that runs, and judge for yourself."))


class Told(NamedTuple):
    """An answer, the way in that it came by, and what it says of the panel."""

    answer: Answer
    view: View
    how: Reached

    def __str__(self) -> str:
        return str(self.answer)


def told(views: Iterable[View], path: str = "") -> list[Told]:
    """Return what the answers say, all of them or those for one path."""
    answers = [(answer, view) for view in views for answer in view.answers if path in {"", answer.path}]
    return [Told(answer, view, reach.reached(answer, view)) for answer, view in answers]


def opened(one: Told, own: str) -> kit.Seen:
    """Judge what was reached, or may have been; ``own`` is the operator's address where a rule lets it in."""
    if one.how.reach is not Reach.OPEN:
        return kit.unseen(say("{why}; whether it was reached cannot be told", why=one.how.why))
    if not own:
        return kit.wrong(one.how.why)
    return kit.unseen(say("{why}; but you look from {own}, which a rule lets in", why=one.how.why, own=own))


asked_outside = partial(probe, needs=reach.NEEDS, vantage=Vantage.OUTSIDE)


@asked_outside(
    "admin.outside",
    title=say("Admin panel from outside"),
    expected=say("403, 404 or no answer, for the page and for its API, at every address"),
    remedy=CLOSE,
)
def outside(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge each path, at every address, as it is asked for by its name."""
    survey = facts[ADMIN_SURVEY]
    judged = {path: _path(path, facts, profile) for path in (*survey.paths, *survey.guessed)}
    failed = [one for one in judged.values() if one.result is Result.FAIL]
    if not survey.named:
        yield from failed or [reach.unnamed(survey)]
        return
    # One that was named: what is learnt beside may be another panel's.
    named = [judged[path] for path in named_paths(profile) if path in judged and of_an_api(path)]
    closed_api = any(one.result is Result.PASS for one in named)
    for path in survey.paths:
        one = judged[path]
        if closed_api and {each.how.reach for each in told(survey.views, path)} == {Reach.SHELL}:
            observed = say("{observed}; its API is closed", observed=one.observed)
            one = kit.informational(observed, subject=path, evidence=one.evidence)
        yield one
    open_api = [one for one in failed if one.subject in survey.guessed]
    yield from open_api
    if not open_api and not any(map(of_an_api, survey.paths)):
        # Where only pages are named, that they are closed says nothing of what they are made of.
        observed = say(
            "only pages are named ({paths}), and no path of an API; of the usual ones none is seen to answer "
            "({guessed})",
            paths=listed(survey.paths, ", "),
            guessed=listed(survey.guessed, ", "),
        )
        confirm = say("Where the panel has no API, say so when you confirm the step.")
        name_it = kit.decision(listed((reach.NAME_THEM.words, confirm), " "))
        yield kit.unknown(observed, subject="API", remedy=name_it)
    yield from reach.not_asked(survey.left_out.by_name)


def _path(path: str, facts: Facts, profile: Profile) -> Judgement:
    survey = facts[ADMIN_SURVEY]
    own = reach.own_address_allowed(facts, profile, path)
    found = told(survey.views, path)
    statuses = {one.answer.status for one in found}
    # A rule for the panel holds for all that lies below it; one for a single page does not, nor does a
    # listing that is refused for want of an index.
    spelt = told([survey.spelt], path)
    below = [one for one in spelt if one.answer.how == BELOW and one.answer.status not in statuses]
    around = [one for one in spelt if one.how.reach is Reach.OPEN or one in below]

    def look(one: Told) -> kit.Seen:
        answer, view, how = one
        if not view.front.status:
            return kit.unseen(say("the site does not answer at {address}", address=view.address))
        if how.reach is Reach.SHELL:
            return kit.unseen(say("{why}; name the paths of its API in admin_paths", why=how.why))
        if one in below and how.reach is not Reach.OPEN:
            said = answer.status or answer.error
            return kit.unseen(say("what lies below it is answered otherwise ({said})", said=said))
        if how.reach is not Reach.CLOSED:
            return opened(one, own)
        proof = reach.proof(answer, view, facts, profile)
        if not proof:
            return kit.unseen(say("{why}; nothing shows that the address is why", why=how.why))
        return kit.right(say("{why}; {proof}", why=how.why, proof=proof))

    judged = kit.each(say("answers"), (*found, *around), look, proves=kit.Proves.OUTSIDE, subject=path)
    return doubtful(judged, LOOK)


def doubtful(judged: Judgement, remedy: Remedy) -> Judgement:
    """Give a judgement another remedy where it is in doubt."""
    return replace(judged, remedy=remedy) if judged.result is Result.UNKNOWN else judged


@asked_outside(
    "admin.forged-header",
    title=say("Admin panel with forged headers"),
    expected=say("the same refusal with X-Forwarded-For and the like of an address that is let in"),
    remedy=kit.decision(
        say(
            "Take the client's address from the connection. nginx: set_real_ip_from your own proxy only; "
            "Caddy: trusted_proxies of your own proxy only, no remote_ip forwarded; in the application, no "
            "such header."
        )
    ),
)
def forged_header(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge what was refused at first, asked for again in the name of others."""
    survey = facts[ADMIN_SURVEY]
    views = [view for view in survey.views if view.address == survey.forged.address]
    plain = {answer.path: answer.status for view in views for answer in view.answers}

    def look(one: Told) -> kit.Seen:
        answer, _, how = one
        if how.reach in {Reach.OPEN, Reach.SHELL}:
            return kit.wrong(how.why)
        if how.reach is Reach.UNCLEAR or answer.status != plain[answer.path]:
            said = answer.status or answer.error
            return kit.unseen(say("{status} became {said}", status=plain[answer.path], said=said))
        return kit.right(say("refused all the same"))

    if not survey.named:
        yield reach.unnamed(survey)
        return
    # Where nothing is refused there is nothing to get past, and nothing to judge by.
    for path in dict.fromkeys(answer.path for answer in survey.forged.answers) or [""]:
        requests = told([survey.forged], path)
        yield kit.each(say("requests"), requests, look, proves=kit.Proves.OUTSIDE, subject=path)
    yield from reach.not_asked(survey.left_out.forged)


@asked_outside(
    "admin.raw-address",
    title=say("Admin panel around its name"),
    expected=say("nothing of it by the bare address, another name, plain HTTP or the application's own port"),
    remedy=kit.decision(
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

    def look(one: Told) -> kit.Seen:
        answer, view, how = one
        here = urlsplit(answer.url)
        # A way round that led to the site by its name after all is judged apart.
        by_name = (here.scheme, here.hostname, here.port) == (site.scheme, site.hostname, site.port)
        if how.reach is not Reach.CLOSED and not by_name:
            # What goes through the same rules is open to the operator's address; a port beside them, to all.
            through = urlsplit(view.base).port is None
            return opened(one, reach.own_address_allowed(facts, profile, answer.path) if through else "")
        if not known[answer.path]:
            return kit.unseen(say("refused, but nothing shows that {path} is there", path=answer.path))
        return kit.right(say("led to the site's own name") if by_name else how.why)

    if not survey.named:
        yield reach.unnamed(survey)
        return
    ways = told(survey.raw)
    known = {path: is_known(path) for path in {one.answer.path for one in ways}}
    remedy = LOOK if all(known.values()) else reach.NAME_THEM
    yield doubtful(kit.each(say("ways"), ways, look, proves=kit.Proves.OUTSIDE), remedy)
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
        yield kit.unknown(text, remedy=reach.NAME_THEM)
        return
    if servers.doubts:
        yield kit.unknown(listed(servers.doubts), remedy=SHOW)
    elif not servers.known:
        yield kit.unknown(say("no nginx and no Caddy runs here whose rules could be read"), remedy=SHOW)
    for path in paths if servers.known else ():
        yield _restricted(path, facts, profile)


def _restricted(path: str, facts: Facts, profile: Profile) -> Judgement:
    found = reach.verdicts(facts, profile, path)
    views = () if facts.missing(ADMIN_SURVEY) else facts[ADMIN_SURVEY].views
    refused_outside = {one.how.reach for one in told(views, path)} == {Reach.CLOSED}

    def look(ruling: Ruling) -> kit.Seen:
        if ruling.fate is Fate.REFUSED and ruling.spoofable:
            return kit.wrong(say("{why}, so that anybody can say to be let in", why=ruling.spoofable))
        if ruling.fate is Fate.SERVED and refused_outside:
            return kit.unseen(say("{why}; yet it is refused from outside, by something else", why=ruling.why))
        if ruling.fate is Fate.SERVED:
            return kit.wrong(ruling.why)
        if ruling.fate is Fate.UNCLEAR or not any(one.fate is Fate.REFUSED for one in found):
            return kit.unseen(ruling.why)
        if ruling.fate is Fate.REDIRECTED:
            return kit.right(ruling.why)
        nets = listed(map(str, ruling.allowed), ", ") or say("nobody")
        return kit.right(say("{why}; lets in {nets}", why=ruling.why, nets=nets))

    elsewhere = facts[WEB_SERVERS].elsewhere(urlsplit(profile.url).hostname or "", path)
    unruled = kit.wrong(say("let in under another name, where no rule refuses it"))
    # Of a rule for the one page, or one that a location for scripts (~ \.php$) goes around.
    below = reach.verdicts(facts, profile, f"{path.rstrip('/')}/signoff-none-such.php")
    through = kit.unseen(say("what lies below it is let through"))
    seen = [
        *((one.where, look(one)) for one in found),
        *((one.where, unruled) for one in elsewhere),
        *((one.where, through) for one in below if one.fate is Fate.SERVED),
    ]
    where, what, proves = itemgetter(0), itemgetter(1), kit.Proves.CONFIGURED
    return doubtful(kit.each(say("rules"), seen, what, name=where, proves=proves, subject=path), SHOW)

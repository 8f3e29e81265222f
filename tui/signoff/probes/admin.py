"""Can the admin panel be reached from outside by its name, plainly or with a forged header?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from signoff.facts.admin import ADMIN_SURVEY
from signoff.facts.admin_paths import admin_paths, of_an_api
from signoff.facts.admin_requests import BELOW, Answer, View
from signoff.facts.base import Facts
from signoff.message import listed, say
from signoff.model import Result, Vantage
from signoff.probes import reach
from signoff.probes.base import Judgement, Remedy, probe
from signoff.probes.kit import Proves, Seen, decision, each, informational, right, unknown, unseen, wrong
from signoff.probes.reach import Reach, Reached
from signoff.target.profile import Profile

CLOSE = decision(
    say(
        "Let in a VPN or known addresses only, for the page and for its API. nginx: location ~ "
        "^/(admin|api/admin)(/|$) with allow 10.8.0.0/24 and deny all; Caddy: a matcher with not remote_ip, "
        "and respond 403."
    )
)
LOOK = decision(say("Ask for it yourself from an address that is not let in, and from one that is."))


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


def opened(one: Told, own: str) -> Seen:
    """Judge what was reached, or may have been; ``own`` is the operator's address where a rule lets it in."""
    if one.how.reach is not Reach.OPEN:
        return unseen(say("{why}; whether it was reached cannot be told", why=one.how.why))
    if own:
        return unseen(say("{why}; but you look from {own}, which a rule lets in", why=one.how.why, own=own))
    return wrong(say("{why}", why=one.how.why))


@probe(
    "admin.outside",
    title=say("Admin panel from outside"),
    expected=say("403, 404 or no answer, for the page and for its API, at every address"),
    needs=reach.NEEDS,
    vantage=Vantage.OUTSIDE,
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
    named = filter(of_an_api, admin_paths(profile)[0])
    closed_api = any(judged[path].result is Result.PASS for path in named)
    for path in survey.paths:
        one = judged[path]
        if closed_api and {each.how.reach for each in told(survey.views, path)} == {Reach.SHELL}:
            observed = say("{observed}; its API is closed", observed=one.observed)
            one = informational(observed, subject=path, evidence=one.evidence)
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
        none = say("Where the panel has no API, say so when you confirm the step.")
        yield unknown(observed, subject="API", remedy=decision(listed((reach.NAME_THEM.words, none), " ")))
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

    def look(one: Told) -> Seen:
        answer, view, how = one
        if not view.front.status:
            return unseen(say("the site does not answer at {address}", address=view.address))
        if how.reach is Reach.SHELL:
            return unseen(say("{why}; name the paths of its API in admin_paths", why=how.why))
        if one in below and how.reach is not Reach.OPEN:
            said = answer.status or answer.error
            return unseen(say("what lies below it is answered otherwise ({said})", said=said))
        if how.reach is not Reach.CLOSED:
            return opened(one, own)
        proof = reach.proof(answer, view, facts, profile)
        if not proof:
            return unseen(say("{why}; nothing shows that the address is why", why=how.why))
        return right(say("{why}; {proof}", why=how.why, proof=proof))

    return doubtful(each(say("answers"), (*found, *around), look, proves=Proves.OUTSIDE, subject=path), LOOK)


def doubtful(judged: Judgement, remedy: Remedy) -> Judgement:
    """Give a judgement another remedy where it is in doubt."""
    return replace(judged, remedy=remedy) if judged.result is Result.UNKNOWN else judged


@probe(
    "admin.forged-header",
    title=say("Admin panel with forged headers"),
    expected=say("the same refusal with X-Forwarded-For and the like of an address that is let in"),
    needs=reach.NEEDS,
    vantage=Vantage.OUTSIDE,
    remedy=decision(
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

    def look(one: Told) -> Seen:
        answer, _, how = one
        if how.reach in {Reach.OPEN, Reach.SHELL}:
            return wrong(say("{why}", why=how.why))
        if how.reach is Reach.UNCLEAR or answer.status != plain[answer.path]:
            said = answer.status or answer.error
            return unseen(say("{status} became {said}", status=plain[answer.path], said=said))
        return right(say("refused all the same"))

    if not survey.named:
        yield reach.unnamed(survey)
        return
    if not survey.forged.answers:
        yield unknown(say("no path is refused at all, so that there is nothing to get past"))
        return
    for path in dict.fromkeys(answer.path for answer in survey.forged.answers):
        requests = told([survey.forged], path)
        yield each(say("requests"), requests, look, proves=Proves.OUTSIDE, subject=path)
    yield from reach.not_asked(survey.left_out.forged)

"""Does an answer from outside mean that the admin panel was reached? Open, closed, or not to be told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import SplitResult, urljoin, urlsplit

from signoff.facts.admin import ADMIN_SURVEY, Survey
from signoff.facts.admin_inside import ADMIN_INSIDE
from signoff.facts.admin_requests import Answer, View
from signoff.facts.base import Facts
from signoff.facts.network import SSH_SERVER
from signoff.facts.outside import BY_HAND
from signoff.facts.ruling import Fate, Ruling, network
from signoff.facts.web import WEB_SERVERS
from signoff.message import NOTHING, Message, listed, say
from signoff.probes.base import Judgement
from signoff.probes.kit import decision, unknown
from signoff.target.profile import Profile

NEEDS = (ADMIN_SURVEY, ADMIN_INSIDE, WEB_SERVERS, SSH_SERVER)
NAME_THEM = decision(say("Name the paths of the panel and of its API in the target's profile: admin_paths."))

_LOGIN_PAGE = re.compile(r"log-?in|sign-?in|auth|sso|oauth|accounts?/|session", re.IGNORECASE)
_CLOSED = frozenset({403, 404, 410})
_TO_A_WRONG_REQUEST = frozenset({405, 406, 411, 415, 422})


class Reach(StrEnum):
    """What an answer says of the way in. ``shell`` is the one page that the site gives for every path."""

    OPEN = "open"
    CLOSED = "closed"
    SHELL = "shell"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class Reached:
    """A conclusion on one answer, and why."""

    reach: Reach
    why: Message


def reached(answer: Answer, view: View) -> Reached:
    """Conclude from one answer, beside those to the front page and to a path that cannot exist.

    The first line of the table that holds counts.
    """
    status, path = answer.status, urlsplit(answer.url).path.rstrip("/")
    redirected = 300 <= status < 400
    onward = _onward(answer) if redirected else urlsplit("")
    # The bare address leads to the site's own name: what happens there is judged there. From its own name to
    # another one is where the panel may well be.
    host = urlsplit(answer.url).hostname or ""
    renamed = redirected and onward.path.rstrip("/") == path and onward.hostname != host
    by_name = not answer.how and network(host) is None
    to_login = redirected and _LOGIN_PAGE.search(f"{onward.hostname or ''} {onward.path}")
    alike = _alike(answer, view.random) and status not in {404, 410}
    wants_login = status == 403 and answer.asks_login and not answer.servers_own
    # A page that is slow looks like one that is withheld, unless nothing at all answers there.
    dead = not (status or view.front.status or view.random.status)
    code = say("{status}", status=status)
    sent = say("sent on to {scheme}://{host}", scheme=onward.scheme, host=onward.hostname)
    table = (
        (not answer.asked, Reach.UNCLEAR, say("not asked: the limit of requests was reached")),
        (dead, Reach.CLOSED, say("no answer")),
        (not status and answer.hung_up, Reach.CLOSED, say("no answer, while other paths are answered")),
        (not status, Reach.UNCLEAR, say("no answer in time, while other paths are answered")),
        (status == 401 != view.random.status, Reach.OPEN, say("it asks for a login")),
        (alike and status >= 300, Reach.UNCLEAR, say("{code}, as for any path, made up ones too", code=code)),
        (alike and answer.empty, Reach.CLOSED, say("an empty answer, as to any path")),
        (alike, Reach.SHELL, say("the same page as for any path, made up ones too")),
        (status < 300, Reach.OPEN, say("it answers")),
        (renamed, Reach.UNCLEAR if by_name else Reach.CLOSED, sent),
        (to_login, Reach.OPEN, say("it leads to a login page, {path}", path=onward.path)),
        (
            onward.path.startswith(f"{path}/"),
            Reach.OPEN,
            say("it leads further in, {path}", path=onward.path),
        ),
        (redirected, Reach.UNCLEAR, say("{code}, sent to {path}", code=code, path=onward.path or "/")),
        (status in _TO_A_WRONG_REQUEST, Reach.OPEN, say("{code}: it answers, if not to GET", code=code)),
        (wants_login, Reach.OPEN, say("403 for want of a login, not for the address")),
        (status in _CLOSED, Reach.CLOSED, code),
    )
    return next((Reached(reach, why) for holds, reach, why in table if holds), Reached(Reach.UNCLEAR, code))


def _onward(answer: Answer) -> SplitResult:
    return urlsplit(urljoin(answer.url, answer.location))


def _alike(answer: Answer, random: Answer) -> bool:
    if answer.status != random.status or not 300 <= answer.status < 400:
        return (answer.status, answer.digest) == (random.status, random.digest)
    # Where it leads, without the part of it that quotes the path.
    ways = [(one, _onward(one)) for one in (answer, random)]
    here, there = (f"{way.hostname}{way.path}".replace(one.path.strip("/"), "") for one, way in ways)
    return here == there


def verdicts(facts: Facts, profile: Profile, path: str) -> tuple[Ruling, ...]:
    """Return what the web servers' configuration does with a path; empty where it is not known."""
    host = urlsplit(profile.url).hostname or ""
    return () if facts.missing(WEB_SERVERS) or not host else facts[WEB_SERVERS].rulings(host, path)


def refused_by_rule(found: tuple[Ruling, ...]) -> bool:
    """Tell whether the configuration turns strangers away: some rule refuses, and none serves."""
    fates = {ruling.fate for ruling in found}
    return Fate.REFUSED in fates and fates <= {Fate.REFUSED, Fate.REDIRECTED}


def proof(answer: Answer, view: View, facts: Facts, profile: Profile) -> Message:
    """Return what shows that a closed answer is a refusal of the address; empty where nothing does.

    A 404 may mean that there is no such page, a 403 that somebody has not logged in.
    """
    if refused_by_rule(verdicts(facts, profile, answer.path)):
        return say("the web server's rules refuse strangers")
    if not answer.status:
        return say("no answer, while other paths are answered") if view.random.status else NOTHING
    exists = not facts.missing(ADMIN_INSIDE) and answer.path in facts[ADMIN_INSIDE].exists
    if exists and (answer.status != 403 or answer.servers_own):
        return say("the application itself has this path")
    own = answer.status == 403 and answer.servers_own and not _alike(answer, view.random)
    return say("the web server's own refusal") if own else NOTHING


def own_address_allowed(facts: Facts, profile: Profile, path: str) -> str:
    """Return the operator's address where a rule lets it in by name; empty where none does."""
    known = set() if facts.missing(SSH_SERVER) else {facts[SSH_SERVER].client}
    known |= set() if facts.missing(ADMIN_SURVEY) else {*facts[ADMIN_SURVEY].sources}
    nets = [net for ruling in verdicts(facts, profile, path) for net in ruling.allowed]
    let_in = (one for one in sorted(known) if (own := network(one)) and any(own[0] in net for net in nets))
    return next(let_in, "")


def not_asked(what: tuple[str, ...]) -> Iterator[Judgement]:
    """Say what was too much to ask for: what nobody looked at is not closed."""
    if what:
        observed = say("not asked: {what}", what=listed(what, ", ", most=8))
        remedy = decision(say("Ask for it yourself, from elsewhere: {command}", command=BY_HAND))
        yield unknown(observed, remedy=remedy, subject="not asked")


def unnamed(survey: Survey) -> Judgement:
    """Return what to say where nobody named the paths: that the usual ones are silent proves nothing."""
    tried = listed((*survey.paths, *survey.guessed), ", ")
    observed = say(
        "nobody has named the admin paths; of the usual ones none is seen to answer ({tried})", tried=tried
    )
    return unknown(observed, remedy=NAME_THEM)

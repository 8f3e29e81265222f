"""Does an answer from outside mean that the admin panel was reached? Open, closed, or not to be told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urljoin, urlsplit

from signoff.facts.admin import ADMIN_SURVEY, Survey
from signoff.facts.admin_inside import ADMIN_INSIDE
from signoff.facts.admin_requests import Answer, View
from signoff.facts.base import Facts
from signoff.facts.network import SSH_SERVER
from signoff.facts.outside import BY_HAND
from signoff.facts.ruling import Fate, Ruling, network
from signoff.facts.web import WEB_SERVERS
from signoff.message import say
from signoff.model import Result
from signoff.probes.base import Judgement
from signoff.probes.kit import decision
from signoff.target.profile import Profile

ITEMS = ("A23", "A4")
NEEDS = (ADMIN_SURVEY, ADMIN_INSIDE, WEB_SERVERS, SSH_SERVER)
NAME_THEM = decision(say("Name the paths of the panel and of its API in the target's profile: admin_paths."))
CLOSE = (
    "Let in a VPN or known addresses only, for the page and for its API. nginx: location ~ "
    "^/(admin|api/admin)(/|$) { allow 10.8.0.0/24; deny all; ... }; Caddy: a matcher with not remote_ip, "
    "and respond 403."
)

_LOGIN_PAGE = re.compile(r"log-?in|sign-?in|auth|sso|oauth|accounts?/|session", re.IGNORECASE)
_LISTED = 8
_CLOSED = frozenset({403, 404, 410})
_ANSWERS_TO_A_WRONG_REQUEST = frozenset({405, 406, 411, 415, 422})


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
    why: str


def reached(answer: Answer, view: View) -> Reached:
    """Conclude from one answer, beside those to the front page and to a path that cannot exist."""
    random = view.random
    if not answer.status:
        return _silent(answer, others=bool(view.front.status or view.random.status))
    if answer.status == 401 and random.status != 401:
        return Reached(Reach.OPEN, "it asks for a login")
    if _alike(answer, random) and answer.status not in {404, 410}:
        return _like_nothing(answer)
    if answer.status < 300:
        return Reached(Reach.OPEN, "it answers")
    if answer.status < 400:
        return _redirected(answer, view)
    return _refused(answer)


def _silent(answer: Answer, *, others: bool) -> Reached:
    """A page that is slow looks like one that is withheld, unless nothing at all answers there."""
    if not answer.asked:
        return Reached(Reach.UNCLEAR, "not asked: the limit of requests was reached")
    if not others:
        return Reached(Reach.CLOSED, "no answer")
    if not answer.hung_up:
        return Reached(Reach.UNCLEAR, "no answer in time, while other paths are answered")
    return Reached(Reach.CLOSED, "no answer, while other paths are answered")


def _alike(answer: Answer, random: Answer) -> bool:
    if answer.status != random.status:
        return False
    if 300 <= answer.status < 400:
        return _onward(answer) == _onward(random)
    return answer.digest == random.digest


def _like_nothing(answer: Answer) -> Reached:
    """The answer is the same as to a path that cannot exist."""
    if answer.status < 300 and answer.empty:
        return Reached(Reach.CLOSED, "an empty answer, as to any path")
    if answer.status < 300:
        return Reached(Reach.SHELL, "the same page as for any path, made up ones too")
    return Reached(Reach.UNCLEAR, f"{answer.status}, as for any path, made up ones too")


def _onward(answer: Answer) -> str:
    """Where a redirect leads, without the part of it that quotes the path."""
    parts = urlsplit(urljoin(answer.url, answer.location))
    return f"{parts.hostname}{parts.path}".replace(answer.path.strip("/"), "")


def _redirected(answer: Answer, view: View) -> Reached:
    onward = urlsplit(urljoin(answer.url, answer.location))
    here = urlsplit(answer.url)
    if onward.path.rstrip("/") == here.path.rstrip("/") and onward.hostname != here.hostname:
        # The bare address leads to the site's own name: what happens there is judged there. From its own
        # name to another one is where the panel may well be.
        by_name = not answer.how and network(here.hostname or "") is None
        sent = f"sent on to {onward.scheme}://{onward.hostname}"
        return Reached(Reach.UNCLEAR if by_name else Reach.CLOSED, sent)
    if _LOGIN_PAGE.search(onward.path) or _LOGIN_PAGE.search(onward.hostname or ""):
        return Reached(Reach.OPEN, f"it leads to a login page, {onward.path}")
    if onward.path.startswith(here.path.rstrip("/") + "/"):
        return Reached(Reach.OPEN, f"it leads further in, {onward.path}")
    return Reached(Reach.UNCLEAR, f"{answer.status}, sent to {onward.path or '/'}")


def _refused(answer: Answer) -> Reached:
    if answer.status in _ANSWERS_TO_A_WRONG_REQUEST:
        return Reached(Reach.OPEN, f"{answer.status}: it answers, if not to GET")
    if answer.status == 403 and answer.asks_login and not answer.servers_own:
        return Reached(Reach.OPEN, "403 for want of a login, not for the address")
    if answer.status in _CLOSED:
        return Reached(Reach.CLOSED, f"{answer.status}")
    return Reached(Reach.UNCLEAR, f"{answer.status}")


def verdicts(facts: Facts, profile: Profile, path: str) -> tuple[Ruling, ...]:
    """Return what the web servers' configuration does with a path; empty where it is not known."""
    host = urlsplit(profile.url).hostname or ""
    return () if facts.missing(WEB_SERVERS) or not host else facts[WEB_SERVERS].rulings(host, path)


def refused_by_rule(found: tuple[Ruling, ...]) -> bool:
    """Tell whether the configuration turns strangers away: some rule refuses, and none serves."""
    fates = {ruling.fate for ruling in found}
    return Fate.REFUSED in fates and fates <= {Fate.REFUSED, Fate.REDIRECTED}


def proof(answer: Answer, view: View, facts: Facts, profile: Profile) -> str:
    """Return what shows that a closed answer is a refusal of the address; empty where nothing does.

    A 404 may mean that there is no such page, a 403 that somebody has not logged in.
    """
    if refused_by_rule(verdicts(facts, profile, answer.path)):
        return "the web server's rules refuse strangers"
    if not answer.status:
        return "no answer, while other paths are answered" if view.random.status else ""
    exists = not facts.missing(ADMIN_INSIDE) and answer.path in facts[ADMIN_INSIDE].exists
    if exists and (answer.status != 403 or answer.servers_own):
        return "the application itself has this path"
    if answer.status == 403 and answer.servers_own and not _alike(answer, view.random):
        return "the web server's own refusal"
    return ""


def own_address_allowed(facts: Facts, profile: Profile, path: str) -> str:
    """Return the operator's address where a rule lets it in by name; empty where none does."""
    known = {facts[SSH_SERVER].client} if not facts.missing(SSH_SERVER) else set()
    if not facts.missing(ADMIN_SURVEY):
        known |= set(facts[ADMIN_SURVEY].sources)
    nets = [net for ruling in verdicts(facts, profile, path) for net in ruling.allowed]
    for address in sorted(known - {""}):
        own = network(address)
        if own and any(own.version == net.version and own[0] in net for net in nets):
            return address
    return ""


def not_asked(what: tuple[str, ...]) -> Iterator[Judgement]:
    """Say what was too much to ask for: what nobody looked at is not closed."""
    if what:
        more = f" and {len(what) - _LISTED} more" if len(what) > _LISTED else ""
        yield Judgement(
            result=Result.UNKNOWN,
            subject="not asked",
            observed=say("not asked: {what}{more}", what=", ".join(what[:_LISTED]), more=more),
            remedy=decision(say("Ask for it yourself, from elsewhere: {by_hand}", by_hand=BY_HAND)),
        )


def unnamed(survey: Survey) -> Judgement:
    """Return what to say where nobody named the paths: that the usual ones are silent proves nothing."""
    tried = ", ".join((*survey.paths, *survey.guessed))
    return Judgement(
        result=Result.UNKNOWN,
        observed=say(
            "nobody has named the admin paths; of the usual ones none is seen to answer ({tried})",
            tried=tried,
        ),
        remedy=NAME_THEM,
    )

"""Can the admin panel be reached around its name, and what do the web server's own rules say?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from signoff.facts.admin import ADMIN_SURVEY, Survey
from signoff.facts.admin_inside import ADMIN_INSIDE
from signoff.facts.admin_paths import named_paths
from signoff.facts.admin_requests import Answer, View
from signoff.facts.base import Facts
from signoff.facts.ruling import Fate, Ruling
from signoff.facts.web import BY_HAND, WEB_SERVERS
from signoff.model import Result, Vantage
from signoff.probes.admin import told
from signoff.probes.base import Judgement, probe
from signoff.probes.reach import (
    CLOSE,
    ITEMS,
    NAME_THEM,
    NEEDS,
    Reach,
    not_asked,
    own_address_allowed,
    refused_by_rule,
    unnamed,
    verdicts,
)
from signoff.target.profile import Profile


@probe(
    "admin.raw-address",
    title="Admin panel around its name",
    expected="nothing of it by the bare address, another name, plain HTTP or the application's own port",
    items=ITEMS,
    needs=NEEDS,
    vantage=Vantage.OUTSIDE,
    remedy=(
        "Publish the application on 127.0.0.1 only, and give the web server a default site that refuses "
        "(nginx: default_server, ssl_reject_handshake on, return 444)."
    ),
)
def raw_address(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge every other way in than the name."""
    survey = facts[ADMIN_SURVEY]
    if not survey.named:
        yield unnamed(survey)
        return
    yield _around(survey, facts, profile)
    yield from not_asked(survey.left_out.around)


def _around(survey: Survey, facts: Facts, profile: Profile) -> Judgement:
    found = [one for one in told(survey.raw) if not _by_name(one.answer, profile)]
    evidence = tuple(str(one.answer) for one in found)[:10]
    if opened := [one for one in found if one.how.reach is Reach.OPEN]:
        answer, _, how = opened[0]
        others = f", and {len(opened) - 1} more ways" if len(opened) > 1 else ""
        return Judgement(
            result=_unless_allowed(facts, profile, [(answer, view) for answer, view, _ in opened]),
            observed=f"{answer}: {how.why}{others}",
            evidence=tuple(str(answer) for answer, _, _ in opened)[:10],
        )
    if doubtful := [one for one in found if one.how.reach in {Reach.UNCLEAR, Reach.SHELL}]:
        answer, _, how = doubtful[0]
        return Judgement(
            result=Result.UNKNOWN,
            observed=f"{answer}: {how.why}: whether it was reached cannot be told",
            evidence=evidence,
        )
    if unproved := list(_not_known_to_exist(survey, facts, profile)):
        return Judgement(
            result=Result.UNKNOWN,
            observed=f"refused on {len(survey.raw)} ways, but nothing shows that {unproved[0]} is there",
            evidence=evidence,
            remedy=NAME_THEM,
        )
    return Judgement(
        result=Result.PASS, observed=f"refused or not answered on {len(survey.raw)} ways", evidence=evidence
    )


def _by_name(answer: Answer, profile: Profile) -> bool:
    """Whether a way round led to the site by its name after all, which is judged apart."""
    here, site = urlsplit(answer.url), urlsplit(profile.url)
    return (here.scheme, here.hostname, here.port) == (site.scheme, site.hostname, site.port)


def _unless_allowed(facts: Facts, profile: Profile, opened: list[tuple[Answer, View]]) -> Result:
    """What goes through the same rules is open to the operator's own address; a port beside them, to all."""
    through = all(urlsplit(view.base).port is None for _, view in opened)
    if through and own_address_allowed(facts, profile, opened[0][0].path):
        return Result.UNKNOWN
    return Result.FAIL


def _not_known_to_exist(survey: Survey, facts: Facts, profile: Profile) -> Iterable[str]:
    """Yield the paths for which refusals prove nothing: no rule, and no answer, shows that they are there."""
    known = frozenset[str]() if facts.missing(ADMIN_INSIDE) else facts[ADMIN_INSIDE].exists
    for path in dict.fromkeys(answer.path for view in survey.raw for answer in view.answers):
        answers = any(one.how.reach is Reach.OPEN for one in told(survey.views, path))
        if not (answers or path in known or refused_by_rule(verdicts(facts, profile, path))):
            yield path


@probe(
    "admin.restriction",
    title="Web server's rules for the admin panel",
    expected="deny all but named networks, by the connection's own address, for every admin path",
    items=ITEMS,
    needs=NEEDS,
    remedy=CLOSE,
)
def restriction(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge the configuration that runs: what becomes of a stranger's request, and whose word is taken."""
    servers = facts[WEB_SERVERS]
    paths = named_paths(profile) or servers.admin_paths()
    if not paths or not profile.url:
        missing = "the product's URL (url)" if not profile.url else "the admin paths (admin_paths)"
        yield Judgement(
            result=Result.UNKNOWN,
            observed=f"nothing to judge by: {missing} are not in the target's profile",
            remedy=NAME_THEM,
        )
        return
    if doubt := _doubt(facts):
        yield Judgement(result=Result.UNKNOWN, observed=doubt, remedy=f"Run by hand: {BY_HAND}")
    for path in paths if servers.known else ():
        yield _restricted(path, facts, profile)


def _doubt(facts: Facts) -> str:
    """Return why the configuration read may not be all that decides."""
    servers = facts[WEB_SERVERS]
    if servers.unread:
        return f"the configuration of {', '.join(servers.unread)} could not be read (it needs root)"
    if servers.stale:
        return f"{', '.join(servers.stale)}: its files changed after it loaded them, so that other rules run"
    if servers.others:
        return f"{', '.join(servers.others)} also runs, and its rules are not understood here"
    return "" if servers.known else "no nginx and no Caddy runs here whose rules could be read"


def _restricted(path: str, facts: Facts, profile: Profile) -> Judgement:
    found = verdicts(facts, profile, path)
    evidence = tuple(f"{ruling.where}: {ruling.fate}: {ruling.why}" for ruling in found)
    if spoofed := [ruling for ruling in found if ruling.spoofable and ruling.fate is Fate.REFUSED]:
        observed = f"{path}: {spoofed[0].spoofable}, so that anybody can say to be let in"
        return Judgement(result=Result.FAIL, subject=path, observed=observed, evidence=evidence)
    host = urlsplit(profile.url).hostname or ""
    if others := facts[WEB_SERVERS].elsewhere(host, path):
        observed = f"{path}: let in under another name, where no rule refuses it ({others[0].where})"
        evidence = (*evidence, *(f"{ruling.where}: {ruling.fate}: {ruling.why}" for ruling in others))[:12]
        return Judgement(result=Result.FAIL, subject=path, observed=observed, evidence=evidence)
    if served := [ruling for ruling in found if ruling.fate is Fate.SERVED]:
        return _served(path, served[0], facts, evidence)
    if not found or not refused_by_rule(found):
        why = next((ruling.why for ruling in found if ruling.fate is Fate.UNCLEAR), "no rule is seen for it")
        return Judgement(
            result=Result.UNKNOWN,
            subject=path,
            observed=f"{path}: {why}",
            evidence=evidence,
            remedy=f"Run by hand, and judge: {BY_HAND}",
        )
    below = f"{path.rstrip('/')}/signoff-none-such.php"
    if served := [ruling for ruling in verdicts(facts, profile, below) if ruling.fate is Fate.SERVED]:
        # A rule for the one page, or one that a location for scripts (~ \.php$) goes around.
        observed = f"{path}: {found[0].why}; but what lies below it is let through ({served[0].where})"
        return Judgement(
            result=Result.UNKNOWN, subject=path, observed=observed, evidence=evidence, remedy=CLOSE
        )
    refusing = next(ruling for ruling in found if ruling.fate is Fate.REFUSED)
    let_in = ", ".join(map(str, refusing.allowed)) or "nobody"
    observed = f"{path}: {refusing.why}; lets in {let_in}"
    return Judgement(result=Result.PASS, subject=path, observed=observed, evidence=evidence)


def _served(path: str, ruling: Ruling, facts: Facts, evidence: tuple[str, ...]) -> Judgement:
    observed = f"{path}: {ruling.why} ({ruling.where})"
    if not facts.missing(ADMIN_SURVEY) and _refused_everywhere(path, facts[ADMIN_SURVEY]):
        return Judgement(
            result=Result.UNKNOWN,
            subject=path,
            observed=f"{observed}; yet it is refused from outside, by something else",
            evidence=evidence,
            remedy="Find what refuses, and whether it goes by the connection's address.",
        )
    return Judgement(result=Result.FAIL, subject=path, observed=observed, evidence=evidence)


def _refused_everywhere(path: str, survey: Survey) -> bool:
    return {one.how.reach for one in told(survey.views, path)} == {Reach.CLOSED}

"""Can the admin panel be reached from outside by its name, plainly or with a forged header?"""

from __future__ import annotations

from collections.abc import Iterator

from signoff.facts.admin import ADMIN_SURVEY, Survey
from signoff.facts.admin_paths import admin_paths, of_an_api
from signoff.facts.admin_requests import BELOW, Answer, View
from signoff.facts.base import Facts
from signoff.message import say
from signoff.model import Result, Vantage
from signoff.probes.base import Judgement, probe
from signoff.probes.kit import decision
from signoff.probes.reach import (
    CLOSE,
    NAME_THEM,
    NEEDS,
    Reach,
    Reached,
    not_asked,
    own_address_allowed,
    proof,
    reached,
    unnamed,
)
from signoff.target.profile import Profile


@probe(
    "admin.outside",
    title=say("Admin panel from outside"),
    expected=say("403, 404 or no answer, for the page and for its API, at every address"),
    needs=NEEDS,
    vantage=Vantage.OUTSIDE,
    remedy=CLOSE,
)
def outside(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge each path, at every address, as it is asked for by its name."""
    survey = facts[ADMIN_SURVEY]
    judged = {path: _path(path, survey, facts, profile) for path in survey.paths}
    guessed = [_path(path, survey, facts, profile) for path in survey.guessed]
    open_api = [one for one in guessed if one.result is Result.FAIL]
    if not survey.named:
        found = [one for one in judged.values() if one.result is Result.FAIL]
        yield from (*found, *open_api) or [unnamed(survey)]
        return
    # One that was named: what is learnt beside may be another panel's.
    closed_api = any(
        judged[path].result is Result.PASS and of_an_api(path) for path in admin_paths(profile)[0]
    )
    for path, one in judged.items():
        yield one if not (closed_api and _is_shell(path, survey)) else _as_shell(one)
    yield from open_api
    if not open_api and not any(map(of_an_api, survey.paths)):
        yield _no_api(survey)
    yield from not_asked(survey.left_out.by_name)


def _no_api(survey: Survey) -> Judgement:
    """Where only pages are named, that they are closed says nothing of what they are made of."""
    return Judgement(
        result=Result.UNKNOWN,
        subject="API",
        observed=(
            say(
                "only pages are named ({paths}), and no path of an API; of the usual ones none is "
                "seen to answer ({guessed})",
                paths=", ".join(survey.paths),
                guessed=", ".join(survey.guessed),
            )
        ),
        remedy=decision(
            say(
                "{name_them} Where the panel has no API, say so when you confirm the step.",
                name_them=NAME_THEM,
            )
        ),
    )


_SHELL = decision(
    say("This page is the same for everybody; what matters is its API: name its paths in admin_paths.")
)


def _is_shell(path: str, survey: Survey) -> bool:
    """Whether the path gives everywhere the one page that the site gives for every path."""
    found = {
        reached(answer, view).reach for view in survey.views for answer in view.answers if answer.path == path
    }
    return found == {Reach.SHELL}


def _as_shell(one: Judgement) -> Judgement:
    """The page that the site gives for every path, and behind it an API that is closed."""
    observed = say("{observed}; its API is closed", observed=one.observed)
    return Judgement(
        result=Result.INFORMATIONAL, subject=one.subject, observed=observed, evidence=one.evidence
    )


_Found = list[tuple[Answer, View, Reached]]


def _path(path: str, survey: Survey, facts: Facts, profile: Profile) -> Judgement:
    answers = [(answer, view) for view in survey.views for answer in view.answers if answer.path == path]
    silent = [view for view in survey.views if not view.front.status]
    found = [(answer, view, reached(answer, view)) for answer, view in answers if view not in silent]
    evidence = tuple(str(answer) for answer, _, _ in found)[:6]
    by_reach = {reach: [one for one in found if one[2].reach is reach] for reach in Reach}
    around = [(answer, view, reached(answer, view)) for view, answer in survey.spelt if answer.path == path]
    if ways := by_reach[Reach.OPEN] or [one for one in around if one[2].reach is Reach.OPEN]:
        return _open(path, ways, facts, profile, evidence)
    if ways := by_reach[Reach.UNCLEAR]:
        observed = say(
            "{path}: {why} at {address}; whether it was reached cannot be told",
            path=path,
            why=ways[0][2].why,
            address=ways[0][0].address,
        )
        return Judgement(
            result=Result.UNKNOWN,
            subject=path,
            observed=observed,
            evidence=evidence,
            remedy=decision(
                say("Ask for it yourself from an address that is not let in, and from one that is.")
            ),
        )
    if by_reach[Reach.SHELL]:
        observed = say("{path}: {why}", path=path, why=by_reach[Reach.SHELL][0][2].why)
        return Judgement(
            result=Result.UNKNOWN, subject=path, observed=observed, evidence=evidence, remedy=_SHELL
        )
    closed = _closed(path, found, [view.address for view in silent], facts, profile)
    return _but_below(closed, found, [answer for answer, _, _ in around if answer.how == BELOW])


def _but_below(closed: Judgement, found: _Found, below: list[Answer]) -> Judgement:
    """A rule for the panel holds for all that lies below it; one for a single page, or a listing that is
    refused for want of an index, does not.
    """
    other = next((one for one in below if one.status not in {answer.status for answer, _, _ in found}), None)
    if closed.result is not Result.PASS or other is None:
        return closed
    said = other.status or other.error
    return Judgement(
        result=Result.UNKNOWN,
        subject=closed.subject,
        observed=say(
            "{observed}; yet what lies below it is answered otherwise ({said})",
            observed=closed.observed,
            said=said,
        ),
        evidence=(*closed.evidence, str(other)),
        remedy=decision(
            say("Let the rule hold for all below it, scripts of its own included. {close}", close=CLOSE)
        ),
    )


def _open(path: str, ways: _Found, facts: Facts, profile: Profile, evidence: tuple[str, ...]) -> Judgement:
    where = ", ".join(dict.fromkeys(answer.address for answer, _, _ in ways))
    answer, _, how = ways[0]
    spelt = f" as {answer.url}" if answer.how else ""
    observed = say(
        "{path}: {status} at {where}{spelt}: {why}",
        path=path,
        status=answer.status,
        where=where,
        spelt=spelt,
        why=how.why,
    )
    if own := own_address_allowed(facts, profile, path):
        return Judgement(
            result=Result.UNKNOWN,
            subject=path,
            observed=say(
                "{observed}; but you look from {own}, which a rule lets in", observed=observed, own=own
            ),
            evidence=evidence,
            remedy=decision(
                say("Look again from an address that is not let in: another network, a phone without Wi-Fi.")
            ),
        )
    return Judgement(result=Result.FAIL, subject=path, observed=observed, evidence=evidence)


def _closed(path: str, found: _Found, silent: list[str], facts: Facts, profile: Profile) -> Judgement:
    said = ", ".join(f"{how.why} at {answer.address}" for answer, _, how in found)
    evidence = tuple(str(answer) for answer, _, _ in found)[:6]
    if silent:
        return Judgement(
            result=Result.UNKNOWN,
            subject=path,
            observed=say(
                "{path}: {said}; the site does not answer at {silent}",
                path=path,
                said=said,
                silent=", ".join(silent),
            ),
            evidence=evidence,
        )
    proofs = [proof(answer, view, facts, profile) for answer, view, _ in found]
    if not all(proofs) or not proofs:
        return Judgement(
            result=Result.UNKNOWN,
            subject=path,
            observed=say("{path}: {said}; nothing shows that the address is why", path=path, said=said),
            evidence=evidence,
            remedy=decision(
                say("Check that the path is spelt as it is used; ask for it from an address that is let in.")
            ),
        )
    return Judgement(
        result=Result.PASS,
        subject=path,
        observed=say("{path}: {said}; {proofs}", path=path, said=said, proofs=proofs[0]),
        evidence=evidence,
    )


@probe(
    "admin.forged-header",
    title=say("Admin panel with forged headers"),
    expected=say("the same refusal with X-Forwarded-For and the like of an address that is let in"),
    needs=NEEDS,
    vantage=Vantage.OUTSIDE,
    remedy=(
        decision(
            say(
                "Take the client's address from the connection. nginx: set_real_ip_from your own "
                "proxy only; Caddy: trusted_proxies of your own proxy only, no remote_ip forwarded; "
                "in the application, no such header."
            )
        )
    ),
)
def forged_header(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge what was refused at first, asked for again in the name of others."""
    survey = facts[ADMIN_SURVEY]
    if not survey.named:
        yield unnamed(survey)
        return
    if not survey.forged:
        yield Judgement(
            result=Result.UNKNOWN,
            observed=say("no path is refused at all, so that there is nothing to get past"),
        )
        return
    for path in dict.fromkeys(answer.path for _, answer in survey.forged):
        yield _forged(path, [(answer, view) for view, answer in survey.forged if answer.path == path])
    yield from not_asked(survey.left_out.forged)


def _forged(path: str, tried: list[tuple[Answer, View]]) -> Judgement:
    found = [(answer, reached(answer, view)) for answer, view in tried]
    evidence = tuple(str(answer) for answer, _ in found)[:8]
    for answer, how in found:
        if how.reach in {Reach.OPEN, Reach.SHELL}:
            observed = say(
                "{path}: {status} with {how}: {why}",
                path=path,
                status=answer.status,
                how=answer.how,
                why=how.why,
            )
            return Judgement(result=Result.FAIL, subject=path, observed=observed, evidence=evidence)
    plain = next(one for one in tried[0][1].answers if one.path == path)
    for answer, how in found:
        if how.reach is Reach.UNCLEAR or answer.status != plain.status:
            said = answer.status or answer.error
            observed = say(
                "{path}: {status} became {said} with {how}",
                path=path,
                status=plain.status,
                said=said,
                how=answer.how,
            )
            return Judgement(result=Result.UNKNOWN, subject=path, observed=observed, evidence=evidence)
    observed = say(
        "{path}: refused all the same, {count} requests in the names of others", path=path, count=len(found)
    )
    return Judgement(result=Result.PASS, subject=path, observed=observed, evidence=evidence)

"""Can the admin panel be reached from outside by its name, plainly or with a forged header?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from signoff.facts.admin import ADMIN_SURVEY, Survey
from signoff.facts.admin_paths import admin_paths, of_an_api
from signoff.facts.admin_requests import BELOW, Answer, View
from signoff.facts.base import Facts
from signoff.model import Result, Vantage
from signoff.probes.base import Judgement, probe
from signoff.probes.reach import (
    CLOSE,
    ITEMS,
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
    title="Admin panel from outside",
    expected="403, 404 or no answer, for the page and for its API, at every address",
    items=ITEMS,
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
            f"only pages are named ({', '.join(survey.paths)}), and no path of an API; of the usual ones "
            f"none is seen to answer ({', '.join(survey.guessed)})"
        ),
        remedy=f"{NAME_THEM} Where the panel has no API, say so when you confirm the step.",
    )


_SHELL = "This page is the same for everybody; what matters is its API: name its paths in admin_paths."


def _is_shell(path: str, survey: Survey) -> bool:
    """Whether the path gives everywhere the one page that the site gives for every path."""
    return {one.how.reach for one in told(survey.views, path)} == {Reach.SHELL}


def _as_shell(one: Judgement) -> Judgement:
    """The page that the site gives for every path, and behind it an API that is closed."""
    observed = f"{one.observed}; its API is closed"
    return Judgement(
        result=Result.INFORMATIONAL, subject=one.subject, observed=observed, evidence=one.evidence
    )


class Told(NamedTuple):
    """An answer, the way in that it came by, and what it says of the panel."""

    answer: Answer
    view: View
    how: Reached


def told(views: Iterable[View], path: str = "") -> list[Told]:
    """Return what the answers say, all of them or those for one path."""
    answers = [(answer, view) for view in views for answer in view.answers if path in {"", answer.path}]
    return [Told(answer, view, reached(answer, view)) for answer, view in answers]


def _path(path: str, survey: Survey, facts: Facts, profile: Profile) -> Judgement:
    silent = [view for view in survey.views if not view.front.status]
    found = told([view for view in survey.views if view.front.status], path)
    evidence = tuple(str(one.answer) for one in found)[:6]
    by_reach = {reach: [one for one in found if one.how.reach is reach] for reach in Reach}
    around = told([survey.spelt], path)
    if ways := by_reach[Reach.OPEN] or [one for one in around if one.how.reach is Reach.OPEN]:
        return _open(path, ways, facts, profile, evidence)
    if ways := by_reach[Reach.UNCLEAR]:
        observed = f"{path}: {ways[0][2].why} at {ways[0][0].address}; whether it was reached cannot be told"
        return Judgement(
            result=Result.UNKNOWN,
            subject=path,
            observed=observed,
            evidence=evidence,
            remedy="Ask for it yourself from an address that is not let in, and from one that is.",
        )
    if by_reach[Reach.SHELL]:
        observed = f"{path}: {by_reach[Reach.SHELL][0][2].why}"
        return Judgement(
            result=Result.UNKNOWN, subject=path, observed=observed, evidence=evidence, remedy=_SHELL
        )
    closed = _closed(path, found, [view.address for view in silent], facts, profile)
    return _but_below(closed, found, [one.answer for one in around if one.answer.how == BELOW])


def _but_below(closed: Judgement, found: list[Told], below: list[Answer]) -> Judgement:
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
        observed=f"{closed.observed}; yet what lies below it is answered otherwise ({said})",
        evidence=(*closed.evidence, str(other)),
        remedy=f"Let the rule hold for all below it, scripts of its own included. {CLOSE}",
    )


def _open(
    path: str, ways: list[Told], facts: Facts, profile: Profile, evidence: tuple[str, ...]
) -> Judgement:
    where = ", ".join(dict.fromkeys(answer.address for answer, _, _ in ways))
    answer, _, how = ways[0]
    spelt = f" as {answer.url}" if answer.how else ""
    observed = f"{path}: {answer.status} at {where}{spelt}: {how.why}"
    if own := own_address_allowed(facts, profile, path):
        return Judgement(
            result=Result.UNKNOWN,
            subject=path,
            observed=f"{observed}; but you look from {own}, which a rule lets in",
            evidence=evidence,
            remedy="Look again from an address that is not let in: another network, a phone without Wi-Fi.",
        )
    return Judgement(result=Result.FAIL, subject=path, observed=observed, evidence=evidence)


def _closed(path: str, found: list[Told], silent: list[str], facts: Facts, profile: Profile) -> Judgement:
    said = ", ".join(f"{how.why} at {answer.address}" for answer, _, how in found)
    evidence = tuple(str(answer) for answer, _, _ in found)[:6]
    if silent:
        return Judgement(
            result=Result.UNKNOWN,
            subject=path,
            observed=f"{path}: {said}; the site does not answer at {', '.join(silent)}",
            evidence=evidence,
        )
    proofs = [proof(answer, view, facts, profile) for answer, view, _ in found]
    if not all(proofs) or not proofs:
        return Judgement(
            result=Result.UNKNOWN,
            subject=path,
            observed=f"{path}: {said}; nothing shows that the address is why",
            evidence=evidence,
            remedy="Check that the path is spelt as it is used; ask for it from an address that is let in.",
        )
    return Judgement(
        result=Result.PASS, subject=path, observed=f"{path}: {said}; {proofs[0]}", evidence=evidence
    )


@probe(
    "admin.forged-header",
    title="Admin panel with forged headers",
    expected="the same refusal with X-Forwarded-For and the like of an address that is let in",
    items=ITEMS,
    needs=NEEDS,
    vantage=Vantage.OUTSIDE,
    remedy=(
        "Take the client's address from the connection. nginx: set_real_ip_from your own proxy only; Caddy: "
        "trusted_proxies of your own proxy only, no remote_ip forwarded; in the application, no such header."
    ),
)
def forged_header(facts: Facts, profile: Profile) -> Iterator[Judgement]:
    """Judge what was refused at first, asked for again in the name of others."""
    survey = facts[ADMIN_SURVEY]
    if not survey.named:
        yield unnamed(survey)
        return
    if not survey.forged.answers:
        yield Judgement(
            result=Result.UNKNOWN, observed="no path is refused at all, so that there is nothing to get past"
        )
        return
    for path in dict.fromkeys(answer.path for answer in survey.forged.answers):
        yield _forged(path, told([survey.forged], path), survey)
    yield from not_asked(survey.left_out.forged)


def _forged(path: str, found: list[Told], survey: Survey) -> Judgement:
    evidence = tuple(str(one.answer) for one in found)[:8]
    for answer, _, how in found:
        if how.reach in {Reach.OPEN, Reach.SHELL}:
            observed = f"{path}: {answer.status} with {answer.how}: {how.why}"
            return Judgement(result=Result.FAIL, subject=path, observed=observed, evidence=evidence)
    views = [view for view in survey.views if view.address == survey.forged.address]
    plain = next(one.answer for one in told(views, path))
    for answer, _, how in found:
        if how.reach is Reach.UNCLEAR or answer.status != plain.status:
            said = answer.status or answer.error
            observed = f"{path}: {plain.status} became {said} with {answer.how}"
            return Judgement(result=Result.UNKNOWN, subject=path, observed=observed, evidence=evidence)
    observed = f"{path}: refused all the same, {len(found)} requests in the names of others"
    return Judgement(result=Result.PASS, subject=path, observed=observed, evidence=evidence)

"""What a probe is: a named, pure judgement on facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import msgspec

from signoff.checklist.model import Use
from signoff.facts.base import Fact, Facts, Malformed, Noted, OutsideFact, Unavailable, closure
from signoff.message import NOTHING, Message, listed, say
from signoff.misfit import MisfitError, Place, misfits
from signoff.model import Command, Decision, Finding, Fix, Result, Vantage
from signoff.target.profile import Profile


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to do, in words, and the exact command or edit: `command`, `edit` and `decision` make one."""

    words: Message
    fix: Fix


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a probe concludes; the judge kit makes it. Empty fields are filled in from the probe.

    Evidence is what the machine says, or our words about it.
    """

    result: Result
    observed: Message
    expected: Message = NOTHING
    title: Message = NOTHING
    subject: str = ""
    evidence: tuple[str, ...] = ()
    remedy: Remedy | None = None
    vantage: Vantage | None = None
    proves: str = ""


P = TypeVar("P", bound=msgspec.Struct)
_CLAIMS = frozenset({Result.PASS, Result.FIXED, Result.NOTAPPLICABLE})
_MOST = 5


def _noted(judgement: Judgement, notes: Noted[None]) -> Judgement:
    """Add what there is to know of the looks. Where something was left out, the rest is well at most."""
    if notes.strangers:
        line = say("Not trusted, and not counted: {names}", names=listed(notes.strangers, most=_MOST))
        judgement = replace(judgement, evidence=(*judgement.evidence, line))
    if notes.left_out and judgement.result in _CLAIMS:
        return replace(
            judgement,
            result=Result.UNKNOWN,
            proves="",
            observed=say(
                "{observed}; but not everything was looked at: {names}",
                observed=judgement.observed,
                names=listed(notes.left_out, most=_MOST),
            ),
            remedy=Remedy(say("Look at what was left out yourself."), Decision()),
        )
    return judgement


Judge = Callable[[Facts, Profile], Judgement | Iterable[Judgement]]


@dataclass(frozen=True)
class Probe:
    """A judge with its name, and the facts that it needs."""

    id: str
    title: Message
    expected: Message
    vantage: Vantage
    needs: tuple[Fact[Any], ...]
    judge: Judge
    remedy: Remedy | None = None
    items: tuple[str, ...] = ()
    """The source's items that a checklist uses it for."""
    use: str = ""
    """The parameters in words; empty where it takes none."""
    parameters: type[msgspec.Struct] | None = None
    """What a checklist may give it; it judges nothing before."""
    make: Callable[[Any], Probe] | None = None
    active: bool = False
    """Whether it does more than look: then only with the operator's consent."""
    does: Message = NOTHING
    """What an active one does, for the operator who is to consent."""

    def __post_init__(self) -> None:
        """Raise ValueError where something is done without consent, or unsaid."""
        if self.active and not self.does:
            raise ValueError(f"{self.id} is active, and does not say what it does")
        needs = () if self.active else closure(self.needs)
        if any(isinstance(fact, OutsideFact) and fact.active for fact in needs):
            raise ValueError(f"{self.id} needs an active fact, and is not active")

    @property
    def name(self) -> str:
        """The probe with its parameters, as a step uses it."""
        return f"{self.id} ({self.use})" if self.use else self.id

    def unpermitted(self) -> Finding:
        """Return what is found without the operator's consent."""
        observed = say("not checked without your consent. It does more than look: {does}", does=self.does)
        remedy = Remedy(
            say(
                "Permit it in the walk of this step, with consent in an answers file, or with "
                "signoff audit --active."
            ),
            Decision(),
        )
        return self.finding(Judgement(result=Result.NOTCHECKED, observed=observed, remedy=remedy))

    def used(self, use: Use) -> Probe:
        """Return the probe as a checklist uses it. Raises MisfitError where the parameters do not fit."""
        if problems := [(0, reason) for _, reason in self.misfits(use.given)]:
            raise MisfitError(problems)
        made = self
        if self.make and self.parameters:
            made = self.make(msgspec.convert(use.given, self.parameters))
        return replace(made, id=self.id, use=use.parameters, items=use.items)

    def misfits(self, given: Mapping[str, Any]) -> Iterator[tuple[Place, Message]]:
        """Yield what is wrong with the parameters that a checklist gives, with the place in them."""
        if self.make is None or self.parameters is None:
            yield from (((name,), say("takes no parameters")) for name in given)
            return
        if found := tuple(misfits(given, self.parameters)):
            yield from found
            return
        try:
            self.make(msgspec.convert(given, self.parameters))
        except ValueError as wrong:
            yield (), listed((str(wrong),))

    def findings(self, facts: Facts, profile: Profile) -> tuple[Finding, ...]:
        """Judge the facts. What cannot be seen is `unknown`, what cannot be read is `error`."""
        try:
            judged = self.judge(facts, profile)
            judgements = (judged,) if isinstance(judged, Judgement) else tuple(judged)
        except Unavailable as absent:
            words = say("Run by hand and judge for yourself: {command}", command=absent.by_hand)
            remedy = Remedy(words, Command(absent.by_hand)) if absent.by_hand else None
            judgements = (Judgement(result=Result.UNKNOWN, observed=absent.reason, remedy=remedy),)
        except Malformed as garbled:
            evidence = (garbled.excerpt,) if garbled.excerpt else ()
            judgements = (Judgement(result=Result.ERROR, observed=garbled.reason, evidence=evidence),)
        except Exception as defect:  # noqa: BLE001 - a defect in one probe must not end the session
            # The exception's text may quote a secret from the facts: its type is all that is told.
            observed = say("this probe failed ({kind}); nothing was judged", kind=type(defect).__name__)
            judgements = (Judgement(result=Result.ERROR, observed=observed),)
        if not judgements:
            observed = say("this probe came to no judgement")
            judgements = (Judgement(result=Result.ERROR, observed=observed),)
        notes = facts.notes(self.needs)
        return tuple(self.finding(_noted(one, notes)) for one in judgements)

    def finding(self, judgement: Judgement) -> Finding:
        """Fill a judgement's empty fields in from the probe."""
        wants_remedy = judgement.result in {Result.FAIL, Result.UNKNOWN, Result.ERROR}
        remedy = judgement.remedy or (self.remedy if wants_remedy else None)
        texts = {
            "title": judgement.title or self.title,
            "observed": judgement.observed,
            "expected": judgement.expected or self.expected,
            "remedy": remedy.words if remedy else NOTHING,
        }
        lines = {f"evidence.{number}": line for number, line in enumerate(judgement.evidence)}
        return Finding(
            probe=self.id,
            result=judgement.result,
            vantage=judgement.vantage or self.vantage,
            subject=str(judgement.subject),
            use=self.use,
            items=self.items,
            evidence=tuple(map(str, judgement.evidence)),
            proves=judgement.proves,
            fix=remedy.fix if remedy else None,
            said={
                name: text.said
                for name, text in (texts | lines).items()
                if isinstance(text, Message) and text.values
            },
            **{name: str(text) for name, text in texts.items()},
        )


def probe(
    name: str,
    *,
    title: Message,
    expected: Message,
    needs: tuple[Fact[Any], ...],
    vantage: Vantage = Vantage.HOST,
    remedy: Remedy | None = None,
    active: bool = False,
    does: Message = NOTHING,
) -> Callable[[Judge], Probe]:
    """Make a judge a probe. ``name`` is ``subject.what``, as checklists write it.

    One that does more than look is ``active``, and says what it ``does``.
    """

    def named(judge: Judge) -> Probe:
        return Probe(
            id=name,
            title=title,
            expected=expected,
            vantage=vantage,
            needs=needs,
            judge=judge,
            remedy=remedy,
            active=active,
            does=does,
        )

    return named


def with_parameters(name: str, parameters: type[P]) -> Callable[[Callable[[P], Probe]], Probe]:
    """Make a function that makes a probe of parameters a probe that checklists give them to.

    The function raises ValueError, with the reason for the checklist's author, where they do not go together.
    """

    def judge(facts: Facts, profile: Profile) -> Judgement:
        raise Unavailable(say("needs parameters"))

    def named(make: Callable[[P], Probe]) -> Probe:
        return Probe(
            id=name,
            title=Message(name, "", {}),
            expected=NOTHING,
            vantage=Vantage.HOST,
            needs=(),
            judge=judge,
            parameters=parameters,
            make=make,
        )

    return named

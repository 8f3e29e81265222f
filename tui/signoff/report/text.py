"""A session as plain text, for a terminal, a pipe or a screen reader: one thing a line, no drawing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from signoff.checklist.model import Checklist, Language
from signoff.message import say, tr, translated
from signoff.model import SYMBOLS, Finding, Result, in_words, word
from signoff.report.remedies import counted_line, parts
from signoff.report.summary import is_open, timestamp
from signoff.session.events import Enrolled, TargetRef
from signoff.session.state import Answer, SessionState, StepState
from signoff.session.store import Summary
from signoff.session.verdict import Bearing, Standing, Status, Verdict, Witness
from signoff.session.when import Judged, shown
from signoff.text import inert, one_line

_KINDS = {
    "confirmed": say("confirmed"),
    "skipped": say("skipped"),
    "notapplicable": say("does not apply"),
    "accepted": say("risk accepted"),
}


_LEDGER = {
    Standing.LISTED: say("listed"),
    Standing.ABSENT: say("absent"),
    Standing.CONTRADICTS: say("contradicts"),
    Standing.UNKNOWN: say("unknown"),
}
_CHOSEN = {
    Judged.GIVEN: say("the time that you gave"),
    Judged.STAMPED: say("the time-stamp's time"),
}


def finding_lines(finding: Finding, *, evidence: bool = False) -> Iterator[str]:
    """Yield a finding: result and title first, then what was seen, what was expected, what to do."""
    finding = in_words(finding)
    title = one_line(finding.title)
    seen = word(finding.vantage)
    if finding.proves and seen not in finding.proves:
        seen += f": {one_line(finding.proves)}"
    yield f"{SYMBOLS[finding.result]} {word(finding.result):<13} {title}  [{seen}]"
    yield tr("    observed  {observed}", observed=one_line(finding.observed, 400))
    if finding.result is not Result.PASS:
        if finding.expected:
            yield tr("    expected  {expected}", expected=one_line(finding.expected, 400))
        for label, body in ((say("do"), finding.remedy), *parts(finding.fix)):
            for number, line in enumerate(inert(body).splitlines()):
                yield f"    {translated(label) if number == 0 else '':<8}  {line}"
    if evidence:
        for line in finding.evidence:
            yield tr("    evidence  {line}", line=one_line(line, 400))


def answer_line(answer: Answer) -> str:
    """Return what a person said, in a line."""
    said = answer.attested
    parts = [translated(_KINDS.get(said.kind, said.kind))]
    if said.value:
        parts.append(tr("saw: {said}", said=one_line(said.value)))
    if said.reason:
        parts.append(tr("because: {reason}", reason=one_line(said.reason)))
    if said.until:
        parts.append(tr("until {until}", until=said.until))
    return f"{', '.join(parts)} ({timestamp(answer.time)})"


def enrolled_line(enrolled: Enrolled) -> str:
    """Return who was enrolled, and how far it got, in a line."""
    parts = [
        f"{one_line(enrolled.issuer)}, {one_line(enrolled.account)}",
        tr("verified with a code") if enrolled.verified else tr("NOT verified: no code was typed"),
        tr("delivered to {delivered_to}", delivered_to=one_line(translated(enrolled.delivered_to)))
        if enrolled.delivered_to
        else tr("taken by hand"),
    ]
    return "; ".join(parts)


def step_lines(title: str, state: StepState, *, still_open: bool, evidence: bool = False) -> Iterator[str]:
    """Yield a step: what the machine saw, and apart from it what a person said."""
    yield f"{SYMBOLS[state.result]} {word(state.result)}  {title}"
    for finding in state.findings:
        for line in finding_lines(finding, evidence=evidence):
            yield f"  {line}"
    if state.answer:
        yield tr("  a person says: {answer_line}", answer_line=answer_line(state.answer))
    for probe, use in sorted(state.consents):
        yield "  " + tr(
            "permitted by the operator: {name}", name=one_line(f"{probe} ({use})" if use else probe)
        )
    for time, text in state.notes:
        yield tr("  note ({time}): {text}", time=timestamp(time), text=one_line(text, 400))
    for time, enrolled in state.enrolled:
        yield tr(
            "  second factor ({time}): {enrolled_line}",
            time=timestamp(time),
            enrolled_line=enrolled_line(enrolled),
        )
    if still_open:
        yield tr("  open: nobody has settled this step yet")


def session_lines(
    state: SessionState, checklists: Sequence[Checklist], language: Language, *, evidence: bool = False
) -> Iterator[str]:
    """Yield a whole session."""
    known = {(checklist.id, step.id): step for checklist in checklists for step in checklist.steps}
    if state.genesis:
        target = state.genesis.target
        yield tr("target   {target}", target=_target(target))
        yield tr(
            "operator {name}  {key}",
            name=one_line(state.genesis.operator.name),
            key=state.genesis.operator.key,
        )
    yield tr("session  {session}, started {started}", session=state.session, started=timestamp(state.started))
    for key, step in state.steps.items():
        yield ""
        found = known.get(key)
        title = one_line(found.title.to(language)) if found else step.step
        # An audit asks nobody, so nothing in it waits for an answer.
        still_open = is_open(found, step) and bool(state.genesis and state.genesis.mode == "walk")
        yield from step_lines(title, step, still_open=still_open, evidence=evidence)
    yield ""
    yield from totals_lines(state)


def _target(target: TargetRef) -> str:
    return "  ".join(filter(None, map(one_line, (target.name, target.address, target.host_key))))


def counts_line(state: SessionState) -> str:
    """Return the steps' results, counted."""
    return ", ".join(f"{count} {word(result)}" for result, count in state.counts().items() if count) or tr(
        "no steps"
    )


def totals_lines(state: SessionState) -> Iterator[str]:
    """Yield the results, counted, and the remedies of what fails."""
    yield counts_line(state)
    if remedies := counted_line(state):
        yield remedies


def checklist_lines(checklist: Checklist, language: Language) -> Iterator[str]:
    """Yield a checklist as it is to be worked through."""
    yield inert(checklist.title.to(language))
    yield inert(checklist.about.to(language))
    if checklist.source:
        yield tr("Source: {source}", source=inert(checklist.source))
    for number, step in enumerate(checklist.steps, 1):
        yield ""
        yield f"{number}. {inert(step.title.to(language))}  ({word(step.severity)}; {', '.join(step.items)})"
        yield f"   {inert(step.ask.to(language))}"
        yield tr("   Why: {why}", why=inert(step.why.to(language)))
        yield tr(
            "   Looked at: {uses}",
            uses=", ".join(map(str, step.uses)) or tr("nothing, only a person can tell"),
        )
        if step.confirm:
            yield tr("   To confirm: {statement}", statement=inert(step.confirm.statement.to(language)))
            yield tr("   With: {value}", value=inert(step.confirm.value.to(language)))
        for line in inert(step.remedy.to(language)).splitlines():
            yield f"   | {line}"
        yield tr("   An answer holds for {valid_days} days.", valid_days=step.valid_days)


def sessions_lines(sessions: Iterable[Summary]) -> Iterator[str]:
    """Yield the sessions, one a line; a damaged one says why."""
    for session in sessions:
        counts = ", ".join(f"{count} {word(result)}" for result, count in session.counts.items() if count)
        standing = tr("sealed") if session.sealed else tr("not sealed")
        if session.damage:
            standing = tr("damaged: {damage}", damage=one_line(translated(session.damage)))
        parts = (
            session.id,
            standing,
            one_line(session.target or session.address),
            " ".join(one_line(name) for name in session.checklists),
            counts,
        )
        yield "  ".join(part for part in parts if part)


def countersign_lines(state: SessionState) -> Iterator[str]:
    """Yield what a second person has to know before they sign: on what, what came out, what was left open."""
    if state.genesis:
        target = state.genesis.target
        yield tr("target     {target}", target=_target(target))
        yield tr(
            "checklists {checklists}",
            checklists=" ".join(one_line(one.id) for one in state.genesis.checklists),
        )
    yield tr("counts     {counts_line}", counts_line=counts_line(state))
    left = state.sealed.open if state.sealed else ()
    yield tr("left open  {left}", left=", ".join(one_line(step) for step in left) or tr("nothing"))


def witness_line(witness: Witness) -> str:
    """Return what a witness is worth, in a line. One that does not hold never looks like one that does."""
    if witness.bearing is Bearing.BROKEN:
        return tr(
            "NO WITNESS {kind} {file} does not hold: {reason}",
            kind=witness.kind,
            file=witness.file,
            reason=witness.reason,
        )
    if witness.bearing is Bearing.UNTRUSTED:
        return tr(
            "remark     {kind} {file} counts for nothing here: {reason}",
            kind=witness.kind,
            file=witness.file,
            reason=witness.reason,
        )
    if witness.kind == "attestation":
        return tr("attested   {file} says the same, signed with the record's key", file=witness.file)
    if witness.time:
        when = timestamp(witness.time)
        return tr(
            "witness    time-stamp: the sealed record existed at {when}, says {who}",
            when=when,
            who=witness.who,
        )
    return tr("witness    counter-signature by {who} ({file})", who=witness.who, file=witness.file)


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """Yield what verification found."""
    broken = tr("{broken} does not hold", broken=", ".join(verdict.broken)) if verdict.broken else ""
    but = (
        (tr("; and {broken}", broken=broken) if verdict.reason else tr(", but {broken}", broken=broken))
        if broken
        else ""
    )
    as_of = (
        tr(" as of {at}", at=shown(verdict.when.at))
        if verdict.when.by is Judged.GIVEN and _judged(verdict)
        else ""
    )
    yield verdict.status.value + as_of + (f": {translated(verdict.reason)}" if verdict.reason else "") + but
    if verdict.line:
        yield tr("first line that does not hold: {line}", line=verdict.line)
    rows = {
        tr("session"): verdict.session,
        tr("operator"): verdict.operator,
        tr("key"): verdict.key,
        tr("started"): timestamp(verdict.started),
        tr("last event"): timestamp(verdict.finished),
        tr("lines"): tr(
            "{lines}, {covered} of them covered by a signature that holds",
            lines=verdict.lines,
            covered=verdict.covered,
        ),
        tr("ledger"): translated(_LEDGER[verdict.ledger]),
        tr("nonce"): verdict.nonce,
        tr("judged"): _judged(verdict),
    }
    yield from (f"{name:<10} {value}" for name, value in rows.items() if value)
    yield from (witness_line(witness) for witness in verdict.witnesses)
    yield from (tr("remark     {remark}", remark=remark) for remark in verdict.remarks)


def _judged(verdict: Verdict) -> str:
    """Return as of when the signatures were judged; empty for now, and for what does not hold at any time."""
    chosen = "" if verdict.status is Status.INVALID else _CHOSEN.get(verdict.when.by, "")
    others = any(one.kind == "counter-signature" for one in verdict.witnesses)
    now = tr("; counter-signatures as of now") if others and verdict.when.by is Judged.STAMPED else ""
    return (
        tr("as of {at}, {chosen}{now}", at=shown(verdict.when.at), chosen=chosen, now=now) if chosen else ""
    )

"""All sessions that are here, and all that a ledger knows: what is missing, made anew, or cut off."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from signoff import paths
from signoff.errors import RecordError
from signoff.message import say
from signoff.session.bundle import DRAFT, JOURNAL, SEAL_SIGNATURE
from signoff.session.events import Genesis
from signoff.session.files import open_regular
from signoff.session.ledger import LedgerEntry
from signoff.session.ledgers import Known, disagreements, known
from signoff.session.line import MAX_LINE, LineError, decode, digest
from signoff.session.standing import Answer, Claims, ask
from signoff.session.store import Summary, summaries
from signoff.session.verdict import Standing


class Gap(StrEnum):
    """What is wrong with a session's place in the ledgers."""

    MISSING = "missing"
    """This machine's ledger knows it, and its folder is gone."""
    REMADE = "re-made"
    """It is not the session that a ledger knows, or two ledgers know two of this id, or its seal is gone."""
    CUT = "cut"
    """It was begun behind the last line of this machine's ledger, which does not know it: lines are gone."""
    UNLISTED = "unlisted"
    """No ledger knows it, nor where it was begun: another machine's, or the ledger's end was cut off."""
    DAMAGED = "damaged"
    """Its record cannot be read to the end."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a session, and why, for people."""

    gap: Gap
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """A session that is known: ``summary`` is None where its record is not here, ``ledgers`` know it."""

    session: str
    summary: Summary | None
    ledgers: tuple[Known, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """All sessions, the newest first, all ledgers, and what is wrong with the ledgers, for people."""

    rows: tuple[Row, ...]
    ledgers: tuple[Known, ...]
    troubles: tuple[str, ...]

    @property
    def failed(self) -> bool:
        """Whether something is missing or re-made, or a ledger does not hold."""
        return bool(self.troubles) or any(
            problem.gap is not Gap.UNLISTED for row in self.rows for problem in row.problems
        )

    @property
    def uncertain(self) -> bool:
        """Whether there are sessions of which no ledger can say anything."""
        return any(problem.gap is Gap.UNLISTED for row in self.rows for problem in row.problems)


def survey(sessions: Path | None = None) -> Survey:
    """Look at all sessions and all ledgers. Raises RecordError where a ledger may not be read."""
    sessions = sessions or paths.sessions_directory()
    # In this order: a session stands in the ledger before its folder appears, and its seal after its file.
    here = {one.id: one for one in summaries(sessions)}
    ledgers = known(sessions.parent)
    entries = _by_session(ledgers)
    rows = [
        _here(summary, ledgers, entries.get(name, []))
        if summary
        else _elsewhere(name, sessions, entries[name])
        for name, summary in ((name, here.get(name)) for name in sorted({*here, *entries}, reverse=True))
    ]
    return Survey(tuple(rows), tuple(ledgers), tuple(troubles(ledgers)))


def troubles(ledgers: Sequence[Known]) -> Iterator[str]:
    """Yield, for people, what is wrong with the ledgers themselves."""
    for one in ledgers:
        yield from (
            say(
                "{name}: the ledger is damaged at line {line}: {reason} ({path})",
                name=one.name,
                line=damage.line,
                reason=damage.reason,
                path=one.path,
            )
            for damage in one.reading.damage
        )
    yield from disagreements(ledgers)


_Entries = list[tuple[Known, LedgerEntry]]


def _by_session(ledgers: Sequence[Known]) -> dict[str, _Entries]:
    found: dict[str, _Entries] = {}
    for one in ledgers:
        for entry in one.reading.entries:
            if entry.kind != "recovered":
                found.setdefault(entry.session, []).append((one, entry))
    return found


def _knowing(entries: _Entries) -> tuple[Known, ...]:
    return tuple({id(one): one for one, _ in entries}.values())


def _twice(entries: _Entries) -> Iterator[Problem]:
    for kind, what in (("genesis", say("beginnings")), ("seal", say("seals"))):
        digests = {entry.digest for _, entry in entries if entry.kind == kind}
        if len(digests) > 1:
            names = ", ".join(one.name for one in _knowing(entries))
            yield Problem(
                Gap.REMADE,
                say(
                    "the ledgers know {count} {what} of it ({names})",
                    count=len(digests),
                    what=what,
                    names=names,
                ),
            )


def _elsewhere(session: str, sessions: Path, entries: _Entries) -> Row:
    problems = list(_twice(entries))
    own = any(one.own for one, _ in entries)
    # Looked for once more: it may have been begun meanwhile, or be half begun.
    if own and not any((sessions / f"{start}{session}").is_dir() for start in ("", DRAFT)):
        problems.append(Problem(Gap.MISSING, say("the ledger knows it, and its folder is gone")))
    return Row(session, None, _knowing(entries), tuple(problems))


def _here(summary: Summary, ledgers: Sequence[Known], entries: _Entries) -> Row:
    problems = list(_twice(entries))
    if summary.damage:
        problems.append(Problem(Gap.DAMAGED, summary.damage))
    claims = _claims(summary.directory)
    if claims is None:
        return Row(summary.id, summary, _knowing(entries), tuple(problems))
    answer = ask(ledgers, claims, at_home=any(one.own for one in ledgers))
    if claims.session != summary.id:
        problems.append(
            Problem(Gap.REMADE, say("its folder holds another session, {session}", session=claims.session))
        )
    elif answer.standing is Standing.CONTRADICTS and len(problems) == bool(summary.damage):
        problems.append(Problem(Gap.REMADE, answer.contradiction))
    elif not entries:
        problems += _unknown(ledgers, claims, answer)
    return Row(summary.id, summary, _knowing(entries), tuple(problems))


def _unknown(ledgers: Sequence[Known], claims: Claims, answer: Answer) -> Iterator[Problem]:
    own = next((one for one in ledgers if one.own), None)
    if own is not None and claims.follows and claims.follows in own.reading.digests:
        line = own.reading.digests.index(claims.follows) + 1
        last = own.reading.lines
        now = (
            say("is the last one now")
            if line == last
            else say("is followed by another session's of {last} lines", last=last)
        )
        yield Problem(
            Gap.CUT, say("it was begun behind line {line} of the ledger, which {now}", line=line, now=now)
        )
    elif answer.standing is Standing.UNKNOWN:
        yield Problem(Gap.UNLISTED, say("there is no ledger beside the sessions"))
    else:
        newest = max((entry.session for entry in own.reading.entries), default="") if own else ""
        newer = say(", which ends before it") if claims.session > newest else ""
        yield Problem(
            Gap.UNLISTED,
            say(
                "the ledger{newer} does not know it, nor the line that it was begun behind: another "
                "machine's, or lines are gone",
                newer=newer,
            ),
        )


def _claims(directory: Path) -> Claims | None:
    """Return what a record claims by itself; None where its first line cannot be read."""
    try:
        with open_regular(directory / JOURNAL) as file:
            first = file.readline(MAX_LINE + 1)
            entry = decode(first, strict=False)
            if not isinstance(entry.event, Genesis):
                return None
            whole = ""
            if (directory / SEAL_SIGNATURE).exists():
                file.seek(0)
                whole = hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, LineError, RecordError):
        return None
    return Claims(entry.session, digest(first), entry.event.ledger, whole)

"""A record as it is handed over: its own files, and what a person without signoff needs beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from signoff.checklist.model import Checklist, Language
from signoff.errors import RecordError
from signoff.message import english, say
from signoff.report.instructions import (
    INSTRUCTIONS,
    SUMS,
    TEMPLATE,
    Signed,
    code,
    facts,
    instructions,
    section,
    spaced,
)
from signoff.report.text import session_lines
from signoff.session.bundle import (
    GENESIS_SIGNATURE,
    JOURNAL,
    SEAL_SIGNATURE,
    TIMESTAMP,
    is_copy_name,
    read_signature,
)
from signoff.session.events import Genesis, is_name
from signoff.session.files import open_regular, record_error
from signoff.session.keys import PublicKey
from signoff.session.limits import limits
from signoff.session.sshsig import COUNTERSIGN, GENESIS, RECORD
from signoff.session.state import SessionState
from signoff.session.values import VALUES
from signoff.session.verdict import Bearing, Status, Verdict

REPORT = "report.md"


def check_exportable(verdict: Verdict) -> None:
    """Raise RecordError for a record that is not to be handed over: what it says would not be known.

    Whether its key is trusted is for whoever gets it to say.
    """
    session = verdict.session or say("The session")
    if verdict.status is Status.UNSEALED or (verdict.status is Status.UNTRUSTED and not verdict.sealed):
        raise RecordError(
            say(
                "{session} is not sealed: nobody could tell whether its end has been cut off.",
                session=session,
            ),
            say("Finish it first: signoff run --resume {session}", session=verdict.session),
        )
    if verdict.status is Status.NEWER:
        raise RecordError(
            say("{session}: {reason}.", session=session, reason=verdict.reason),
            say("Export it with that version."),
        )
    if verdict.status is Status.INVALID:
        raise RecordError(
            say("{session} does not hold: {reason}.", session=session, reason=verdict.reason),
            say("signoff verify shows where."),
        )
    if verdict.broken:
        raise RecordError(
            say(
                "{session} is not handed over with a witness that does not hold: {broken}.",
                session=session,
                broken=verdict.broken[0],
            ),
            say("signoff verify shows why; move the file away."),
        )


def handover(
    directory: Path,
    verdict: Verdict,
    state: SessionState,
    checklists: Sequence[Checklist],
    language: Language = "en",
    *,
    more: Mapping[str, bytes] | None = None,
) -> dict[str, bytes]:
    """Return the files to hand over, by name, for a record with this verdict. Raises RecordError.

    They are in English, as the record is, but for the titles of the checklists.
    """
    with english():
        return _files(directory, verdict, state, checklists, language, more or {})


def _files(
    directory: Path,
    verdict: Verdict,
    state: SessionState,
    checklists: Sequence[Checklist],
    language: Language,
    more: Mapping[str, bytes],
) -> dict[str, bytes]:
    check_exportable(verdict)
    if state.genesis is None:
        raise RecordError(say("{directory} has no beginning.", directory=directory))
    files = {**_record(directory, verdict, state.genesis), **more}
    signed = _signed(directory, verdict)
    files[TEMPLATE] = _text(_template(signed))
    stamped = _stamped(files)
    files[INSTRUCTIONS] = _text(spaced(instructions(verdict, state.genesis, files, signed, stamped)))
    files[REPORT] = _text(spaced(_report(verdict, state, checklists, language)))
    sums = (f"{hashlib.sha256(content).hexdigest()}  {name}" for name, content in sorted(files.items()))
    files[SUMS] = _text(sums)
    return files


def _record(directory: Path, verdict: Verdict, genesis: Genesis) -> dict[str, bytes]:
    copies = [f"{one.id}.yaml" for one in genesis.checklists if is_copy_name(f"{one.id}.yaml")]
    wanted = [JOURNAL, GENESIS_SIGNATURE, SEAL_SIGNATURE, *(one.file for one in verdict.witnesses)]
    files = {}
    for name in [*wanted, *(name for name in [*copies, VALUES] if (directory / name).exists())]:
        try:
            with open_regular(directory / name) as file:
                files[name] = file.read()
        except OSError as problem:
            raise record_error(problem, say("The record could not be read"), directory / name) from None
    return files


def _stamped(files: Mapping[str, bytes]) -> datetime | None:
    """Return what the time-stamp says, by whomever it is: whoever gets it judges that. None without one."""
    if TIMESTAMP not in files:
        return None
    from signoff.session.timestamp import StampError, says

    try:
        return says(files[TIMESTAMP])
    except StampError as problem:
        raise RecordError(
            say("{timestamp} does not hold: {problem}.", timestamp=TIMESTAMP, problem=problem),
            say("Move the file away."),
        ) from None


def _signed(directory: Path, verdict: Verdict) -> list[Signed]:
    operator = read_signature(directory / SEAL_SIGNATURE).key
    signed = [
        Signed(verdict.operator, GENESIS, operator, GENESIS_SIGNATURE),
        Signed(verdict.operator, RECORD, operator, SEAL_SIGNATURE),
    ]
    others = [one for one in verdict.witnesses if one.kind == "counter-signature"]
    for number, one in enumerate(others, 1):
        known = one.bearing is Bearing.HOLDS and is_name(one.who)
        name = one.who if known else f"second-person-{number}"
        signed.append(Signed(name, COUNTERSIGN, read_signature(directory / one.file).key, one.file))
    return signed


def _text(lines: Iterator[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def _template(signed: Sequence[Signed]) -> Iterator[str]:
    yield "# Not a list of allowed signers yet, but what one could be made from. Whom to trust is for you"
    yield "# to say: nothing that came with a record can say it. Ask each person for the fingerprint of"
    yield "# their key over another way than the one this came by, compare, and only then use the line"
    yield f"# ({INSTRUCTIONS}, 2)."
    people: dict[tuple[str, PublicKey], list[str]] = {}
    for one in signed:
        people.setdefault((one.name, one.key), []).append(one.namespace)
    for (name, key), namespaces in people.items():
        yield "#"
        yield f"# {name}, {key.fingerprint}"
        yield f"#key {key.line} {name}"
        yield f'#trust {name} namespaces="{",".join(namespaces)}" {key.line}'


def _report(
    verdict: Verdict, state: SessionState, checklists: Sequence[Checklist], language: Language
) -> Iterator[str]:
    yield "# What was found, and what was said"
    yield ""
    yield f"Read from `{JOURNAL}`: that is what is signed, this page is not."
    yield f"{INSTRUCTIONS} says how to verify it."
    yield ""
    if state.genesis:
        yield from facts(verdict, state.genesis)
        yield f"- nonce {code(state.genesis.nonce)}" if state.genesis.nonce else "- no auditor's nonce"
    for checklist in state.genesis.checklists if state.genesis else ():
        yield f"- checklist {code(checklist.id)}, SHA-256 {code(checklist.digest)}"
    left = state.sealed.open if state.sealed else ()
    yield f"- left open: {', '.join(code(step) for step in left) or 'nothing'}"
    yield from section("Step by step")
    # Indented below a heading it is code: nothing in it means anything to whoever shows the page.
    for line in session_lines(state, checklists, language, evidence=True):
        yield from (f"    {one}".rstrip() for one in line.splitlines() or [""])
    yield from section("What this does not prove")
    yield from limits().splitlines()

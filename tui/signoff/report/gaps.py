"""What is wrong with a session's place in the ledgers: in words, what it means, and what to do about it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from signoff.message import listed, say, translated
from signoff.session.survey import Gap, Problem, Row
from signoff.text import one_line


@dataclass(frozen=True, slots=True)
class Advice:
    """What a gap means, and what to do, one thing after the other."""

    means: str
    do: tuple[str, ...]


_RESTORE: Final = say(
    "Look for a copy of the ledger: with a colleague who took it in, in an archive that was exported with "
    "--ledger, in a backup. Its lines come back with:\n  signoff ledger merge FILE --restore"
)
_SAY_SO: Final = say("Where there is none, say so to your auditor, and why.")


def _advice(gap: Gap, session: str, sessions: str) -> Advice:
    verify = say(
        "See which line does not hold, and why:\n  signoff verify {session}",
        session=session,
    )
    match gap:
        case Gap.MISSING:
            return Advice(
                say(
                    "This session was begun on this machine, and its record is not here any more: moved, "
                    "deleted, or lost with a disk. Nobody can tell from here what it said, only that there "
                    "was one."
                ),
                (
                    say("Look for the folder in a backup, or for its archive with whoever got it."),
                    say(
                        "Put the folder back as it was, or unpack the archive:\n"
                        "  tar -xzf signoff-{session}.tar.gz -C {sessions}",
                        session=session,
                        sessions=sessions,
                    ),
                    listed((_SAY_SO, say("The ledger goes on telling of it.")), " "),
                ),
            )
        case Gap.REMADE:
            return Advice(
                say(
                    "The record is not the one that a ledger knows, or not all of it: it was made anew, its "
                    "seal was taken away, or an old copy was put back. What it says now is not what was "
                    "signed then."
                ),
                (
                    say("Hand it to nobody as it is."),
                    verify,
                    say(
                        "Compare it with a copy from elsewhere, a backup or its archive:\n"
                        "  signoff verify signoff-{session}.tar.gz",
                        session=session,
                    ),
                    say("Ask who may write to {sessions}.", sessions=sessions),
                ),
            )
        case Gap.CUT:
            return Advice(
                say(
                    "The session says behind which line of the ledger it was begun, and what came after that "
                    "line is lost: the ledger's end was cut off, or an old copy put back. Other sessions may "
                    "be gone with it."
                ),
                (_RESTORE, _SAY_SO),
            )
        case Gap.UNLISTED:
            return Advice(
                say(
                    "No ledger that is known here has this session. Either it was made on another machine, "
                    "or this machine's ledger has lost its end; which of the two cannot be told."
                ),
                (
                    say(
                        "Made elsewhere: take in that machine's ledger, and it is held against it:\n"
                        "  signoff ledger merge FILE_OR_DIRECTORY"
                    ),
                    listed((say("Made here: lines are gone."), _RESTORE), " "),
                ),
            )
        case Gap.DAMAGED:
            return Advice(
                say(
                    "The record cannot be read to its end: a disk failed, the file was cut, or somebody "
                    "changed it. What stands before that line can still be looked at; nothing after it "
                    "counts."
                ),
                (
                    verify,
                    say(
                        "Put it back from a backup, or from its archive:\n"
                        "  tar -xzf signoff-{session}.tar.gz -C {sessions}",
                        session=session,
                        sessions=sessions,
                    ),
                ),
            )


LEDGER: Final = Advice(
    say(
        "The ledger tells which sessions there were. Where it does not hold, one could be missing and "
        "nothing would tell of it."
    ),
    (
        say("Copy the file aside before anything else: it may be asked for."),
        _RESTORE,
        say("A line that is wrong is never replaced: say so to your auditor, and why."),
    ),
)
"""What it means that a ledger itself does not hold."""


def advice(row: Row, problem: Problem, sessions: Path) -> Advice:
    """Return what a problem of a session means, and what to do. ``sessions`` is where the records lie."""
    return _advice(problem.gap, row.session, _typed(sessions))


def _typed(folder: Path) -> str:
    """Return a folder as one types it in a shell: short where it is below one's own."""
    if folder.is_relative_to(Path.home()):
        return f"~/{shlex.quote(str(folder.relative_to(Path.home())))}"
    return shlex.quote(str(folder))


_GAPS: Final = {
    Gap.MISSING: say("missing"),
    Gap.REMADE: say("re-made"),
    Gap.CUT: say("cut"),
    Gap.UNLISTED: say("unlisted"),
    Gap.DAMAGED: say("damaged"),
}


def gap_word(gap: Gap) -> str:
    """Return what is wrong, in a word."""
    return translated(_GAPS[gap])


def problem_line(problem: Problem) -> str:
    """Return a problem in a line, in the words of ``signoff sessions list``."""
    return f"{gap_word(problem.gap)}: {one_line(translated(problem.reason), 400)}"

"""What there is on this machine, for the home screen: targets, sessions, what the ledgers say, checklists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from signoff.errors import SignoffError, UsageError
from signoff.message import listed, say

if TYPE_CHECKING:
    from signoff.session.store import Summary
    from signoff.session.survey import Gap, Row, Survey
    from signoff.target.profile import Profile

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """What there is. ``problems`` says what could not be read, ``troubles`` where a ledger does not hold.

    ``rows`` are the sessions that are here, and those that are not and should be: the newest first.
    """

    profiles: dict[str, Profile] = field(default_factory=dict)
    here: Profile | None = None
    """This machine, in the current directory; None where that is gone."""
    rows: tuple[Row, ...] = ()
    troubles: tuple[str, ...] = ()
    checklists: dict[str, tuple[Path, str]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def unfinished(self) -> Row | None:
        """The newest session that can be gone on with."""
        return next((row for row in self.rows if _is_unfinished(row)), None)

    @property
    def gaps(self) -> Counter[Gap]:
        """How many problems there are of each kind."""
        return Counter(problem.gap for row in self.rows for problem in row.problems)


def _is_unfinished(row: Row) -> bool:
    from signoff.session.survey import Gap

    one = row.summary
    if one is None or one.sealed or one.damage or one.mode != "walk":
        return False
    # One whose seal was taken away was finished, whatever it looks like now.
    return all(problem.gap is not Gap.REMADE for problem in row.problems)


def look_around(language: str) -> Found:
    """Read targets, sessions, ledgers, checklists; what cannot be read is a problem, and hides no other."""
    from signoff.checklist.load import available, load
    from signoff.target.profiles import load_profiles

    problems: list[str] = []
    profiles = _read(load_profiles, problems) or {}
    here = _read(_here, problems)
    survey = _survey(problems)
    checklists: dict[str, tuple[Path, str]] = {}
    for name, path in available().items():
        loaded = _read(partial(load, path), problems)
        if loaded:
            checklists[name] = (path, loaded.checklist.title.to(language))
    rows = tuple(row for row in survey.rows if row.summary or row.problems)
    return Found(profiles, here, rows, survey.troubles, checklists, tuple(problems))


def _here() -> Profile:
    from signoff.target.address import LOCAL
    from signoff.target.profile import Profile

    try:
        folder = Path.cwd()
    except FileNotFoundError:
        raise UsageError(
            say("The folder that signoff was started in is gone."), say("Start it in another.")
        ) from None
    return Profile(name=LOCAL, address=LOCAL, project=str(folder))


def _survey(problems: list[str]) -> Survey:
    from signoff.session.store import summaries
    from signoff.session.survey import Row, Survey, survey

    found = _read(survey, problems)
    if found is not None:
        return found
    # A ledger that cannot be read does not hide the sessions.
    alone: Iterable[Summary] = _read(summaries, []) or ()
    return Survey(tuple(Row(one.id, one, (), ()) for one in alone), (), ())


def _read(read: Callable[[], T], problems: list[str]) -> T | None:
    try:
        return read()
    except SignoffError as error:
        problems.append(listed(filter(None, (error.message, error.hint)), " "))
    except OSError as error:
        problems.append(
            say(
                "{filename}: {strerror}",
                filename=error.filename or say("The disk"),
                strerror=error.strerror or type(error).__name__,
            )
        )
    return None

"""The lines of the home screen: what was left unfinished, the targets, what is amiss, the sessions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from textual.content import Content
from textual.visual import VisualType

from signoff.app.theme import STYLES
from signoff.app.view import ago
from signoff.app.widgets.content import joined, line
from signoff.app.widgets.rows import Row as Drawn
from signoff.app.widgets.rows import Rows
from signoff.message import tr
from signoff.model import SYMBOLS, Result, word
from signoff.target.address import LOCAL

if TYPE_CHECKING:
    from signoff.app.found import Found
    from signoff.session.store import Summary
    from signoff.session.survey import Problem, Row
    from signoff.target.profile import Profile

_INDENT = 2
_NAME = 12


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list, with what it is about; about nothing, it is a heading."""

    prompt: VisualType
    key: str = ""
    """What tells it from the others, also after everything was read anew."""
    profile: Profile | None = None
    saved: bool = False
    row: Row | None = None
    unfinished: bool = False
    trouble: str = ""


def entries(found: Found, now: datetime, width: int) -> Iterator[Entry]:
    """Yield the lines, to be drawn on so many columns."""
    for problem in found.problems:
        yield Entry(_marked("!", line(problem, "$error")))
    unfinished = found.unfinished
    first = True
    if unfinished and unfinished.summary:
        yield _heading(tr("Go on where you stopped"), first=True)
        drawn = _unfinished(unfinished.summary, found, now, width)
        yield Entry(drawn, f"unfinished:{unfinished.session}", row=unfinished, unfinished=True)
        first = False
    yield _heading(tr("Start"), first=first)
    yield from _targets(found, width)
    longest = max((_name(row.summary).cell_length for row in found.rows if row.summary), default=0)
    room = max(_NAME, min(longest, width // 4))
    amiss = [row for row in found.rows if row.problems]
    if found.troubles or amiss:
        yield _heading(tr("To be looked into"))
    for trouble in found.troubles:
        yield Entry(_marked("!", line(trouble, "$error")), f"trouble:{trouble}", trouble=trouble)
    for row in amiss:
        yield Entry(_session(row, room, width), f"session:{row.session}", row=row)
    rest = [row for row in found.rows if row is not unfinished and not row.problems]
    if rest:
        yield _heading(tr("Sessions, times in UTC"))
    for row in rest:
        yield Entry(_session(row, room, width), f"session:{row.session}", row=row)


def gap_counts(found: Found) -> Content:
    """Return in a line what the ledgers miss; nothing where they miss nothing."""
    from signoff.report.gaps import gap_word

    counted = [f"{count} {gap_word(gap)}" for gap, count in sorted(found.gaps.items())]
    if found.troubles:
        counted.append(tr("a ledger that does not hold"))
    return Content.styled(f"! {', '.join(counted)}   " if counted else "", "bold $error")


def on_enter(entry: Entry) -> str:
    """Return what Enter does on a line."""
    if entry.unfinished:
        return tr("goes on with it")
    if entry.profile:
        return tr("begins a session on it")
    if entry.trouble or (entry.row and entry.row.problems):
        return tr("says what it means, and what to do")
    return tr("looks at it") if entry.row else ""


def _heading(title: str, *, first: bool = False) -> Entry:
    return Entry(joined("" if first else "\n", (title, "bold $primary")))


def _marked(mark: str, body: Content, indent: int = _INDENT) -> Rows:
    return Rows(Drawn(Content.styled(f"{mark:>{indent - 1}}", "bold $error"), body, indent))


def _targets(found: Found, width: int) -> Iterator[Entry]:
    here = tr("This machine")
    room = min(max(map(len, (*found.profiles, here))), max(_NAME, width // 3))
    for name, profile in found.profiles.items():
        place = f"{LOCAL}, {profile.project}" if profile.address == LOCAL else profile.address
        about = " · ".join(part for part in (place, profile.url) if part)
        yield Entry(_target(name, about, room, width), f"target:{name}", profile=profile, saved=True)
    if not found.profiles:
        described = tr("your server: New target describes it; it is reached over SSH")
        yield Entry(joined(" " * _INDENT, (described, "$muted")))
    if found.here:
        yield Entry(_target(here, f"{LOCAL}, {found.here.project}", room, width), "here", profile=found.here)


def _target(name: str, about: str, room: int, width: int) -> Content:
    shown = line(name, "bold").truncate(room, ellipsis=True, pad=True)
    return joined(" " * _INDENT, shown, "  ", line(about, "$muted")).truncate(width, ellipsis=True)


def _unfinished(one: Summary, found: Found, now: datetime, width: int) -> Content:
    known = found.checklists
    names = ", ".join(known[name][1] if name in known else name for name in one.checklists)
    room = max(_NAME, width // 3)
    parts: list[Content | str | tuple[str, str]] = [
        " " * _INDENT,
        _name(one).truncate(room, ellipsis=True),
        "  ",
        line(names),
    ]
    if one.position:
        parts.append(joined(tr(", at "), line(one.position[1])).stylize("$muted"))
    first = joined(*parts)
    last = f"  {ago(one.last, now)}" if one.last else ""
    first = joined(first.truncate(max(0, width - len(last)), ellipsis=True), (last, "$muted"))
    return joined(first, "\n", joined(" " * 4, *_counts(one)).truncate(width, ellipsis=True))


def _session(row: Row, room: int, width: int) -> Rows:
    told = [one for one in row.problems if not (row.summary and one.reason == row.summary.damage)]
    first = _summary(row.summary, room) if row.summary else _absent(row)
    return Rows(Drawn(Content(""), first.truncate(width, ellipsis=True), 0), *map(_problem, told))


def _problem(problem: Problem) -> Drawn:
    from signoff.report.gaps import problem_line

    return Drawn(Content.styled("    !", "bold $error"), line(problem_line(problem), "$error"), 6)


def _absent(row: Row) -> Content:
    begun = begun_at(row)
    when = f"{begun:%Y-%m-%d %H:%M}  " if begun else ""
    return joined(f"{' ' * _INDENT}{when}", line(row.session, "bold"))


def begun_at(row: Row) -> datetime | None:
    """Return when a session was begun by the ledgers that know it."""
    known = (one.reading.of(row.session, "genesis") for one in row.ledgers)
    return next((entry.at for entry in known if entry), None)


def _name(one: Summary) -> Content:
    return line(one.target or one.address, "bold")


def _summary(one: Summary, room: int) -> Content:
    when = one.started.strftime("%Y-%m-%d %H:%M") if one.started else one.id[:16]
    parts: list[Content | str | tuple[str, str]] = [
        f"{' ' * _INDENT}{when}  ",
        _name(one).truncate(room, ellipsis=True, pad=True),
        "  ",
    ]
    if one.damage:
        return joined(*parts, (tr("damaged  "), "$error"), line(one.damage, "$muted"))
    state = (f"{tr('sealed'):<10}", "$success") if one.sealed else (f"{tr('not sealed'):<10}", "$warning")
    return joined(*parts, state, "  ", *_counts(one), line(" ".join(one.checklists), "$muted"))


def _counts(one: Summary) -> Iterator[tuple[str, str]]:
    for result in Result:
        count = one.counts.get(result.value, 0)
        if count:
            yield f"{SYMBOLS[result]} {count} {word(result)}  ", STYLES[result]

"""The first screen: what was left unfinished, the targets, this machine, and the sessions before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from signoff import __version__
from signoff.app.screens.base import SignoffScreen
from signoff.app.screens.prompts import Choice
from signoff.app.theme import STYLES
from signoff.app.view import ago
from signoff.app.widgets.bars import StatusLine, TitleBar
from signoff.app.widgets.content import joined, line
from signoff.app.widgets.key_bar import KeyBar
from signoff.app.work import background, in_thread
from signoff.errors import SignoffError
from signoff.model import SYMBOLS, Result
from signoff.text import one_line

if TYPE_CHECKING:
    from signoff.session.store import Summary
    from signoff.target.profile import Profile

_RECENT = 20


@dataclass(frozen=True, slots=True)
class Found:
    """What there is on this machine. ``problems`` says what could not be read."""

    profiles: dict[str, Profile] = field(default_factory=dict)
    sessions: tuple[Summary, ...] = ()
    checklists: dict[str, tuple[Path, str]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list; without anything to do it is a heading."""

    prompt: Content
    do: Callable[[], object] | None = None
    edit: Profile | None = None
    look: Summary | None = None


class HomeScreen(SignoffScreen[None]):
    """Offers what can be begun or gone on with."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "n", "new_target", "New target", id="new-target", tooltip="Describe a machine and its product"
        ),
        Binding(
            "e", "edit_target", "Edit target", id="edit-target", tooltip="Change what is known of a target"
        ),
        Binding("o", "look", "Look", id="look", tooltip="Look at a session: does it hold, what happened"),
        Binding("g", "generate", "Generate", id="generate", tooltip="Make strong keys and passwords"),
        Binding("f5", "reload", "Reload", id="reload", show=False, tooltip="Read targets and sessions again"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._found: Found | None = None
        self._entries: list[Entry] = []

    def compose(self) -> ComposeResult:
        """Make the screen."""
        yield TitleBar(__version__, "production security, step by step, with a signed record")
        yield OptionList(id="home", markup=False, compact=True)
        yield StatusLine()
        yield KeyBar()

    def on_screen_resume(self, _event: events.ScreenResume) -> None:
        """Look again whenever the screen comes back: a session may have ended, a target been saved."""
        self.call_after_refresh(self.reload)

    @background("reload")
    async def reload(self) -> None:
        """Read targets and sessions, in the background: the first frame waits for no file."""
        if self._found is None:
            self.query_one(StatusLine).idle(Content.styled("Reading targets and sessions …", "$muted"))
        language = self.signoff.language
        self._found = await in_thread(lambda: look_around(language))
        self._show(self._found)

    @property
    def has_looked(self) -> bool:
        """Whether targets and sessions have been read."""
        return self._found is not None

    def action_reload(self) -> None:
        """Read everything again."""
        self.reload()

    def _show(self, found: Found) -> None:
        options = self.query_one("#home", OptionList)
        before = options.highlighted
        self._entries = list(self._lines(found))
        options.set_options([Option(entry.prompt, disabled=entry.do is None) for entry in self._entries])
        choosable = [number for number, entry in enumerate(self._entries) if entry.do]
        if before in choosable:
            options.highlighted = before
        else:
            options.highlighted = choosable[0] if choosable else None
        self.query_one(StatusLine).idle(Content(""))
        options.focus()
        self.refresh_bindings()

    # the lines

    def _lines(self, found: Found) -> Iterator[Entry]:
        for problem in found.problems:
            yield Entry(joined(("! ", "bold $error"), line(problem, "$error")))
        unfinished = [
            one for one in found.sessions if not one.sealed and not one.damage and one.mode == "walk"
        ]
        if unfinished:
            yield _heading("Go on where you stopped", first=True)
            yield Entry(
                self._unfinished(unfinished[0], found),
                lambda: self._resume(unfinished[0].id),
                look=unfinished[0],
            )
        yield _heading("Start", first=not unfinished)
        width = max((len(name) for name in (*found.profiles, "This machine")), default=0) + 2
        for name, profile in found.profiles.items():
            about = " · ".join(part for part in (profile.address, profile.url) if part)
            yield Entry(
                joined("  ", (f"{one_line(name):<{width}}", "bold"), line(about, "$muted")),
                partial(self._begin, profile),
                edit=profile,
            )
        here = joined("  ", (f"{'This machine':<{width}}", "bold"), line(f"local, {Path.cwd()}", "$muted"))
        yield Entry(here, self._begin_here)
        rest = [one for one in found.sessions if one not in unfinished[:1]][:_RECENT]
        if rest:
            yield _heading("Sessions, times in UTC")
        for one in rest:
            yield Entry(self._session(one), partial(self._look, one), look=one)

    def _unfinished(self, one: Summary, found: Found) -> Content:
        names = ", ".join(
            found.checklists[name][1] if name in found.checklists else name for name in one.checklists
        )
        parts: list[Content | str | tuple[str, str]] = [
            "  ",
            line(one.target or one.address, "bold"),
            "  ",
            line(names),
        ]
        if one.position:
            parts.append(joined((f", at {one.position[1]}", "$muted")))
        if one.last:
            parts.append((f"  {ago(one.last, self.signoff.now())}", "$muted"))
        parts += ["\n    ", *_counts(one)]
        return joined(*parts)

    def _session(self, one: Summary) -> Content:
        when = one.started.strftime("%Y-%m-%d %H:%M") if one.started else one.id[:16]
        parts: list[Content | str | tuple[str, str]] = [
            f"  {when}  ",
            (f"{one_line(one.target or one.address, 24):<12}  ", "bold"),
        ]
        if one.damage:
            return joined(*parts, ("damaged  ", "$error"), line(one.damage, "$muted"))
        state = ("sealed    ", "$success") if one.sealed else ("not sealed", "$warning")
        names = line(" ".join(one.checklists), "$muted")
        shown = joined(*parts, state, "  ", *_counts(one), names)
        return shown.truncate(max(20, self.app.size.width - 3), ellipsis=True)

    def on_resize(self, _event: events.Resize) -> None:
        """Draw the lines anew: those that must stay on one line are cut to the width."""
        if self._found is not None:
            self._show(self._found)

    # what can be done

    @on(OptionList.OptionSelected, "#home")
    def _selected(self, event: OptionList.OptionSelected) -> None:
        do = self._entries[event.option_index].do
        if do is not None:
            do()

    def _resume(self, session: str) -> None:
        from signoff.app.app import Start

        self.signoff.open_walk(Start(resume=session))

    def _look(self, one: Summary) -> None:
        from signoff.app.screens.session import SessionScreen

        self.app.push_screen(SessionScreen(one.directory))

    def _begin_here(self) -> None:
        from signoff.target.profiles import resolve

        try:
            profile = resolve("local")
        except SignoffError as error:
            self.trouble(error)
        else:
            self._begin(profile)

    def _begin(self, profile: Profile) -> None:
        checklists = list(self._found.checklists.values()) if self._found else []
        if len(checklists) < 2:
            self.begin(profile, checklists[0][0] if checklists else None)
            return

        def chosen(number: int | None) -> None:
            if number is not None:
                self.begin(profile, checklists[number][0])

        titles = [line(title) for _path, title in checklists]
        self.app.push_screen(Choice("Which checklist?", titles, verb="begins it"), chosen)

    @background("begin")
    async def begin(self, profile: Profile, path: Path | None) -> None:
        """Load the checklist, and open the target."""
        from signoff.app.app import Start
        from signoff.checklist.load import load

        def loaded() -> Start:
            from signoff.probes import all_probes

            return Start(profile, (load(path, all_probes()),) if path else ())

        self.signoff.open_walk(await in_thread(loaded))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a saved target can be edited, and only a session be looked at."""
        entry = self._highlighted_entry()
        if action == "edit_target":
            return True if entry and entry.edit else None
        if action == "look":
            return True if entry and entry.look else None
        return True

    @on(OptionList.OptionHighlighted, "#home")
    def _highlighted(self) -> None:
        self.refresh_bindings()

    def _highlighted_entry(self) -> Entry | None:
        if not self.is_attached:
            return None
        number = self.query_one("#home", OptionList).highlighted
        return self._entries[number] if number is not None and number < len(self._entries) else None

    def action_new_target(self) -> None:
        """Turn to an empty form."""
        from signoff.app.screens.target_form import TargetForm

        self.app.push_screen(TargetForm(), self._saved)

    def action_edit_target(self) -> None:
        """Turn to the form of the target."""
        from signoff.app.screens.target_form import TargetForm

        entry = self._highlighted_entry()
        self.app.push_screen(TargetForm(entry.edit if entry else None), self._saved)

    def action_look(self) -> None:
        """Turn to the session that is highlighted."""
        entry = self._highlighted_entry()
        if entry and entry.look:
            self._look(entry.look)

    def _saved(self, profile: Profile | None) -> None:
        if profile is not None:
            self._begin(profile)

    def action_generate(self) -> None:
        """Turn to the generator."""
        from signoff.app.screens.generate import GenerateScreen

        self.app.push_screen(GenerateScreen())


def _heading(title: str, *, first: bool = False) -> Entry:
    return Entry(joined("" if first else "\n", (title, "bold $primary")))


def _counts(one: Summary) -> Iterator[tuple[str, str]]:
    for result in Result:
        count = one.counts.get(result.value, 0)
        if count:
            yield f"{SYMBOLS[result]} {count} {result.value}  ", STYLES[result]


def look_around(language: str) -> Found:
    """Read targets, sessions and checklists; what cannot be read is a problem, and hides nothing else."""
    from signoff.checklist.load import available, load
    from signoff.session.store import summaries
    from signoff.target.profiles import load_profiles

    problems: list[str] = []
    profiles: dict[str, Profile] = {}
    sessions: tuple[Summary, ...] = ()
    checklists: dict[str, tuple[Path, str]] = {}
    try:
        profiles = load_profiles()
    except SignoffError as error:
        problems.append(error.message)
    try:
        sessions = tuple(summaries())
    except (SignoffError, OSError) as error:
        problems.append(str(error))
    for name, path in available().items():
        try:
            checklists[name] = (path, load(path).checklist.title.to(language))
        except SignoffError as error:
            problems.append(error.message)
    return Found(profiles, sessions, checklists, tuple(problems))

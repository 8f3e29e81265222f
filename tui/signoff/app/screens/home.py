"""The first screen: what was left unfinished, the targets, this machine, and the sessions before."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from signoff import __version__
from signoff.app.bindings import walk_key
from signoff.app.found import Found, look_around
from signoff.app.home_lines import Entry, entries, gap_counts, on_enter
from signoff.app.screens.base import SignoffScreen
from signoff.app.screens.prompts import Choice
from signoff.app.widgets.bars import StatusLine, TitleBar
from signoff.app.widgets.content import joined, line
from signoff.app.widgets.key_bar import KeyBar
from signoff.app.work import background, in_thread
from signoff.message import tr

if TYPE_CHECKING:
    from signoff.session.survey import Row
    from signoff.target.profile import Profile

_BESIDES = 3
"""Columns that the list takes beside its lines."""


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
        walk_key("generate", "generate"),
        Binding(
            "r",
            "rate",
            "Secrets",
            id="rate",
            tooltip="Rate the secrets of the target's files; no value is shown, nothing is changed",
        ),
        Binding("f5", "reload", "Reload", id="reload", show=False, tooltip="Read targets and sessions again"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._found: Found | None = None
        self._entries: list[Entry] = []

    def compose(self) -> ComposeResult:
        """Make the screen."""
        yield TitleBar(__version__, tr("production security, step by step, with a signed record"))
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
            self.query_one(StatusLine).idle(Content.styled(tr("Reading targets and sessions …"), "$muted"))
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
        before = self._highlighted_entry()
        known = {entry.key for entry in self._entries}
        self._entries = list(entries(found, self.signoff.now(), self.app.size.width - _BESIDES))
        options.set_options([Option(entry.prompt, disabled=not entry.key) for entry in self._entries])
        choosable = {entry.key: number for number, entry in enumerate(self._entries) if entry.key}
        # What was highlighted stays so, wherever it stands now; but a walk that was just left comes first.
        first = next(iter(choosable.values()), None)
        left = any(entry.unfinished and entry.key not in known for entry in self._entries)
        options.highlighted = choosable.get(before.key, first) if before and not left else first
        options.focus()
        self._tell()

    def on_resize(self, _event: events.Resize) -> None:
        """Draw the lines anew: those that must stay on one line are cut to the width."""
        if self._found is not None:
            self._show(self._found)

    # what can be done

    @on(OptionList.OptionSelected, "#home")
    def _selected(self, event: OptionList.OptionSelected) -> None:
        entry = self._entries[event.option_index]
        if entry.unfinished and entry.row:
            self._resume(entry.row.session)
        elif entry.profile:
            self._begin(entry.profile)
        elif entry.trouble:
            self._tell_trouble(entry.trouble)
        elif entry.row and entry.row.problems:
            self._tell_gap(entry.row)
        elif entry.row:
            self._look(entry.row)

    def _resume(self, session: str) -> None:
        from signoff.app.app import Start

        self.signoff.open_walk(Start(resume=session))

    def _look(self, row: Row) -> None:
        from signoff.app.screens.session import SessionScreen

        if row.summary:
            self.app.push_screen(SessionScreen(row.summary.directory))

    def _tell_gap(self, row: Row) -> None:
        from signoff.app.screens.gap import gap_dialog

        def closed(look: bool | None) -> None:
            if look:
                self._look(row)

        self.app.push_screen(gap_dialog(row), closed)

    def _tell_trouble(self, trouble: str) -> None:
        from signoff.app.screens.gap import trouble_dialog

        self.app.push_screen(trouble_dialog(trouble))

    def _begin(self, profile: Profile) -> None:
        checklists = list(self._found.checklists.values()) if self._found else []
        if len(checklists) < 2:
            self.begin(profile, checklists[0][0] if checklists else None)
            return

        def chosen(number: int | None) -> None:
            if number is not None:
                self.begin(profile, checklists[number][0])

        titles = [line(title) for _path, title in checklists]
        self.app.push_screen(Choice(tr("Which checklist?"), titles, verb=tr("begins it")), chosen)

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
        """Only a saved target can be edited, a target's secrets be rated, and a session be looked at."""
        entry = self._highlighted_entry()
        if action == "edit_target":
            return True if entry and entry.saved else None
        if action == "rate":
            return True if entry and entry.profile else None
        if action == "look":
            return True if entry and entry.row and entry.row.summary else None
        return True

    @on(OptionList.OptionHighlighted, "#home")
    def _tell(self) -> None:
        """Say what Enter does here."""
        entry = self._highlighted_entry()
        if self._found is None or entry is None:
            return
        enter = joined((tr("Enter"), "bold $accent"), f" {on_enter(entry)}")
        self.query_one(StatusLine).idle(joined(gap_counts(self._found), enter))
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
        self.app.push_screen(TargetForm(entry.profile if entry else None), self._saved)

    def action_look(self) -> None:
        """Turn to the session that is highlighted."""
        entry = self._highlighted_entry()
        if entry and entry.row:
            self._look(entry.row)

    def _saved(self, profile: Profile | None) -> None:
        if profile is not None:
            self._begin(profile)

    def action_generate(self) -> None:
        """Turn to the generator."""
        from signoff.app.screens.generate import GenerateScreen

        self.app.push_screen(GenerateScreen())

    def action_rate(self) -> None:
        """Turn to the secrets of the target that is highlighted."""
        from signoff.app.screens.secrets import RatingScreen

        entry = self._highlighted_entry()
        profile = entry.profile if entry else None
        if profile is None:
            return

        def closed(replace: bool | None) -> None:
            from signoff.checklist.load import find

            if replace:
                self.begin(profile, find("secret-rotation"))

        self.app.push_screen(RatingScreen(profile), closed)

"""A target's profile as a form: filled in by hand, or proposed by discovery and then corrected."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from signoff.app.prompter import ScreenPrompter
from signoff.app.screens.base import SignoffScreen
from signoff.app.screens.leaving import LeavingDialog
from signoff.app.target_fields import FIELDS, problem_of
from signoff.app.widgets.bars import StatusLine, TitleBar
from signoff.app.widgets.content import joined, line, text
from signoff.app.widgets.key_bar import KeyBar
from signoff.app.work import background, in_thread
from signoff.errors import StoppedError
from signoff.message import say, tr, translated
from signoff.target.profile import Profile
from signoff.text import one_line

if TYPE_CHECKING:
    from signoff.facts.discovery import Proposal
    from signoff.target.base import Prompter


class TargetForm(SignoffScreen[Profile]):
    """Edits a profile. Dismissed with it where a session is to begin, with None otherwise."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+d",
            "discover",
            "Discover",
            id="discover",
            priority=True,
            tooltip="Connect, and propose values",
        ),
        Binding("ctrl+s", "save", "Save", id="save", tooltip="Save to targets.toml"),
        Binding("ctrl+o", "begin", "Save and start", id="start", tooltip="Save, and begin a session"),
        Binding("up", "app.focus_previous", "Up", id="field-up", show=False, tooltip="Go a field up"),
        Binding("down", "app.focus_next", "Down", id="field-down", show=False, tooltip="Go a field down"),
        Binding("escape", "back", "Back", id="back", tooltip="Stop discovering, or go back without saving"),
    ]

    def __init__(self, profile: Profile | None = None) -> None:
        super().__init__()
        self._profile = profile
        self._cancel: Event | None = None
        self._prompter: ScreenPrompter | None = None
        self._saved: dict[str, Any] = {}

    def compose(self) -> ComposeResult:
        """Make the form."""
        yield TitleBar(tr("Target"))
        shown = self._profile or Profile(address="", env_files=())
        with VerticalScroll(id="page", can_focus=False):
            for one in FIELDS:
                with Horizontal(classes="field"):
                    yield Static(translated(one.label), classes="label", markup=False)
                    yield Input(
                        one.value(shown),
                        id=one.name.replace("_", "-"),
                        placeholder=translated(one.example),
                        compact=True,
                    )
                yield Static(
                    id=f"{one.name.replace('_', '-')}-problem", classes="field-problem", markup=False
                )
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        """Start in the first field."""
        self.query_one("#name", Input).focus()
        self._saved = self._typed()
        self._idle()

    def on_unmount(self) -> None:
        """Let go of what runs."""
        self.stop()

    # reading the form

    @property
    def would_be_lost(self) -> str:
        """What is in the fields, and in no file."""
        changed = self.is_mounted and self._typed() != self._saved
        return tr("What the form says of this target is not saved.") if changed else ""

    def _typed(self) -> dict[str, Any]:
        typed = {}
        for one in FIELDS:
            value = one.parse(self.query_one(f"#{one.name.replace('_', '-')}", Input).value)
            if value or one.name in {"name", "address"}:
                typed[one.name] = value
        return typed

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        self._tell(event.input.id or "", "")

    def _tell(self, field: str, problem: str, style: str = "$error") -> None:
        """Show a remark below its field; no remark takes no room."""
        beside = self.query_one(f"#{field}-problem", Static)
        beside.update(text(problem, style))
        beside.display = bool(problem)

    def _profile_of(self, typed: dict[str, Any]) -> Profile | None:
        """Return the profile, or None with the reasons beside the fields."""
        first: str | None = None
        for name, value in typed.items():
            problem = problem_of(name, value)
            shown = name.replace("_", "-")
            self._tell(shown, problem)
            if problem and first is None:
                first = shown
        if first is None:
            profile = msgspec.convert(typed, Profile)
            # What only the file has a place for stays as it is there.
            kept = self._profile.second_factor if self._profile else None
            return msgspec.structs.replace(profile, second_factor=kept)
        self.query_one(f"#{first}", Input).focus()
        return None

    @on(Input.Submitted)
    def _next(self) -> None:
        self.focus_next()

    # saving

    def action_save(self) -> None:
        """Save, and stay."""
        profile = self._profile_of(self._typed())
        if profile is not None:
            self.save(profile, begin=False)

    def action_begin(self) -> None:
        """Save, and begin a session."""
        profile = self._profile_of(self._typed())
        if profile is not None:
            self.save(profile, begin=True)

    @background("save")
    async def save(self, profile: Profile, *, begin: bool) -> None:
        """Write targets.toml."""
        from signoff.target.profiles import load_profiles, save_profile

        there = await in_thread(load_profiles)
        before = self._profile.name if self._profile else ""
        if profile.name in there and profile.name != before:
            # Saving would overwrite that one.
            self._tell(
                "name", tr("Another target has this name. Take another, or go back and edit that one.")
            )
            self.query_one("#name", Input).focus()
            return
        await in_thread(lambda: save_profile(profile))
        self._profile, self._saved = profile, self._typed()
        if begin:
            self.dismiss(profile)
            return
        stays = (
            tr("; {before} is still there, too", before=before)
            if before in there and before != profile.name
            else ""
        )
        said = joined((tr("saved"), "bold $success"), "  ", line(profile.name + stays))
        self.query_one(StatusLine).idle(said)

    # discovering

    def action_discover(self) -> None:
        """Connect, and propose values for what is still empty."""
        typed = self._typed()
        problem = problem_of("address", typed["address"])
        self._tell("address", problem)
        if not problem and self._cancel is None:
            known = {name: value for name, value in typed.items() if not problem_of(name, value)}
            self.discover(msgspec.convert(known, Profile))

    @background("discover")
    async def discover(self, profile: Profile) -> None:
        """Look at the target, and fill in what is found; what was typed stays."""
        prompter = self._prompter = ScreenPrompter(self.app)
        cancel = self._cancel = Event()
        stop = self.signoff.key_name(self, "back")
        self.query_one(StatusLine).busy(tr("Looking around on {address}", address=profile.address), stop=stop)
        try:
            found = await in_thread(lambda: discovered(profile, prompter, cancel))
        finally:
            cancel.set()
            prompter.close()
            self._cancel = None
            if self.is_attached:
                self._idle()
        self._propose(found)

    def _propose(self, found: Proposal) -> None:
        """Fill in what is empty, and say where it comes from; of several values the operator takes one."""
        filled = 0
        for one in FIELDS:
            name = one.name.replace("_", "-")
            field = self.query_one(f"#{name}", Input)
            values = found.candidates.get(one.name, ())
            if field.value.strip() or not (values or one.value(found.profile)):
                continue
            proposed = one.value(found.profile) if one.name in found.why else ""
            if proposed:
                with self.prevent(Input.Changed):
                    field.value = one_line(proposed)
                filled += 1
            elif not values:
                continue
            several = "" if proposed else tr("{values}: which one? ", values=", ".join(values))
            field.suggester = SuggestFromList(values)
            self._tell(
                name,
                tr("{several}found in {value}", several=several, value=found.why.get(one.name, "")),
                "$muted",
            )
        what = tr("{filled} proposed", filled=filled) if filled else tr("nothing new was found")
        self.query_one(StatusLine).idle(joined((what, "bold"), tr("; correct what is not right, then save")))

    def _idle(self) -> None:
        key = self.signoff.key_name
        self.query_one(StatusLine).idle(
            joined(
                (key(self, "discover"), "bold $accent"),
                tr(" connects and proposes values; nothing is changed there"),
            )
        )

    def stop(self) -> bool:
        """Stop discovering. False where nothing runs."""
        if self._cancel is None:
            return False
        self._cancel.set()
        if self._prompter is not None:
            self._prompter.close()
        self.workers.cancel_group(self, "discover")
        return True

    def action_back(self) -> None:
        """Stop discovering, or go back; what is not saved is asked about."""
        if self.stop():
            return
        if not self.would_be_lost:
            self.dismiss(None)
            return

        def leave(yes: bool | None) -> None:
            if yes:
                self.dismiss(None)

        self.app.push_screen(LeavingDialog(self.would_be_lost), leave)


def discovered(profile: Profile, prompter: Prompter, cancel: Event) -> Proposal:
    """Reach a target, look around, and return what was found. Called in a thread."""
    from signoff.facts.base import Facts
    from signoff.facts.collect import collect
    from signoff.facts.discovery import DISCOVERY_FACTS, propose
    from signoff.target.opening import open_target

    target = open_target(profile, prompter)
    try:
        seen = list(collect(DISCOVERY_FACTS, target, profile, cancel))
    finally:
        target.close()
    if cancel.is_set():
        raise StoppedError(say("Stopped."))
    return propose(Facts({one.fact.id: one.value for one in seen}), profile)

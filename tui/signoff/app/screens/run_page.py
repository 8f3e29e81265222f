"""What the walk's screen shows: the steps, the one that is turned to, and what is going on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widgets import OptionList

from signoff.app.screens.base import WIDE
from signoff.app.screens.run_keys import Standing
from signoff.app.view import StepView, step_views
from signoff.app.walk_lines import counts, titles, whereabouts
from signoff.app.widgets.bars import StatusLine, TitleBar
from signoff.app.widgets.step_list import StepList, StepStrip
from signoff.app.widgets.step_panel import StepPanel
from signoff.message import say, tr, translated

if TYPE_CHECKING:
    from signoff.app.app import SignoffApp
    from signoff.engine import Key, Progress
    from signoff.walk import Walk

LOOKING = say("Looking")
"""What is going on while steps are looked at: then there is progress to be shown."""

_SETTLE_SECONDS = 0.1
"""How long a step is looked at before the operator has turned to it."""

_DRAW_SECONDS = 0.08
"""How long events are gathered before they are drawn: a host answers many things at once."""


class RunPage(Vertical):
    """Shows a walk, and takes in the events of its session.

    Of its own it has only which step is turned to, and what is going on.
    """

    class Turned(Message):
        """The operator turned to a step, and stays there."""

        def __init__(self, key: Key) -> None:
            super().__init__()
            self.key = key

    class Changed(Message):
        """The session has a new event."""

    class Looked(Message):
        """A fact was looked up."""

        def __init__(self, progress: Progress) -> None:
            super().__init__()
            self.progress = progress

    def __init__(self, walk: Walk) -> None:
        super().__init__()
        self.current = walk.keys.index(walk.position())
        self._walk = walk
        self._doing = ""
        self._told = False
        self._drawn: Standing | None = None
        self._settling: Timer | None = None
        self._unsubscribe: Callable[[], None] = lambda: None

    def compose(self) -> ComposeResult:
        """Make the page."""
        yield TitleBar()
        yield StepStrip()
        with Horizontal(id="columns"):
            yield StepList()
            yield StepPanel()
        yield StatusLine()

    def on_mount(self) -> None:
        """Show the step where the operator was, and follow the session."""
        self._unsubscribe = self._walk.session.subscribe(self._tell)
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self.draw())
        self.turn(self.current)
        self._focus()

    def on_unmount(self) -> None:
        """Follow the session no longer."""
        self._unsubscribe()

    # what there is to be seen

    @property
    def key(self) -> Key:
        """The step that is shown."""
        return self._walk.keys[self.current]

    @property
    def sealed(self) -> bool:
        """Whether nothing can be added any more."""
        return self._walk.session.state.sealed is not None

    @property
    def views(self) -> tuple[StepView, ...]:
        """All steps, as they are now."""
        checklists = [one.checklist for one in self._walk.checklists]
        return step_views(self._walk.session.state, checklists, self._signoff.language)

    @property
    def view(self) -> StepView:
        """The step that is shown, as it is now."""
        return self.views[self.current]

    @property
    def standing(self) -> Standing:
        """What the keys depend on, as it is now."""
        step = self._walk.step(self.key)
        return Standing(
            sealed=self.sealed,
            busy=bool(self._doing),
            offers=bool(step.actions) and self._walk.connected,
            confirmable=step.confirm is not None,
            answered=self._walk.state(self.key).answer is not None,
            active=bool(self._walk.active(self.key)),
        )

    @property
    def _signoff(self) -> SignoffApp:
        return cast("SignoffApp", self.app)

    def _key_name(self, binding_id: str) -> str:
        return self._signoff.key_name(self.screen, binding_id)

    # events

    def _tell(self, _entry: object) -> None:
        # Called in whichever thread appended. One message is enough for all events until it is handled.
        if not self._told:
            self._told = True
            self.post_message(self.Changed())

    @property
    def waits_to_draw(self) -> bool:
        """Whether the session has events that are not drawn yet."""
        return self._told

    @on(Changed)
    def _changed(self) -> None:
        self.set_timer(_DRAW_SECONDS, self.draw)

    def show_doing(self, doing: str) -> None:
        """Say what has begun; with nothing, that it has ended."""
        self._doing = doing
        if not self.is_attached:
            return
        if doing:
            self.query_one(StatusLine).busy(doing, stop=self._stop_key())
        self.draw()

    def tell_progress(self, progress: Progress) -> None:
        """Say how far the looking is. May be called in any thread."""
        self.post_message(self.Looked(progress))

    @on(Looked)
    def _looked(self, event: Looked) -> None:
        if self._doing == LOOKING:
            one = event.progress
            self.query_one(StatusLine).busy(one.title, one.done, one.total, stop=self._stop_key())

    def _stop_key(self) -> str:
        return self._key_name("stop-work") or "esc"

    # drawing

    def draw(self) -> None:
        """Draw what the session says now."""
        self._told = False
        views = self.views
        view = views[self.current]
        title, where = titles(self._walk, self._signoff.language), whereabouts(self._walk)
        self.query_one(TitleBar).show(
            title, tr("{where} · {number} of {total}", where=where, number=view.number, total=view.total)
        )
        self.query_one(StepList).show(views, self.current)
        self.query_one(StepStrip).show(views, self.current)
        self.query_one(StepPanel).show(
            replace(view, permit=self._permit()),
            self._key_name,
            busy=bool(self._doing),
            sealed=self.sealed,
            connected=self._walk.connected,
            way=self._walk.notes,
        )
        if not self._doing:
            counted = counts(self._walk, views, finish=self._key_name("finish"))
            self.query_one(StatusLine).idle(counted)
        standing = self.standing
        if standing != self._drawn:
            self._drawn = standing
            self.screen.refresh_bindings()

    def _permit(self) -> str:
        active = self._walk.active(self.key)
        asked = [translated(one.title) for one in active if not self._walk.permitted(self.key, one)]
        if asked:
            return tr("permit what does more than look: {titles}", titles="; ".join(asked))
        return tr("withdraw your consent") if active else ""

    # turning to a step

    def turn(self, number: int) -> None:
        """Show a step; whoever stays there has turned to it."""
        self.current = number
        self.draw()
        if self._settling is not None:
            self._settling.stop()
        if not self.sealed:
            self._settling = self.set_timer(_SETTLE_SECONDS, self._settled)

    def _settled(self) -> None:
        self.post_message(self.Turned(self.key))

    @on(OptionList.OptionHighlighted, "#steps")
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index != self.current:
            self.turn(event.option_index)

    @on(OptionList.OptionSelected, "#steps")
    def _selected(self) -> None:
        self.query_one(StepPanel).focus()

    @on(StepStrip.Chosen)
    def _chosen(self, event: StepStrip.Chosen) -> None:
        self.turn(event.number)

    # where the keys go

    def _focus(self) -> None:
        steps = self.query_one(StepList)
        (steps if self.app.size.width >= WIDE else self.query_one(StepPanel)).focus()

    def on_resize(self, _event: events.Resize) -> None:
        """Keep the keys where something can be seen."""
        self.call_after_refresh(self._focus_what_is_seen)

    def _focus_what_is_seen(self) -> None:
        focused = self.screen.focused
        if focused is None or (focused.id == "steps" and self.app.size.width < WIDE):
            self._focus()

"""The walk itself: the steps, the current one, and all that can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import OptionList

from signoff.app.offers import OFFERS
from signoff.app.prompter import ScreenPrompter
from signoff.app.screens import answers
from signoff.app.screens.answers import Said
from signoff.app.screens.base import WIDE, SignoffScreen
from signoff.app.screens.prompts import Choice
from signoff.app.screens.run_bindings import BINDINGS
from signoff.app.theme import STYLES
from signoff.app.view import KINDS, StepView, step_views, to_copy
from signoff.app.widgets.bars import StatusLine, TitleBar
from signoff.app.widgets.content import joined, line
from signoff.app.widgets.key_bar import KeyBar
from signoff.app.widgets.step_list import StepList, StepStrip
from signoff.app.widgets.step_panel import StepPanel
from signoff.app.work import background, in_thread, spawn
from signoff.errors import TargetError
from signoff.model import SYMBOLS, Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from signoff.engine import Key, Progress
    from signoff.walk import Walk

_SETTLE_SECONDS = 0.1
"""How long a step is looked at before the record says that the operator turned to it."""

_DRAW_SECONDS = 0.08
"""How long events are gathered before they are drawn: a host answers many things at once."""


class RunScreen(SignoffScreen[None]):
    """Shows a walk. All it shows is read from the walk's session; all that is said goes there."""

    BINDINGS: ClassVar[list[BindingType]] = [*BINDINGS]

    class Changed(Message):
        """The session has a new event."""

    class Looked(Message):
        """A fact was looked up."""

        def __init__(self, progress: Progress) -> None:
            super().__init__()
            self.progress = progress

    def __init__(self, walk: Walk) -> None:
        super().__init__()
        self.walk = walk
        self.current = walk.keys.index(walk.position())
        self._told = False
        self._allowed: object = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._cancel: Event | None = None
        self._doing = ""
        self._prompter: ScreenPrompter | None = None
        self._settling: Timer | None = None

    # what is seen

    def compose(self) -> ComposeResult:
        """Make the screen."""
        yield TitleBar()
        yield StepStrip()
        with Horizontal(id="columns"):
            yield StepList()
            yield StepPanel()
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        """Show the step where the operator was, and look at what has not been seen yet."""
        self._unsubscribe = self.walk.session.subscribe(self._tell)
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._refresh())
        self._turn(self.current)
        self._focus()
        if self.sealed:
            return
        if self.walk.connected:
            self.look(self._unseen())
        else:
            self.connect()

    def on_unmount(self) -> None:
        """Let go of everything that runs."""
        self._unsubscribe()
        if self._cancel is not None:
            self._cancel.set()
        if self._prompter is not None:
            self._prompter.close()

    @property
    def key(self) -> Key:
        """The step that is shown."""
        return self.walk.keys[self.current]

    @property
    def sealed(self) -> bool:
        """Whether nothing can be added any more."""
        return self.walk.session.state.sealed is not None

    def _views(self) -> tuple[StepView, ...]:
        checklists = [one.checklist for one in self.walk.checklists]
        return step_views(self.walk.session.state, checklists, self.signoff.language)

    @property
    def view(self) -> StepView:
        """The step that is shown, as it is now."""
        return self._views()[self.current]

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
        self.set_timer(_DRAW_SECONDS, self._refresh)

    def _refresh(self) -> None:
        """Draw what the session says now."""
        self._told = False
        views = self._views()
        view = views[self.current]
        self.query_one(TitleBar).show(self._titles(), f"{self._where()} · {view.number} of {view.total}")
        self.query_one(StepList).show(views, self.current)
        self.query_one(StepStrip).show(views, self.current)
        self.query_one(StepPanel).show(
            view,
            partial(self.signoff.key_name, self),
            busy=bool(self._doing),
            sealed=self.sealed,
            connected=self.walk.connected,
            way=self.walk.notes,
        )
        if not self._doing:
            self.query_one(StatusLine).idle(self._counts(views))
        allowed = (
            self.sealed,
            bool(view.statement),
            bool(view.answer),
            bool(self._doing),
            self.walk.connected and view.actions,
        )
        if allowed != self._allowed:
            self._allowed = allowed
            self.refresh_bindings()

    def _titles(self) -> str:
        return ", ".join(one.checklist.title.to(self.signoff.language) for one in self.walk.checklists)

    def _where(self) -> str:
        genesis = self.walk.session.state.genesis
        address = genesis.target.address if genesis else self.walk.profile.address
        return address if self.walk.connected else f"{address}, not connected"

    def _counts(self, views: Sequence[StepView]) -> Content:
        parts: list[Content | str | tuple[str, str]] = []
        for result in Result:
            count = sum(view.result is result for view in views if view.has_probes)
            if count:
                parts += [(f"{SYMBOLS[result]} {count} {result.value}", STYLES[result]), "   "]
        still = sum(view.open for view in views)
        if self.sealed:
            parts.append(("sealed", "bold $success"))
        elif still:
            parts.append(f"{still} open")
        else:
            finish = self.signoff.key_name(self, "finish")
            parts += ["nothing open: ", (finish, "bold $accent"), " finishes"]
        if self.walk.notes:
            parts.append(("   see: on the way to the target", "$muted"))
        return joined(*parts)

    def _focus(self) -> None:
        steps = self.query_one(StepList)
        (steps if self.app.size.width >= WIDE else self.query_one(StepPanel)).focus()

    def on_resize(self, _event: events.Resize) -> None:
        """Keep the keys where something can be seen."""
        self.call_after_refresh(self._focus_what_is_seen)

    def _focus_what_is_seen(self) -> None:
        if self.focused is None or (self.focused.id == "steps" and self.app.size.width < WIDE):
            self._focus()

    # turning to a step

    def _turn(self, number: int) -> None:
        self.current = number
        self._refresh()
        if self._settling is not None:
            self._settling.stop()
        if not self.sealed:
            self._settling = self.set_timer(_SETTLE_SECONDS, self.enter)

    @background("enter", exclusive=False)
    async def enter(self) -> None:
        """Write down which step the operator turned to."""
        key = self.key
        if not self.sealed:
            await in_thread(lambda: self.walk.enter(key))

    @on(OptionList.OptionHighlighted, "#steps")
    def _highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_index != self.current:
            self._turn(event.option_index)

    @on(OptionList.OptionSelected, "#steps")
    def _selected(self) -> None:
        self.query_one(StepPanel).focus()

    @on(StepStrip.Chosen)
    def _chosen(self, event: StepStrip.Chosen) -> None:
        self._turn(event.number)

    def action_step(self, by: int) -> None:
        """Turn to a step nearby."""
        to = self.current + by
        if 0 <= to < len(self.walk.keys):
            self._turn(to)

    def action_page(self, by: int) -> None:
        """Scroll the panel by a page."""
        panel = self.query_one(StepPanel)
        panel.scroll_page_down(animate=False) if by > 0 else panel.scroll_page_up(animate=False)

    def action_steps(self) -> None:
        """Go to the list of steps, or show it where there is no room for it."""
        if self.app.size.width >= WIDE:
            self.query_one(StepList).focus()
            return
        entries = [
            joined(
                (view.symbol if view.has_probes else " ", f"bold {STYLES[view.result]}"),
                f"{view.mark} {view.number}  ",
                line(view.title, "bold"),
                (f"\n      {view.words}", "$muted"),
            )
            for view in self._views()
        ]

        def turn(number: int | None) -> None:
            if number is not None:
                self._turn(number)

        self.app.push_screen(Choice("Steps", entries, chosen=self.current, verb="goes to the step"), turn)

    # looking

    def _unseen(self) -> tuple[Key, ...]:
        return tuple(key for key in self.walk.keys if not self.walk.state(key).probed)

    @background("look")
    async def look(self, keys: Sequence[Key]) -> None:
        """Look at some steps; findings come in as events."""
        if not keys:
            return
        cancel = self._cancel = Event()
        self._start_doing("Looking")
        try:
            await in_thread(lambda: self.walk.probe(keys, cancel, self._progress))
        except TargetError as error:
            self.signoff.show_error(error.message, error.hint, again="connects again", then=self.connect)
        finally:
            cancel.set()
            if self._cancel is cancel:
                self._stop_doing()

    def _progress(self, progress: Progress) -> None:
        self.post_message(self.Looked(progress))

    @on(Looked)
    def _looked(self, event: Looked) -> None:
        if self._doing == "Looking":
            one = event.progress
            self.query_one(StatusLine).busy(one.title, one.done, one.total, stop=self._stop_key())

    @background("look")
    async def connect(self) -> None:
        """Reach the target, and look at what has not been seen yet. Reading and answering go on meanwhile."""
        prompter = self._prompter = ScreenPrompter(self.app)
        cancel = self._cancel = Event()
        self._start_doing(f"Reaching {self.walk.profile.address}")
        connected = False
        try:
            await in_thread(lambda: self.walk.connect(prompter))
            connected = True
        except TargetError as error:
            self.signoff.show_error(
                error.message,
                f"{error.hint}\n\nThe session can be read and answered without its target.".strip(),
                again="tries again",
                then=self.connect,
            )
        finally:
            prompter.close()
            if self._cancel is cancel:
                self._stop_doing()
        if connected:
            self.look(self._unseen())

    def _start_doing(self, doing: str) -> None:
        self._doing = doing
        self.query_one(StatusLine).busy(doing, stop=self._stop_key())
        self._refresh()

    def _stop_doing(self) -> None:
        self._doing, self._cancel = "", None
        if self.is_attached:
            self._refresh()

    def _stop_key(self) -> str:
        return self.signoff.key_name(self, "stop-work") or "esc"

    def stop(self) -> bool:
        """Stop what is going on. False where nothing was."""
        if self._cancel is None:
            return False
        self._cancel.set()
        self.workers.cancel_group(self, "look")
        return True

    def action_stop_work(self) -> None:
        """Stop looking."""
        self.stop()

    def action_recheck(self) -> None:
        """Look at this step again; connect first where that is needed."""
        if self.walk.connected:
            self.look((self.key,))
        else:
            self.connect()

    def action_recheck_all(self) -> None:
        """Look at every step again; connect first where that is needed."""
        if self.walk.connected:
            self.look(self.walk.keys)
        else:
            self.connect()

    # doing

    def action_act(self) -> None:
        """Do what the step asks; choose first where it offers several things."""
        key = self.key
        actions = self.walk.step(key).actions
        if len(actions) == 1:
            self._act(key, actions[0])
            return

        def act(number: int | None) -> None:
            if number is not None:
                self._act(key, actions[number])

        offers = [Content(OFFERS[one].does) for one in actions]
        self.app.push_screen(Choice("What shall be done?", offers, verb="shows what it takes"), act)

    def _act(self, key: Key, action: str) -> None:
        self.app.push_screen(OFFERS[action].screen(self.walk, key, lambda: self.look((key,))))

    # saying

    def _ask(self, dialog: Screen[Said], say: Callable[[Key, Said], None]) -> None:
        key = self.key

        def answered(said: Said | None) -> None:
            if said is not None:
                self.say(lambda: say(key, said))

        self.app.push_screen(dialog, answered)

    @background("say", exclusive=False)
    async def say(self, saying: Callable[[], None]) -> None:
        """Write an answer down; it is shown once it is on disk, because the session says so."""
        await in_thread(saying)

    def action_confirm(self) -> None:
        """Ask for the value that was seen."""
        view, language = self.view, self.signoff.language
        dialog = answers.confirm_dialog(
            view.title, view.statement, view.value_asked, failed=view.result is Result.FAIL
        )
        self._ask(dialog, lambda key, said: self.walk.confirm(key, said.text, language))

    def action_skip(self) -> None:
        """Ask why."""
        dialog = answers.skip_dialog(self.view.title)
        self._ask(dialog, lambda key, said: self.walk.skip(key, said.text))

    def action_not_applicable(self) -> None:
        """Ask why."""
        dialog = answers.not_applicable_dialog(self.view.title)
        self._ask(dialog, lambda key, said: self.walk.not_applicable(key, said.text))

    def action_accept(self) -> None:
        """Ask why, and until when."""

        def accept(key: Key, said: Said) -> None:
            if said.until is not None:
                self.walk.accept_risk(key, said.text, said.until)

        self._ask(answers.accept_dialog(self.view.title), accept)

    def action_withdraw(self) -> None:
        """Ask why."""
        view = self.view
        if view.answer is not None:
            dialog = answers.withdraw_dialog(view.title, KINDS[view.answer.attested.kind])
            self._ask(dialog, lambda key, said: self.walk.withdraw(key, said.text))

    def action_note(self) -> None:
        """Ask for a remark."""
        self._ask(answers.note_dialog(self.view.title), lambda key, said: self.walk.note(key, said.text))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what cannot be done with this step."""
        if not self.is_attached:
            return True
        if action in {"recheck", "recheck_all", "skip", "not_applicable", "accept", "note"}:
            return None if self.sealed else True
        if action == "act":
            offered = self.walk.step(self.key).actions and self.walk.connected and not self.sealed
            # Two of us would ask the target at once.
            return (None if self._doing else True) if offered else False
        if action == "confirm":
            return True if self.walk.step(self.key).confirm and not self.sealed else None
        if action == "withdraw":
            return True if self.walk.state(self.key).answer and not self.sealed else None
        if action == "stop_work":
            return self._cancel is not None
        return True

    # the rest

    def action_copy(self) -> None:
        """Choose a line of the remedies, and copy it."""
        lines = to_copy(self.view.remedies)
        if not lines:
            self.notify("Nothing to copy here.", markup=False)
        elif len(lines) == 1:
            self.signoff.copy(lines[0])
        else:

            def copy(number: int | None) -> None:
                if number is not None:
                    self.signoff.copy(lines[number])

            self.app.push_screen(Choice("Copy", [line(one) for one in lines], verb="copies"), copy)

    def action_evidence(self) -> None:
        """Show or hide the evidence of all findings."""
        self.query_one(StepPanel).unfold()

    def action_generate(self) -> None:
        """Turn to the generator."""
        from signoff.app.screens.generate import GenerateScreen

        self.app.push_screen(GenerateScreen())

    def action_finish(self) -> None:
        """Look over everything."""
        from signoff.app.screens.finish import FinishScreen

        self.stop()
        self.app.push_screen(FinishScreen.of_walk(self.walk), lambda _: self._refresh())

    def action_home(self) -> None:
        """Close the session, and go back."""
        self.stop()
        self.signoff.walk = None
        spawn(self.walk.close)
        self.app.pop_screen()

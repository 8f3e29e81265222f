"""The walk's screen: what each of its keys does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from signoff.app.offers import OFFERS
from signoff.app.screens.answering import ANSWERINGS
from signoff.app.screens.answers import Said
from signoff.app.screens.base import WIDE, SignoffScreen
from signoff.app.screens.consent import consent_dialog
from signoff.app.screens.looking import Looking
from signoff.app.screens.prompts import Choice
from signoff.app.screens.run_keys import BINDINGS
from signoff.app.screens.run_page import RunPage
from signoff.app.widgets.content import joined, line
from signoff.app.widgets.finding import FindingView
from signoff.app.widgets.key_bar import KeyBar
from signoff.app.widgets.step_list import StepList, step_entry
from signoff.app.widgets.step_panel import StepPanel
from signoff.app.work import background, in_thread, spawn
from signoff.checklist.model import ACTIONS
from signoff.errors import TargetError
from signoff.message import listed, say, tr, translated
from signoff.report.remedies import to_copy
from signoff.text import one_line

if TYPE_CHECKING:
    from signoff.engine import Key
    from signoff.walk import Walk


class RunScreen(SignoffScreen[None]):
    """A walk under way. What is said and seen goes to the walk's session, and from there to the page."""

    BINDINGS: ClassVar[list[BindingType]] = [*BINDINGS]

    def __init__(self, walk: Walk) -> None:
        super().__init__()
        self.walk = walk
        self.page = RunPage(walk)
        self._looking = Looking(walk, self.page)

    def compose(self) -> ComposeResult:
        """Make the screen."""
        yield self.page
        yield KeyBar()

    def on_mount(self) -> None:
        """Look at what has not been seen yet."""
        if self.page.sealed:
            return
        if self.walk.connected:
            self.look(self._unseen())
        else:
            self.connect()

    def on_unmount(self) -> None:
        """Let go of everything that runs."""
        self._looking.close()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out what cannot be done with this step."""
        return self.page.standing.allows(action, parameters) if self.is_attached else True

    def _choose(
        self, title: str, entries: Sequence[Content], then: Callable[[int], object], *, verb: str, at: int = 0
    ) -> None:
        def chosen(number: int | None) -> None:
            if number is not None:
                then(number)

        self.app.push_screen(Choice(title, entries, chosen=at, verb=verb), chosen)

    # turning to a step

    @on(RunPage.Turned)
    def _turned(self, event: RunPage.Turned) -> None:
        self.enter(event.key)

    @background("enter", exclusive=False)
    async def enter(self, key: Key) -> None:
        """Write down which step the operator turned to."""
        if not self.page.sealed:
            await in_thread(lambda: self.walk.enter(key))

    def action_step(self, by: int) -> None:
        """Turn to a step nearby."""
        to = self.page.current + by
        if 0 <= to < len(self.walk.keys):
            self.page.turn(to)

    def action_steps(self) -> None:
        """Go to the list of steps, or show it where there is no room for it."""
        if self.app.size.width >= WIDE:
            self.query_one(StepList).focus()
            return
        entries = [step_entry(view) for view in self.page.views]
        self._choose(tr("Steps"), entries, self.page.turn, verb=tr("goes to the step"), at=self.page.current)

    def action_page(self, by: int) -> None:
        """Scroll the panel by a page."""
        panel = self.query_one(StepPanel)
        panel.scroll_page_down(animate=False) if by > 0 else panel.scroll_page_up(animate=False)

    def action_evidence(self) -> None:
        """Show or hide the evidence of all findings."""
        self.query_one(StepPanel).unfold()

    # looking

    def _unseen(self) -> tuple[Key, ...]:
        return tuple(key for key in self.walk.keys if not self.walk.state(key).probed)

    @background("look")
    async def look(self, keys: Sequence[Key]) -> None:
        """Look at some steps."""
        if not keys:
            return
        try:
            await self._looking.look(keys)
        except TargetError as error:
            self.signoff.show_error(error.message, error.hint, again=tr("connects again"), then=self.connect)

    @background("look")
    async def connect(self) -> None:
        """Reach the target, and look at what has not been seen yet. Reading and answering go on meanwhile."""
        try:
            await self._looking.connect()
        except TargetError as error:
            self.signoff.show_error(
                error.message,
                listed(
                    filter(
                        None,
                        (error.hint, say("The session can be read and answered without its target.")),
                    ),
                    "\n\n",
                ),
                again=tr("tries again"),
                then=self.connect,
            )
        else:
            self.look(self._unseen())

    def stop(self) -> bool:
        """Stop what is going on. False where nothing was."""
        if not self._looking.stop():
            return False
        self.workers.cancel_group(self, "look")
        return True

    def action_stop_work(self) -> None:
        """Stop looking."""
        self.stop()

    def action_recheck(self) -> None:
        """Look at this step again."""
        self._look_again((self.page.key,))

    def action_recheck_all(self) -> None:
        """Look at every step again."""
        self._look_again(self.walk.keys)

    def _look_again(self, keys: Sequence[Key]) -> None:
        """Look at some steps; without a connection, connect first, and look at what has not been seen."""
        if self.walk.connected:
            self.look(keys)
        else:
            self.connect()

    # doing and saying

    def action_act(self) -> None:
        """Do what the step asks; choose first where it offers several things."""
        key = self.page.key
        actions = self.walk.step(key).actions

        def act(number: int) -> None:
            screen = OFFERS[actions[number]](self.walk, key, lambda: self.look((key,)))
            self.app.push_screen(screen)

        if len(actions) == 1:
            act(0)
        else:
            offers = [Content(translated(ACTIONS[one])) for one in actions]
            self._choose(tr("What shall be done?"), offers, act, verb=tr("shows what it takes"))

    def action_permit(self) -> None:
        """Permit a check that does more than look, or withdraw that; choose first where there are several."""
        key, active = self.page.key, self.walk.active(self.page.key)

        def ask(number: int) -> None:
            one = active[number]
            given = not self.walk.permitted(key, one)

            def answered(yes: bool | None) -> None:
                if yes:
                    self.consent(key, one.name, given=given)

            self.app.push_screen(consent_dialog(one, self.walk.session.id, given=given), answered)

        if len(active) == 1:
            ask(0)
        else:
            offers = [
                joined(
                    line(translated(one.title)),
                    (tr("  permitted") if self.walk.permitted(key, one) else "", "$muted"),
                )
                for one in active
            ]
            self._choose(tr("Which check?"), offers, ask, verb=tr("shows what it does"))

    @background("say", exclusive=False)
    async def consent(self, key: Key, use: str, *, given: bool) -> None:
        """Write a consent down, or that it is withdrawn, and look at the step again."""
        if self.walk.connected:
            self.stop()  # not a request more, where it is withdrawn
        await in_thread(lambda: self.walk.consent(key, use, given=given))
        if self.walk.connected:
            self.look(tuple(dict.fromkeys((key, *self._unseen()))))

    def action_say(self, word: str) -> None:
        """Ask what there is to say of the step, and say it."""
        key, answering, language = self.page.key, ANSWERINGS[word], self.signoff.language

        def answered(said: Said | None) -> None:
            if said is not None:
                self.tell(lambda: answering.tell(self.walk, key, said, language))

        dialog = answering.dialog(self.page.view)
        if dialog is not None:
            self.app.push_screen(dialog, answered)

    @background("say", exclusive=False)
    async def tell(self, saying: Callable[[], None]) -> None:
        """Write an answer down; it is shown once it is on disk, because the session says so."""
        await in_thread(saying)

    # the rest

    def action_copy(self) -> None:
        """Copy the exact remedy of the finding that is chosen, or of the first that needs fixing."""
        chosen = self.focused
        found = to_copy(chosen.finding.fix) if isinstance(chosen, FindingView) else self.page.view.to_copy
        if found:
            self.signoff.copy(found, tr("Copied: {text}", text=one_line(found)))
        else:
            self.notify(tr("Nothing to copy here: no exact command, no edit."), markup=False)

    def action_generate(self) -> None:
        """Turn to the generator."""
        from signoff.app.screens.generate import GenerateScreen

        self.app.push_screen(GenerateScreen())

    def action_finish(self) -> None:
        """Look over everything."""
        from signoff.app.screens.finish import FinishScreen

        self.stop()
        self.app.push_screen(FinishScreen.of_walk(self.walk), lambda _: self.page.draw())

    def action_home(self) -> None:
        """Close the session, and go back."""
        self.stop()
        self.signoff.walk = None
        spawn(self.walk.close)
        self.app.pop_screen()

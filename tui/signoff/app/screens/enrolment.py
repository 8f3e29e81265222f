"""Enrolling a second factor on a step of a walk: for whom, the code, the delivery, the recovery codes.

The key lives as long as this screen. Nothing is delivered before a code was right and a word was typed.
"""

from __future__ import annotations

from functools import partial
from threading import Event
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from signoff.actions.base import Action, Ending
from signoff.actions.second_factor import write_down
from signoff.app.screens.base import SignoffScreen
from signoff.app.screens.carrying_out import CarryingOut
from signoff.app.screens.code_entry import CodeScreen
from signoff.app.screens.handing_over import KEY_LOST, HandOverScreen, codes_for, key_by_hand
from signoff.app.screens.leaving import LeavingDialog
from signoff.app.screens.prompts import TypedWord
from signoff.app.undertaking import Undertaking
from signoff.app.widgets.bars import StatusLine, TitleBar
from signoff.app.widgets.content import joined, text
from signoff.app.widgets.enrolment_form import EnrolmentForm
from signoff.app.widgets.key_bar import KeyBar
from signoff.app.work import background, in_thread
from signoff.credentials.totp import Checked, Enrolment, Verifier, new, recovery_codes
from signoff.enrolling import Wanted, carry_out, delivery, look
from signoff.errors import UsageError
from signoff.message import listed, say, tr

if TYPE_CHECKING:
    from signoff.engine import Key
    from signoff.walk import Walk


class EnrolmentScreen(SignoffScreen[None]):
    """Asks for whom and to where, and sees the enrolment through."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "go_on", "Go on", id="go-on", tooltip="Go on; a word is asked for before anything"),
        Binding(
            "ctrl+r",
            "again",
            "Show the key",
            id="show-key",
            tooltip="Show the QR code again, for one more device",
        ),
        Binding(
            "escape", "back", "Back", id="back", tooltip="Stop, or go back; asks where a key would be lost"
        ),
    ]

    def __init__(self, walk: Walk, key: Key) -> None:
        super().__init__()
        self.walk = walk
        self.key = key
        self._enrolment: Enrolment | None = None
        self._verifier: Verifier | None = None
        self._checked: Checked | None = None
        self._cancel: Event | None = None

    @property
    def would_be_lost(self) -> str:
        """What leaving now loses."""
        return KEY_LOST if self._checked else ""

    def compose(self) -> ComposeResult:
        """Make the screen."""
        yield TitleBar(tr("Second factor"), self.walk.step(self.key).title.to(self.signoff.language))
        yield EnrolmentForm(self.walk.profile)
        yield StatusLine()
        yield KeyBar()

    def on_mount(self) -> None:
        """Say what comes next."""
        self._idle()

    def on_unmount(self) -> None:
        """Forget the key."""
        self._enrolment = self._verifier = None

    @property
    def _form(self) -> EnrolmentForm:
        return self.query_one(EnrolmentForm)

    def _idle(self) -> None:
        self._form.hold(made=self._enrolment is not None)
        key = (self.signoff.key_name(self, "go-on"), "bold $accent")
        if self._checked:
            said = joined((tr("a code was right"), "bold $success"), "   ", key, tr(" delivers the key"))
        else:
            said = joined(key, tr(" makes a key, and shows it; nothing is written before a code was right"))
        self.query_one(StatusLine).idle(said)
        self.refresh_bindings()

    @on(Input.Submitted)
    def _next(self) -> None:
        self.focus_next()

    def action_go_on(self) -> None:
        """Make a key and show it; or, once a code was right, deliver it."""
        if self._cancel is not None or self.has_class("-too-small"):
            return
        try:
            wanted = self._form.wanted()
            enrolment = self._enrolment or new(wanted.account, self._form.issuer)
        except UsageError as error:
            self._form.tell(listed(filter(None, (error.message, error.hint)), " "))
            return
        if self._checked:
            self.plan(enrolment, self._checked, wanted)
        else:
            self.begin(enrolment, wanted)

    # the code

    @background("enrol")
    async def begin(self, enrolment: Enrolment, wanted: Wanted) -> None:
        """See that the place can take a key, then show this one."""
        self.walk.know(enrolment.known())
        cancel = self._start(tr("Looking whether the key can go there"))
        try:
            await in_thread(lambda: look(self.walk, self.walk.step_record(self.key), wanted, enrolment))
        finally:
            self._stop()
        if cancel.is_set():
            return
        self._enrolment, self._verifier = enrolment, Verifier(enrolment.secret)
        self.app.push_screen(CodeScreen(enrolment, self._verifier), self._coded)

    def _coded(self, checked: Checked | None) -> None:
        if checked:
            self._checked = checked
            self._form.tell(checked.words(), "$success")
        elif not self._checked:
            self._enrolment = self._verifier = None
        self._idle()
        if checked:
            self.action_go_on()

    def action_again(self) -> None:
        """Show the key again: the code that was right is not taken a second time."""
        if self._enrolment and self._verifier and self._cancel is None:
            self.app.push_screen(CodeScreen(self._enrolment, self._verifier), self._shown_again)

    def _shown_again(self, checked: Checked | None) -> None:
        if checked:
            self._checked = checked
            self._form.tell(checked.words(), "$success")

    # the delivery

    @background("enrol")
    async def plan(self, enrolment: Enrolment, checked: Checked, wanted: Wanted) -> None:
        """Show what will happen, and take nothing but a typed yes."""
        cancel = self._start(tr("Looking where the key goes"))
        try:
            record = self.walk.step_record(self.key)
            action = await in_thread(lambda: delivery(self.walk, record, wanted, enrolment))
        finally:
            self._stop()
        if cancel.is_set():
            return
        if action is None:
            self.app.push_screen(HandOverScreen(key_by_hand(enrolment)), self._handed_over)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._deliver(enrolment, checked, action)

        body = text(listed(action.preview, "\n"))
        self.app.push_screen(TypedWord(tr("Deliver the key"), body, "yes", tr("do this")), answered)

    def _deliver(self, enrolment: Enrolment, checked: Checked, action: Action) -> None:
        """Carry the delivery out; what happens is told line by line, and nothing cuts it short."""
        record = self.walk.step_record(self.key)
        undertaking = Undertaking(partial(carry_out, record, enrolment, checked, action))

        def over(_: None) -> None:
            if undertaking.outcome and undertaking.outcome.ending is Ending.DONE:
                self._enrolled(enrolment, tr("The key is in {subject}.", subject=action.subject))
            else:
                self._form.tell(
                    tr("Not delivered. The key is still here: try again, or choose another place.")
                )

        where = tr("The key is in {subject}.", subject=action.subject)
        self.app.push_screen(CarryingOut(tr("Delivering the key"), undertaking, (where,), lambda: None), over)

    def _handed_over(self, yes: bool | None) -> None:
        if yes:
            self.write_down()

    @background("enrol")
    async def write_down(self) -> None:
        """Record that the operator took the key to the product."""
        enrolment = self._enrolment
        if enrolment is not None:
            record = self.walk.step_record(self.key)
            await in_thread(lambda: write_down(enrolment, record))
            self._enrolled(enrolment, tr("The key is where you took it."))

    def _enrolled(self, enrolment: Enrolment, where: str) -> None:
        """The key is where it belongs: hand over the recovery codes, and end."""
        self._enrolment = self._verifier = self._checked = None
        codes = recovery_codes()
        self.walk.know((say("a recovery code"), code) for code in codes)
        handed = HandOverScreen(codes_for(enrolment, where, codes))
        self.app.push_screen(handed, lambda _: self.dismiss(None))

    # what runs, and leaving

    def _start(self, doing: str) -> Event:
        self._cancel = Event()
        self.query_one(StatusLine).busy(doing, stop=self.signoff.key_name(self, "back"))
        return self._cancel

    def _stop(self) -> None:
        self._cancel = None
        if self.is_attached:
            self._idle()

    def stop(self) -> bool:
        """Stop what is going on; what was changed is put back. False where nothing was."""
        if self._cancel is None:
            return False
        self._cancel.set()
        self.query_one(StatusLine).busy(tr("Stopping"))
        return True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the key again where there is one."""
        return self._enrolment is not None if action == "again" else True

    def action_back(self) -> None:
        """Stop what runs, or go back; ask first where the key would be lost."""
        if self.stop():
            return
        if not self.would_be_lost:
            self.dismiss(None)
            return

        def leave(yes: bool | None) -> None:
            if yes:
                self.dismiss(None)

        self.app.push_screen(LeavingDialog(self.would_be_lost), leave)
